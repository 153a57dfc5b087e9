// SPDX-License-Identifier: Apache-2.0
// What to read ahead, from the history of reads of one file. Streams are told apart by where they continue, because
// several readers, or several handles, may go through the file at once. What continues none of them may be one of a
// series of steps, forwards or backwards; all else is random, and nothing is fetched for it.
//
// Pure: the same reads at the same times give the same advice.
#pragma once

#include <array>
#include <cstdint>

#include "cache/limits.h"
#include "cache/steps.h"

namespace smb3fuse::cache {

class ReadAhead {
 public:
  using Situation = Steps::Situation;

  // A read of [offset, offset + length) is being answered. `missed`: some of it had not been asked for yet.
  Advice handle_read(std::uint64_t offset, std::uint64_t length, bool missed, const Situation& situation);
  // What was read ahead is gone.
  void handle_loss();

 private:
  struct Stream {
    std::uint64_t start = 0;
    std::uint64_t next = kNowhere;  // where it continues
    std::uint64_t ahead = 0;        // read ahead up to here
    std::uint64_t measured = 0;     // `next` at the last measurement of its pace
    TimePoint measured_at;
    double pace = 0;  // bytes a second; 0 until measured
    TimePoint used;
  };
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};
  static constexpr std::size_t kStreams = 8;
  // A read of at least this size from the start of the file is taken for the start of a whole one.
  static constexpr std::uint64_t kWholeFileRead = 128 * kKiB;
  // Never more ahead than this many times what the stream has read: what a seek can waste is bounded by what was used.
  static constexpr std::uint64_t kAheadPerRead = 4;
  static constexpr Duration kPaceInterval = std::chrono::milliseconds(100);

  Stream& stream_at(std::uint64_t offset, TimePoint now);
  std::uint64_t streams_in_use(TimePoint now) const;
  static void measure_pace(Stream& stream, TimePoint now);

  std::array<Stream, kStreams> streams_;
  Steps steps_;
};

}  // namespace smb3fuse::cache
