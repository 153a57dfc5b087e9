// SPDX-License-Identifier: Apache-2.0
#include "smb/client/lock_table.h"

#include <algorithm>
#include <map>

namespace smb3fuse::client {

const OwnedLock* LockTable::find_conflict(const OwnedLock& wanted) const {
  const auto found = std::find_if(locks_.begin(), locks_.end(), [&](const OwnedLock& each) {
    const bool both_share = each.kind == LockKind::shared && wanted.kind == LockKind::shared;
    return each.owner != wanted.owner && each.owner.is_flock == wanted.owner.is_flock && !both_share &&
           each.range.overlaps(wanted.range);
  });
  return found == locks_.end() ? nullptr : &*found;
}

void LockTable::set(const OwnedLock& lock) {
  release(lock.owner, lock.range);
  OwnedLock joined = lock;
  std::erase_if(locks_, [&](const OwnedLock& each) {
    const bool touches = each.range.end == joined.range.begin || each.range.begin == joined.range.end;
    if (each.owner != joined.owner || each.kind != joined.kind || !touches) return false;
    joined.range = {std::min(joined.range.begin, each.range.begin), std::max(joined.range.end, each.range.end)};
    return true;
  });
  locks_.push_back(joined);
}

void LockTable::release(const LockOwner& owner, const LockRange& range) {
  std::vector<OwnedLock> left;
  for (const OwnedLock& each : locks_) {
    if (each.owner != owner || !each.range.overlaps(range)) {
      left.push_back(each);
      continue;
    }
    OwnedLock part = each;
    part.range.end = std::min(each.range.end, range.begin);
    if (part.range.begin < part.range.end) left.push_back(part);
    part.range = {std::max(each.range.begin, range.end), each.range.end};
    if (part.range.begin < part.range.end) left.push_back(part);
  }
  locks_ = std::move(left);
}

std::vector<OwnedLock> LockTable::within(const LockOwner& owner, const LockRange& range) const {
  std::vector<OwnedLock> found;
  for (const OwnedLock& each : locks_) {
    if (each.owner != owner || !each.range.overlaps(range)) continue;
    found.push_back(each);
    found.back().range = {std::max(each.range.begin, range.begin), std::min(each.range.end, range.end)};
  }
  return found;
}

std::vector<RangeLock> LockTable::strongest() const {
  struct Change {
    int shared = 0;
    int exclusive = 0;
  };
  std::map<std::uint64_t, Change> changes;  // how many begin less how many end there
  for (const OwnedLock& each : locks_) {
    int Change::*const count = each.kind == LockKind::shared ? &Change::shared : &Change::exclusive;
    ++(changes[each.range.begin].*count);
    --(changes[each.range.end].*count);
  }
  std::vector<RangeLock> result;
  Change now;
  std::uint64_t from = 0;
  for (const auto& [at, change] : changes) {
    if (now.shared + now.exclusive > 0) {
      const LockKind kind = now.exclusive > 0 ? LockKind::exclusive : LockKind::shared;
      if (!result.empty() && result.back().range.end == from && result.back().kind == kind) {
        result.back().range.end = at;
      } else {
        result.push_back({{from, at}, kind});
      }
    }
    now.shared += change.shared;
    now.exclusive += change.exclusive;
    from = at;
  }
  return result;
}

bool LockTable::forget_beyond(const std::vector<RangeLock>& held) {
  const auto is_held = [&](const OwnedLock& lock) {
    std::uint64_t at = lock.range.begin;
    for (bool moved = true; moved && at < lock.range.end;) {
      moved = false;
      for (const RangeLock& each : held) {
        const bool is_enough = each.kind == LockKind::exclusive || lock.kind == LockKind::shared;
        if (!is_enough || each.range.begin > at || each.range.end <= at) continue;
        at = each.range.end;
        moved = true;
      }
    }
    return at >= lock.range.end;
  };
  return std::erase_if(locks_, [&](const OwnedLock& each) { return !is_held(each); }) > 0;
}

}  // namespace smb3fuse::client
