// SPDX-License-Identifier: Apache-2.0
// Plans for locks carried out by POSIX' rules, against a table of bytes.
#include "smb/client/smb1_unix_locks.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace smb3fuse::client {
namespace {

constexpr std::size_t kBytes = 12;

RangeLock shared(std::uint64_t begin, std::uint64_t end) { return {{begin, end}, LockKind::shared}; }
RangeLock exclusive(std::uint64_t begin, std::uint64_t end) { return {{begin, end}, LockKind::exclusive}; }

// What one open holds, a letter for each byte.
class Table {
 public:
  explicit Table(const std::vector<RangeLock>& locks) {
    for (const RangeLock& each : locks) set(each);
  }
  void set(const RangeLock& lock) { fill(lock.range, lock.kind == LockKind::shared ? 's' : 'x'); }
  void unlock(const LockRange& range) { fill(range, '-'); }
  // The first `count` of what is set; all of it, and what is given up, if that is enough.
  void carry_out(const PosixLockSteps& steps, std::size_t count) {
    for (std::size_t i = 0; i < std::min(count, steps.set.size()); ++i) set(steps.set[i]);
    if (count < steps.set.size()) return;
    for (const LockRange& range : steps.unlock) unlock(range);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void fill(const LockRange& range, char kind) {
    for (std::uint64_t at = range.begin; at < range.end; ++at) bytes_.at(at) = kind;
  }
  std::string bytes_ = std::string(kBytes, '-');
};

std::vector<RangeLock> random_locks(std::mt19937& random) {
  std::vector<RangeLock> locks;
  std::uint64_t at = 0;
  const auto upto = [&](std::uint64_t limit) { return std::uniform_int_distribution<std::uint64_t>(0, limit)(random); };
  while (at < kBytes) {
    const std::uint64_t begin = at + upto(3);
    const std::uint64_t end = begin + 1 + upto(3);
    if (end > kBytes) break;
    locks.push_back(upto(1) == 0 ? shared(begin, end) : exclusive(begin, end));
    at = end;
  }
  return locks;
}

TEST(PosixLocks, BecomeWhatIsWanted) {
  std::mt19937 random(1);
  for (int run = 0; run < 20'000; ++run) {
    const std::vector<RangeLock> held = random_locks(random);
    const std::vector<RangeLock> wanted = random_locks(random);
    const LockPlan plan = plan_locks(held, wanted, true);
    Table table(held);
    table.carry_out(posix_steps(plan), kBytes);
    ASSERT_EQ(table.bytes(), Table(wanted).bytes()) << "from " << Table(held).bytes();
  }
}

TEST(PosixLocks, AreAsTheyWereWhenOneIsRefused) {
  std::mt19937 random(2);
  for (int run = 0; run < 20'000; ++run) {
    const std::vector<RangeLock> held = random_locks(random);
    const LockPlan plan = plan_locks(held, random_locks(random), true);
    const PosixLockSteps steps = posix_steps(plan);
    for (std::size_t done = 0; done < steps.set.size(); ++done) {
      Table table(held);
      table.carry_out(steps, done);
      table.carry_out(undo_posix_steps(plan, done), kBytes);
      ASSERT_EQ(table.bytes(), Table(held).bytes()) << done << " done";
    }
  }
}

// A lock that is only tried is dropped again, and what is held beside it stays.
TEST(PosixLocks, AreOnlyTriedWhereTheyAreDroppedAtOnce) {
  LockPlan plan;
  plan.beside = {exclusive(0, 2), exclusive(5, 7)};
  plan.drop = plan.beside;
  Table table({shared(2, 5)});
  table.carry_out(posix_steps(plan), kBytes);
  EXPECT_EQ(table.bytes(), "--sss-------");
}

TEST(PosixLocks, BecomeStrongerWithoutBeingGivenUp) {
  const LockPlan plan = plan_locks({shared(0, 10)}, {exclusive(0, 10)}, true);
  const PosixLockSteps steps = posix_steps(plan);
  EXPECT_EQ(steps.set, std::vector{exclusive(0, 10)});
  EXPECT_TRUE(steps.unlock.empty());
}

}  // namespace
}  // namespace smb3fuse::client
