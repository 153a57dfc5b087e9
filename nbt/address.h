// SPDX-License-Identifier: Apache-2.0
// Where a packet comes from and goes to: NetBIOS over TCP knows IPv4 alone. Any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "nbt/wire.h"

namespace smb3fuse::nbt {

using Ipv4 = std::array<std::uint8_t, 4>;
using Time = std::chrono::steady_clock::time_point;

struct Endpoint {
  Ipv4 address{};
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct OutgoingPacket {
  Endpoint to;
  Bytes bytes;
};

inline std::string to_string(const Ipv4& address) {
  std::string text;
  for (const std::uint8_t byte : address) text += (text.empty() ? "" : ".") + std::to_string(byte);
  return text;
}

}  // namespace smb3fuse::nbt
