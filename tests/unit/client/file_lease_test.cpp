// SPDX-License-Identifier: Apache-2.0
// client::File under the rights of a lease, and when they are taken back.
#include "tests/unit/client/file_fixture.h"

namespace smb3fuse::client {
namespace {

using test::milliseconds;

class FileLease : public test::FileTest {
 protected:
  FileLease() {
    share.grants_rights = true;
    file = std::make_unique<File>(runtime, budget, share, owner);
  }
  using Said = std::vector<std::string>;
};

TEST_F(FileLease, ReadsAgainWithoutARequest) {
  server.content = "content";
  open_with(kAll);
  const Pending first = read(0, 7);
  answer_all();
  EXPECT_EQ(first->bytes, "content");
  server.asked.clear();
  EXPECT_EQ(read(0, 7)->bytes, "");  // not within the call
  const Pending again = read(0, 7);
  runtime.turn();
  EXPECT_EQ(again->bytes, "content");
  EXPECT_EQ(server.asked, Asked{});
}

TEST_F(FileLease, SetsTimesOfWhatItHasWrittenBehindTheCaller) {
  Open& only = open_with(kAll);
  set(mtime(70));
  EXPECT_EQ(server.asked, Asked{"set mtime=70"});
  answer_all();
  write(0, "content");
  flush();
  answer_all();
  close(only);
  server.asked.clear();
  EXPECT_TRUE(set(mtime(77))->ended) << "nobody else can see the file without our being told";
  EXPECT_EQ(server.asked, Asked{"set mtime=77"}) << "but sent at once";
  EXPECT_EQ(file->seen_through({}).last_write_time, 77);
}

TEST_F(FileLease, LeavesItToTheKernelToKeepWhatNobodyWrites) {
  server.content = "content";
  open_with(kAll, false);
  read(0, 7);
  answer_all();
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST_F(FileLease, KeepsWritesUntilTheyAreFlushed) {
  open_with(kAll);
  EXPECT_TRUE(write(0, "abc")->ended);
  EXPECT_TRUE(write(3, "def")->ended);
  runtime.pass(milliseconds(500));
  EXPECT_EQ(server.asked, Asked{});
  const Pending flushed = flush();
  answer_all();
  EXPECT_TRUE(flushed->ended);
  EXPECT_EQ(server.content, "abcdef");
}

TEST_F(FileLease, AppendsWithoutAskingWhereTheFileEnds) {
  server.content = "log:";
  open_with(kAll);
  runtime.pass(milliseconds(100));
  const Pending first = append("one ");
  const Pending second = append("two");
  EXPECT_TRUE(first->ended);
  EXPECT_EQ(second->end, 11U);
  EXPECT_EQ(server.asked, Asked{});
  flush();
  answer_all();
  EXPECT_EQ(server.content, "log:one two");
}

TEST_F(FileLease, LendsAnOpenThatIsThere) {
  Open& opened = open_with(kAll, false);
  EXPECT_EQ(file->try_use(true, false), &opened);
  EXPECT_EQ(file->try_use(true, true), nullptr) << "it cannot write";
}

TEST_F(FileLease, LendsNothingWithoutTheRightOfTheHandle) {
  open_with({.read = true});
  EXPECT_EQ(file->try_use(true, false), nullptr);
}

TEST_F(FileLease, KeepsAnOpenAfterItsLastUserUntilItIsTold) {
  Open& opened = open_with(kAll);
  close(opened);
  EXPECT_EQ(server.opens, 1);
  EXPECT_EQ(file->try_use(true, true), &opened);
  close(opened);
  file->close_unused();
  EXPECT_EQ(server.opens, 0);
  EXPECT_FALSE(file->has_opens());
}

TEST_F(FileLease, ClosesAnOpenAfterItsLastUserWhereItMayNotKeepIt) {
  Open& opened = open_with({.read = true, .write = true});
  close(opened);
  EXPECT_EQ(server.opens, 0);
}

TEST_F(FileLease, TellsTheTimeOfWritingWhenItsWriterGoesThoughTheOpenStays) {
  Open& opened = open_with(kAll);
  run(file->set_attributes(size(10)));
  answer_all();
  server.asked.clear();
  write(0, "0123456789");
  flush();
  answer_all();
  close(opened);
  answer_all();
  EXPECT_FALSE(file->is_ahead());
  EXPECT_EQ(server.opens, 1);
}

TEST_F(FileLease, TellsTheTimeOfWritingWhenItsWriterGoesThoughAnotherOpenStays) {
  Open& idle = open_with(kAll);
  close(idle);
  OpenResult result;
  result.open = std::make_unique<test::FakeOpen>(server, pool);
  Open& writer = file->add(std::move(result), true, true, false);
  write(0, "abc", true);
  answer_all();
  flush();
  answer_all();
  EXPECT_TRUE(file->is_ahead());
  close(writer);
  EXPECT_EQ(server.opens, 1);
  EXPECT_EQ(server.asked.back(), "set mtime=1000");
}

TEST_F(FileLease, GivesTheServerItsRightBackAtOnceIfNothingIsKept) {
  open_with(kAll);
  EXPECT_TRUE(*take_back(kReadAndHandle));
  EXPECT_EQ(owner.said, Said{});
  EXPECT_EQ(server.asked, Asked{});
}

TEST_F(FileLease, WritesWhatItHoldsBeforeItGivesUpTheRightToWrite) {
  open_with(kAll);
  write(0, "dirty");
  const auto told = take_back(kReadAndHandle);
  EXPECT_FALSE(*told);
  EXPECT_EQ(server.asked, Asked{"write 0+5 and set mtime=1000"}) << "the next client may keep the time too";
  answer_all();
  EXPECT_TRUE(*told);
  EXPECT_EQ(server.content, "dirty");
  EXPECT_EQ(owner.said, Said{}) << "what was read stays good";
}

TEST_F(FileLease, TellsTheTimeOfWhatItHasWrittenBeforeItGivesUpTheRightToWrite) {
  open_with(kAll);
  write(0, std::string(8 << 20, 'x'));  // so much does not wait
  runtime.pass(milliseconds(500));
  answer_all();
  server.asked.clear();
  const auto told = take_back(kReadAndHandle);
  EXPECT_FALSE(*told);
  EXPECT_EQ(server.asked, Asked{"set mtime=1000"});
  answer_all();
  EXPECT_TRUE(*told);
}

TEST_F(FileLease, TellsTheTimeWithTheFlushWhereAnotherClientMayKeepIt) {
  open_with(kReadAndHandle);
  write(0, "abc");
  runtime.pass(milliseconds(500));
  answer_all();
  server.asked.clear();
  const Pending flushed = flush();
  EXPECT_EQ(server.asked, Asked{"set mtime=1000"});
  EXPECT_FALSE(flushed->ended);
  answer_all();
  EXPECT_TRUE(flushed->ended);
}

TEST_F(FileLease, ATimeThatTheServerDoesNotTakeIsNoFailure) {
  open_with(kReadAndHandle);
  write(0, "abc");
  runtime.pass(milliseconds(500));
  answer_all();
  const Pending flushed = flush();
  answer(NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_TRUE(flushed->ended);
  EXPECT_EQ(flushed->error, std::error_code());
}

TEST_F(FileLease, TellsTheTimeOfAnAppendWithIt) {
  server.content = "one ";
  open_with(kReadAndHandle);
  append("two");
  EXPECT_EQ(server.asked, Asked{"write 4+3 and set mtime=1000"});
  answer_all();
  const Pending flushed = flush();
  EXPECT_TRUE(flushed->ended);
  EXPECT_EQ(server.asked.size(), 1U);
}

TEST_F(FileLease, AppendsWhereTheFileEndsThoughItHasWrittenFurtherBefore) {
  open();
  write(0, std::string(100, 'x'));
  flush();
  answer_all();
  server.content = "cut";  // by another client
  open_with(kAll);
  append("+");
  answer_all();
  flush();
  answer_all();
  EXPECT_EQ(server.content, "cut+");
  const Pending seen = read(0, 200);
  answer_all();
  EXPECT_EQ(seen->bytes, "cut+");
}

TEST_F(FileLease, SendsAttributesThatWaitBeforeItGivesUpTheRightToWrite) {
  open_with(kAll);
  write(0, "dirty");
  set(mtime(77));
  const auto told = take_back({});
  while (!server.waiting.empty()) answer();
  EXPECT_TRUE(*told);
  EXPECT_EQ(server.asked.back(), "write 0+5 and set mtime=77");
}

TEST_F(FileLease, DropsWhatWasReadAndWaitsForItsOwnerBeforeItGivesUpTheRightToRead) {
  server.content = "old";
  open_with(kAll);
  read(0, 3);
  answer_all();
  owner.holds = true;
  const auto told = take_back({});
  EXPECT_EQ(owner.said, (Said{"lost", "drop data"}));
  EXPECT_FALSE(*told);
  owner.waiting();
  runtime.turn();
  EXPECT_TRUE(*told);
  server.content = "new";
  const Pending seen = read(0, 3);
  answer_all();
  EXPECT_EQ(seen->bytes, "new");
}

TEST_F(FileLease, WritesWhatTheOwnerStillHadBeforeTheServerIsTold) {
  open_with(kAll);
  owner.holds = true;
  const auto told = take_back({});
  write(0, "mapped");
  owner.waiting();
  runtime.turn();
  EXPECT_FALSE(*told);
  answer_all();
  EXPECT_TRUE(*told);
  EXPECT_EQ(server.content, "mapped");
}

TEST_F(FileLease, DoesNotKeepDataThatWasAskedForUnderALostRight) {
  server.content = "old";
  open_with(kAll);
  const Pending asked_before = read(0, 3);
  take_back({});
  answer_all();
  EXPECT_EQ(asked_before->bytes, "old") << "it was so when it was asked";
  server.content = "new";
  const Pending asked_after = read(0, 3);
  answer_all();
  EXPECT_EQ(asked_after->bytes, "new");
}

TEST_F(FileLease, ClosesOpensThatNobodyUsesWhenARightIsTakenBack) {
  Open& opened = open_with(kAll);
  close(opened);
  const auto told = take_back(kReadAndHandle);
  EXPECT_TRUE(*told);
  EXPECT_EQ(server.opens, 0);
  EXPECT_EQ(owner.said, (Said{"lost", "drop attributes"})) << "with the open goes the right to read";
}

TEST_F(FileLease, IsGivenNothingByABreakThatOvertakesTheAnswerToItsOpen) {
  EXPECT_TRUE(*take_back(kReadAndHandle));
  server.content = "hello";
  open_with(kReadAndHandle);
  const Pending all = read(0, 5);
  answer_all();
  EXPECT_EQ(all->bytes, "hello");
}

TEST_F(FileLease, TellsItsOwnerOfALossAgainIfItWasOpenedDuringTheBreakBefore) {
  Open& idle = open_with(kAll);
  close(idle);
  owner.holds = true;
  take_back(kReadAndHandle);
  open_with(kReadAndHandle);
  std::exchange(owner.waiting, nullptr)();
  owner.said.clear();
  take_back(Rights{});
  ASSERT_FALSE(owner.said.empty());
  EXPECT_EQ(owner.said.front(), "lost");
  owner.waiting();
}

TEST_F(FileLease, ObeysTwoBreaksInARow) {
  open_with(kAll);
  write(0, "dirty");
  const auto first = take_back(kReadAndHandle);
  const auto second = take_back({});
  EXPECT_FALSE(*first);
  EXPECT_FALSE(*second);
  answer_all();
  EXPECT_TRUE(*first);
  EXPECT_TRUE(*second);
  EXPECT_EQ(owner.said, (Said{"lost", "drop data"}));
}

TEST_F(FileLease, AFailureToWriteDuringABreakIsToldByTheNextFlush) {
  open_with(kAll);
  write(0, "lost");
  const auto told = take_back({});
  answer(NtStatus::STATUS_DISK_FULL);
  answer_all();
  EXPECT_TRUE(*told) << "the server is not kept waiting for what cannot be";
  EXPECT_EQ(flush()->error, make_error_code(NtStatus::STATUS_DISK_FULL));
}

TEST_F(FileLease, BelievesTheNextOpenAfterARightWasLost) {
  server.content = "old";
  Open& opened = open_with(kAll);
  read(0, 3);
  answer_all();
  close(opened);
  take_back({});
  server.content = "longer";
  open_with(kAll);
  const Pending seen = read(0, 100);
  answer_all();
  EXPECT_EQ(seen->bytes, "longer");
}

TEST_F(FileLease, BelievesTheNextOpenAfterItsLeaseEndedWithAnOpenThatIsNotItsOwn) {
  Open& only = open_with(kAll);
  read(0, 7);
  answer_all();
  close(only);
  {
    const test::FakeOpen of_a_rename(server, pool);
    file->close_unused();
    EXPECT_TRUE(share.lease->rights().read);
    EXPECT_FALSE(file->rights().read);
  }
  server.content = "content";
  open_with(kReadAndHandle);
  const Pending done = read(0, 7);
  answer_all();
  EXPECT_EQ(done->bytes, "content");
}

TEST_F(FileLease, KnowsBetterThanASecondOpenWhatItHasNotSentYet) {
  server.content = "12";
  open_with(kAll);
  write(2, "345");
  open();  // the server says: 2 bytes
  const Pending seen = read(0, 100);
  answer_all();
  EXPECT_EQ(seen->bytes, "12345");
}

TEST_F(FileLease, MayBeDestroyedWhileARightIsTakenBack) {
  open_with(kAll);
  write(0, "dirty");
  owner.holds = true;
  const auto told = take_back({});
  file.reset();
  runtime.turn();
  EXPECT_FALSE(*told);
}

}  // namespace
}  // namespace smb3fuse::client
