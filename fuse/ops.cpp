// SPDX-License-Identifier: Apache-2.0
#include "fuse/ops.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>

namespace smb3fuse::fs {

namespace {

constexpr unsigned kMaximumBackground = 128;
constexpr unsigned kCongestionThreshold = 96;
// Less payload than this is copied: it must not keep a receive buffer of 1 MiB alive while it waits to be sent.
constexpr std::size_t kSliceFrom = 128 * 1024;

OperationContext& context_of(fuse_req_t raw) { return *static_cast<OperationContext*>(fuse_req_userdata(raw)); }
Vfs& vfs_of(fuse_req_t raw) { return context_of(raw).vfs; }
Request request_of(fuse_req_t raw) { return Request(raw, context_of(raw).runtime); }

// Sets the operation to work on the request, which interrupts it.
template <class... Parameters, class... Arguments>
void start(fuse_req_t raw, client::Task<void> (Vfs::*operation)(Request, Parameters...), Arguments&&... arguments) {
  Request request = request_of(raw);
  std::shared_ptr<client::Interrupt> interrupt = request.interrupt();
  client::spawn((vfs_of(raw).*operation)(std::move(request), std::forward<Arguments>(arguments)...),
                std::move(interrupt));
}

void handle_init(void* user_data, fuse_conn_info* connection) {
  auto& context = *static_cast<OperationContext*>(user_data);
  context.initialised = true;
  // Never WRITEBACK_CACHE: the kernel would then trust its own sizes and times over the server's.
  constexpr unsigned kWanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_PARALLEL_DIROPS |
                               FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_ATOMIC_O_TRUNC |
                               FUSE_CAP_CACHE_SYMLINKS;
  constexpr unsigned kLocks = FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS;
  connection->want = (kWanted | (context.vfs.has_locks() ? kLocks : 0)) & connection->capable;
  connection->max_read = kMaximumRequest;
  connection->max_write = kMaximumRequest;
  connection->max_background = kMaximumBackground;
  connection->congestion_threshold = kCongestionThreshold;
}

void lookup(fuse_req_t raw, fuse_ino_t parent, const char* name) { start(raw, &Vfs::lookup, parent, name); }

void forget(fuse_req_t raw, fuse_ino_t node, std::uint64_t lookups) {
  vfs_of(raw).forget(node, lookups);
  fuse_reply_none(raw);
}

void forget_multi(fuse_req_t raw, std::size_t count, fuse_forget_data* forgets) {
  for (const fuse_forget_data& each : std::span(forgets, count)) vfs_of(raw).forget(each.ino, each.nlookup);
  fuse_reply_none(raw);
}

void getattr(fuse_req_t raw, fuse_ino_t node, fuse_file_info*) { start(raw, &Vfs::get_attributes, node); }

void setattr(fuse_req_t raw, fuse_ino_t node, struct stat* wanted, int what, fuse_file_info*) {
  start(raw, &Vfs::set_attributes, node, *wanted, what);
}

void readlink(fuse_req_t raw, fuse_ino_t node) { start(raw, &Vfs::read_link, node); }

void mknod(fuse_req_t raw, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  start(raw, &Vfs::make_node, parent, name, mode, device);
}

void mkdir(fuse_req_t raw, fuse_ino_t parent, const char* name, mode_t mode) {
  start(raw, &Vfs::make_directory, parent, name, mode);
}

void unlink(fuse_req_t raw, fuse_ino_t parent, const char* name) { start(raw, &Vfs::remove_file, parent, name); }

void rmdir(fuse_req_t raw, fuse_ino_t parent, const char* name) { start(raw, &Vfs::remove_directory, parent, name); }

void symlink(fuse_req_t raw, const char* target, fuse_ino_t parent, const char* name) {
  start(raw, &Vfs::make_symlink, parent, name, target);
}

void rename(fuse_req_t raw, fuse_ino_t from, const char* from_name, fuse_ino_t to, const char* to_name,
            unsigned flags) {
  start(raw, &Vfs::rename, from, from_name, to, to_name, flags);
}

void link(fuse_req_t raw, fuse_ino_t node, fuse_ino_t parent, const char* name) {
  start(raw, &Vfs::link, node, parent, name);
}

void open(fuse_req_t raw, fuse_ino_t node, fuse_file_info* info) { start(raw, &Vfs::open, node, info->flags); }

void create(fuse_req_t raw, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info) {
  start(raw, &Vfs::create, parent, name, mode, info->flags);
}

void read(fuse_req_t raw, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
  start(raw, &Vfs::read, info->fh, static_cast<std::uint64_t>(offset), static_cast<std::uint32_t>(size));
}

void write(fuse_req_t raw, fuse_ino_t, const char* bytes, std::size_t size, off_t offset, fuse_file_info* info) {
  OperationContext& context = context_of(raw);
  const std::span payload(reinterpret_cast<const std::uint8_t*>(bytes), size);
  cache::Buffer data = size < kSliceFrom ? context.pool.copy_of(payload) : context.message.slice(payload);
  start(raw, &Vfs::write, info->fh, static_cast<std::uint64_t>(offset), std::move(data), info->flags);
}

void flush(fuse_req_t raw, fuse_ino_t, fuse_file_info* info) { start(raw, &Vfs::flush, info->fh, info->lock_owner); }

void release(fuse_req_t raw, fuse_ino_t, fuse_file_info* info) { start(raw, &Vfs::release, info->fh); }

void fsync(fuse_req_t raw, fuse_ino_t, int, fuse_file_info* info) { start(raw, &Vfs::sync, info->fh); }

// The server has made every change of names before it answered.
void fsyncdir(fuse_req_t raw, fuse_ino_t, int, fuse_file_info*) { fuse_reply_err(raw, 0); }

void opendir(fuse_req_t raw, fuse_ino_t node, fuse_file_info* info) {
  start(raw, &Vfs::open_directory, node, (info->flags & O_DIRECTORY) != 0);
}

void readdir(fuse_req_t raw, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
  start(raw, &Vfs::read_directory, info->fh, static_cast<std::uint64_t>(offset), size, false);
}

void readdirplus(fuse_req_t raw, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
  start(raw, &Vfs::read_directory, info->fh, static_cast<std::uint64_t>(offset), size, true);
}

void releasedir(fuse_req_t raw, fuse_ino_t, fuse_file_info* info) {
  vfs_of(raw).release_directory(request_of(raw), info->fh);
}

void statfs(fuse_req_t raw, fuse_ino_t) { start(raw, &Vfs::file_system_info); }

void getxattr(fuse_req_t raw, fuse_ino_t node, const char* name, std::size_t size) {
  start(raw, &Vfs::get_extended_attribute, node, name, size);
}

void listxattr(fuse_req_t raw, fuse_ino_t node, std::size_t size) {
  start(raw, &Vfs::list_extended_attributes, node, size);
}

void setxattr(fuse_req_t raw, fuse_ino_t node, const char* name, const char* value, std::size_t size, int) {
  start(raw, &Vfs::set_extended_attribute, node, name, std::string(value, size));
}

void removexattr(fuse_req_t raw, fuse_ino_t node, const char* name) {
  start(raw, &Vfs::remove_extended_attribute, node, name);
}

void fallocate(fuse_req_t raw, fuse_ino_t, int mode, off_t offset, off_t length, fuse_file_info* info) {
  start(raw, &Vfs::allocate, info->fh, mode, static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length));
}

void lseek(fuse_req_t raw, fuse_ino_t, off_t offset, int whence, fuse_file_info* info) {
  start(raw, &Vfs::seek, info->fh, static_cast<std::uint64_t>(offset), whence);
}

client::OwnedLock lock_of(std::uint64_t owner, const struct flock& lock) {
  const auto begin = static_cast<std::uint64_t>(lock.l_start);
  const std::uint64_t end = lock.l_len == 0 ? client::kWholeFile.end : begin + static_cast<std::uint64_t>(lock.l_len);
  return {.owner = {owner, false},
          .range = {begin, end},
          .kind = lock.l_type == F_RDLCK ? client::LockKind::shared : client::LockKind::exclusive,
          .process = static_cast<std::uint32_t>(lock.l_pid)};
}

void getlk(fuse_req_t raw, fuse_ino_t, fuse_file_info* info, struct flock* lock) {
  start(raw, &Vfs::find_lock, info->fh, lock_of(info->lock_owner, *lock));
}

void setlk(fuse_req_t raw, fuse_ino_t, fuse_file_info* info, struct flock* lock, int waits) {
  const client::OwnedLock wanted = lock_of(info->lock_owner, *lock);
  if (lock->l_type == F_UNLCK) {
    start(raw, &Vfs::release_lock, info->fh, wanted.owner, wanted.range);
  } else {
    start(raw, &Vfs::set_lock, info->fh, wanted, waits != 0);
  }
}

void flock(fuse_req_t raw, fuse_ino_t, fuse_file_info* info, int operation) {
  const client::LockOwner owner{info->lock_owner, true};
  const int kind = operation & (LOCK_SH | LOCK_EX | LOCK_UN);
  if (kind == LOCK_UN) {
    start(raw, &Vfs::release_lock, info->fh, owner, client::kWholeFile);
    return;
  }
  client::OwnedLock wanted{owner, client::kWholeFile, client::LockKind::exclusive, 0};
  if (kind == LOCK_SH) wanted.kind = client::LockKind::shared;
  start(raw, &Vfs::set_lock, info->fh, wanted, (operation & LOCK_NB) == 0);
}

fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops table{};
  table.init = handle_init;
  table.lookup = lookup;
  table.forget = forget;
  table.forget_multi = forget_multi;
  table.getattr = getattr;
  table.setattr = setattr;
  table.readlink = readlink;
  table.mknod = mknod;
  table.mkdir = mkdir;
  table.unlink = unlink;
  table.rmdir = rmdir;
  table.symlink = symlink;
  table.rename = rename;
  table.link = link;
  table.open = open;
  table.create = create;
  table.read = read;
  table.write = write;
  table.flush = flush;
  table.release = release;
  table.fsync = fsync;
  table.fsyncdir = fsyncdir;
  table.opendir = opendir;
  table.readdir = readdir;
  table.readdirplus = readdirplus;
  table.releasedir = releasedir;
  table.statfs = statfs;
  table.getxattr = getxattr;
  table.listxattr = listxattr;
  table.setxattr = setxattr;
  table.removexattr = removexattr;
  table.fallocate = fallocate;
  table.lseek = lseek;
  table.getlk = getlk;
  table.setlk = setlk;
  table.flock = flock;
  return table;
}

}  // namespace

const fuse_lowlevel_ops& operations() {
  static const fuse_lowlevel_ops table = make_operations();
  return table;
}

}  // namespace smb3fuse::fs
