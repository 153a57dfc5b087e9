// SPDX-License-Identifier: Apache-2.0
// The bound on memory over all files: what the pool has given out, by whoever holds it. Beyond it nothing is read
// ahead, and a writer waits until its own file is nearly clean, so every file can still make progress.
#pragma once

#include <cstddef>

#include "cache/buffer.h"

namespace smb3fuse::cache {

class Budget {
 public:
  Budget(BufferPool& pool, std::size_t limit) : pool_(pool), limit_(limit) {}

  BufferPool& pool() const { return pool_; }
  bool exhausted() const { return pool_.bytes_in_use() >= limit_; }
  // What is only kept in case it is read again leaves room for what is read ahead and written.
  bool may_keep() const { return pool_.bytes_in_use() < limit_ / 2; }

 private:
  BufferPool& pool_;
  std::size_t limit_;
};

}  // namespace smb3fuse::cache
