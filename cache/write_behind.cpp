// SPDX-License-Identifier: Apache-2.0
#include "cache/write_behind.h"

namespace smb3fuse::cache {

TimePoint when_to_send(const DirtyRun& run, const WriteSituation& situation) {
  const bool full = run.length >= situation.piece;
  const bool asked_for = run.oldest <= situation.flush_through;
  const bool left_behind = run.begin + run.length != situation.last_end && !situation.others_may_wait;
  if (full || asked_for || left_behind || situation.pressed) return situation.now;
  return run.since + situation.join_delay;
}

}  // namespace smb3fuse::cache
