// SPDX-License-Identifier: Apache-2.0
// What has passed over a connection, as plain numbers that only grow, and how long the way there and back takes.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "smb/wire/header.h"

namespace smb3fuse::smb2 {

struct CommandTraffic {
  std::uint64_t requests = 0;
  std::uint64_t round_trips = 0;  // messages that began with it and whose answer somebody here waited for
  std::uint64_t errors = 0;       // answers of the server with an error status
};

struct Traffic {
  std::array<CommandTraffic, wire::kCommandCount> commands{};
  std::uint64_t messages_sent = 0;
  std::uint64_t compounds_sent = 0;  // of these
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;

  CommandTraffic& of(wire::Command command) { return commands[static_cast<std::size_t>(command)]; }
};

// Smoothed as TCP does it: RFC 6298 section 2.
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

}  // namespace smb3fuse::smb2
