// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/model_kernel.h"

#include <fcntl.h>
#include <linux/fuse.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace smb3fuse::simulation {

using client::Task;

namespace {

constexpr std::uint64_t kPagesAtOnce = 4;

template <class T>
std::string raw(const T& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}
std::string named(const std::string& name) { return name + '\0'; }

bool same(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

fuse_attr attr_of(const std::string& bytes) {
  fuse_attr attr;
  std::memcpy(&attr, bytes.data(), sizeof attr);
  return attr;
}

}  // namespace

// A call uses an inode: it is not forgotten meanwhile.
class ModelKernel::Use {
 public:
  Use(ModelKernel& kernel, InodeRef inode) : kernel_(kernel), inode_(std::move(inode)) { ++inode_->uses; }
  ~Use() {
    --inode_->uses;
    kernel_.drop_unused(inode_);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  ModelKernel& kernel_;
  const InodeRef inode_;
};

template <class T>
T ModelKernel::Reply::as(std::size_t offset) const {
  T value{};
  if (body.size() < offset + sizeof(T)) std::abort();
  std::memcpy(&value, body.data() + offset, sizeof(T));
  return value;
}

ModelKernel::ModelKernel(client::Runtime& runtime, Agenda& agenda, cache::BufferPool& pool)
    : runtime_(runtime), agenda_(agenda), pool_(pool), notifications_(agenda.new_channel()) {}

ModelKernel::~ModelKernel() {
  if (session_ != nullptr) fuse_session_destroy(session_);
}

void ModelKernel::attach(fs::Vfs& vfs) {
  context_ = std::make_unique<Context>(fs::OperationContext{vfs, runtime_, pool_, {}, {}, {}}, *this);
  fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
  fuse_opt_add_arg(&arguments, "simulation");
  fuse_opt_add_arg(&arguments, ("-omax_read=" + std::to_string(fs::kMaximumRequest)).c_str());
  session_ = fuse_session_new(&arguments, &fs::operations(), sizeof(fuse_lowlevel_ops),
                              static_cast<fs::OperationContext*>(context_.get()));
  fuse_opt_free_args(&arguments);
  const fuse_custom_io io{.writev = take_reply, .read = no_request, .splice_receive = nullptr, .splice_send = nullptr};
  // libfuse wants a descriptor, and closes it.
  if (session_ == nullptr || fuse_session_custom_io(session_, &io, ::open("/dev/null", O_RDWR | O_CLOEXEC)) != 0) {
    std::abort();
  }
  fuse_init_in in{};
  in.major = FUSE_KERNEL_VERSION;
  in.minor = FUSE_KERNEL_MINOR_VERSION;
  in.max_readahead = 128 * 1024;
  in.flags = ~0U;
  process(message_of(FUSE_INIT, 0, raw(in)));
}

// ---- messages

std::string ModelKernel::message_of(std::uint32_t opcode, fs::NodeId node, const std::string& body) {
  fuse_in_header header{};
  header.len = static_cast<std::uint32_t>(sizeof header + body.size());
  header.opcode = opcode;
  header.unique = next_unique_ += 2;
  header.nodeid = node;
  return raw(header) + body;
}

void ModelKernel::process(const std::string& message) {
  const cache::Buffer received = pool_.copy_of({reinterpret_cast<const std::uint8_t*>(message.data()), message.size()});
  context_->message = received;
  fuse_buf buffer{};
  buffer.mem = received.data();
  buffer.size = received.size();
  fuse_session_process_buf(session_, &buffer);
  context_->message = {};
}

ssize_t ModelKernel::take_reply(int, iovec* parts, int count, void* user_data) {
  ModelKernel& kernel = static_cast<Context*>(static_cast<fs::OperationContext*>(user_data))->kernel;
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  fuse_out_header header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  auto waiting = kernel.waiting_.extract(header.unique);
  if (!waiting.empty()) {
    kernel.runtime_.post([done = std::move(waiting.mapped()),
                          reply = Reply{-header.error, bytes.substr(sizeof header)}] { done(reply); });
  }
  return static_cast<ssize_t>(bytes.size());
}

Task<ModelKernel::Reply> ModelKernel::ask(std::uint32_t opcode, fs::NodeId node, std::string body) {
  const std::string message = message_of(opcode, node, body);
  auto begin = [&](auto done) {
    waiting_.emplace(next_unique_, std::move(done));
    process(message);
  };
  Reply reply = co_await client::callback<Reply>(begin);
  co_return reply;
}

// ---- attributes

TimePoint ModelKernel::valid_until(std::uint64_t seconds, std::uint32_t nanoseconds) const {
  return runtime_.now() + std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds);
}

// fuse_change_attributes(). `version` is that of all attributes when it was asked.
void ModelKernel::learn(Inode& inode, const std::string& attributes, TimePoint valid, std::uint64_t version) {
  if (inode.version > version) return;
  const fuse_attr attr = attr_of(attributes);
  const timespec mtime{static_cast<time_t>(attr.mtime), static_cast<long>(attr.mtimensec)};
  const bool changed = inode.size != attr.size || !same(inode.mtime, mtime);
  inode.version = ++version_;
  inode.size = attr.size;
  inode.mtime = mtime;
  inode.valid_until = valid;
  if (changed) drop_pages(inode);
}

// fuse_write_update_attr()
void ModelKernel::note_write(Inode& inode, std::uint64_t end) {
  inode.version = ++version_;
  inode.size = std::max(inode.size, end);
  inode.valid_until = {};
}

Task<ModelKernel::Outcome<ModelKernel::Status>> ModelKernel::refresh(InodeRef inode) {
  const std::uint64_t version = version_;
  const fuse_getattr_in in{};
  const Reply reply = co_await ask(FUSE_GETATTR, inode->id, raw(in));
  Outcome<Status> outcome;
  outcome.error = reply.error;
  if (reply.error != 0) co_return outcome;
  const auto out = reply.as<fuse_attr_out>();
  learn(*inode, raw(out.attr), valid_until(out.attr_valid, out.attr_valid_nsec), version);
  outcome.value = {
      out.attr.ino, out.attr.size, {static_cast<time_t>(out.attr.mtime), static_cast<long>(out.attr.mtimensec)}};
  co_return outcome;
}

Task<int> ModelKernel::refresh_for_read(InodeRef inode) {
  if (inode->valid_until > runtime_.now()) co_return 0;
  // Linux asks once. If it is told meanwhile that something has changed it does not take the answer, and reads as far
  // as the old size: once, within the microseconds of that answer. No file system can do anything about it.
  Outcome<Status> outcome;
  std::uint64_t version = 0;
  do {
    version = version_;
    outcome = co_await refresh(inode);
  } while (outcome.error == 0 && inode->version > version && inode->size != outcome.value.size);
  co_return outcome.error;
}

Task<ModelKernel::Outcome<ModelKernel::Status>> ModelKernel::status(File file) {
  Inode& inode = *file->inode;
  if (inode.valid_until > runtime_.now()) {
    Outcome<Status> known{0, {inode.number, inode.size, inode.mtime}};
    co_return known;
  }
  Outcome<Status> outcome = co_await refresh(file->inode);
  co_return outcome;
}

Task<ModelKernel::Outcome<ModelKernel::Status>> ModelKernel::status(std::string name) {
  Outcome<Status> outcome;
  for (int tries = 0; tries < 2; ++tries) {
    const Outcome<InodeRef> found = co_await look_up(name);
    outcome.error = found.error;
    if (found.error != 0) co_return outcome;
    const Use use(*this, found.value);
    const Inode& inode = *found.value;
    if (inode.valid_until > runtime_.now()) {
      outcome.value = {inode.number, inode.size, inode.mtime};
      co_return outcome;
    }
    outcome = co_await refresh(found.value);
    if (outcome.error != ESTALE) co_return outcome;
    names_.erase(name);
  }
  co_return outcome;
}

Task<int> ModelKernel::set_attributes(InodeRef inode, std::string body) {
  const Use use(*this, inode);
  const Reply reply = co_await ask(FUSE_SETATTR, inode->id, std::move(body));
  if (reply.error != 0) co_return reply.error;
  const auto out = reply.as<fuse_attr_out>();
  // fuse_do_setattr(): the answer counts, whatever came meanwhile.
  if (inode->size != out.attr.size) drop_pages(*inode);
  learn(*inode, raw(out.attr), valid_until(out.attr_valid, out.attr_valid_nsec), version_);
  co_return 0;
}

Task<int> ModelKernel::truncate(File file, std::uint64_t size) {
  fuse_setattr_in in{};
  in.valid = FATTR_SIZE | FATTR_FH;
  in.fh = file->handle;
  in.size = size;
  if (!file->direct) co_await lock(file->inode);
  const int error = co_await set_attributes(file->inode, raw(in));
  if (!file->direct) unlock(*file->inode);
  co_return error;
}

Task<int> ModelKernel::set_time(File file, timespec mtime) {
  fuse_setattr_in in{};
  in.valid = FATTR_MTIME | FATTR_FH;
  in.fh = file->handle;
  in.mtime = static_cast<std::uint64_t>(mtime.tv_sec);
  in.mtimensec = static_cast<std::uint32_t>(mtime.tv_nsec);
  const int error = co_await set_attributes(file->inode, raw(in));
  co_return error;
}

// ---- names

ModelKernel::InodeRef ModelKernel::adopt(const std::string& name, const Reply& reply, std::uint64_t version) {
  const auto entry = reply.as<fuse_entry_out>();
  InodeRef& inode = inodes_[entry.nodeid];
  if (inode == nullptr) {
    inode = std::make_shared<Inode>();
    inode->id = entry.nodeid;
    inode->number = entry.attr.ino;
  }
  const InodeRef adopted = inode;
  ++adopted->lookups;
  learn(*adopted, raw(entry.attr), valid_until(entry.attr_valid, entry.attr_valid_nsec), version);
  names_[name] = {adopted, valid_until(entry.entry_valid, entry.entry_valid_nsec)};
  return adopted;
}

Task<ModelKernel::Outcome<ModelKernel::InodeRef>> ModelKernel::look_up(std::string name) {
  Outcome<InodeRef> outcome;
  const auto known = names_.find(name);
  if (known != names_.end() && known->second.valid_until > runtime_.now()) {
    outcome.value = known->second.inode;
    co_return outcome;
  }
  const std::uint64_t version = version_;
  const Reply reply = co_await ask(FUSE_LOOKUP, FUSE_ROOT_ID, named(name));
  outcome.error = reply.error;
  if (reply.error != 0) {
    names_.erase(name);
  } else {
    outcome.value = adopt(name, reply, version);
  }
  co_return outcome;
}

// fuse_finish_open()
ModelKernel::File ModelKernel::opened(const InodeRef& inode, std::uint64_t handle, std::uint32_t open_flags, int flags,
                                      TimePoint since) {
  auto file = std::make_shared<Descriptor>();
  *file = {inode, handle, flags, (open_flags & FOPEN_DIRECT_IO) != 0, since};
  ++inode->uses;
  if ((flags & O_TRUNC) != 0) {
    inode->version = ++version_;
    inode->size = 0;
    inode->valid_until = {};
    drop_pages(*inode);
  } else if ((open_flags & FOPEN_KEEP_CACHE) == 0) {
    drop_pages(*inode);
  }
  return file;
}

Task<ModelKernel::Outcome<ModelKernel::File>> ModelKernel::create(std::string name, int flags) {
  Outcome<File> outcome;
  const TimePoint since = runtime_.now();
  fuse_create_in in{};
  in.flags = static_cast<std::uint32_t>(flags);
  in.mode = S_IFREG | 0644;
  const std::uint64_t version = version_;
  const Reply reply = co_await ask(FUSE_CREATE, FUSE_ROOT_ID, raw(in) + named(name));
  outcome.error = reply.error;
  if (reply.error != 0) co_return outcome;
  const InodeRef inode = adopt(name, reply, version);
  const auto out = reply.as<fuse_open_out>(sizeof(fuse_entry_out));
  outcome.value = opened(inode, out.fh, out.open_flags, flags, since);
  co_return outcome;
}

Task<ModelKernel::Outcome<ModelKernel::File>> ModelKernel::open(std::string name, int flags) {
  Outcome<File> outcome;
  const TimePoint since = runtime_.now();
  for (int tries = 0; tries < 2; ++tries) {
    const Outcome<InodeRef> found = co_await look_up(name);
    if (found.error == ENOENT && (flags & O_CREAT) != 0) {
      outcome = co_await create(name, flags);
      if (outcome.error != ESTALE) co_return outcome;
      continue;
    }
    outcome.error = found.error;
    if (found.error != 0) co_return outcome;
    const Use use(*this, found.value);
    fuse_open_in in{};
    in.flags = static_cast<std::uint32_t>(flags & ~(O_CREAT | O_EXCL));
    const Reply reply = co_await ask(FUSE_OPEN, found.value->id, raw(in));
    outcome.error = reply.error;
    if (reply.error == 0) {
      const auto out = reply.as<fuse_open_out>();
      outcome.value = opened(found.value, out.fh, out.open_flags, flags, since);
      co_return outcome;
    }
    if (reply.error != ESTALE) co_return outcome;
    names_.erase(name);
  }
  co_return outcome;
}

Task<int> ModelKernel::remove(std::string name) {
  const Outcome<InodeRef> found = co_await look_up(name);
  if (found.error != 0) co_return found.error;
  const Use use(*this, found.value);
  const Reply reply = co_await ask(FUSE_UNLINK, FUSE_ROOT_ID, named(name));
  if (reply.error == 0) {
    names_.erase(name);
    drop_attributes(*found.value);
  }
  co_return reply.error;
}

Task<int> ModelKernel::rename(std::string from, std::string to) {
  const Outcome<InodeRef> source = co_await look_up(from);
  if (source.error != 0) co_return source.error;
  const Use use(*this, source.value);
  const Outcome<InodeRef> target = co_await look_up(to);
  if (target.error != 0 && target.error != ENOENT) co_return target.error;
  if (target.value == source.value) co_return 0;
  fuse_rename2_in in{};
  in.newdir = FUSE_ROOT_ID;
  const Reply reply = co_await ask(FUSE_RENAME2, FUSE_ROOT_ID, raw(in) + named(from) + named(to));
  if (reply.error != 0) co_return reply.error;
  if (target.value != nullptr) drop_attributes(*target.value);
  drop_attributes(*source.value);
  const auto moved = names_.extract(from);
  names_.erase(to);
  if (!moved.empty() && moved.mapped().inode == source.value) names_[to] = moved.mapped();
  co_return 0;
}

void ModelKernel::drop_unused(const InodeRef& inode) {
  const bool has_name =
      std::any_of(names_.begin(), names_.end(), [&](const auto& each) { return each.second.inode == inode; });
  if (has_name || inode->uses > 0 || inode->locked || inode->lookups == 0) return;
  fuse_forget_in in{};
  in.nlookup = std::exchange(inode->lookups, 0);
  inodes_.erase(inode->id);
  process(message_of(FUSE_FORGET, inode->id, raw(in)));
}

void ModelKernel::shrink() {
  std::vector<InodeRef> all;
  for (const auto& [id, inode] : inodes_) all.push_back(inode);
  for (const InodeRef& inode : all) {
    drop_pages(*inode);
    if (inode->uses > 0) continue;
    std::erase_if(names_, [&](const auto& each) { return each.second.inode == inode; });
    drop_unused(inode);
  }
}

// ---- data

Task<void> ModelKernel::lock(InodeRef inode) {
  while (inode->locked) {
    auto wait = [&](auto done) { inode->waiting.push_back(std::move(done)); };
    co_await client::callback<bool>(wait);
  }
  inode->locked = true;
}

void ModelKernel::unlock(Inode& inode) {
  inode.locked = false;
  if (std::exchange(inode.drops, false)) inode.pages.clear();
  if (inode.waiting.empty()) return;
  const auto next = std::move(inode.waiting.front());
  inode.waiting.erase(inode.waiting.begin());
  runtime_.post([next] { next(true); });
}

// invalidate_inode_pages2(): it waits for pages that are locked.
void ModelKernel::drop_pages(Inode& inode) {
  inode.pages.clear();
  inode.drops = inode.locked;
}

Task<ModelKernel::Outcome<std::string>> ModelKernel::read(File file, std::uint64_t offset, std::size_t length) {
  Outcome<std::string> outcome;
  const InodeRef inode = file->inode;
  fuse_read_in in{};
  in.fh = file->handle;
  if (file->direct) {
    in.offset = offset;
    in.size = static_cast<std::uint32_t>(length);
    const Reply reply = co_await ask(FUSE_READ, inode->id, raw(in));
    outcome.error = reply.error;
    outcome.value = reply.body;
    co_return outcome;
  }
  outcome.error = co_await refresh_for_read(inode);
  if (outcome.error != 0) co_return outcome;
  co_await lock(inode);
  for (std::uint64_t at = offset; at < std::min(offset + length, inode->size) && outcome.error == 0;) {
    const std::uint64_t page = at / kPage * kPage;
    const auto present = inode->pages.find(page);
    if (present == inode->pages.end()) {
      std::uint64_t end = page + kPage;
      while (end < offset + length && end < page + kPagesAtOnce * kPage && !inode->pages.contains(end)) end += kPage;
      in.offset = page;
      in.size = static_cast<std::uint32_t>(end - page);
      const std::uint64_t version = version_;
      const Reply reply = co_await ask(FUSE_READ, inode->id, raw(in));
      outcome.error = reply.error;
      if (reply.error != 0) break;
      // fuse_short_read(): the file ends here, unless something has changed meanwhile.
      if (reply.body.size() < in.size && inode->version <= version && page + reply.body.size() < inode->size) {
        inode->version = ++version_;
        inode->size = page + reply.body.size();
      }
      std::string bytes = reply.body;
      bytes.resize(end - page, '\0');
      for (std::uint64_t each = page; each < end; each += kPage) inode->pages[each] = bytes.substr(each - page, kPage);
      continue;
    }
    const std::uint64_t until = std::min({page + kPage, offset + length, inode->size});
    outcome.value.append(present->second, at - page, until - at);
    at = until;
  }
  unlock(*inode);
  co_return outcome;
}

Task<int> ModelKernel::write(File file, std::uint64_t offset, std::string bytes) {
  const InodeRef inode = file->inode;
  const Use use(*this, inode);
  if (!file->direct) co_await lock(inode);
  if ((file->flags & O_APPEND) != 0) offset = inode->size;
  const std::uint64_t end = offset + bytes.size();
  fuse_write_in in{};
  in.fh = file->handle;
  in.offset = offset;
  in.size = static_cast<std::uint32_t>(bytes.size());
  in.flags = static_cast<std::uint32_t>(file->flags);
  if (!file->direct) {
    for (auto& [page, content] : inode->pages) {
      const std::uint64_t from = std::max(page, offset);
      const std::uint64_t until = std::min(page + kPage, end);
      if (from < until) content.replace(from - page, until - from, bytes, from - offset, until - from);
    }
  }
  const Reply reply = co_await ask(FUSE_WRITE, inode->id, raw(in) + bytes);
  if (reply.error == 0) note_write(*inode, end);
  if (!file->direct) {
    for (std::uint64_t page = (offset + kPage - 1) / kPage * kPage; page + kPage <= end; page += kPage) {
      if (reply.error == 0) {
        inode->pages[page] = bytes.substr(page - offset, kPage);
      } else {
        inode->pages.erase(page);
      }
    }
    unlock(*inode);
  }
  co_return reply.error;
}

Task<int> ModelKernel::sync(File file) {
  fuse_fsync_in in{};
  in.fh = file->handle;
  const Reply reply = co_await ask(FUSE_FSYNC, file->inode->id, raw(in));
  co_return reply.error;
}

Task<int> ModelKernel::close(File file) {
  const InodeRef inode = file->inode;
  fuse_flush_in flush{};
  flush.fh = file->handle;
  const Reply reply = co_await ask(FUSE_FLUSH, inode->id, raw(flush));
  fuse_release_in release{};
  release.fh = file->handle;
  release.flags = static_cast<std::uint32_t>(file->flags);
  process(message_of(FUSE_RELEASE, inode->id, raw(release)));
  --inode->uses;
  drop_unused(inode);
  co_return reply.error;
}

// ---- notifications

void ModelKernel::drop_attributes(Inode& inode) {
  inode.version = ++version_;
  inode.valid_until = {};
}

void ModelKernel::invalidate_attributes(fs::NodeId id, Done done) {
  agenda_.send(notifications_, [this, id, done = std::move(done)] {
    if (const auto found = inodes_.find(id); found != inodes_.end()) drop_attributes(*found->second);
    if (done) runtime_.post([done] { done(true); });
  });
}

void ModelKernel::drop_name(std::string_view name, const Done& done) {
  names_.erase(std::string(name));
  if (done) runtime_.post([done] { done(true); });
}

void ModelKernel::invalidate_data(fs::NodeId id, Done done) {
  agenda_.send(notifications_, [this, id, done = std::move(done)] { client::spawn(drop_data(id, done)); });
}

// Waits for pages that are being filled or written.
Task<void> ModelKernel::drop_data(fs::NodeId id, Done done) {
  if (const auto found = inodes_.find(id); found != inodes_.end()) {
    const InodeRef inode = found->second;
    drop_attributes(*inode);
    co_await lock(inode);
    inode->pages.clear();
    unlock(*inode);
  }
  if (done) runtime_.post([done] { done(true); });
}

}  // namespace smb3fuse::simulation
