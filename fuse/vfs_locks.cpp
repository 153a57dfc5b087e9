// SPDX-License-Identifier: Apache-2.0
// Vfs: byte-range locks. Those of fcntl(2) end with the owner's first close(2) of the file, which is a FLUSH; those of
// flock(2) and of open file descriptions with the handle they were taken through.
#include <fcntl.h>

#include <utility>
#include <vector>

#include "fuse/errno_map.h"
#include "fuse/vfs.h"
#include "smb/status.h"

namespace smb3fuse::fs {
namespace {

int errno_of_lock(std::error_code error) { return client::is_lock_refusal(error) ? EAGAIN : errno_of(error); }

struct flock flock_of(const client::OwnedLock& lock) {
  struct flock shown {};
  shown.l_type = lock.kind == client::LockKind::shared ? F_RDLCK : F_WRLCK;
  shown.l_whence = SEEK_SET;
  shown.l_start = static_cast<off_t>(lock.range.begin);
  const bool to_the_end = lock.range.end == client::kWholeFile.end;
  shown.l_len = to_the_end ? 0 : static_cast<off_t>(lock.range.end - lock.range.begin);
  shown.l_pid = static_cast<pid_t>(lock.process);
  return shown;
}

}  // namespace

client::Task<void> Vfs::set_lock(Request request, HandleId id, client::OwnedLock wanted, bool waits) {
  const std::shared_ptr<FileHandle> handle = find_file(id);
  if (handle == nullptr) {
    request.reply_error(EBADF);
    co_return;
  }
  client::FileLocks& locks = handle->shared->file.locks();
  const Asked asked = ask();
  const client::LockResult result = co_await locks.set(wanted, waits);
  if (result.attributes) learn(handle->node(), *result.attributes, asked);
  if (result.error) {
    request.reply_error(errno_of_lock(result.error));
    co_return;
  }
  handle->lock_owners.insert(wanted.owner);
  if (!request.reply_error(0)) co_await client::uninterrupted(locks.release(wanted.owner, wanted.range, result.before));
}

client::Task<void> Vfs::release_lock(Request request, HandleId id, client::LockOwner owner, client::LockRange range) {
  const std::shared_ptr<FileHandle> handle = find_file(id);
  if (handle == nullptr) {
    request.reply_error(EBADF);
    co_return;
  }
  client::FileLocks& locks = handle->shared->file.locks();
  std::vector<client::OwnedLock> nothing;
  const std::error_code error = co_await client::uninterrupted(locks.release(owner, range, std::move(nothing)));
  request.reply_error(errno_of(error));
}

client::Task<void> Vfs::find_lock(Request request, HandleId id, client::OwnedLock wanted) {
  const std::shared_ptr<FileHandle> handle = find_file(id);
  if (handle == nullptr) {
    request.reply_error(EBADF);
    co_return;
  }
  const client::Result<std::optional<client::OwnedLock>> found =
      co_await handle->shared->file.locks().find_conflict(wanted);
  if (!found) {
    request.reply_error(errno_of(found.error()));
    co_return;
  }
  struct flock answer {};
  answer.l_type = F_UNLCK;
  if (*found) answer = flock_of(**found);
  request.reply_lock(answer);
}

// All that it has of the file.
client::Task<void> Vfs::release_locks(FileHandle& handle, client::LockOwner owner) {
  handle.lock_owners.erase(owner);
  client::FileLocks& locks = handle.shared->file.locks();
  std::vector<client::OwnedLock> nothing;
  co_await client::uninterrupted(locks.release(owner, client::kWholeFile, std::move(nothing)));
}

}  // namespace smb3fuse::fs
