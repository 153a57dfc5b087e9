// SPDX-License-Identifier: Apache-2.0
// Vfs: where a file has data and where holes.
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <algorithm>

#include "fuse/errno_map.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs {

client::Task<std::error_code> Vfs::extend(FileHandle& handle, std::uint64_t end) {
  std::error_code error;
  if (!is_known(handle.node())) error = co_await refresh(handle.node());
  if (error || end <= static_cast<std::uint64_t>(stat_of_node(handle.node()).st_size)) co_return error;
  client::AttributeChanges changes;
  changes.end_of_file = end;
  error = co_await apply(handle.node(), changes);
  co_return error;
}

client::Task<void> Vfs::allocate(Request request, HandleId id, int mode, std::uint64_t offset, std::uint64_t length) {
  const std::shared_ptr<FileHandle> handle = find_file(id);
  if (handle == nullptr || !handle->writable) {
    request.reply_error(EBADF);
    co_return;
  }
  const bool zeroes =
      mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) || (mode & ~FALLOC_FL_KEEP_SIZE) == FALLOC_FL_ZERO_RANGE;
  if (mode != 0 && !zeroes) {
    request.reply_error(EOPNOTSUPP);  // space cannot be reserved behind the end
    co_return;
  }
  std::error_code error;
  if (zeroes) {
    error = co_await flush(*handle, false);
    if (!error) error = co_await handle->open.zero(offset, offset + length);
    handle->shared->file.forget_read_ahead();
    nodes_.note_change(handle->node());
  }
  if (!error && (mode & FALLOC_FL_KEEP_SIZE) == 0) error = co_await extend(*handle, offset + length);
  request.reply_error(errno_of(error));
}

client::Task<void> Vfs::seek(Request request, HandleId id, std::uint64_t offset, int whence) {
  const std::shared_ptr<FileHandle> handle = find_file(id);
  if (handle == nullptr || (whence != SEEK_DATA && whence != SEEK_HOLE)) {
    request.reply_error(handle == nullptr ? EBADF : EINVAL);
    co_return;
  }
  std::error_code error;
  if (handle->shared->file.has_unsent()) error = co_await flush(*handle, false);
  if (!error && !is_known(handle->node())) error = co_await refresh(handle->node());
  const auto size = static_cast<std::uint64_t>(stat_of_node(handle->node()).st_size);
  if (!error && offset >= size) error = make_errno(ENXIO);
  if (error) {
    request.reply_error(errno_of(error));
    co_return;
  }
  client::Result<std::vector<client::Open::AllocatedRange>> ranges =
      co_await handle->open.allocated_ranges(offset, size - offset);
  // A server that cannot tell, or will not tell a handle that may not read: all of it is data.
  if (!ranges) ranges = std::vector<client::Open::AllocatedRange>{{offset, size - offset}};
  std::uint64_t hole = offset;  // the first byte that no range seen so far covers
  std::optional<std::uint64_t> data;
  for (const client::Open::AllocatedRange& range : *ranges) {
    if (!data) data = std::max(range.offset, offset);
    if (range.offset > hole) break;
    hole = std::max(hole, range.offset + range.length);
  }
  if (whence == SEEK_HOLE) {
    request.reply_position(static_cast<off_t>(std::min(hole, size)));
  } else if (data && *data < size) {
    request.reply_position(static_cast<off_t>(*data));
  } else {
    request.reply_error(ENXIO);
  }
}

}  // namespace smb3fuse::fs
