// SPDX-License-Identifier: Apache-2.0
// Locks as fcntl(2) describes them, and plans as a server takes them: the rules, and random work against a table of
// bytes.
#include "smb/client/lock_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>

#include "smb/client/lock_plan.h"

namespace smb3fuse::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr LockKind kShared = LockKind::shared;
constexpr LockKind kExclusive = LockKind::exclusive;
constexpr LockOwner kA{1, false};
constexpr LockOwner kB{2, false};
constexpr LockOwner kFlock{1, true};

OwnedLock lock(const LockOwner& owner, std::uint64_t begin, std::uint64_t end, LockKind kind) {
  return {owner, {begin, end}, kind, 0};
}
RangeLock part(std::uint64_t begin, std::uint64_t end, LockKind kind) { return {{begin, end}, kind}; }

TEST(LockTable, SharedLocksShare) {
  LockTable table;
  table.set(lock(kA, 0, 10, kShared));
  EXPECT_EQ(table.find_conflict(lock(kB, 5, 15, kShared)), nullptr);
  ASSERT_NE(table.find_conflict(lock(kB, 5, 15, kExclusive)), nullptr);
  EXPECT_EQ(table.find_conflict(lock(kB, 5, 15, kExclusive))->owner, kA);
  EXPECT_EQ(table.find_conflict(lock(kB, 10, 15, kExclusive)), nullptr);
}

TEST(LockTable, NobodyIsInTheirOwnWay) {
  LockTable table;
  table.set(lock(kA, 0, 10, kExclusive));
  EXPECT_EQ(table.find_conflict(lock(kA, 0, 20, kExclusive)), nullptr);
}

TEST(LockTable, FcntlAndFlockDoNotSeeEachOther) {
  LockTable table;
  table.set(lock(kA, 0, 10, kExclusive));
  EXPECT_EQ(table.find_conflict(lock(kFlock, 0, 10, kExclusive)), nullptr);
}

TEST(LockTable, AnUnlockInTheMiddleSplits) {
  LockTable table;
  table.set(lock(kA, 0, 30, kShared));
  table.release(kA, {10, 20});
  EXPECT_THAT(table.within(kA, kWholeFile), ElementsAre(lock(kA, 0, 10, kShared), lock(kA, 20, 30, kShared)));
}

TEST(LockTable, NeighboursOfAKindMergeAndOthersAreReplaced) {
  LockTable table;
  table.set(lock(kA, 0, 10, kShared));
  table.set(lock(kA, 20, 30, kShared));
  table.set(lock(kA, 10, 20, kShared));
  EXPECT_THAT(table.within(kA, kWholeFile), ElementsAre(lock(kA, 0, 30, kShared)));
  table.set(lock(kA, 10, 20, kExclusive));
  EXPECT_THAT(table.strongest(), ElementsAre(part(0, 10, kShared), part(10, 20, kExclusive), part(20, 30, kShared)));
}

TEST(LockTable, TheStrongestLockOfAllOwnersCounts) {
  LockTable table;
  table.set(lock(kA, 0, 20, kShared));
  table.set(lock(kB, 10, 30, kShared));
  table.set(lock(kFlock, 15, 17, kExclusive));
  EXPECT_THAT(table.strongest(), ElementsAre(part(0, 15, kShared), part(15, 17, kExclusive), part(17, 30, kShared)));
}

TEST(LockTable, ForgetsWhatIsNotHeldOfThem) {
  LockTable table;
  table.set(lock(kA, 0, 20, kShared));
  table.set(lock(kB, 30, 40, kExclusive));
  EXPECT_FALSE(table.forget_beyond({part(0, 10, kShared), part(10, 20, kExclusive), part(30, 40, kExclusive)}));
  EXPECT_TRUE(table.forget_beyond({part(0, 20, kShared), part(30, 40, kShared)}));
  EXPECT_THAT(table.strongest(), ElementsAre(part(0, 20, kShared)));
}

TEST(LockPlan, GivesUpALockAsItWasTaken) {
  const LockPlan plan = plan_locks({part(0, 10, kShared), part(10, 20, kShared)}, {}, true);
  EXPECT_THAT(plan.drop, ElementsAre(part(0, 10, kShared), part(10, 20, kShared)));
  EXPECT_THAT(plan.take, IsEmpty());
}

TEST(LockPlan, LocksWhatStaysOfASharedOneBeforeItGoes) {
  const LockPlan plan = plan_locks({part(0, 30, kShared)}, {part(0, 10, kShared), part(20, 30, kShared)}, true);
  EXPECT_THAT(plan.beside, ElementsAre(part(0, 10, kShared), part(20, 30, kShared)));
  EXPECT_THAT(plan.drop, ElementsAre(part(0, 30, kShared)));
  EXPECT_THAT(plan.take, IsEmpty());
}

TEST(LockPlan, WeakensWithoutAGapAndStrengthensWithOne) {
  const LockPlan weaker = plan_locks({part(0, 10, kExclusive)}, {part(0, 10, kShared)}, true);
  EXPECT_THAT(weaker.beside, ElementsAre(part(0, 10, kShared)));
  EXPECT_THAT(weaker.take, IsEmpty());
  const LockPlan stronger = plan_locks({part(0, 10, kShared)}, {part(0, 10, kExclusive)}, true);
  EXPECT_THAT(stronger.beside, IsEmpty());
  EXPECT_THAT(stronger.drop, ElementsAre(part(0, 10, kShared)));
  EXPECT_THAT(stronger.take, ElementsAre(part(0, 10, kExclusive)));
}

TEST(LockPlan, TakesOnlyWhatIsMissing) {
  const LockPlan plan = plan_locks({part(0, 10, kShared)}, {part(0, 20, kShared)}, true);
  EXPECT_THAT(plan.drop, IsEmpty());
  EXPECT_THAT(plan.take, ElementsAre(part(10, 20, kShared)));
}

TEST(LockPlan, OnlyDropsWhereNothingMayBeTaken) {
  const LockPlan plan = plan_locks({part(0, 10, kShared)}, {part(0, 5, kShared), part(20, 30, kShared)}, false);
  EXPECT_THAT(plan.drop, ElementsAre(part(0, 10, kShared)));
  EXPECT_TRUE(plan.beside.empty() && plan.take.empty());
}

TEST(LockPlan, FindsWhatNothingIsHeldOf) {
  const std::vector<RangeLock> held{part(5, 10, kShared), part(10, 15, kExclusive), part(20, 40, kShared)};
  EXPECT_THAT(parts_beside({0, 30}, held), ElementsAre(LockRange{0, 5}, LockRange{15, 20}));
  EXPECT_THAT(parts_beside({6, 12}, held), IsEmpty());
}

// A server's rules, for one open.
class ServersLocks {
 public:
  void lock(const RangeLock& wanted) {
    for (const RangeLock& each : held) {
      EXPECT_FALSE(wanted.kind == kExclusive && each.range.overlaps(wanted.range)) << "refused by our own lock";
    }
    held.push_back(wanted);
  }
  void unlock(const RangeLock& dropped) {
    const auto found =
        std::find_if(held.begin(), held.end(), [&](const RangeLock& each) { return each.range == dropped.range; });
    ASSERT_NE(found, held.end()) << "no lock of just that range";
    EXPECT_EQ(found->kind, dropped.kind) << "another one goes than was meant";
    held.erase(found);
  }
  std::vector<RangeLock> held;  // the oldest first
};

using Bytes = std::array<int, 24>;  // 0 free, 1 shared, 2 exclusive

Bytes bytes_of(const std::vector<RangeLock>& locks) {
  Bytes bytes{};
  for (const RangeLock& each : locks) {
    for (std::uint64_t i = each.range.begin; i < each.range.end; ++i) {
      bytes.at(i) = std::max(bytes.at(i), each.kind == kExclusive ? 2 : 1);
    }
  }
  return bytes;
}

TEST(LockTable, DoesAsATableOfBytesDoesAndSoDoesTheServer) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto below = [&](unsigned limit) { return std::uniform_int_distribution<unsigned>(0, limit - 1)(random); };
    LockTable table;
    ServersLocks server;
    std::map<LockOwner, Bytes> oracle{{kA, {}}, {kB, {}}, {kFlock, {}}};
    const std::array owners{kA, kB, kFlock};
    for (int step = 0; step < 60; ++step) {
      const LockOwner owner = owners.at(below(3));
      const std::uint64_t begin = below(23);
      const OwnedLock wanted = lock(owner, begin, begin + 1 + below(static_cast<unsigned>(24 - begin)),
                                    below(2) == 0 ? kShared : kExclusive);
      const int value = wanted.kind == kExclusive ? 2 : 1;
      if (below(3) == 0) {
        table.release(owner, wanted.range);
        for (std::uint64_t i = begin; i < wanted.range.end; ++i) oracle[owner].at(i) = 0;
      } else {
        bool refused = false;
        for (const auto& [other, bytes] : oracle) {
          if (other == owner || other.is_flock != owner.is_flock) continue;
          for (std::uint64_t i = begin; i < wanted.range.end; ++i) refused |= bytes.at(i) + value > 2;
        }
        ASSERT_EQ(table.find_conflict(wanted) != nullptr, refused);
        if (refused) continue;
        table.set(wanted);
        for (std::uint64_t i = begin; i < wanted.range.end; ++i) oracle[owner].at(i) = value;
      }
      Bytes strongest{};
      for (const auto& [each, bytes] : oracle) {
        for (std::size_t i = 0; i < bytes.size(); ++i) strongest.at(i) = std::max(strongest.at(i), bytes.at(i));
        std::vector<RangeLock> own;
        for (const OwnedLock& held : table.within(each, kWholeFile)) own.push_back({held.range, held.kind});
        ASSERT_EQ(bytes_of(own), bytes);
      }
      ASSERT_EQ(bytes_of(table.strongest()), strongest);

      const bool alone = below(4) == 0;  // then the server need not know
      const Bytes before = bytes_of(server.held);
      const LockPlan plan = plan_locks(server.held, table.strongest(), !alone);
      for (const RangeLock& each : plan.beside) server.lock(each);
      for (const RangeLock& each : plan.drop) server.unlock(each);
      for (std::size_t i = 0; i < strongest.size() && !alone; ++i) {
        const bool stays_shared = before.at(i) > 0 && strongest.at(i) == 1;
        ASSERT_TRUE(!stays_shared || bytes_of(server.held).at(i) > 0) << "a gap";
      }
      for (const RangeLock& each : plan.take) server.lock(each);
      ASSERT_TRUE(alone || bytes_of(server.held) == strongest);
      ASSERT_TRUE(plan_locks(server.held, table.strongest(), !alone).empty());
    }
  }
}

}  // namespace
}  // namespace smb3fuse::client
