// SPDX-License-Identifier: Apache-2.0
// Byte-range locks of a File: kept to ourselves while nobody else has it, else at the server.
#include "smb/client/file_locks.h"

#include <gmock/gmock.h>

#include "file_fixture.h"
#include "smb/client/interrupt.h"

namespace smb3fuse::client::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr LockOwner kA{1, false};
constexpr LockOwner kB{2, false};

class FileLocksTest : public FileTest {
 protected:
  FileLocksTest() {
    share.grants_rights = true;
    file = std::make_unique<File>(runtime, budget, share, owner);
    server.content = "0123456789";
  }

  static OwnedLock exclusive(const LockOwner& who, std::uint64_t begin, std::uint64_t end) {
    return {who, {begin, end}, LockKind::exclusive, 7};
  }
  static OwnedLock shared(const LockOwner& who, std::uint64_t begin, std::uint64_t end) {
    return {who, {begin, end}, LockKind::shared, 7};
  }
  // As it is told of another machine's.
  static OwnedLock theirs(std::uint64_t begin, std::uint64_t end, LockKind kind) { return {kA, {begin, end}, kind, 0}; }
  Pending take(const OwnedLock& wanted, bool waits = false, std::shared_ptr<Interrupt> interrupt = nullptr) {
    const auto outcome = std::make_shared<Outcome>();
    spawn(await_lock(file->locks().set(wanted, waits), outcome), std::move(interrupt));
    runtime.turn();
    return outcome;
  }
  static Task<void> await_lock(Task<LockResult> task, Pending outcome) {
    const LockResult result = co_await task;
    outcome->error = result.error;
    outcome->ended = true;
  }
  Pending give_up(const LockOwner& who, std::uint64_t begin, std::uint64_t end) {
    return run(file->locks().release(who, {begin, end}, {}));
  }
  std::optional<OwnedLock> in_the_way(const OwnedLock& wanted, const std::vector<std::error_code>& answers = {}) {
    std::optional<OwnedLock> found;
    spawn(await_found(file->locks().find_conflict(wanted), found));
    runtime.turn();
    for (const std::error_code& each : answers) answer(each);
    return found;
  }
  static Task<void> await_found(Task<Result<std::optional<OwnedLock>>> task, std::optional<OwnedLock>& found) {
    const Result<std::optional<OwnedLock>> result = co_await task;
    if (result) found = *result;
  }
  static void expect_done(const Pending& outcome) {
    EXPECT_TRUE(outcome->ended);
    EXPECT_FALSE(outcome->error) << outcome->error.message();
  }
  static void expect_refused(const Pending& outcome) {
    EXPECT_TRUE(outcome->ended);
    EXPECT_TRUE(is_lock_refusal(outcome->error)) << outcome->error.message();
  }
  Asked asked() { return std::exchange(server.asked, {}); }

  const std::error_code refused = make_error_code(NtStatus::STATUS_LOCK_NOT_GRANTED);
};

TEST_F(FileLocksTest, CostNothingWhileNobodyElseHasTheFile) {
  open_with(kAll);
  expect_done(take(exclusive(kA, 0, 10)));
  expect_refused(take(shared(kB, 5, 6)));
  EXPECT_EQ(in_the_way(shared(kB, 5, 6)), exclusive(kA, 0, 10));
  EXPECT_EQ(in_the_way(shared(kB, 10, 11)), std::nullopt);
  expect_done(give_up(kA, 0, 10));
  expect_done(take(shared(kB, 5, 6)));
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(FileLocksTest, AreTakenToTheServerBeforeItIsToldThatOthersMayComeIn) {
  open_with(kAll);
  expect_done(take(exclusive(kA, 0, 10)));
  expect_done(take(shared(kB, 20, 30)));
  expect_done(write(0, "unsent"));
  const auto told = take_back(kReadAndHandle);
  ASSERT_THAT(asked(), ElementsAre("write 0+6 and set mtime=1000"));
  answer();
  EXPECT_THAT(asked(), ElementsAre("lock take 0-10x 20-30s")) << "after what was written";
  EXPECT_FALSE(*told);
  answer();
  EXPECT_TRUE(*told);
}

TEST_F(FileLocksTest, OfNobodyDelayNoBreak) {
  open_with(kAll);
  expect_done(take(exclusive(kA, 0, 10)));
  expect_done(give_up(kA, 0, 10));
  EXPECT_TRUE(*take_back(kReadAndHandle));
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(FileLocksTest, TakenWhileABreakIsUnderWayAreAtTheServerOnceAndBeforeItsEnd) {
  open_with(kAll);
  expect_done(take(exclusive(kA, 0, 10)));
  const auto told = take_back(kReadAndHandle);
  ASSERT_THAT(asked(), ElementsAre("lock take 0-10x"));
  const Pending second = take(exclusive(kA, 10, 20));
  EXPECT_THAT(asked(), IsEmpty()) << "one after the other";
  answer();
  EXPECT_TRUE(*told);
  EXPECT_THAT(asked(), ElementsAre("lock take 10-20x"));
  answer();
  expect_done(second);
}

TEST_F(FileLocksTest, AreTheServersWhereOthersUseTheFile) {
  open_with(kReadAndHandle);
  const Pending granted = take(exclusive(kA, 0, 10));
  ASSERT_THAT(asked(), ElementsAre("lock take 0-10x"));
  EXPECT_FALSE(granted->ended);
  answer();
  expect_done(granted);
  const Pending other = take(exclusive(kA, 20, 30));
  answer(refused);
  expect_refused(other);
  EXPECT_THAT(asked(), ElementsAre("lock take 20-30x"));
  expect_refused(take(shared(kB, 0, 1)));
  EXPECT_THAT(asked(), IsEmpty()) << "the table knows";
  const Pending gone = give_up(kA, 0, 10);
  EXPECT_THAT(asked(), ElementsAre("lock drop 0-10x"));
  answer();
  expect_done(gone);
}

TEST_F(FileLocksTest, WhatWasReadBeforeOneIsForgotten) {
  open_with(kReadAndHandle);
  const Pending before = read(0, 10);
  answer();
  EXPECT_EQ(before->bytes, "0123456789");
  server.content = "changed by another";
  owner.holds = true;
  const Pending granted = take(shared(kA, 0, 10));
  answer();
  EXPECT_FALSE(granted->ended) << "before those above have dropped theirs";
  EXPECT_THAT(owner.said, ElementsAre("lost", "drop data"));
  owner.waiting();
  expect_done(granted);
  owner.holds = false;
  asked();
  const Pending after = read(0, 100);
  EXPECT_THAT(asked(), ElementsAre("read 0+18")) << "as far as the file goes now";
  answer();
  EXPECT_EQ(after->bytes, "changed by another");
}

TEST_F(FileLocksTest, WhatWasWrittenUnderOneIsWrittenBeforeItGoes) {
  open_with(kReadAndHandle);
  const Pending granted = take(exclusive(kA, 0, 10));
  answer();
  expect_done(write(0, "abc"));
  asked();
  const Pending gone = give_up(kA, 0, 10);
  ASSERT_THAT(asked(), ElementsAre("write 0+3 and set mtime=1000"));
  answer();
  EXPECT_THAT(asked(), ElementsAre("lock drop 0-10x"));
  answer();
  expect_done(gone);
}

TEST_F(FileLocksTest, ReadsAndWritesGoThroughTheOpenThatHasThem) {
  share.lease->held = kReadAndHandle;
  open_with(kReadAndHandle, false);
  Open& writable = open_with(kReadAndHandle, true);
  const Pending granted = take(exclusive(kA, 0, 10));
  answer();
  expect_done(granted);
  ASSERT_EQ(server.opens, 2);
  close(writable);
  EXPECT_EQ(server.opens, 2) << "it stays for its locks";
  read(0, 4);
  EXPECT_EQ(server.last_open, &writable);
  answer_all();
  const Pending gone = give_up(kA, 0, 10);
  answer();
  expect_done(gone);
}

TEST_F(FileLocksTest, ARefusedStrongerOneLeavesTheWeakerOne) {
  open_with(kReadAndHandle);
  const Pending weak = take(shared(kA, 0, 10));
  answer();
  asked();
  const Pending strong = take(exclusive(kA, 0, 10));
  EXPECT_THAT(asked(), ElementsAre("lock drop 0-10s take 0-10x"));
  answer(refused);
  EXPECT_THAT(asked(), ElementsAre("lock take 0-10s"));
  answer();
  expect_refused(strong);
  EXPECT_EQ(in_the_way(exclusive(kB, 0, 10)), shared(kA, 0, 10));
}

// An exclusive lock goes as a whole, so what stays of it is taken anew, and others may be faster.
TEST_F(FileLocksTest, WhoComesInWhileALockBecomesWeakerIsWaitedFor) {
  open_with(kReadAndHandle);
  const Pending whole = take(exclusive(kA, 0, 10));
  answer();
  asked();
  const Pending weaker = take(shared(kA, 5, 10));
  EXPECT_THAT(asked(), ElementsAre("lock beside 5-10s drop 0-10x take 0-5x"));
  answer(refused);
  EXPECT_FALSE(weaker->ended);
  EXPECT_TRUE(server.waiting.empty()) << "not at once";
  runtime.pass(milliseconds(5));
  answer();
  expect_done(weaker);
  EXPECT_EQ(in_the_way(exclusive(kB, 0, 5)), exclusive(kA, 0, 5));
  EXPECT_EQ(in_the_way(exclusive(kB, 5, 10)), shared(kA, 5, 10));
}

TEST_F(FileLocksTest, WhoComesInWhileAPartIsGivenUpIsWaitedFor) {
  open_with(kReadAndHandle);
  const Pending whole = take(exclusive(kA, 0, 10));
  answer();
  const Pending given_up = give_up(kA, 0, 5);
  answer(refused);
  EXPECT_FALSE(given_up->ended);
  runtime.pass(milliseconds(5));
  answer();
  expect_done(given_up);
  EXPECT_EQ(in_the_way(exclusive(kB, 5, 10)), exclusive(kA, 5, 10));
}

TEST_F(FileLocksTest, OneThatIsLostMeanwhileIsToldAndNotBelievedToBeThere) {
  open_with(kReadAndHandle);
  const Pending weak = take(shared(kA, 0, 10));
  answer();
  const Pending strong = take(exclusive(kA, 0, 10));
  answer(refused);
  for (int i = 0; i < 100 && !strong->ended; ++i) {
    if (server.waiting.empty()) runtime.pass(milliseconds(100));
    if (!server.waiting.empty()) answer(refused);
  }
  EXPECT_TRUE(strong->ended);
  EXPECT_EQ(strong->error, NtStatus::STATUS_UNEXPECTED_IO_ERROR);
  EXPECT_TRUE(file->locks().empty());
}

TEST_F(FileLocksTest, WhoWaitsForTheServerAsksAgain) {
  open_with(kReadAndHandle);
  const Pending waiting = take(exclusive(kA, 0, 10), true);
  for (int i = 0; i < 5; ++i) {
    answer(refused);
    EXPECT_FALSE(waiting->ended);
    EXPECT_TRUE(server.waiting.empty()) << "not at once";
    runtime.pass(milliseconds(100));
  }
  answer();
  expect_done(waiting);
}

TEST_F(FileLocksTest, WhoWaitsForAProgramHereIsWokenInTheOrderOfAsking) {
  open_with(kAll);
  expect_done(take(exclusive(kA, 0, 10)));
  const Pending first = take(exclusive(kB, 0, 10), true);
  const Pending second = take(exclusive({3, false}, 0, 10), true);
  EXPECT_FALSE(first->ended || second->ended);
  expect_done(give_up(kA, 0, 10));
  expect_done(first);
  EXPECT_FALSE(second->ended);
  expect_done(give_up(kB, 0, 10));
  expect_done(second);
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(FileLocksTest, WhoIsInterruptedWaitsNoMore) {
  open_with(kAll);
  expect_done(take(exclusive(kA, 0, 10)));
  const auto interrupt = std::make_shared<Interrupt>();
  const Pending waiting = take(exclusive(kB, 0, 10), true, interrupt);
  interrupt->fire();
  EXPECT_TRUE(waiting->ended);
  EXPECT_EQ(waiting->error, NtStatus::STATUS_CANCELLED);
  expect_done(give_up(kA, 0, 10));
  EXPECT_EQ(in_the_way(exclusive(kA, 0, 10)), std::nullopt);
}

TEST_F(FileLocksTest, WhoIsInterruptedWhileTheServerIsAskedWaitsNoMore) {
  open_with(kReadAndHandle);
  const auto interrupt = std::make_shared<Interrupt>();
  const Pending waiting = take(exclusive(kB, 0, 10), true, interrupt);
  interrupt->fire();
  EXPECT_FALSE(waiting->ended) << "the server may have granted it";
  answer(refused);
  EXPECT_TRUE(waiting->ended);
  EXPECT_EQ(waiting->error, NtStatus::STATUS_CANCELLED);
}

TEST_F(FileLocksTest, NobodyWaitsAfterTheEnd) {
  open_with(kAll);
  expect_done(take(exclusive(kA, 0, 10)));
  const Pending waiting = take(exclusive(kB, 0, 10), true);
  file->locks().stop_waiting();
  EXPECT_TRUE(waiting->ended);
  EXPECT_EQ(waiting->error, NtStatus::STATUS_CANCELLED);
}

TEST_F(FileLocksTest, TheServerIsAskedForOthersByTryingWhatIsNotOurs) {
  open_with(kReadAndHandle);
  const Pending own = take(shared(kA, 0, 10));
  answer();
  asked();
  EXPECT_EQ(in_the_way(exclusive(kA, 0, 20), {{}}), std::nullopt);
  EXPECT_THAT(asked(), ElementsAre("lock beside 10-20x drop 10-20x"));
  EXPECT_EQ(in_the_way(exclusive(kA, 0, 20), {refused, {}}), theirs(0, 20, LockKind::shared));
  EXPECT_THAT(asked(), ElementsAre("lock beside 10-20x drop 10-20x", "lock beside 10-20s drop 10-20s"));
  EXPECT_EQ(in_the_way(shared(kA, 10, 20), {refused}), theirs(10, 20, LockKind::exclusive));
}

}  // namespace
}  // namespace smb3fuse::client::test
