// SPDX-License-Identifier: Apache-2.0
#include "fuse/handles.h"

#include <fcntl.h>

namespace smb3fuse::fs {

FileHandle::FileHandle(NodeRef its_node, std::shared_ptr<OpenFile> its_file, client::OpenResult opened, int flags)
    : node(std::move(its_node)),
      shared(std::move(its_file)),
      readable((flags & O_ACCMODE) != O_WRONLY),
      writable((flags & O_ACCMODE) != O_RDONLY),
      append((flags & O_APPEND) != 0),
      write_through((flags & O_DSYNC) != 0) {
  shared->file.add(opened, readable, writable);
  shared->handles.push_back(this);
  open = std::move(opened.open);
}

FileHandle::~FileHandle() {
  shared->file.remove(*open);
  std::erase(shared->handles, this);
}

}  // namespace smb3fuse::fs
