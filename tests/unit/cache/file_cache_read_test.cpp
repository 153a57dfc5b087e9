// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cache/cache_fixture.h"

namespace smb3fuse::cache {
namespace {

using std::chrono::milliseconds;
using Kind = GatedRemoteFile::Kind;

class FileCacheRead : public CacheTest {
 protected:
  // Read ahead for reads of this size begins with the first one.
  void use_large_pieces() {
    Limits limits;
    cache = std::make_unique<FileCache>(remote, budget, limits, [this] { return now; });
  }
};

TEST_F(FileCacheRead, AsksForExactlyWhatARandomReadWants) {
  serve(pattern(1000));
  for (const std::uint64_t offset : {100u, 500u, 300u, 0u}) {
    const Pending answer = read(offset, 8);
    ASSERT_EQ(remote.waiting.size(), 1u);
    EXPECT_EQ(remote.waiting[0].offset, offset);
    EXPECT_EQ(remote.waiting[0].length, 8u);
    release();
    EXPECT_EQ(answer->bytes, remote.content.substr(offset, 8));
  }
  EXPECT_EQ(remote.reads, 4);
}

TEST_F(FileCacheRead, AnswersSequentialReadsFromWhatWasReadAhead) {
  serve(pattern(1000));
  std::string got;
  for (std::uint64_t at = 0; at < 1000; at += 8) {
    const std::optional<std::string> here = try_read(at, 8);
    if (here) {
      got += *here;
      continue;
    }
    const Pending answer = read(at, 8);
    release_all();
    ASSERT_TRUE(answer->answered);
    got += answer->bytes;
  }
  EXPECT_EQ(got, remote.content);
  EXPECT_LT(remote.reads, 75);
}

TEST_F(FileCacheRead, AnswersOneRequestOfAPieceWithOneBufferThatIsNotCopied) {
  use_large_pieces();
  serve(pattern(8 * kMiB));
  read(0, kMiB);
  release_all();
  ReadResult result;
  ASSERT_TRUE(cache->try_read(kMiB, kMiB, result));
  ASSERT_EQ(result.pieces.size(), 1u);
  EXPECT_EQ(result.pieces[0].size(), kMiB);
}

TEST_F(FileCacheRead, UsesWhatWasReadAheadOnce) {
  use_large_pieces();
  serve(pattern(8 * kMiB));
  read(0, kMiB);
  release_all();
  EXPECT_TRUE(try_read(kMiB, kMiB));
  release_all();
  EXPECT_FALSE(try_read(kMiB, kMiB));
  EXPECT_FALSE(try_read(0, kMiB));
}

TEST_F(FileCacheRead, DoesNotUseWhatWasReadAheadTooLongAgo) {
  use_large_pieces();
  serve(pattern(8 * kMiB));
  read(0, kMiB);
  release_all();
  now += milliseconds(1001);
  EXPECT_FALSE(try_read(kMiB, kMiB));
  const std::size_t held = pool.bytes_in_use();
  turn();
  EXPECT_LT(pool.bytes_in_use(), held) << "the memory is given back without a read";
}

TEST_F(FileCacheRead, ForgetsWhatWasReadAheadForANewOpen) {
  use_large_pieces();
  serve(pattern(8 * kMiB));
  read(0, kMiB);
  release();
  remote.carry_out(0);
  cache->forget_fetched();
  remote.content[kMiB] = '!';
  release_all();
  EXPECT_FALSE(try_read(kMiB, kMiB)) << "it was on its way before";
  const Pending answer = read(kMiB, kMiB);
  release_all();
  EXPECT_EQ(answer->bytes[0], '!');
}

TEST_F(FileCacheRead, WaitsForAPieceThatIsOnItsWayInsteadOfAskingAgain) {
  use_large_pieces();
  serve(pattern(8 * kMiB));
  read(0, kMiB);
  const int asked = remote.reads;
  const Pending answer = read(kMiB, kMiB);
  EXPECT_EQ(remote.waiting[1].offset, kMiB);
  release(1);
  EXPECT_TRUE(answer->answered);
  EXPECT_EQ(remote.reads, asked + 1) << "only the next piece";
}

TEST_F(FileCacheRead, KnowsTheEndFromAShortAnswerForAMoment) {
  serve(pattern(20));
  const Pending answer = read(0, 32);
  release_all();
  EXPECT_EQ(answer->bytes.size(), 20u);
  EXPECT_EQ(try_read(20, 32), "");
  EXPECT_EQ(try_read(20, 32), "");
  pass(Limits{}.unleased_end_age);
  EXPECT_FALSE(try_read(20, 32)) << "it may have grown";
}

TEST_F(FileCacheRead, SeesAFileGrow) {
  serve(pattern(20));
  read(0, 32);
  release_all();
  EXPECT_EQ(try_read(20, 32), "");
  for (int round = 0; round < 3; ++round) {
    pass(Limits{}.unleased_end_age);
    const Pending nothing = read(remote.content.size(), 32);
    release_all();
    EXPECT_EQ(nothing->bytes, "");
    const std::uint64_t end = remote.content.size();
    remote.content += "more";
    pass(Limits{}.unleased_end_age);
    const Pending more = read(end, 32);
    release_all();
    EXPECT_EQ(more->bytes, "more");
    EXPECT_EQ(try_read(end + 4, 32), "");
  }
}

TEST_F(FileCacheRead, AnswersASmallFileFromTheFirstPieceOfItsOpen) {
  serve(pattern(20));
  cache->adopt(0, buffer_of(remote.content), true);
  EXPECT_EQ(try_read(0, 4096), remote.content);
  EXPECT_EQ(try_read(20, 4096), "");
  EXPECT_EQ(remote.reads, 0);
}

TEST_F(FileCacheRead, TellsAFailureToWhoWaitsForItAlone) {
  serve(pattern(1000));
  const Pending one = read(100, 8);
  const Pending other = read(200, 8);
  fail(0, std::errc::io_error);
  EXPECT_EQ(one->error, std::errc::io_error);
  release();
  EXPECT_EQ(other->bytes, remote.content.substr(200, 8));
}

TEST_F(FileCacheRead, KeepsWhatItReadUnderARight) {
  serve(pattern(100));
  change_access(Access::read);
  read(0, 100);
  release_all();
  pass(std::chrono::hours(1));
  const int reads = remote.reads;
  EXPECT_EQ(try_read(0, 100), remote.content);
  EXPECT_EQ(try_read(0, 1000), remote.content);
  EXPECT_EQ(remote.reads, reads);
  change_access(Access::none);
  EXPECT_FALSE(try_read(0, 100));
}

TEST_F(FileCacheRead, UsesOnceWhatItsReaderKeeps) {
  serve(pattern(100));
  change_access(Access::read);
  cache->set_reader_keeps(true);
  const auto first = read(0, 100);
  release_all();
  EXPECT_EQ(first->bytes, remote.content);
  EXPECT_FALSE(try_read(0, 100));
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST_F(FileCacheRead, StoresNothingThatBeganUnderALostRight) {
  serve(pattern(100));
  change_access(Access::read);
  const Pending before = read(0, 16);
  remote.carry_out(0);
  change_access(Access::none);
  change_access(Access::read);
  remote.content[0] = '!';
  release_all();
  EXPECT_EQ(before->bytes[0], 'a') << "it was asked before";
  EXPECT_FALSE(try_read(0, 16));
}

// ---- what it counts

TEST_F(FileCacheRead, CountsWhatIsAnsweredFromMemory) {
  serve(pattern(100));
  change_access(Access::read);
  read(0, 32);
  release_all();
  EXPECT_TRUE(try_read(0, 32));
  EXPECT_TRUE(try_read(100, 32)) << "the end is known, too";
  const Counts& counts = budget.counts();
  EXPECT_EQ(counts.reads, 3U);
  EXPECT_EQ(counts.reads_from_memory, 2U);
  EXPECT_EQ(counts.bytes_read, 64U);
  EXPECT_EQ(counts.bytes_from_memory, 32U);
}

TEST_F(FileCacheRead, CountsTheBytesOfAReadOfWhichAPartIsHere) {
  serve(pattern(100));
  change_access(Access::read);
  read(80, 4);
  release_all();
  read(76, 100);
  release_all();
  const Counts& counts = budget.counts();
  EXPECT_EQ(counts.reads_from_memory, 0U);
  EXPECT_EQ(counts.bytes_read, 28U) << "as far as the file goes";
  EXPECT_EQ(counts.bytes_from_memory, 4U);
}

TEST_F(FileCacheRead, CountsWhatWasReadAheadAndHowMuchOfThatWasUsed) {
  use_large_pieces();
  serve(pattern(8 * kMiB));
  read(0, kMiB);
  EXPECT_GE(cache->usage().fetching, kMiB);
  release_all();
  Usage usage = cache->usage();
  const std::uint64_t ahead = budget.counts().bytes_ahead;
  EXPECT_GE(ahead, 2 * kMiB);
  EXPECT_EQ(usage.clean, ahead);
  EXPECT_EQ(usage.unread, ahead);
  EXPECT_EQ(budget.counts().bytes_ahead_used, 0U);

  EXPECT_TRUE(try_read(kMiB, kMiB / 8)) << "a piece counts as used with the first read of it";
  EXPECT_TRUE(try_read(kMiB + kMiB / 8, kMiB / 8));
  EXPECT_EQ(budget.counts().bytes_ahead_used, kMiB);

  cache->forget_fetched();
  usage = cache->usage();
  EXPECT_EQ(usage.clean, 0U);
  EXPECT_EQ(usage.unread, 0U);
  EXPECT_EQ(budget.counts().bytes_ahead_used, kMiB);
}

TEST_F(FileCacheRead, CountsAsUsedWhatIsAskedForOnItsWay) {
  use_large_pieces();
  serve(pattern(8 * kMiB));
  read(0, kMiB);
  read(kMiB, kMiB);
  release_all();
  EXPECT_EQ(budget.counts().bytes_ahead_used, kMiB);
  EXPECT_EQ(budget.counts().reads_from_memory, 0U);
}

TEST_F(FileCacheRead, CountsTheFirstPieceOfAnOpenAsReadAhead) {
  serve("hello");
  cache->adopt(0, buffer_of("hello"), true);
  EXPECT_EQ(cache->usage().unread, 5U);
  EXPECT_EQ(try_read(0, 100), "hello");
  EXPECT_EQ(budget.counts().bytes_ahead, 5U);
  EXPECT_EQ(budget.counts().bytes_ahead_used, 5U);
}

TEST_F(FileCacheRead, MayBeDestroyedWithReadsUnderWay) {
  serve(pattern(100));
  const Pending answer = read(0, 16);
  cache.reset();
  remote.release(0);
  EXPECT_FALSE(answer->answered);
}

TEST_F(FileCacheRead, MayBeDestroyedFromACompletion) {
  serve(pattern(100));
  cache->read(0, 8, [this](ReadResult) { cache.reset(); });
  remote.release(0);
  EXPECT_EQ(cache, nullptr);
}

}  // namespace
}  // namespace smb3fuse::cache
