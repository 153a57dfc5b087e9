// SPDX-License-Identifier: Apache-2.0
// The decisions that are pure functions: window, read-ahead, write-behind, and the table of states.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cache/extents.h"
#include "cache/read_ahead.h"
#include "cache/window.h"
#include "cache/write_behind.h"

namespace smb3fuse::cache {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{std::chrono::hours(1)};

// A link that answers one window of 1 MiB pieces each round trip; returns the window after `rounds` of them.
std::uint64_t window_after(int rounds, Duration round_trip, double bytes_per_second) {
  Window window(4 * kMiB, 64 * kMiB);
  TimePoint now = kStart;
  const auto transfer =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1.0 * kMiB / bytes_per_second));
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t pieces = window.size() / kMiB;
    const Window::Mark sent = window.mark(now);
    now += round_trip;
    for (std::uint64_t piece = 0; piece < pieces; ++piece) {
      now += transfer;
      window.handle_answer(sent, kMiB, now);
    }
  }
  return window.size();
}

TEST(Window, StaysSmallWithoutDelay) { EXPECT_EQ(window_after(50, microseconds(100), 2e9), 4 * kMiB); }

TEST(Window, FillsALongFastLinkWithinAFewRoundTrips) { EXPECT_GE(window_after(6, milliseconds(20), 2e9), 32 * kMiB); }

TEST(Window, LaysNoQueueOfSecondsBeforeASlowLink) { EXPECT_EQ(window_after(20, milliseconds(20), 10e6), 4 * kMiB); }

class ReadAheadTest : public testing::Test {
 protected:
  Advice read(std::uint64_t offset, std::uint64_t length, bool missed = true) {
    return read_ahead_.handle_read(offset, length, missed, {now_, window_, end_of_file_, kMiB, seconds(1)});
  }
  std::uint64_t ahead(std::uint64_t offset, std::uint64_t length, bool missed = true) {
    const Advice advice = read(offset, length, missed);
    return advice.count * advice.piece;
  }
  static std::uint64_t end_of(const Advice& advice) { return advice.begin + advice.count * advice.piece; }

  ReadAhead read_ahead_;
  TimePoint now_ = kStart;
  std::uint64_t window_ = 4 * kMiB;
  std::uint64_t end_of_file_ = 1000 * kMiB;
};

TEST_F(ReadAheadTest, StartsWithTheFirstLargeReadFromTheStart) {
  const Advice advice = read(0, kMiB);
  EXPECT_EQ(advice.begin, kMiB);
  EXPECT_EQ(end_of(advice), 5 * kMiB);
  EXPECT_EQ(advice.piece, kMiB);
}

TEST_F(ReadAheadTest, AsksForOnePieceForEachThatIsUsed) {
  read(0, kMiB);
  for (std::uint64_t at = 1; at < 20; ++at) {
    const Advice advice = read(at * kMiB, kMiB, false);
    EXPECT_EQ(advice.begin, (at + 4) * kMiB);
    EXPECT_EQ(end_of(advice), (at + 5) * kMiB);
  }
}

TEST_F(ReadAheadTest, DoesNothingForRandomReads) {
  for (std::uint64_t at : {70u, 3u, 50u, 0u, 11u, 90u, 12u, 40u}) EXPECT_EQ(ahead(at * 8 * kKiB, 4 * kKiB), 0u);
}

TEST_F(ReadAheadTest, NeverReadsMoreThanFourTimesAheadOfWhatWasRead) {
  std::uint64_t fetched = 0;
  for (std::uint64_t at = 0; at < 200; ++at) {
    fetched += ahead(at * 4 * kKiB, 4 * kKiB, at < 2);
    EXPECT_LE(fetched, 5 * (at + 1) * 4 * kKiB);
  }
  EXPECT_GT(fetched, kMiB);
}

TEST_F(ReadAheadTest, LaysPiecesSoThatNoRequestStraddlesTwo) {
  const std::uint64_t length = 200 * kKiB;
  std::uint64_t ends = 0;
  for (std::uint64_t at = 0; at < 40; ++at) {
    const Advice advice = read(at * length, length, at == 0);
    if (advice.count == 0) continue;
    EXPECT_EQ(advice.piece % length, 0u);
    EXPECT_EQ(advice.begin % length, 0u);
    ends = end_of(advice);
  }
  EXPECT_GT(ends, 40 * length);
}

TEST_F(ReadAheadTest, TellsInterleavedStreamsApart) {
  const std::uint64_t far = 500 * kMiB;
  std::uint64_t near_end = 0;
  std::uint64_t far_end = 0;
  for (std::uint64_t at = 0; at < 10; ++at) {
    near_end = std::max(near_end, end_of(read(at * kMiB, kMiB, at == 0)));
    far_end = std::max(far_end, end_of(read(far + at * kMiB, kMiB, at == 0)));
  }
  EXPECT_EQ(near_end, 12 * kMiB) << "each has half of the window";
  EXPECT_EQ(far_end, far + 12 * kMiB);
}

TEST_F(ReadAheadTest, StartsNoPieceBeyondTheEndOfTheFile) {
  end_of_file_ = 2 * kMiB + 100;
  EXPECT_EQ(end_of(read(0, kMiB)), 3 * kMiB);
  EXPECT_EQ(ahead(kMiB, kMiB, false), 0u);
  EXPECT_EQ(ahead(2 * kMiB, 100, false), 0u);
}

TEST_F(ReadAheadTest, StaysWithinWhatASlowReaderUsesBeforeItIsTooOld) {
  std::uint64_t fetched = 0;
  std::uint64_t at = 0;
  for (; at < 100; ++at) {  // 1 MiB a second
    fetched += ahead(at * 128 * kKiB, 128 * kKiB, at == 0);
    now_ += milliseconds(125);
  }
  EXPECT_LE(fetched, at * 128 * kKiB + kMiB);
}

TEST_F(ReadAheadTest, BeginsAnewWhereItWasMissed) {
  read(0, kMiB);
  EXPECT_EQ(read(kMiB, kMiB, true).begin, 2 * kMiB);
}

TEST_F(ReadAheadTest, ReadsNothingAheadWithoutAWindow) {
  window_ = 0;
  read(0, kMiB);
  EXPECT_EQ(ahead(kMiB, kMiB), 0u);
}

TEST_F(ReadAheadTest, GoesAlongWithEqualSteps) {
  const std::uint64_t step = 100 * kKiB;
  EXPECT_EQ(ahead(7 * step, 4 * kKiB), 0u);
  EXPECT_EQ(ahead(8 * step, 4 * kKiB), 0u);
  EXPECT_EQ(ahead(9 * step, 4 * kKiB), 0u) << "two equal steps may be chance";
  const Advice advice = read(10 * step, 4 * kKiB);
  EXPECT_EQ(advice.begin, 11 * step);
  EXPECT_EQ(advice.piece, 4 * kKiB);
  EXPECT_EQ(advice.step, 100 * 1024);
  EXPECT_EQ(advice.count, 12u) << "four times what was read so";
  std::uint64_t asked = 22;
  for (std::uint64_t at = 11; at < 60; ++at) {
    const Advice next = read(at * step, 4 * kKiB, false);
    if (next.count == 0) continue;
    EXPECT_EQ(next.begin, (asked + 1) * step);
    asked += next.count;
    EXPECT_LE(asked - at, 32u);
  }
  EXPECT_GE(asked, 80u);
}

TEST_F(ReadAheadTest, GoesBackwardsInPiecesUpToTheStartOfTheFile) {
  const std::uint64_t length = 64 * kKiB;
  std::uint64_t lowest = 64 * length;
  std::uint64_t requests = 0;
  for (std::uint64_t at = 64; at-- > 0;) {
    const bool missed = at * length < lowest;
    if (missed) lowest = at * length;
    const Advice advice = read(at * length, length, missed);
    for (std::uint64_t i = 0; i < advice.count; ++i) {
      const std::uint64_t begin = advice.begin + i * static_cast<std::uint64_t>(advice.step);
      EXPECT_EQ(begin + advice.piece, lowest) << "side by side, none twice";
      EXPECT_LE(advice.piece, kMiB);
      lowest = begin;
      ++requests;
    }
  }
  EXPECT_EQ(lowest, 0u);
  EXPECT_LE(requests, 16u);
}

TEST_F(ReadAheadTest, StopsWithTheStepsAndAtTheEndOfTheFile) {
  end_of_file_ = 50 * kKiB;
  for (std::uint64_t at = 0; at < 3; ++at) ahead(at * 10 * kKiB, kKiB);
  EXPECT_EQ(read(30 * kKiB, kKiB).count, 1u) << "the last one begins at 40 KiB";
  EXPECT_EQ(ahead(3 * kKiB, kKiB), 0u);
  EXPECT_EQ(ahead(13 * kKiB, kKiB), 0u);
}

TEST_F(ReadAheadTest, TakesSlowStepsOneByOne) {
  std::uint64_t fetched = 0;
  for (std::uint64_t at = 0; at < 30; ++at) {
    fetched += ahead(at * kMiB, 4 * kKiB) / (4 * kKiB);
    now_ += milliseconds(400);
  }
  EXPECT_LE(fetched, 30u) << "unleased data is old after a second";
  EXPECT_GE(fetched, 20u);
}

class WriteBehindTest : public testing::Test {
 protected:
  DirtyRun run_{.begin = 0, .length = 4 * kKiB, .since = kStart, .oldest = 5};
  WriteSituation situation_{.now = kStart + milliseconds(1),
                            .piece = kMiB,
                            .join_delay = milliseconds(5),
                            .last_end = 4 * kKiB,
                            .others_may_wait = false,
                            .flush_through = 0,
                            .pressed = false};
  bool goes_out() const { return when_to_send(run_, situation_) <= situation_.now; }
};

TEST_F(WriteBehindTest, LetsASmallRunThatMayGrowWaitForTheJoinDelay) {
  EXPECT_EQ(when_to_send(run_, situation_), kStart + milliseconds(5));
}
TEST_F(WriteBehindTest, SendsAFullPiece) {
  run_.length = kMiB;
  EXPECT_TRUE(goes_out());
}
TEST_F(WriteBehindTest, SendsWhatTheWriterHasLeftBehind) {
  situation_.last_end = 100 * kKiB;
  EXPECT_TRUE(goes_out());
  situation_.others_may_wait = true;
  EXPECT_FALSE(goes_out());
}
TEST_F(WriteBehindTest, SendsWhatAFlushAsksFor) {
  situation_.flush_through = 4;
  EXPECT_FALSE(goes_out());
  situation_.flush_through = 5;
  EXPECT_TRUE(goes_out());
}
TEST_F(WriteBehindTest, SendsUnderPressure) {
  situation_.pressed = true;
  EXPECT_TRUE(goes_out());
}

TEST(States, HaveNoWayFromUnsentToGone) {
  for (const State unsent : {State::dirty, State::flushing, State::flushing_redirtied}) {
    EXPECT_FALSE(next_state(unsent, Event::forget));
  }
  EXPECT_EQ(next_state(State::flushing_redirtied, Event::not_written), State::dirty);
  EXPECT_EQ(next_state(State::flushing, Event::not_written), State::failed);
  EXPECT_FALSE(next_state(State::flushing_redirtied, Event::send)) << "two WRITEs of the same bytes side by side";
}

TEST(States, MayAllBeWritten) {
  for (std::size_t state = 0; state < kStates; ++state) {
    EXPECT_TRUE(next_state(static_cast<State>(state), Event::write)) << state;
  }
}

}  // namespace
}  // namespace smb3fuse::cache
