// SPDX-License-Identifier: Apache-2.0
// What stands behind the kernel's file handles. Whoever has work in flight on a handle shares it, so a handle that the
// kernel has released ends with the last of that work. Loop thread.
#pragma once

#include <memory>
#include <set>
#include <system_error>

#include "fuse/nodes.h"
#include "fuse/open_file.h"
#include "smb/client/lock_table.h"
#include "smb/client/share.h"
#include "smb/client/turn.h"

namespace smb3fuse::fs {

struct FileHandle : std::enable_shared_from_this<FileHandle> {
  // `its_open` is one of the file's, used by this handle from now on until its end.
  FileHandle(std::shared_ptr<OpenFile> its_file, client::Open& its_open, IdleFiles& idle, int flags, bool cached);
  ~FileHandle();
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;

  const std::shared_ptr<OpenFile> shared;
  client::Open& open;
  const bool writable;
  const bool write_through;
  const bool cached;  // the kernel reads and writes through its page cache
  // Something that was written could not be kept, perhaps through this handle: told at its next fsync or close.
  std::error_code untold;
  // Have taken locks through it that its end gives up: of flock(2), and of open file descriptions.
  std::set<client::LockOwner> lock_owners;

  Node& node() const { return *shared->node; }

 private:
  IdleFiles& idle_;
};

// One open directory. The entries are kept as long as it is open, so that every offset ever told stays right; reading
// from the start again lists the directory anew.
struct DirectoryHandle {
  NodeRef node;
  std::unique_ptr<client::DirectoryStream> stream;
  std::shared_ptr<Listing> listing;  // null as long as nobody reads what was opened for something else
  bool complete = false;             // the stream has ended
  bool begun = false;                // something has been read
  client::Turn turn;                 // of who reads from the stream: a read may overtake an interrupted one
};

}  // namespace smb3fuse::fs
