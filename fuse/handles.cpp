// SPDX-License-Identifier: Apache-2.0
#include "fuse/handles.h"

#include <fcntl.h>

namespace smb3fuse::fs {

FileHandle::FileHandle(std::shared_ptr<OpenFile> its_file, client::Open& its_open, IdleFiles& idle, int flags,
                       bool is_cached)
    : shared(std::move(its_file)),
      open(its_open),
      writable((flags & O_ACCMODE) != O_RDONLY),
      write_through((flags & O_DSYNC) != 0),
      cached(is_cached),
      idle_(idle) {
  shared->handles.push_back(this);
  if (cached) ++shared->cached_handles;
}

FileHandle::~FileHandle() {
  if (cached) --shared->cached_handles;
  std::erase(shared->handles, this);
  shared->file.end_use(open);
  if (!shared->handles.empty() || !shared->file.has_opens()) return;
  if (shared->removed) {
    shared->file.close_unused();
  } else {
    idle_.keep(shared);
  }
}

}  // namespace smb3fuse::fs
