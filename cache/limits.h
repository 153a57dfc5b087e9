// SPDX-License-Identifier: Apache-2.0
// The numbers that the cache's decisions depend on, each with its reason, and the clock they are measured with.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace smb3fuse::cache {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;

struct Limits {
  // One READ or WRITE. The kernel asks for at most this much at once, and larger ones fall out of the CPU's cache.
  std::uint32_t piece = 1 * kMiB;
  // Read ahead for one file: where there is no delay more than the minimum only costs cache misses; the maximum fills
  // 25 Gbit/s at 20 ms.
  std::uint64_t minimum_read_window = 4 * kMiB;
  std::uint64_t maximum_read_window = 64 * kMiB;
  // Written by the application and not yet by the server, for one file.
  std::uint64_t minimum_write_window = 8 * kMiB;
  std::uint64_t maximum_write_window = 64 * kMiB;
  std::size_t writes_in_flight = 64;
  // Under a right. More extents than that are written here and there, and nothing will join them.
  std::size_t extents_waiting = 64;
  std::size_t buffers_per_write = 64;  // what a gathering send takes in one system call
  // A smaller write is copied next to the one before it; a larger one is kept as the slice it came in.
  std::size_t copy_below = 64 * kKiB;
  std::size_t copy_room = 128 * kKiB;
  // How long a small write may wait to be joined with what follows it: without a right nobody else should have to
  // wait for it noticeably; with one nobody else can see it.
  Duration join_delay = std::chrono::milliseconds(5);
  Duration leased_join_delay = std::chrono::seconds(1);
  // What was read ahead without a right to keep it is used within this time or not at all.
  Duration unleased_data_age = std::chrono::seconds(1);
  // How long the end of the file, as a short answer told it, is the end: long enough for a program that reads on until
  // it is told so twice, short for one that waits for the file to grow.
  Duration unleased_end_age = std::chrono::milliseconds(200);
};

}  // namespace smb3fuse::cache
