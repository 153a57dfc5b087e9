// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cache/cache_fixture.h"

namespace smb3fuse::cache {
namespace {

using std::chrono::milliseconds;
using Kind = GatedRemoteFile::Kind;

class FileCacheWrite : public CacheTest {};

TEST_F(FileCacheWrite, AcceptsAWriteAtOnceAndSendsItAfterTheJoinDelay) {
  const Pending accepted = write(0, "hello");
  turn();
  EXPECT_TRUE(accepted->answered);
  EXPECT_EQ(remote.writes, 0);
  pass(milliseconds(4));
  EXPECT_EQ(remote.writes, 0);
  pass(milliseconds(1));
  EXPECT_EQ(remote.writes, 1);
  release_all();
  EXPECT_EQ(remote.content, "hello");
}

TEST_F(FileCacheWrite, JoinsSmallWritesInOne) {
  const std::string text = pattern(12);
  for (std::size_t at = 0; at < text.size(); at += 2) write(at, text.substr(at, 2));
  flush();
  ASSERT_EQ(remote.waiting.size(), 1u);
  EXPECT_LE(remote.waiting[0].data.size(), 2u) << "and copies tiny ones side by side";
  release_all();
  EXPECT_EQ(remote.content, text);
}

TEST_F(FileCacheWrite, SendsAFullPieceAtOnceAndDoesNotCopyIt) {
  const Buffer data = buffer_of(pattern(16));
  cache->write(0, data, [](std::error_code) {});
  ASSERT_EQ(remote.waiting.size(), 1u);
  EXPECT_EQ(remote.waiting[0].data[0].data(), data.data());
}

TEST_F(FileCacheWrite, SendsASmallWriteWhenTheNextOneLiesElsewhere) {
  write(0, "one");
  write(50, "two");
  ASSERT_EQ(remote.waiting.size(), 1u);
  EXPECT_EQ(remote.waiting[0].offset, 0u);
}

TEST_F(FileCacheWrite, HoldsAWriterBackWhileTooMuchIsUnderWay) {
  const std::string text = pattern(100);
  std::vector<Pending> accepted;
  for (std::size_t at = 0; at < 96; at += 16) accepted.push_back(write(at, text.substr(at, 16)));
  turn();
  EXPECT_TRUE(accepted[3]->answered);
  EXPECT_FALSE(accepted[4]->answered);
  EXPECT_EQ(remote.waiting.size(), 4u) << "no more WRITEs than allowed";
  release();
  EXPECT_FALSE(accepted[4]->answered);
  release();
  EXPECT_TRUE(accepted[4]->answered);
  release_all();
  EXPECT_EQ(remote.content, text.substr(0, 96));
}

TEST_F(FileCacheWrite, ShowsReadsWhatIsNotSentYet) {
  serve(pattern(40));
  write(10, "XXXX");
  EXPECT_EQ(try_read(11, 2), "XX");
  const Pending around = read(8, 8);
  release_all();
  EXPECT_EQ(around->bytes, remote.content.substr(8, 2) + "XXXX" + remote.content.substr(14, 2));
}

TEST_F(FileCacheWrite, ShowsReadsZerosBetweenTheServersEndAndAWrite) {
  serve("abc");
  write(8, "XX");
  const Pending answer = read(0, 20);
  release_all();
  EXPECT_EQ(answer->bytes, std::string("abc\0\0\0\0\0XX", 10));
  const Pending before = read(1, 5);
  release_all();
  EXPECT_EQ(before->bytes, std::string("bc\0\0\0", 5));
}

TEST_F(FileCacheWrite, SendsARewriteOfBytesInFlightAfterThem) {
  write(0, pattern(16));
  write(4, "XXXXXXXX");
  flush();
  ASSERT_EQ(remote.waiting.size(), 1u);
  EXPECT_EQ(try_read(4, 8), "XXXXXXXX");
  release();
  ASSERT_EQ(remote.waiting.size(), 1u);
  EXPECT_EQ(remote.waiting[0].offset, 4u);
  release_all();
  EXPECT_EQ(remote.content.substr(4, 8), "XXXXXXXX");
}

TEST_F(FileCacheWrite, FlushesOnlyWhenEverythingHasBeenAnswered) {
  write(0, pattern(16));
  write(40, "tail");
  const Pending flushed = flush();
  ASSERT_EQ(remote.waiting.size(), 2u);
  release(1);
  EXPECT_FALSE(flushed->answered);
  release(0);
  EXPECT_TRUE(flushed->answered);
}

TEST_F(FileCacheWrite, DoesNotLetLaterWritesHoldAFlushBack) {
  write(0, "one");
  const Pending flushed = flush();
  write(3, "two");
  release();
  EXPECT_TRUE(flushed->answered);
  EXPECT_TRUE(cache->has_unsent());
}

TEST_F(FileCacheWrite, FlushesToDiskAfterTheWrites) {
  write(0, "data");
  const Pending flushed = flush(true);
  release();
  ASSERT_EQ(remote.waiting.size(), 1u);
  EXPECT_EQ(remote.waiting[0].kind, Kind::flush);
  EXPECT_FALSE(flushed->answered);
  release();
  EXPECT_TRUE(flushed->answered);
}

TEST_F(FileCacheWrite, TellsAFailureOnceByTheNextFlush) {
  write(0, "lost");
  const Pending flushed = flush();
  fail();
  EXPECT_EQ(flushed->error, std::errc::no_space_on_device);
  const Pending again = flush();
  turn();
  EXPECT_TRUE(again->answered);
  EXPECT_FALSE(again->error);
  EXPECT_FALSE(cache->has_unsent());
  EXPECT_EQ(remote.writes, 1) << "it is not tried for ever";
}

TEST_F(FileCacheWrite, ShowsNoMoreOfAFailureOnceOthersMayWrite) {
  change_access(Access::read_write);
  write(0, pattern(16));
  fail();
  EXPECT_EQ(try_read(0, 16), pattern(16));
  change_access(Access::none);
  EXPECT_FALSE(try_read(0, 16));
  const Pending told = flush();
  turn();
  EXPECT_EQ(told->error, std::errc::no_space_on_device);
}

TEST_F(FileCacheWrite, TellsAFailureOnceByTheNextWriteAndDoesNotTakeItsData) {
  write(0, pattern(16));
  turn();
  fail();
  EXPECT_EQ(try_read(0, 16), pattern(16)) << "as written, until it has been told";
  const Pending refused = write(16, "next");
  turn();
  EXPECT_EQ(refused->error, std::errc::no_space_on_device);
  const Pending taken = write(16, "next");
  turn();
  EXPECT_FALSE(taken->error);
  flush();
  release_all();
  EXPECT_EQ(remote.content, std::string(16, '\0') + "next");
}

TEST_F(FileCacheWrite, SendsARewriteOfBytesWhoseWriteFailed) {
  write(0, pattern(16));
  write(0, "again");
  const Pending flushed = flush();
  fail();
  EXPECT_FALSE(flushed->answered);
  release();
  EXPECT_EQ(flushed->error, std::errc::no_space_on_device);
  EXPECT_EQ(remote.content.substr(0, 5), "again");
}

TEST_F(FileCacheWrite, TruncatesAfterTheWritesBeforeAndBeforeThoseAfter) {
  write(0, "first");
  const Pending truncated = truncate(2);
  write(4, "after");
  flush();
  ASSERT_EQ(remote.waiting.size(), 1u);
  EXPECT_EQ(remote.waiting[0].kind, Kind::write);
  release();
  ASSERT_EQ(remote.waiting.size(), 1u);
  EXPECT_EQ(remote.waiting[0].kind, Kind::truncate);
  release();
  EXPECT_TRUE(truncated->answered);
  release_all();
  EXPECT_EQ(remote.content, std::string("fi\0\0after", 9));
}

TEST_F(FileCacheWrite, ForgetsWhatWasReadAheadOfATruncate) {
  serve(pattern(100));
  read(0, 8);
  read(8, 8);
  release(0);
  release(0);
  while (!remote.waiting.empty()) release();
  const Pending truncated = truncate(10);
  release_all();
  EXPECT_TRUE(truncated->answered);
  EXPECT_FALSE(try_read(16, 8));
}

TEST_F(FileCacheWrite, WaitsLongerWhileNobodyElseLooks) {
  change_access(Access::read_write);
  write(0, "one");
  write(50, "two");
  pass(milliseconds(900));
  EXPECT_EQ(remote.writes, 0);
  pass(milliseconds(100));
  EXPECT_EQ(remote.writes, 2);
}

TEST_F(FileCacheWrite, DoesNotWaitWithMoreScatteredWritesThanItMayLookThrough) {
  change_access(Access::read_write);
  for (std::uint64_t i = 0; i < 6; ++i) write(i * 100, "a");
  EXPECT_EQ(remote.writes, 0);
  write(600, "a");
  EXPECT_EQ(remote.writes, 4) << "as many as may be under way";
}

TEST_F(FileCacheWrite, SendsUpwardsAndRoundWhatIsScattered) {
  change_access(Access::read_write);
  for (std::uint64_t i = 0; i < 12; ++i) write(i * 100, "a");
  std::vector<std::uint64_t> sent;
  while (sent.size() < 14) {
    sent.push_back(remote.waiting.front().offset / 100);
    release();
    write(sent.back() * 100, "b");
  }
  EXPECT_EQ(sent, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1}));
}

TEST_F(FileCacheWrite, SendsAsOneWhatLiesAcrossTheEndOfTheLastWrite) {
  write(0, "content");
  truncate(4);
  write(4, "more");
  flush();
  release();
  release();
  ASSERT_EQ(remote.waiting.size(), 1u);
  EXPECT_EQ(remote.waiting.front().offset, 4u);
}

TEST_F(FileCacheWrite, GivesTheRightToWriteBackWhenEverythingIsWritten) {
  change_access(Access::read_write);
  write(0, pattern(16));
  write(50, "two");
  const Pending given_back = change_access(Access::none);
  ASSERT_EQ(remote.waiting.size(), 2u);
  release();
  EXPECT_FALSE(given_back->answered);
  release();
  EXPECT_TRUE(given_back->answered);
  EXPECT_FALSE(try_read(0, 16));
}

TEST_F(FileCacheWrite, KeepsWhatIsWrittenInHalfOfTheMemoryOnly) {
  Budget small(pool, std::size_t{1} << 20);
  cache = std::make_unique<FileCache>(remote, small, Limits{}, [this] { return now; });
  change_access(Access::read_write);
  const std::string piece(64 << 10, 'x');
  for (std::uint64_t i = 0; i < 32; ++i) {
    write(i * piece.size(), piece);
    flush();
    release_all();
  }
  EXPECT_GE(pool.bytes_in_use(), std::size_t{256} << 10);
  EXPECT_LE(pool.bytes_in_use(), std::size_t{640} << 10);
  cache.reset();
}

TEST_F(FileCacheWrite, GivesUpWhatAnotherFileHasNotUsedForLongest) {
  Budget small(pool, std::size_t{1} << 20);
  const auto make = [&](GatedRemoteFile& its) {
    auto made = std::make_unique<FileCache>(its, small, Limits{}, [this] { return now; });
    made->change_access(Access::read_write, [](std::error_code) {});
    return made;
  };
  GatedRemoteFile other_remote(pool);
  auto other = make(other_remote);
  cache = make(remote);
  const std::string piece(64 << 10, 'x');
  const auto fill = [&](FileCache& file, GatedRemoteFile& its, std::uint64_t pieces) {
    for (std::uint64_t i = 0; i < pieces; ++i) {
      file.write(i * piece.size(), buffer_of(piece), [](std::error_code) {});
      file.flush(false, [](std::error_code) {});
      while (!its.waiting.empty()) its.release(0);
      file.handle_timeout();
    }
  };
  ReadResult result;
  fill(*other, other_remote, 4);
  fill(*cache, remote, 2);
  now += Limits{}.unleased_data_age * 2;
  fill(*cache, remote, 3);
  EXPECT_TRUE(cache->try_read(0, 1 << 10, result));
  fill(*cache, remote, 6);
  EXPECT_FALSE(other->try_read(0, 1 << 10, result)) << "unused for longest";
  EXPECT_TRUE(cache->try_read(5 << 16, 1 << 10, result));
  EXPECT_TRUE(other->audit() && cache->audit());
  other.reset();
  fill(*cache, remote, 12);  // and it is not asked any more
  cache.reset();
}

TEST_F(FileCacheWrite, LetsAWriterGoOnInAFullMemoryOnceItsOwnDataIsWritten) {
  Budget none(pool, 0);
  cache = std::make_unique<FileCache>(remote, none, small_limits(), [this] { return now; });
  const Pending first = write(0, pattern(16));
  const Pending second = write(16, pattern(16));
  turn();
  EXPECT_TRUE(first->answered);
  EXPECT_FALSE(second->answered);
  release();
  EXPECT_TRUE(second->answered);
  cache.reset();
}

// Every order in which the server can answer what two overlapping writes, a truncate, a read and a flush send.
TEST_F(FileCacheWrite, EndsTheSameInEveryOrderOfAnswers) {
  struct Choice {
    std::size_t taken;
    std::size_t of;
  };
  std::vector<Choice> path;
  std::size_t orders = 0;
  do {
    remote.waiting.clear();
    cache = std::make_unique<FileCache>(remote, budget, small_limits(), [this] { return now; });
    serve(pattern(30));
    write(0, std::string(16, 'A'));
    write(8, std::string(16, 'B'));
    const Pending seen = read(4, 24);
    const Pending truncated = truncate(20);
    write(18, std::string(6, 'C'));
    const Pending flushed = flush();
    for (std::size_t step = 0; !remote.waiting.empty(); ++step) {
      if (step == path.size()) path.push_back({0, remote.waiting.size()});
      release(path[step].taken);
    }
    turn();
    ++orders;
    ASSERT_TRUE(seen->answered && truncated->answered && flushed->answered);
    EXPECT_EQ(seen->bytes.substr(0, 20), std::string(4, 'A') + std::string(16, 'B'));
    EXPECT_EQ(remote.content, std::string(8, 'A') + std::string(10, 'B') + std::string(6, 'C'));
    while (!path.empty() && ++path.back().taken == path.back().of) path.pop_back();
  } while (!path.empty());
  EXPECT_GT(orders, 4u);
}

}  // namespace
}  // namespace smb3fuse::cache
