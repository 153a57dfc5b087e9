// SPDX-License-Identifier: Apache-2.0
// The bound on memory over all files: what the pool has given out, by whoever holds it. What could be fetched again
// goes first, from the file that was used longest ago on; when there is none left to go, nothing is read ahead, and a
// writer waits until its own file is nearly clean, so every file can still make progress. And what all of them count.
//
// Loop thread. Outlives its members; the pool outlives it.
#pragma once

#include <cstddef>
#include <list>

#include "cache/buffer.h"
#include "cache/limits.h"
#include "cache/usage.h"

namespace smb3fuse::cache {

class Budget {
 public:
  // A file with data that it could fetch again. It leaves with its destruction.
  class Member {
   public:
    Member() = default;
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

   protected:
    virtual ~Member();

   private:
    friend class Budget;
    // Part of that data, the longest kept, is dropped. False: there is none that may go.
    virtual bool give_up_clean(TimePoint now) = 0;

    Budget* budget_ = nullptr;
    std::list<Member*>::iterator place_;
  };

  Budget(BufferPool& pool, std::size_t limit) : pool_(pool), limit_(limit) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  BufferPool& pool() const { return pool_; }
  std::size_t limit() const { return limit_; }
  bool exhausted() const { return pool_.bytes_in_use() >= limit_; }
  // What is only kept in case it is read again leaves room for what is read ahead and written.
  bool may_keep() const { return pool_.bytes_in_use() < limit_ / 2; }

  Counts& counts() { return counts_; }
  const Counts& counts() const { return counts_; }

  // `member` has such data, and has used it just now.
  void note_clean(Member& member);
  // Such data goes until may_keep(), or until what is left is young.
  void make_room(TimePoint now);

 private:
  BufferPool& pool_;
  std::size_t limit_;
  std::list<Member*> members_;  // the longest unused first
  TimePoint not_before_{};      // there was nothing to go, a short while ago
  Counts counts_;
};

}  // namespace smb3fuse::cache
