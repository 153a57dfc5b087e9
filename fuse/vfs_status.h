// SPDX-License-Identifier: Apache-2.0
// What the mounted file system holds and has done, for people to look at. Plain numbers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cache/usage.h"
#include "fuse/tree_walk.h"

namespace smb3fuse::fs {

// They only grow.
struct VfsCounts {
  std::uint64_t opens = 0;         // of files that are there, by programs
  std::uint64_t opens_reused = 0;  // of these, by an open that had been kept: without a request
  std::uint64_t files_ahead = 0;   // opened ahead of need
  std::uint64_t files_ahead_used = 0;
};

struct VfsStatus {
  std::size_t nodes = 0;         // files and folders that the kernel, or we, remember
  std::size_t files_in_use = 0;  // handles of programs
  std::size_t files_kept = 0;    // open on the server without a user
  cache::Usage cache;            // of all files
  cache::Counts cache_counts;
  std::size_t memory_in_use = 0;  // bytes of data, for whatever purpose
  std::size_t memory_limit = 0;
  VfsCounts counts;
  std::size_t files_ahead_waiting = 0;  // to be used
  TreeWalk::Counts listings_ahead;
};

}  // namespace smb3fuse::fs
