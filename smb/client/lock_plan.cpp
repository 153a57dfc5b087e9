// SPDX-License-Identifier: Apache-2.0
#include "smb/client/lock_plan.h"

#include <algorithm>

namespace smb3fuse::client {
namespace {

// All of `lock` is wanted just so.
bool is_wanted(const RangeLock& lock, const std::vector<RangeLock>& wanted) {
  std::uint64_t at = lock.range.begin;
  for (const RangeLock& each : wanted) {
    if (!each.range.overlaps(lock.range)) continue;
    if (each.range.begin > at || each.kind != lock.kind) return false;
    at = each.range.end;
  }
  return at >= lock.range.end;
}

// `range` in pieces that lie in one of `others` each, or in none.
template <class Each>
void for_each_piece(const LockRange& range, const std::vector<RangeLock>& others, Each each) {
  std::vector<std::uint64_t> cuts{range.begin, range.end};
  for (const RangeLock& other : others) {
    for (const std::uint64_t at : {other.range.begin, other.range.end}) {
      if (range.begin < at && at < range.end) cuts.push_back(at);
    }
  }
  std::sort(cuts.begin(), cuts.end());
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    if (cuts[i] == cuts[i + 1]) continue;
    const LockRange piece{cuts[i], cuts[i + 1]};
    const bool inside =
        std::any_of(others.begin(), others.end(), [&](const RangeLock& other) { return other.range.overlaps(piece); });
    each(piece, inside);
  }
}

void add(std::vector<RangeLock>& locks, const RangeLock& lock) {
  if (!locks.empty() && locks.back().range.end == lock.range.begin && locks.back().kind == lock.kind) {
    locks.back().range.end = lock.range.end;
  } else {
    locks.push_back(lock);
  }
}

}  // namespace

LockPlan plan_locks(const std::vector<RangeLock>& held, const std::vector<RangeLock>& wanted, bool may_take) {
  LockPlan plan;
  std::vector<RangeLock> kept;
  for (const RangeLock& each : held) (is_wanted(each, wanted) ? kept : plan.drop).push_back(each);
  if (!may_take) return plan;
  for (const RangeLock& each : wanted) {
    for_each_piece(each.range, kept, [&](const LockRange& open, bool is_held) {
      if (is_held) return;
      for_each_piece(open, plan.drop, [&](const LockRange& piece, bool over_dropped) {
        const bool beside = over_dropped && each.kind == LockKind::shared;
        add(beside ? plan.beside : plan.take, {piece, each.kind});
      });
    });
  }
  return plan;
}

std::vector<LockRange> parts_beside(const LockRange& range, const std::vector<RangeLock>& held) {
  std::vector<LockRange> parts;
  for_each_piece(range, held, [&](const LockRange& piece, bool is_held) {
    if (!is_held) parts.push_back(piece);
  });
  return parts;
}

}  // namespace smb3fuse::client
