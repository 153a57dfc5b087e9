// SPDX-License-Identifier: Apache-2.0
// The bound on memory over all files: what the pool has given out, by whoever holds it. Beyond it nothing is read
// ahead or kept, and a writer waits until its own file is nearly clean, so every file can still make progress.
#pragma once

#include <cstddef>

#include "cache/buffer.h"

namespace smb3fuse::cache {

class Budget {
 public:
  Budget(BufferPool& pool, std::size_t limit) : pool_(pool), limit_(limit) {}

  BufferPool& pool() const { return pool_; }
  bool exhausted() const { return pool_.bytes_in_use() >= limit_; }

 private:
  BufferPool& pool_;
  std::size_t limit_;
};

}  // namespace smb3fuse::cache
