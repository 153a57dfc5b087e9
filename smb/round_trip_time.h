// SPDX-License-Identifier: Apache-2.0
// How long the way to a server and back takes, smoothed as TCP does it: RFC 6298 section 2.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace smb3fuse {

class RoundTripTime {
 public:
  using Duration = std::chrono::steady_clock::duration;

  void add(Duration measured) {
    smoothed_ = smoothed_ ? *smoothed_ + (measured - *smoothed_) / 8 : measured;
    least_ = least_ ? std::min(*least_, measured) : measured;
  }
  // Nothing: not measured yet.
  std::optional<Duration> smoothed() const { return smoothed_; }
  std::optional<Duration> least() const { return least_; }

 private:
  std::optional<Duration> smoothed_;
  std::optional<Duration> least_;
};

}  // namespace smb3fuse
