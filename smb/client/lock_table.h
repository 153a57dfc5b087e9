// SPDX-License-Identifier: Apache-2.0
// The byte-range locks that programs of this machine hold on one file, as fcntl(2) and flock(2) know them: an owner's
// ranges split and merge, another kind takes the place of the first, and only other owners are in the way. The two
// calls do not see each other's locks. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

namespace smb3fuse::client {

enum class LockKind : std::uint8_t { shared, exclusive };

// Bytes [begin, end).
struct LockRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  bool overlaps(const LockRange& other) const { return begin < other.end && other.begin < end; }
  friend bool operator==(const LockRange&, const LockRange&) = default;
};

// As far as off_t reaches.
inline constexpr LockRange kWholeFile{0, std::uint64_t{1} << 63};

struct LockOwner {
  std::uint64_t id = 0;
  bool is_flock = false;

  friend auto operator<=>(const LockOwner&, const LockOwner&) = default;
};

// What is held of a range, whoever holds it.
struct RangeLock {
  LockRange range;
  LockKind kind = LockKind::shared;

  friend bool operator==(const RangeLock&, const RangeLock&) = default;
};

struct OwnedLock {
  LockOwner owner;
  LockRange range;
  LockKind kind = LockKind::shared;
  std::uint32_t process = 0;  // who took it, for people

  friend bool operator==(const OwnedLock&, const OwnedLock&) = default;
};

class LockTable {
 public:
  // The first lock in the way of `wanted`; null if there is none.
  const OwnedLock* find_conflict(const OwnedLock& wanted) const;
  // In place of what its owner has there.
  void set(const OwnedLock& lock);
  void release(const LockOwner& owner, const LockRange& range);
  // The owner's locks within `range`, cut to it.
  std::vector<OwnedLock> within(const LockOwner& owner, const LockRange& range) const;
  bool empty() const { return locks_.empty(); }

  // For each byte the strongest of its locks, in order and joined.
  std::vector<RangeLock> strongest() const;
  // Forgets what is not covered by `held`. False: nothing was.
  bool forget_beyond(const std::vector<RangeLock>& held);

 private:
  std::vector<OwnedLock> locks_;  // an owner's do not overlap, and its neighbours differ in kind
};

}  // namespace smb3fuse::client
