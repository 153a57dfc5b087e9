// SPDX-License-Identifier: Apache-2.0
#include "cache/read_ahead.h"

#include <algorithm>

namespace smb3fuse::cache {

namespace {
std::uint64_t multiple_below(std::uint64_t value, std::uint64_t unit) { return value - value % unit; }
}  // namespace

Advice ReadAhead::handle_read(std::uint64_t offset, std::uint64_t length, bool missed, const Situation& situation) {
  if (length == 0) return {};
  Stream& stream = stream_at(offset, situation.now);
  const bool continued = stream.start != offset || (offset == 0 && length >= kWholeFileRead);
  stream.next = offset + length;
  stream.used = situation.now;
  if (missed) stream.ahead = stream.next;
  stream.ahead = std::max(stream.ahead, stream.next);
  measure_pace(stream, situation.now);
  const Advice by_steps = steps_.handle_read(offset, length, situation);
  if (!continued) return by_steps;
  if (situation.window == 0) return {};

  std::uint64_t target =
      std::min(situation.window / streams_in_use(situation.now), kAheadPerRead * (stream.next - stream.start));
  if (stream.pace > 0) {
    const double within_age = stream.pace * std::chrono::duration<double>(situation.data_age).count() / 2;
    target = std::min(target, static_cast<std::uint64_t>(std::min(within_age, 1e15)));
  }
  // Whole multiples of the reader's requests, so that none of them straddles two pieces; half of the target at a time
  // while that is small, so that the second half is under way while the first is used.
  const std::uint64_t unit = std::min(length, situation.largest_piece);
  target = std::max(multiple_below(target, unit), unit);
  const std::uint64_t piece =
      std::min(multiple_below(situation.largest_piece, unit), std::max(multiple_below(target / 2, unit), unit));
  const std::uint64_t room = stream.next + target - std::min(stream.ahead, stream.next + target);
  const std::uint64_t begin = stream.ahead;
  if (room < piece || begin >= situation.end_of_file) return {};
  const std::uint64_t to_the_end = situation.end_of_file - begin;
  const std::uint64_t pieces = std::min(room / piece, (to_the_end + piece - 1) / piece);
  stream.ahead = begin + pieces * piece;
  return {.begin = begin, .piece = piece, .step = static_cast<std::int64_t>(piece), .count = pieces};
}

void ReadAhead::handle_loss() {
  for (Stream& stream : streams_) stream.ahead = stream.next;
  steps_.handle_loss();
}

// The stream that continues at `offset`, or a new one in the place of the one that was used longest ago.
ReadAhead::Stream& ReadAhead::stream_at(std::uint64_t offset, TimePoint now) {
  Stream* oldest = &streams_[0];
  for (Stream& stream : streams_) {
    if (stream.next == offset) return stream;
    if (stream.used < oldest->used) oldest = &stream;
  }
  *oldest =
      Stream{.start = offset, .next = offset, .ahead = offset, .measured = offset, .measured_at = now, .used = now};
  return *oldest;
}

std::uint64_t ReadAhead::streams_in_use(TimePoint now) const {
  const auto in_use = [now](const Stream& stream) {
    return stream.next != kNowhere && stream.ahead > stream.next && now - stream.used < std::chrono::seconds(1);
  };
  return std::max<std::uint64_t>(1,
                                 static_cast<std::uint64_t>(std::count_if(streams_.begin(), streams_.end(), in_use)));
}

void ReadAhead::measure_pace(Stream& stream, TimePoint now) {
  const Duration passed = now - stream.measured_at;
  if (passed < kPaceInterval) return;
  const double latest =
      static_cast<double>(stream.next - stream.measured) / std::chrono::duration<double>(passed).count();
  stream.pace = stream.pace > 0 ? (stream.pace + latest) / 2 : latest;
  stream.measured = stream.next;
  stream.measured_at = now;
}

}  // namespace smb3fuse::cache
