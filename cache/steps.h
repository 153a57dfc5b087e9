// SPDX-License-Identifier: Apache-2.0
// Reads of one length at one distance from each other: a column of a table, a file read from its end to its start.
//
// Pure: the same reads at the same times give the same answer.
#pragma once

#include <cstdint>

#include "cache/limits.h"

namespace smb3fuse::cache {

// What to fetch: `count` pieces of `piece` bytes, the first at `begin`, each `step` behind the one before it (or, if
// negative, before it). Nothing if count is 0.
struct Advice {
  std::uint64_t begin = 0;
  std::uint64_t piece = 0;
  std::int64_t step = 0;
  std::uint64_t count = 0;
};

class Steps {
 public:
  struct Situation {
    TimePoint now;
    std::uint64_t window;         // bytes that should be under way
    std::uint64_t end_of_file;    // no piece starts at or beyond it
    std::uint64_t largest_piece;  // one READ
    Duration data_age;            // what is not read within this time is fetched in vain
  };

  Advice handle_read(std::uint64_t offset, std::uint64_t length, const Situation& situation);
  // What was read ahead is gone.
  void handle_loss() { asked_ = 0; }

 private:
  // Equal steps in a row before the next one is believed in.
  static constexpr unsigned kProof = 3;
  // Never more ahead than this many times what was read in these steps.
  static constexpr std::uint64_t kAheadPerRead = 4;
  // Each piece is a READ of its own, unless they lie side by side.
  static constexpr std::uint64_t kPieces = 32;

  std::uint64_t offset_ = 0;
  std::uint64_t length_ = 0;
  std::int64_t step_ = 0;
  std::uint64_t taken_ = 0;  // steps of this kind in a row
  std::uint64_t asked_ = 0;  // steps beyond the last read that have been asked for
  TimePoint at_{};
};

}  // namespace smb3fuse::cache
