// SPDX-License-Identifier: Apache-2.0
#include "cache/steps.h"

#include <algorithm>

namespace smb3fuse::cache {

Advice Steps::handle_read(std::uint64_t offset, std::uint64_t length, const Situation& situation) {
  const auto step = static_cast<std::int64_t>(offset - offset_);
  const Duration pause = situation.now - at_;
  const bool goes_on = step == step_ && length == length_ && step != 0;
  taken_ = goes_on ? taken_ + 1 : 0;
  asked_ = goes_on ? asked_ - std::min<std::uint64_t>(asked_, 1) : 0;
  offset_ = offset;
  length_ = length;
  step_ = step;
  at_ = situation.now;
  if (taken_ + 1 < kProof || length == 0 || situation.window == 0) return {};

  const bool backwards = step == -static_cast<std::int64_t>(length);
  const std::uint64_t bytes = std::min(situation.window, kAheadPerRead * (taken_ + 1) * length);
  std::uint64_t wanted = std::max<std::uint64_t>(bytes / length, 1);
  if (!backwards) wanted = std::min(wanted, kPieces);
  if (pause.count() > 0) wanted = std::min(wanted, static_cast<std::uint64_t>(situation.data_age / pause / 2));
  const std::uint64_t left =
      step > 0 ? (std::max(situation.end_of_file, offset + 1) - 1 - offset) / static_cast<std::uint64_t>(step)
               : offset / static_cast<std::uint64_t>(-step);
  wanted = std::min(wanted, left);
  if (wanted <= asked_) return {};

  // Backwards the steps of half of what is wanted make one READ.
  std::uint64_t joined = 1;
  if (backwards)
    joined = std::clamp<std::uint64_t>(wanted / 2, 1, std::max<std::uint64_t>(situation.largest_piece / length, 1));
  const std::uint64_t count = (wanted - asked_) / joined;
  if (count == 0) return {};
  const std::uint64_t first = asked_ + joined;  // steps to where the first piece begins
  asked_ += count * joined;
  return {.begin = offset + static_cast<std::uint64_t>(step) * first,
          .piece = joined * length,
          .step = step * static_cast<std::int64_t>(joined),
          .count = count};
}

}  // namespace smb3fuse::cache
