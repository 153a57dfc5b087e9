// SPDX-License-Identifier: Apache-2.0
// Whether a run of written bytes goes out now. Pure.
#pragma once

#include <cstdint>

#include "cache/limits.h"

namespace smb3fuse::cache {

// Bytes that lie side by side and wait to be sent; at most one piece of them is looked at.
struct DirtyRun {
  std::uint64_t begin = 0;
  std::uint64_t length = 0;
  TimePoint since;           // when the oldest of them was written
  std::uint64_t oldest = 0;  // the epoch of the oldest of them
};

struct WriteSituation {
  TimePoint now;
  std::uint64_t piece;          // one WRITE
  Duration join_delay;          // how long a run that is smaller may wait for more
  std::uint64_t last_end;       // where the last write ended: only the run that ends here is likely to grow
  bool others_may_wait;         // a right is held: a run that will not grow may wait as well
  std::uint64_t flush_through;  // data of this epoch and older is asked for
  bool pressed;                 // there is too much that waits
};

// When to send `run`: a time that has come means now.
TimePoint when_to_send(const DirtyRun& run, const WriteSituation& situation);

}  // namespace smb3fuse::cache
