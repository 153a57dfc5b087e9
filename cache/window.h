// SPDX-License-Identifier: Apache-2.0
// How many bytes should be under way: twice bandwidth x delay, both measured on the operations themselves. The
// delivery rate of one operation is all that arrived while it was under way over the time it took, so a window that
// does not fill the link yet doubles with each round trip, and a slow link never gets a queue of seconds.
//
// Pure: no clock, no I/O.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cache/limits.h"

namespace smb3fuse::cache {

class Window {
 public:
  struct Mark {
    TimePoint at;
    std::uint64_t delivered;
  };

  Window(std::uint64_t minimum, std::uint64_t maximum) : minimum_(minimum), maximum_(maximum), size_(minimum) {}

  Mark mark(TimePoint now) const { return {now, delivered_}; }

  // An operation that was sent at `sent` has been answered.
  void handle_answer(const Mark& sent, std::uint64_t bytes, TimePoint now) {
    delivered_ += bytes;
    const double seconds = std::max(std::chrono::duration<double>(now - sent.at).count(), kShortest);
    delay_ = std::min(delay_, seconds);
    rate_ = std::max(static_cast<double>(delivered_ - sent.delivered) / seconds, rate_ * kForget);
    const double wanted = delay_ < kNoDelay ? 0 : 2 * rate_ * delay_;
    size_ = std::clamp(static_cast<std::uint64_t>(std::min(wanted, 1e15)), minimum_, maximum_);
  }

  std::uint64_t size() const { return size_; }

 private:
  static constexpr double kShortest = 1e-6;
  static constexpr double kNoDelay = 1.5e-3;  // a server this near is limited by its CPU, not by the window
  static constexpr double kForget = 0.99;     // of the best rate, with each answer: a reader may become slower

  std::uint64_t minimum_;
  std::uint64_t maximum_;
  std::uint64_t size_;
  std::uint64_t delivered_ = 0;
  double delay_ = 1e9;  // seconds, the least seen: what is above it is our own queue
  double rate_ = 0;     // bytes a second
};

}  // namespace smb3fuse::cache
