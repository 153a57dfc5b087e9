// SPDX-License-Identifier: Apache-2.0
// client::File over opens that answer when the test says so, with rights, time and turns moved by hand.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "smb/client/file.h"
#include "smb/client/share_status.h"
#include "smb/status.h"

namespace smb3fuse::client::test {

using std::chrono::milliseconds;

class HandRuntime final : public Runtime {
 public:
  TimePoint now() const override { return now_; }
  void post(std::function<void()> call) override { turns_.push_back(std::move(call)); }
  std::unique_ptr<Timer> make_timer() override { return std::make_unique<HandTimer>(*this); }

  void turn() {
    for (bool again = true; again;) {
      while (!turns_.empty()) {
        const auto call = std::move(turns_.front());
        turns_.pop_front();
        call();
      }
      again = false;
      for (HandTimer* timer : timers_) {
        if (!timer->call || timer->when > now_) continue;
        const auto call = std::exchange(timer->call, nullptr);
        call();
        again = true;
        break;
      }
    }
  }
  void pass(Duration time) {
    now_ += time;
    turn();
  }

 private:
  struct HandTimer final : Timer {
    explicit HandTimer(HandRuntime& owner) : runtime(owner) { runtime.timers_.push_back(this); }
    ~HandTimer() override { std::erase(runtime.timers_, this); }
    void expire_at(TimePoint at, std::function<void()> what) override {
      when = at;
      call = std::move(what);
    }
    void cancel() override { call = nullptr; }

    HandRuntime& runtime;
    TimePoint when;
    std::function<void()> call;
  };

  TimePoint now_{std::chrono::hours(1)};
  std::deque<std::function<void()>> turns_;
  std::vector<HandTimer*> timers_;
};

// The file on the server, and what it was asked, in words.
struct Server {
  std::error_code set_refused;  // what the changes beside a WRITE get

  struct Waiting {
    std::string what;
    std::function<void(std::error_code)> answer;
  };
  void ask(std::string what, std::function<void(std::error_code)> answer) {
    asked.push_back(what);
    waiting.push_back({std::move(what), std::move(answer)});
  }
  void answer(std::error_code error = {}) {
    const Waiting next = std::move(waiting.front());
    waiting.pop_front();
    next.answer(error);
  }

  std::string content;
  std::vector<std::string> asked;
  std::vector<std::string> at_close;  // what goes with a CLOSE
  int opens = 0;
  const Open* last_open = nullptr;  // that was read
  std::deque<Waiting> waiting;
};

inline std::string words_of(const AttributeChanges& changes) {
  std::string words;
  if (changes.last_write_time) words += " mtime=" + std::to_string(*changes.last_write_time);
  if (changes.file_attributes) words += " attributes=" + std::to_string(*changes.file_attributes);
  if (changes.mode) words += " mode=" + std::to_string(*changes.mode);
  if (changes.end_of_file) words += " size=" + std::to_string(*changes.end_of_file);
  return words;
}

inline std::string words_of(const char* step, const std::vector<RangeLock>& locks) {
  std::string words;
  for (const RangeLock& each : locks) {
    const char kind = each.kind == LockKind::shared ? 's' : 'x';
    words += " " + std::to_string(each.range.begin) + "-" + std::to_string(each.range.end) + kind;
  }
  return words.empty() ? words : step + words;
}

class FakeOpen final : public Open {
 public:
  FakeOpen(Server& server, cache::BufferPool& pool) : server_(server), pool_(pool) { ++server_.opens; }
  ~FakeOpen() override { --server_.opens; }
  bool is_lost() const override { return false; }

  void read(std::uint64_t offset, std::uint32_t length, ReadDone done) override {
    server_.last_open = this;
    server_.ask("read " + std::to_string(offset) + "+" + std::to_string(length), [&server = server_, &pool = pool_,
                                                                                  offset, length,
                                                                                  done](std::error_code error) {
      const std::size_t from = std::min<std::size_t>(offset, server.content.size());
      const std::string bytes = server.content.substr(from, length);
      done(error, error ? cache::Buffer()
                        : pool.copy_of(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size())));
    });
  }
  void write(std::uint64_t offset, std::vector<cache::Buffer> data, AttributeChanges changes, bool to_disk,
             WriteDone done) override {
    std::string bytes;
    for (const cache::Buffer& each : data) bytes.append(each.bytes().begin(), each.bytes().end());
    std::string asked = "write " + std::to_string(offset) + "+" + std::to_string(bytes.size());
    if (!changes.empty()) asked += " and set" + words_of(changes);
    if (to_disk) asked += " and flush";
    const bool alone = changes.empty() && !to_disk;
    server_.ask(asked, [&server = server_, offset, bytes, alone, done](std::error_code error) {
      if (error) return done(error, error);
      server.content.resize(std::max(server.content.size(), offset + bytes.size()), '\0');
      server.content.replace(offset, bytes.size(), bytes);
      done(error, alone ? error : server.set_refused);
    });
  }
  void flush(Done done) override { server_.ask("flush", std::move(done)); }
  Task<Result<Attributes>> attributes() override {
    const std::error_code error =
        co_await callback<std::error_code>([&](auto done) { server_.ask("attributes", std::move(done)); });
    if (error) co_return tl::make_unexpected(error);
    Attributes attributes;
    attributes.end_of_file = server_.content.size();
    co_return attributes;
  }
  Task<Result<PosixAcls>> posix_acls() override { co_return PosixAcls{}; }
  Task<std::error_code> set_attributes(AttributeChanges changes) override {
    const std::error_code error =
        co_await callback<std::error_code>([&](auto done) { server_.ask("set" + words_of(changes), std::move(done)); });
    if (!error && changes.end_of_file) server_.content.resize(*changes.end_of_file, '\0');
    co_return error;
  }
  void set_at_close(AttributeChanges changes) override { server_.at_close.push_back(words_of(changes)); }
  Task<std::error_code> zero(std::uint64_t, std::uint64_t) override { co_return std::error_code(); }
  Task<Result<std::vector<AllocatedRange>>> allocated_ranges(std::uint64_t, std::uint64_t) override {
    co_return std::vector<AllocatedRange>();
  }
  Task<LockAnswer> change_locks(LockPlan plan) override {
    const std::string words =
        "lock" + words_of(" beside", plan.beside) + words_of(" drop", plan.drop) + words_of(" take", plan.take);
    const std::error_code error =
        co_await callback<std::error_code>([&](auto done) { server_.ask(words, std::move(done)); });
    LockAnswer answer;
    answer.error = error;
    answer.beside = !plan.beside.empty() && (!error || !plan.take.empty());
    answer.dropped = !plan.drop.empty() && (!error || !plan.take.empty());
    answer.taken = !plan.take.empty() && !error;
    if (!answer.taken) co_return answer;
    answer.attributes.emplace();
    answer.attributes->end_of_file = server_.content.size();
    co_return answer;
  }

 private:
  Server& server_;
  cache::BufferPool& pool_;
};

// Rights as the test gives and takes them.
class FakeLease final : public Lease {
 public:
  FakeLease(const Server& server, Holder& its_holder) : holder(its_holder), server_(server) {}
  Rights rights() const override { return server_.opens > 0 ? held : Rights{}; }

  Holder& holder;
  Rights held;

 private:
  const Server& server_;
};

// What is above the file: it holds data until the test says that it has dropped it.
struct Owner final : File::Owner {
  void handle_read_right_lost() override { said.push_back("lost"); }
  void drop_attributes(std::function<void()> done) override { take("drop attributes", std::move(done)); }
  void drop_data(std::function<void()> done) override { take("drop data", std::move(done)); }
  void handle_unwritten(std::error_code) override { said.push_back("unwritten"); }
  void take(const char* what, std::function<void()> done) {
    said.push_back(what);
    if (holds) {
      waiting = std::move(done);
    } else {
      done();
    }
  }

  std::vector<std::string> said;
  bool holds = false;
  std::function<void()> waiting;
};

class FakeShare final : public Share {
 public:
  explicit FakeShare(const Server& server) : server_(server) {}

  bool is_lost() const override { return false; }
  std::unique_ptr<Lease> make_lease(Lease::Holder& holder) override {
    if (!grants_rights) return nullptr;
    auto made = std::make_unique<FakeLease>(server_, holder);
    lease = made.get();
    return made;
  }
  std::shared_ptr<DirectoryRight> ask_directory_right(std::string, DirectoryRight::Holder&) override { return nullptr; }
  Task<Result<Attributes>> stat(std::string) override { co_return Attributes{}; }
  Task<Result<OpenResult>> open(OpenRequest) override { co_return OpenResult{}; }
  Task<Result<std::unique_ptr<DirectoryStream>>> open_directory(std::string) override { co_return nullptr; }
  Task<Result<Attributes>> make_directory(std::string, std::uint32_t) override { co_return Attributes{}; }
  Task<Result<Attributes>> make_special(std::string, PosixAttributes) override { co_return Attributes{}; }
  Task<std::error_code> remove_file(std::string, RemoveHint) override { co_return std::error_code(); }
  Task<std::error_code> remove_directory(std::string) override { co_return std::error_code(); }
  Task<std::error_code> rename(std::string, std::string, bool, Lease*) override { co_return std::error_code(); }
  Task<std::error_code> link(std::string, std::string) override { co_return std::error_code(); }
  Task<std::error_code> set_attributes(std::string, AttributeChanges) override { co_return std::error_code(); }
  Task<Result<Attributes>> make_symlink(std::string, std::string) override { co_return Attributes{}; }
  Task<Result<FileSystemInfo>> file_system_info() override { co_return FileSystemInfo{}; }
  Task<Result<PosixAcls>> posix_acls(std::string) override { co_return PosixAcls{}; }
  FileTime now() const override { return time; }
  bool is_hidden_name(const std::string&) const override { return false; }
  std::uint32_t maximum_read() const override { return 1 << 20; }
  std::uint32_t maximum_write() const override { return 1 << 20; }
  bool case_sensitive() const override { return false; }
  bool has_posix_attributes() const override { return false; }
  bool has_posix_acls() const override { return false; }
  bool is_read_only() const override { return false; }
  const Attributes& root_attributes() const override { return root_; }
  ShareStatus status() const override { return {}; }

  FileTime time = 1000;
  bool grants_rights = false;
  FakeLease* lease = nullptr;  // of the last file

 private:
  const Server& server_;
  Attributes root_;
};

class FileTest : public testing::Test {
 protected:
  void TearDown() override { answer_all(); }

  struct Outcome {
    bool ended = false;
    std::error_code error;
    std::uint64_t end = 0;
    std::string bytes;
  };
  using Pending = std::shared_ptr<Outcome>;
  using Asked = std::vector<std::string>;

  static constexpr Rights kAll{.read = true, .write = true, .handle = true};
  static constexpr Rights kReadAndHandle{.read = true, .handle = true};

  // Opened with these rights.
  Open& open_with(Rights rights, bool writable = true) {
    share.lease->held = rights;
    return open(false, writable);
  }
  // The server takes rights back. True in the result: it was told that it may have them.
  std::shared_ptr<bool> take_back(Rights left) {
    auto told = std::make_shared<bool>(false);
    share.lease->held = left;
    share.lease->holder.handle_break(left, [told] { *told = true; });
    runtime.turn();
    return told;
  }
  Open& open(bool first_read = false, bool writable = true) {
    OpenResult result;
    result.open = std::make_unique<FakeOpen>(server, pool);
    result.attributes.end_of_file = server.content.size();
    if (first_read) {
      result.first = buffer_of(server.content);
      result.first_read_done = true;
    }
    return file->add(std::move(result), true, writable, true);
  }
  void close(Open& open) { file->end_use(open); }
  cache::Buffer buffer_of(std::string_view text) {
    return pool.copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  static std::string text_of(const File::ReadResult& result) {
    std::string text;
    for (const cache::Buffer& piece : result.pieces) text.append(piece.bytes().begin(), piece.bytes().end());
    return text;
  }

  Pending read(std::uint64_t offset, std::uint32_t length) {
    const auto outcome = std::make_shared<Outcome>();
    file->read(offset, length, [outcome](File::ReadResult result) {
      *outcome = {true, result.error, 0, text_of(result)};
    });
    return outcome;
  }
  Pending write(std::uint64_t offset, std::string_view text, bool write_through = false) {
    const auto outcome = std::make_shared<Outcome>();
    file->write(offset, buffer_of(text), write_through, [outcome](std::error_code error) {
      *outcome = {true, error, 0, {}};
    });
    EXPECT_FALSE(outcome->ended) << "a callback ran inside the call";
    runtime.turn();
    return outcome;
  }
  Pending append(std::string_view text) {
    const auto outcome = std::make_shared<Outcome>();
    file->append(buffer_of(text), false, [outcome](std::error_code error, std::uint64_t end) {
      *outcome = {true, error, end, {}};
    });
    runtime.turn();
    return outcome;
  }
  Pending flush(bool to_disk = false) { return run(file->flush(to_disk)); }
  Pending set(AttributeChanges changes) { return run(file->set_attributes(std::move(changes))); }
  Pending run(Task<std::error_code> task) {
    const auto outcome = std::make_shared<Outcome>();
    spawn(await(std::move(task), outcome));
    runtime.turn();
    return outcome;
  }
  static Task<void> await(Task<std::error_code> task, Pending outcome) {
    const std::error_code error = co_await task;
    outcome->error = error;
    outcome->ended = true;
  }
  void answer(std::error_code error = {}) {
    ASSERT_FALSE(server.waiting.empty());
    server.answer(error);
    runtime.turn();
  }
  void answer_all() {
    while (!server.waiting.empty()) answer();
  }

  static AttributeChanges mtime(FileTime time) {
    AttributeChanges changes;
    changes.last_write_time = time;
    return changes;
  }
  static AttributeChanges mode(std::uint32_t attributes) {
    AttributeChanges changes;
    changes.file_attributes = attributes;
    return changes;
  }
  static AttributeChanges size(std::uint64_t size) {
    AttributeChanges changes;
    changes.end_of_file = size;
    return changes;
  }

  HandRuntime runtime;
  cache::BufferPool pool;
  cache::Budget budget{pool, std::size_t{512} << 20};
  Server server;
  FakeShare share{server};
  Owner owner;
  std::unique_ptr<File> file = std::make_unique<File>(runtime, budget, share, owner);
};

}  // namespace smb3fuse::client::test
