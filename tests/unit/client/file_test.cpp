// SPDX-License-Identifier: Apache-2.0
// client::File without a right to keep anything.
#include "tests/unit/client/file_fixture.h"

namespace smb3fuse::client {
namespace {

using test::FileTest;
using test::milliseconds;

TEST_F(FileTest, ReadsASmallFileWithoutARequestBesideItsOpen) {
  server.content = "small";
  open(true);
  File::ReadResult result;
  ASSERT_TRUE(file->try_read(0, 4096, result));
  EXPECT_EQ(text_of(result), "small");
  ASSERT_TRUE(file->try_read(5, 4096, result));
  EXPECT_EQ(text_of(result), "");
  EXPECT_EQ(server.asked, Asked{});
}

TEST_F(FileTest, SeesWhatOthersWroteBeforeANewOpen) {
  server.content = "old";
  open(true);
  server.content = "new";
  open();
  const Pending seen = read(0, 3);
  answer_all();
  EXPECT_EQ(seen->bytes, "new");
}

TEST_F(FileTest, DoesNotTakeTheFirstPieceOfAnOpenThatAWriteMayHaveOvertaken) {
  server.content = "before";
  open();
  write(0, "after!");
  flush();
  answer_all();
  server.content = "before";
  open(true);
  server.content = "after!";
  const Pending seen = read(0, 6);
  answer_all();
  EXPECT_EQ(seen->bytes, "after!");
}

TEST_F(FileTest, WritesFlushesAndSetsInOneMessageAtClose) {
  open();
  EXPECT_TRUE(write(0, "content")->ended);
  EXPECT_TRUE(set(mtime(77))->ended);
  EXPECT_TRUE(set(mode(1))->ended);
  const Pending flushed = flush();
  EXPECT_EQ(server.asked, Asked{"write 0+7 and set mtime=77 attributes=1"});
  EXPECT_FALSE(flushed->ended);
  answer();
  EXPECT_TRUE(flushed->ended);
  EXPECT_FALSE(flushed->error);
  EXPECT_FALSE(file->has_unsent());
}

TEST_F(FileTest, SetsAttributesOnlyAfterWritesInFlight) {
  open();
  write(0, std::string(1 << 20, 'x'));
  set(mtime(77));
  const Pending flushed = flush();
  EXPECT_EQ(server.asked, Asked{"write 0+1048576"});
  answer();
  EXPECT_EQ(server.asked.back(), "set mtime=77");
  EXPECT_FALSE(flushed->ended);
  answer();
  EXPECT_TRUE(flushed->ended);
}

TEST_F(FileTest, SetsAttributesAtOnceWhereNothingWasWritten) {
  open();
  const Pending done = set(mtime(77));
  EXPECT_EQ(server.asked, Asked{"set mtime=77"});
  EXPECT_FALSE(done->ended);
  answer(NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(done->error, make_error_code(NtStatus::STATUS_ACCESS_DENIED));
}

TEST_F(FileTest, SetsAModeAtOnceBehindWhatWasWritten) {
  open();
  write(0, "content");
  AttributeChanges changes = mtime(77);
  changes.mode = 6;
  const Pending done = set(changes);
  EXPECT_EQ(server.asked, Asked{"write 0+7 and set mtime=1000"});
  answer();
  EXPECT_EQ(server.asked.back(), "set mode=6");
  EXPECT_FALSE(done->ended);
  answer(NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(done->error, make_error_code(NtStatus::STATUS_ACCESS_DENIED));
  EXPECT_EQ(server.asked.size(), 2u) << "the time is not set either";
}

TEST_F(FileTest, SendsChangesThatNobodyFlushesAfterASecond) {
  open();
  write(0, std::string(1 << 20, 'x'));
  answer();
  EXPECT_TRUE(set(mtime(77))->ended);
  EXPECT_EQ(server.asked.size(), 1u);
  runtime.pass(milliseconds(1000));
  EXPECT_EQ(server.asked.back(), "set mtime=77");
  answer(NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(flush()->error, make_error_code(NtStatus::STATUS_ACCESS_DENIED)) << "told by the next flush";
  EXPECT_FALSE(flush()->error) << "once";
}

TEST_F(FileTest, LetsAWriteMoveATimeThatWasSetBeforeIt) {
  open();
  write(0, "one");
  set(mtime(77));
  write(3, "two");
  EXPECT_EQ(file->seen_through({}).last_write_time, 1000);
  flush();
  EXPECT_EQ(server.asked, Asked{"write 0+6 and set mtime=1000"});
}

TEST_F(FileTest, TheTimeOfWritingRidesOnTheLastWriteOfAFlush) {
  Open& only = open();
  write(0, "content");
  share.time = 2000;
  const Pending flushed = flush();
  EXPECT_EQ(server.asked, Asked{"write 0+7 and set mtime=1000"}) << "when it was written, not when it was sent";
  EXPECT_EQ(file->seen_through({}).last_write_time, 1000);
  EXPECT_TRUE(file->is_ahead());
  answer();
  EXPECT_TRUE(flushed->ended);
  EXPECT_FALSE(file->is_ahead());
  flush();
  close(only);
  EXPECT_EQ(server.asked.size(), 1u) << "told once";
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, TheTimeOfWritingGoesWithTheCloseWhenNothingWasLeftToWrite) {
  Open& only = open();
  write(0, "content");
  runtime.pass(milliseconds(5));
  const Pending flushed = flush();
  answer();
  EXPECT_TRUE(flushed->ended);
  EXPECT_EQ(server.asked, Asked{"write 0+7"});
  EXPECT_FALSE(file->has_unsent());
  EXPECT_TRUE(file->is_ahead());
  EXPECT_EQ(file->seen_through({}).last_write_time, 1000);
  EXPECT_EQ(file->seen_through({}).change_time, 1000);
  close(only);
  EXPECT_EQ(server.at_close, Asked{" mtime=1000"});
  EXPECT_FALSE(file->is_ahead());
}

TEST_F(FileTest, NoTimeIsToldWhereNothingWasWritten) {
  Open& only = open();
  EXPECT_TRUE(flush()->ended);
  EXPECT_FALSE(file->is_ahead());
  close(only);
  EXPECT_EQ(server.asked, Asked{});
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, TimesSetByTheProgramAreNotOverwrittenByTheTimeOfWriting) {
  Open& only = open();
  write(0, "content");
  set(mtime(77));
  flush();
  answer_all();
  close(only);
  EXPECT_EQ(server.asked, Asked{"write 0+7 and set mtime=77"});
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, TimesSetByTheProgramAfterTheLastWriteCancelTheTimeAtTheClose) {
  Open& only = open();
  write(0, "content");
  runtime.pass(milliseconds(5));
  flush();
  answer();
  const Pending done = set(mtime(77));
  answer();
  EXPECT_TRUE(done->ended);
  close(only);
  EXPECT_EQ(server.asked, (Asked{"write 0+7", "set mtime=77"}));
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, WritesAfterUtimesMoveTheTimeAgain) {
  open();
  const Pending done = set(mtime(77));
  write(0, "content");
  EXPECT_EQ(file->seen_through({}).last_write_time, 1000) << "though 77 is still on its way";
  answer();
  EXPECT_TRUE(done->ended);
  flush();
  EXPECT_EQ(server.asked, (Asked{"set mtime=77", "write 0+7 and set mtime=1000"}));
}

TEST_F(FileTest, AWriteBehindTheLastOfAFlushHasItsOwnTime) {
  Open& only = open();
  write(0, "one");
  const Pending flushed = flush();
  share.time = 2000;
  write(3, "two");
  EXPECT_EQ(file->seen_through({}).last_write_time, 2000);
  runtime.pass(milliseconds(5));
  answer_all();
  EXPECT_TRUE(flushed->ended);
  EXPECT_EQ(server.asked, (Asked{"write 0+3 and set mtime=1000", "write 3+3"}));
  EXPECT_TRUE(file->is_ahead());
  flush();
  close(only);
  EXPECT_EQ(server.at_close, Asked{" mtime=2000"});
}

TEST_F(FileTest, OtherChangesTakeTheTimeOfWritingAlong) {
  Open& only = open();
  write(0, "content");
  runtime.pass(milliseconds(5));
  answer();
  set(mode(1));
  flush();
  answer_all();
  close(only);
  EXPECT_EQ(server.asked, (Asked{"write 0+7", "set mtime=1000 attributes=1"}));
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, TheTimeOfAWriteThatFailedGoesWithTheClose) {
  Open& only = open();
  write(0, "content");
  const Pending flushed = flush();
  answer(NtStatus::STATUS_DISK_FULL);
  EXPECT_EQ(flushed->error, make_error_code(NtStatus::STATUS_DISK_FULL));
  EXPECT_FALSE(flush()->error);
  EXPECT_EQ(server.asked.size(), 1u) << "nothing is tried again by itself";
  close(only);
  EXPECT_EQ(server.at_close, Asked{" mtime=1000"});
}

TEST_F(FileTest, AFailedWriteDoesNotUndoUtimes) {
  Open& only = open();
  write(0, "content");
  const Pending flushed = flush();
  set(mtime(77));
  answer(NtStatus::STATUS_DISK_FULL);
  answer_all();
  EXPECT_EQ(flushed->error, make_error_code(NtStatus::STATUS_DISK_FULL));
  close(only);
  EXPECT_EQ(server.asked, (Asked{"write 0+7 and set mtime=1000", "set mtime=77"}));
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, TheLastOfTwoWritableOpensTellsTheTime) {
  Open& first = open();
  Open& second = open();
  write(0, "content");
  runtime.pass(milliseconds(5));
  answer();
  close(first);
  EXPECT_EQ(server.at_close, Asked{});
  share.time = 2000;
  write(7, "more");
  runtime.pass(milliseconds(5));
  answer();
  close(second);
  EXPECT_EQ(server.asked, (Asked{"write 0+7", "write 7+4"}));
  EXPECT_EQ(server.at_close, Asked{" mtime=2000"});
}

TEST_F(FileTest, TheLastWritableOpenTellsTheTimeThoughReadersRemain) {
  Open& writer = open();
  open(false, false);
  write(0, "content");
  runtime.pass(milliseconds(5));
  answer();
  close(writer);
  EXPECT_EQ(server.at_close, Asked{" mtime=1000"});
  EXPECT_FALSE(file->is_ahead());
}

TEST_F(FileTest, WritesAgainWithItsTimeWhenItsOpenWasClosedMeanwhile) {
  Open& first = open();
  open();
  write(0, "content");
  const Pending flushed = flush();
  file->end_use(first);
  answer(NtStatus::STATUS_FILE_CLOSED);
  EXPECT_FALSE(flushed->ended);
  EXPECT_EQ(server.asked, (Asked{"write 0+7 and set mtime=1000", "write 0+7 and set mtime=1000"}));
  answer();
  EXPECT_TRUE(flushed->ended);
  EXPECT_FALSE(flushed->error);
  EXPECT_FALSE(file->is_ahead());
}

TEST_F(FileTest, AYoungerWriteKeepsItsTimeWhenAnOlderOneIsSentAgain) {
  Open& first = open();
  Open& second = open();
  write(0, "content");
  flush();
  share.time = 2000;
  write(7, "more");
  file->end_use(first);
  answer(NtStatus::STATUS_FILE_CLOSED);
  EXPECT_EQ(server.asked.back(), "write 0+7") << "no longer the last one";
  EXPECT_EQ(file->seen_through({}).last_write_time, 2000);
  runtime.pass(milliseconds(5));
  answer_all();
  close(second);
  EXPECT_EQ(server.at_close, Asked{" mtime=2000"});
}

TEST_F(FileTest, ATruncateTellsItsTime) {
  server.content = "content";
  Open& only = open();
  set(mtime(77));
  answer();
  const Pending done = set(size(4));
  EXPECT_EQ(server.asked.back(), "set mtime=1000 size=4") << "an open whose time was set moves it no more by itself";
  EXPECT_EQ(file->seen_through({}).last_write_time, 1000);
  answer();
  EXPECT_TRUE(done->ended);
  close(only);
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, ATruncateCarriesTheTimesThatAreSetWithIt) {
  Open& only = open();
  write(0, "content");
  AttributeChanges both = size(4);
  both.last_write_time = 77;
  set(both);
  answer_all();
  close(only);
  EXPECT_EQ(server.asked, (Asked{"write 0+7", "set mtime=77 size=4"}));
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, AWriteBehindATruncateTellsItsTimeItself) {
  open();
  write(0, "content");
  set(size(4));
  share.time = 2000;
  write(4, "more");
  flush();
  answer();
  EXPECT_EQ(server.asked, (Asked{"write 0+7", "set size=4"}));
  answer();
  EXPECT_EQ(server.asked.back(), "write 4+4 and set mtime=2000");
}

TEST_F(FileTest, ShowsAttributesThroughWhatIsNotSent) {
  open();
  write(10, "unsent");
  Attributes from_server;
  from_server.last_write_time = 5;
  EXPECT_EQ(file->seen_through(from_server).end_of_file, 16u);
  EXPECT_EQ(file->seen_through(from_server).last_write_time, 1000);
  EXPECT_EQ(file->seen_through(from_server).change_time, 1000);
  from_server.posix.emplace();
  from_server.change_time = 1001;
  EXPECT_EQ(file->seen_through(from_server).change_time, 1001) << "a chmod has moved it since";
  set(mtime(77));
  EXPECT_EQ(file->seen_through(from_server).last_write_time, 77);
  const Pending flushed = flush();
  EXPECT_EQ(file->seen_through(from_server).last_write_time, 77);
  answer_all();
  EXPECT_EQ(file->seen_through(from_server).last_write_time, 5);
}

TEST_F(FileTest, TruncatesAfterTheWritesBefore) {
  open();
  write(0, "0123456789");
  const Pending done = set(size(4));
  EXPECT_EQ(file->seen_through({}).end_of_file, 10u) << "our own bytes are still on their way";
  EXPECT_EQ(server.asked, Asked{"write 0+10"});
  answer();
  EXPECT_EQ(file->seen_through({}).end_of_file, 4u);
  EXPECT_EQ(server.asked.back(), "set mtime=1000 size=4");
  answer();
  EXPECT_TRUE(done->ended);
  EXPECT_EQ(server.content, "0123");
}

TEST_F(FileTest, LosesNothingOnAServerThatRefusesToBeToldTheTime) {
  server.set_refused = make_error_code(NtStatus::STATUS_ACCESS_DENIED);
  open();
  write(0, "kept");
  const Pending flushed = flush();
  answer_all();
  EXPECT_TRUE(flushed->ended);
  EXPECT_FALSE(flushed->error);
  EXPECT_EQ(server.content, "kept");
}

TEST_F(FileTest, TellsAtTheFlushThatTheProgramsTimesWereRefused) {
  server.set_refused = make_error_code(NtStatus::STATUS_ACCESS_DENIED);
  open();
  write(0, "kept");
  set(mtime(77));
  const Pending flushed = flush();
  answer_all();
  EXPECT_EQ(flushed->error, server.set_refused);
  EXPECT_EQ(server.content, "kept");
}

TEST_F(FileTest, AppendsWhereTheOpenSaidThatTheFileEndsAndWaitsUntilItIsThere) {
  server.content = "log:";
  open();
  const Pending done = append("one ");
  EXPECT_EQ(server.asked, Asked{"write 4+4 and set mtime=1000"});
  EXPECT_FALSE(done->ended) << "another client that appends now has to find it";
  answer();
  EXPECT_TRUE(done->ended);
  EXPECT_EQ(done->end, 8u);
}

TEST_F(FileTest, AsksWhereTheFileEndsBeforeEachLaterAppend) {
  server.content = "log:";
  open();
  append("one ");
  answer_all();
  server.content += "others ";
  const Pending later = append("two ");
  const Pending next = append("three");
  EXPECT_EQ(server.asked.back(), "attributes");
  answer_all();
  EXPECT_TRUE(later->ended && next->ended);
  EXPECT_EQ(server.content, "log:one others two three");
}

TEST_F(FileTest, DoesNotTrustTheOpenForLongWhenItAppends) {
  server.content = "log:";
  open();
  server.content += "others ";
  runtime.pass(milliseconds(2));
  append("late");
  EXPECT_EQ(server.asked, Asked{"attributes"});
  answer_all();
  EXPECT_EQ(server.content, "log:others late");
}

TEST_F(FileTest, LetsBulkAppendsFollowOneAnotherWithoutAsking) {
  open();
  const std::string bulk(std::size_t{64} << 10, 'x');
  const Pending first = append(bulk);
  const Pending second = append(bulk);
  EXPECT_TRUE(first->ended && second->ended);
  EXPECT_EQ(second->end, 2 * bulk.size());
  flush();
  answer_all();
  EXPECT_EQ(server.content.size(), 2 * bulk.size());
  for (const std::string& asked : server.asked) EXPECT_NE(asked, "attributes");
}

TEST_F(FileTest, EndsAWriteThroughOnceItIsOnDisk) {
  open();
  const Pending done = write(0, "durable", true);
  EXPECT_EQ(server.asked, Asked{"write 0+7 and flush"});
  EXPECT_FALSE(done->ended);
  answer();
  EXPECT_TRUE(done->ended);
  EXPECT_EQ(server.asked.size(), 1U);
}

TEST_F(FileTest, FlushesInTheMessageOfTheLastWriteAndOnlyOnce) {
  open();
  write(0, "content");
  Pending flushed = flush(true);
  EXPECT_EQ(server.asked, Asked{"write 0+7 and set mtime=1000 and flush"});
  answer();
  EXPECT_TRUE(flushed->ended);
  EXPECT_TRUE(flush(true)->ended) << "nothing was written since";
  EXPECT_EQ(server.asked.size(), 1U);
  write(7, "more");
  runtime.pass(milliseconds(5));
  answer();
  flushed = flush(true);
  EXPECT_EQ(server.asked.back(), "flush") << "what was written before has to be on disk, too";
  answer();
  EXPECT_TRUE(flushed->ended);
}

TEST_F(FileTest, FlushesAgainWhereWhatWentWithTheLastWriteWasRefused) {
  open();
  write(0, "content");
  server.set_refused = make_error_code(NtStatus::STATUS_ACCESS_DENIED);
  const Pending flushed = flush(true);
  answer();
  EXPECT_EQ(server.asked.back(), "flush");
  EXPECT_FALSE(flushed->ended);
  answer();
  EXPECT_TRUE(flushed->ended);
  EXPECT_FALSE(flushed->error) << "a time of writing is not what the program has asked for";
}

TEST_F(FileTest, TellsAWriteErrorAtTheFlush) {
  open();
  EXPECT_TRUE(write(0, "lost")->ended);
  const Pending flushed = flush();
  answer(NtStatus::STATUS_DISK_FULL);
  EXPECT_EQ(flushed->error, make_error_code(NtStatus::STATUS_DISK_FULL));
  EXPECT_FALSE(flush()->error);
}

TEST_F(FileTest, ReadsAgainThroughAnotherOpenWhenItsOwnWasClosedMeanwhile) {
  server.content = "content";
  Open& first = open();
  open();
  const Pending seen = read(0, 7);
  file->end_use(first);
  answer(NtStatus::STATUS_FILE_CLOSED);
  EXPECT_FALSE(seen->ended);
  answer();
  EXPECT_EQ(seen->bytes, "content");
}

TEST_F(FileTest, SendsASmallWriteAfterAFewMillisecondsWithoutAFlush) {
  open();
  write(0, "soon");
  runtime.pass(milliseconds(4));
  EXPECT_EQ(server.asked, Asked{});
  runtime.pass(milliseconds(1));
  EXPECT_EQ(server.asked, Asked{"write 0+4"});
}

TEST_F(FileTest, MayBeDestroyedWithEverythingUnderWay) {
  server.content = std::string(4096, 'x');
  open();
  read(0, 4096);
  write(0, "unsent");
  append("more");
  file.reset();
  runtime.turn();
  answer_all();
}

}  // namespace
}  // namespace smb3fuse::client
