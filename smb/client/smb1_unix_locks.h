// SPDX-License-Identifier: Apache-2.0
// A LockPlan by POSIX' rules, which the UNIX extensions of SMB1 have: a lock takes the place of what the same open had
// there, in one step, and any part of it can be given up; a stronger one that is refused leaves what there was. So the
// plan, which was made for servers without such locks, is carried out in another order: first what is wanted, of which
// alone anything can be refused, then the rest is given up. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "smb/client/lock_plan.h"

namespace smb3fuse::client {

struct PosixLockSteps {
  std::vector<RangeLock> set;  // one after the other, until one is refused
  std::vector<LockRange> unlock;
};

// What the plan takes beside a lock and drops again it only tries.
PosixLockSteps posix_steps(const LockPlan& plan);
// What makes up for the first `done` locks of posix_steps(): these are weaker, and none is refused.
PosixLockSteps undo_posix_steps(const LockPlan& plan, std::size_t done);

}  // namespace smb3fuse::client
