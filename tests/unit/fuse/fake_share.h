// SPDX-License-Identifier: Apache-2.0
// A Share in memory for the tests of fuse/: it does what a server would, writes down every round trip, and while it is
// held it answers nothing, but counts who is interrupted.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <coroutine>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cache/buffer.h"
#include "smb/client/interrupt.h"
#include "smb/client/runtime.h"
#include "smb/client/share.h"
#include "smb/client/share_status.h"
#include "smb/status.h"

namespace smb3fuse::fs::test {

inline std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

class FakeShare final : public client::Share {
 public:
  struct File {
    client::Attributes attributes;
    std::string data;
    client::PosixAcls acls{};
  };

  FakeShare(client::Runtime& runtime, cache::BufferPool& pool) : runtime_(runtime), pool_(pool) {
    root_.file_id = 7;
    root_.file_attributes = client::file_attribute::directory;
    tree[""] = std::make_shared<File>(File{root_, ""});
  }

  // The server's side.
  File& put(const std::string& path, const std::string& data = "") {
    auto file = std::make_shared<File>();
    file->attributes.file_id = ++last_id_;
    file->attributes.file_attributes = client::file_attribute::archive;
    file->attributes.last_write_time = 133'000'000'000'000'000;
    if (is_posix) file->attributes.posix = {.mode = S_IFREG | 0644, .uid = kServerUser, .gid = kServerGroup};
    file->data = data;
    resize(*file, data.size());
    tree[path] = file;
    return *file;
  }
  File& put_folder(const std::string& path) {
    File& folder = put(path);
    folder.attributes.file_attributes = client::file_attribute::directory;
    if (is_posix) folder.attributes.posix->mode = S_IFDIR | 0755;
    return folder;
  }
  void hold() { held_ = true; }
  // From when it is asked this on.
  void hold(std::string what) { hold_at_ = std::move(what); }
  void release() {
    held_ = false;
    hold_at_.clear();
    for (const std::coroutine_handle<> waiting : std::exchange(waiting_, {})) waiting.resume();
    for (auto& written : std::exchange(written_, {})) runtime_.post([written] { written({}, {}); });
  }
  // The connection, and what is open on it; the next call is on another one.
  void lose_connection() {
    ++connection_;
    const std::vector<FakeLease*> held = leases;
    for (FakeLease* lease : held) lease->take_back({}, [] {});
  }
  // What has been asked since the last time, in order: "stat a/b".
  std::vector<std::string> asked() { return std::exchange(asked_, {}); }

  std::map<std::string, std::shared_ptr<File>> tree;
  std::size_t page_size = 1000;
  int opens = 0;  // not closed yet
  int interrupted = 0;
  std::error_code lock_refused;
  std::error_code write_refused;
  std::error_code list_refused;
  RemoveHint last_hint;
  client::OpenRequest last_open;

  // With rights to give: each file's open gets them, until the test takes them back.
  class FakeLease final : public client::Lease {
   public:
    FakeLease(FakeShare& share, Holder& holder) : share_(share), holder_(holder) { share_.leases.push_back(this); }
    ~FakeLease() override { std::erase(share_.leases, this); }
    client::Rights rights() const override { return opens_ > 0 ? held_ : client::Rights{}; }
    void take_back(client::Rights left, std::function<void()> done) {
      held_ = left;
      holder_.handle_break(left, std::move(done));
    }

   private:
    friend class FakeShare;
    FakeShare& share_;
    Holder& holder_;
    client::Rights held_;
    int opens_ = 0;
  };
  std::optional<client::Rights> rights;  // null: none are offered
  std::vector<FakeLease*> leases;
  bool is_lost() const override { return false; }
  std::unique_ptr<client::Lease> make_lease(client::Lease::Holder& holder) override {
    return rights ? std::make_unique<FakeLease>(*this, holder) : nullptr;
  }

  // A right to a directory, which the test grants, tells of changes under, and takes back.
  class FakeDirectoryRight final : public client::DirectoryRight {
   public:
    FakeDirectoryRight(FakeShare& share, std::string its_path, Holder& holder)
        : path(std::move(its_path)), share_(share), holder_(holder) {
      share_.directory_rights.push_back(this);
    }
    ~FakeDirectoryRight() override {
      share_.asked_.push_back("give up " + path);
      std::erase(share_.directory_rights, this);
    }
    void grant() { holder_.handle_right(*this); }
    bool tell(const std::vector<Change>& changes) { return holder_.handle_changes(*this, changes); }
    void lose(std::function<void()> done) { holder_.handle_loss(*this, std::move(done)); }

    const std::string path;

   private:
    FakeShare& share_;
    Holder& holder_;
  };
  bool offers_directory_rights = false;
  static constexpr std::uint32_t kServerUser = 1234;
  static constexpr std::uint32_t kServerGroup = 567;
  bool is_posix = false;  // modes and owners are kept
  bool keeps_acls = false;
  std::vector<FakeDirectoryRight*> directory_rights;
  std::shared_ptr<client::DirectoryRight> ask_directory_right(std::string path,
                                                              client::DirectoryRight::Holder& holder) override {
    if (!offers_directory_rights) return nullptr;
    asked_.push_back("right " + path);
    return std::make_shared<FakeDirectoryRight>(*this, std::move(path), holder);
  }

  client::Task<client::Result<client::Attributes>> stat(std::string path) override {
    co_await answer("stat " + path);
    const auto found = tree.find(path);
    if (found == tree.end()) co_return failure(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
    co_return found->second->attributes;
  }

  client::Task<client::Result<client::OpenResult>> open(client::OpenRequest request) override {
    co_await answer("open " + request.path);
    last_open = request;
    auto found = tree.find(request.path);
    const bool may_create =
        request.disposition != client::Disposition::open && request.disposition != client::Disposition::truncate;
    if (found == tree.end() && !may_create) co_return failure(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
    if (found != tree.end() && request.disposition == client::Disposition::create) {
      co_return failure(NtStatus::STATUS_OBJECT_NAME_COLLISION);
    }
    client::OpenResult result;
    result.created = found == tree.end();
    if (result.created) {
      File& made = put(request.path);
      if (is_posix) {
        made.attributes.posix->mode = S_IFREG | request.create_mode;
      } else if ((request.create_mode & 0222) == 0) {
        made.attributes.file_attributes |= client::file_attribute::readonly;
      }
      found = tree.find(request.path);
    }
    const bool truncates = request.disposition == client::Disposition::truncate ||
                           request.disposition == client::Disposition::truncate_or_create;
    if (truncates) resize(*found->second, 0);
    result.attributes = found->second->attributes;
    auto* const lease = static_cast<FakeLease*>(request.lease);
    if (lease != nullptr) lease->held_ = *rights;
    result.open = std::make_unique<FakeOpen>(*this, found->second, lease);
    if (request.first_read != 0) {
      result.first = bytes_of(*found->second, 0, request.first_read);
      result.first_read_done = true;
    }
    co_return result;
  }

  client::Task<client::Result<std::unique_ptr<client::DirectoryStream>>> open_directory(std::string path) override {
    co_await answer("list " + path);
    if (list_refused) co_return tl::make_unexpected(list_refused);
    if (tree.count(path) == 0) co_return failure(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
    std::vector<client::DirectoryEntry> entries;
    for (const auto& [name, file] : tree) {
      if (name.empty() || parent_of(name) != path) continue;
      entries.push_back({name.substr(path.empty() ? 0 : path.size() + 1), file->attributes});
    }
    std::unique_ptr<client::DirectoryStream> stream =
        std::make_unique<FakeStream>(tree.at(path)->attributes, std::move(entries), page_size);
    co_return stream;
  }

  client::Task<client::Result<client::Attributes>> make_directory(std::string path, std::uint32_t mode) override {
    co_await answer("mkdir " + path);
    if (tree.count(path) != 0) co_return failure(NtStatus::STATUS_OBJECT_NAME_COLLISION);
    File& made = put_folder(path);
    if (is_posix) made.attributes.posix->mode = S_IFDIR | mode;
    co_return made.attributes;
  }

  client::Task<client::Result<client::Attributes>> make_special(std::string path,
                                                                client::PosixAttributes what) override {
    co_await answer("mknod " + path);
    File& made = put(path);
    made.attributes.posix = what;
    co_return made.attributes;
  }

  client::Task<std::error_code> remove_file(std::string path, RemoveHint hint) override {
    co_await answer("remove " + path);
    last_hint = hint;
    if (tree.erase(path) == 0) co_return make_error_code(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
    co_return std::error_code();
  }

  client::Task<std::error_code> remove_directory(std::string path) override {
    co_await answer("rmdir " + path);
    for (const auto& [name, file] : tree) {
      if (!name.empty() && parent_of(name) == path) co_return make_error_code(NtStatus::STATUS_DIRECTORY_NOT_EMPTY);
    }
    tree.erase(path);
    co_return std::error_code();
  }

  client::Task<std::error_code> rename(std::string from, std::string to, bool replace, client::Lease*) override {
    co_await answer("rename " + from + " " + to);
    if (tree.count(to) != 0 && !replace) co_return make_error_code(NtStatus::STATUS_OBJECT_NAME_COLLISION);
    std::map<std::string, std::shared_ptr<File>> moved;
    for (const auto& [name, file] : tree) {
      const bool inside = name == from || name.starts_with(from + "/");
      moved[inside ? to + name.substr(from.size()) : name] = file;
    }
    moved[to] = tree[from];
    tree = std::move(moved);
    co_return std::error_code();
  }

  client::Task<std::error_code> link(std::string existing, std::string new_path) override {
    co_await answer("link " + existing + " " + new_path);
    tree[new_path] = tree[existing];
    co_return std::error_code();
  }

  client::Task<std::error_code> set_attributes(std::string path, client::AttributeChanges changes) override {
    co_await answer("set " + path);
    if (tree.count(path) == 0) co_return make_error_code(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
    change(*tree[path], changes);
    co_return std::error_code();
  }

  client::Task<client::Result<client::Attributes>> make_symlink(std::string path, std::string target) override {
    co_await answer("symlink " + path);
    put(path).attributes.symlink_target = target;
    co_return tree[path]->attributes;
  }

  client::Task<client::Result<client::FileSystemInfo>> file_system_info() override {
    co_await answer("statfs");
    client::FileSystemInfo info;
    info.block_size = 4096;
    info.total_blocks = 1000;
    info.free_blocks = 500;
    co_return info;
  }

  client::Task<client::Result<client::PosixAcls>> posix_acls(std::string path) override {
    co_await answer("acls " + path);
    if (tree.count(path) == 0) co_return failure(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
    co_return tree[path]->acls;
  }

  client::FileTime now() const override { return 133'000'000'000'000'000; }
  bool is_hidden_name(const std::string& name) const override { return name.starts_with(".removed-"); }
  std::uint32_t maximum_read() const override { return 1024 * 1024; }
  std::uint32_t maximum_write() const override { return 1024 * 1024; }
  bool case_sensitive() const override { return true; }
  bool has_posix_attributes() const override { return is_posix; }
  bool has_posix_acls() const override { return keeps_acls; }
  bool is_read_only() const override { return false; }
  const client::Attributes& root_attributes() const override { return root_; }
  client::ShareStatus status() const override { return {}; }

 private:
  class FakeOpen final : public client::Open {
   public:
    FakeOpen(FakeShare& share, std::shared_ptr<File> file, FakeLease* lease)
        : share_(share), file_(std::move(file)), lease_(lease) {
      ++share_.opens;
      if (lease_ != nullptr) ++lease_->opens_;
    }
    ~FakeOpen() override {
      --share_.opens;
      if (lease_ != nullptr) --lease_->opens_;
    }
    bool is_lost() const override { return connection_ != share_.connection_; }

    void read(std::uint64_t offset, std::uint32_t length, ReadDone done) override {
      share_.asked_.push_back("read");
      share_.runtime_.post([this, offset, length, done] {
        const std::error_code lost = error();
        done(lost, lost ? cache::Buffer() : share_.bytes_of(*file_, offset, length));
      });
    }
    void write(std::uint64_t offset, std::vector<cache::Buffer> data, client::AttributeChanges changes, bool,
               WriteDone done) override {
      share_.asked_.push_back("write");
      const std::error_code refused = error() ? error() : share_.write_refused;
      if (refused) return share_.runtime_.post([done, refused] { done(refused, {}); });
      for (const cache::Buffer& piece : data) {
        if (file_->data.size() < offset + piece.size()) share_.resize(*file_, offset + piece.size());
        std::copy(piece.data(), piece.data() + piece.size(), file_->data.begin() + static_cast<std::ptrdiff_t>(offset));
        offset += piece.size();
      }
      share_.change(*file_, changes);
      if (share_.held_) {
        share_.written_.push_back(std::move(done));
      } else {
        share_.runtime_.post([done] { done({}, {}); });
      }
    }
    void flush(Done done) override {
      share_.asked_.push_back("flush");
      share_.runtime_.post([done] { done({}); });
    }
    client::Task<client::Result<client::Attributes>> attributes() override {
      co_await share_.answer("fstat");
      co_return file_->attributes;
    }
    client::Task<client::Result<client::PosixAcls>> posix_acls() override {
      co_await share_.answer("facls");
      co_return file_->acls;
    }
    client::Task<std::error_code> set_attributes(client::AttributeChanges changes) override {
      co_await share_.answer("fset");
      share_.change(*file_, changes);
      co_return std::error_code();
    }
    void set_at_close(client::AttributeChanges changes) override { share_.change(*file_, changes); }
    client::Task<std::error_code> zero(std::uint64_t offset, std::uint64_t end) override {
      co_await share_.answer("zero");
      for (std::uint64_t i = offset; i < end && i < file_->data.size(); ++i) file_->data[i] = '\0';
      co_return std::error_code();
    }
    client::Task<client::Result<std::vector<AllocatedRange>>> allocated_ranges(std::uint64_t, std::uint64_t) override {
      co_await share_.answer("ranges");
      co_return ranges_;
    }
    client::Task<client::LockAnswer> change_locks(client::LockPlan plan) override {
      co_await share_.answer("lock");
      client::LockAnswer answer;
      answer.error = share_.lock_refused;
      answer.beside = !plan.beside.empty() && !answer.error;
      answer.dropped = !plan.drop.empty() && !answer.error;
      answer.taken = !plan.take.empty() && !answer.error;
      if (answer.taken) answer.attributes = file_->attributes;
      co_return answer;
    }

   private:
    std::error_code error() const {
      return is_lost() ? make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED) : std::error_code();
    }

    FakeShare& share_;
    std::shared_ptr<File> file_;
    FakeLease* lease_;
    const int connection_ = share_.connection_;
    std::vector<AllocatedRange> ranges_{{100, 50}, {200, 50}};
  };

  class FakeStream final : public client::DirectoryStream {
   public:
    FakeStream(client::Attributes attributes, std::vector<client::DirectoryEntry> entries, std::size_t page)
        : attributes_(std::move(attributes)), entries_(std::move(entries)), page_(page) {}
    const client::Attributes& attributes() const override { return attributes_; }
    client::Task<client::Result<std::vector<client::DirectoryEntry>>> next() override {
      std::vector<client::DirectoryEntry> page;
      while (page.size() < page_ && at_ < entries_.size()) page.push_back(entries_[at_++]);
      co_return page;
    }

   private:
    client::Attributes attributes_;
    std::vector<client::DirectoryEntry> entries_;
    std::size_t page_;
    std::size_t at_ = 0;
  };

  struct Gate {
    FakeShare& share;
    client::Interrupt* interrupt = nullptr;
    bool await_ready() const noexcept { return !share.held_; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) {
      interrupt = waiting.promise().interrupt;
      if (interrupt != nullptr) interrupt->arm([this] { ++share.interrupted; });
      share.waiting_.push_back(waiting);
    }
    void await_resume() const {
      if (interrupt != nullptr) interrupt->disarm();
    }
  };

  Gate answer(std::string what) {
    if (what == hold_at_) held_ = true;
    asked_.push_back(std::move(what));
    return Gate{*this};
  }
  static tl::unexpected<std::error_code> failure(NtStatus status) { return tl::unexpected(make_error_code(status)); }
  void resize(File& file, std::size_t size) {
    file.data.resize(size);
    file.attributes.end_of_file = size;
    file.attributes.allocation_size = (size + 4095) / 4096 * 4096;
  }
  void change(File& file, const client::AttributeChanges& changes) {
    if (changes.last_write_time) file.attributes.last_write_time = *changes.last_write_time;
    if (changes.last_access_time) file.attributes.last_access_time = *changes.last_access_time;
    if (changes.file_attributes) file.attributes.file_attributes = *changes.file_attributes;
    if (changes.end_of_file) resize(file, *changes.end_of_file);
    if (changes.mode) file.attributes.posix->mode = (file.attributes.posix->mode & S_IFMT) | *changes.mode;
    if (changes.uid) file.attributes.posix->uid = *changes.uid;
    if (changes.gid) file.attributes.posix->gid = *changes.gid;
    if (changes.acl) (changes.acl->is_default ? file.acls.by_default : file.acls.access) = changes.acl->acl;
  }
  cache::Buffer bytes_of(const File& file, std::uint64_t offset, std::size_t length) {
    const std::size_t begin = std::min<std::size_t>(offset, file.data.size());
    const std::size_t size = std::min(length, file.data.size() - begin);
    return pool_.copy_of({reinterpret_cast<const std::uint8_t*>(file.data.data()) + begin, size});
  }

  client::Runtime& runtime_;
  cache::BufferPool& pool_;
  client::Attributes root_;
  std::uint64_t last_id_ = 100;
  int connection_ = 0;
  bool held_ = false;
  std::string hold_at_;
  std::vector<std::coroutine_handle<>> waiting_;
  std::vector<client::Open::WriteDone> written_;  // while held
  std::vector<std::string> asked_;
};

}  // namespace smb3fuse::fs::test
