// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_unix_locks.h"

#include <algorithm>

namespace smb3fuse::client {
namespace {

std::vector<RangeLock> all_wanted(const LockPlan& plan) {
  std::vector<RangeLock> wanted = plan.take;
  wanted.insert(wanted.end(), plan.beside.begin(), plan.beside.end());
  return wanted;
}

void add_parts_beside(std::vector<LockRange>& ranges, const LockRange& range, const std::vector<RangeLock>& kept) {
  const std::vector<LockRange> parts = parts_beside(range, kept);
  ranges.insert(ranges.end(), parts.begin(), parts.end());
}

}  // namespace

PosixLockSteps posix_steps(const LockPlan& plan) {
  PosixLockSteps steps;
  steps.set = all_wanted(plan);
  std::vector<RangeLock> stays = steps.set;
  std::erase_if(stays, [&](const RangeLock& lock) {
    return std::find(plan.drop.begin(), plan.drop.end(), lock) != plan.drop.end();
  });
  for (const RangeLock& dropped : plan.drop) add_parts_beside(steps.unlock, dropped.range, stays);
  return steps;
}

PosixLockSteps undo_posix_steps(const LockPlan& plan, std::size_t done) {
  std::vector<RangeLock> wanted = all_wanted(plan);
  wanted.resize(done);
  PosixLockSteps steps;
  for (const RangeLock& lock : wanted) {
    add_parts_beside(steps.unlock, lock.range, plan.drop);
    for (const RangeLock& before : plan.drop) {
      const LockRange both{std::max(lock.range.begin, before.range.begin), std::min(lock.range.end, before.range.end)};
      if (both.begin < both.end) steps.set.push_back({both, before.kind});
    }
  }
  return steps;
}

}  // namespace smb3fuse::client
