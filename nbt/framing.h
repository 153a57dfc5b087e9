// SPDX-License-Identifier: Apache-2.0
// The four bytes before every message on a stream: direct TCP ([MS-SMB2] 2.1) and the NetBIOS session service
// (RFC 1002 4.3.1) share them. Direct TCP uses the session-message type alone and all 24 bits of length.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace smb3fuse::nbt {

inline constexpr std::size_t kFrameHeaderSize = 4;
inline constexpr std::uint32_t kMaximumFrameLength = 0xFFFFFF;   // 24 bits
inline constexpr std::uint32_t kMaximumSessionLength = 0x1FFFF;  // 17 bits: of a NetBIOS session. RFC 1002 4.3.1

// RFC 1002 4.3.1
enum class FrameType : std::uint8_t {
  session_message = 0x00,
  session_request = 0x81,
  positive_session_response = 0x82,
  negative_session_response = 0x83,
  retarget_session_response = 0x84,
  session_keep_alive = 0x85,
};

struct FrameHeader {
  FrameType type = FrameType::session_message;
  std::uint32_t length = 0;  // of what follows these four bytes
};

// Length in 24 bits: a direct TCP stream.
inline FrameHeader decode_frame_header(std::span<const std::uint8_t, kFrameHeaderSize> bytes) {
  return {static_cast<FrameType>(bytes[0]), static_cast<std::uint32_t>(bytes[1] << 16 | bytes[2] << 8 | bytes[3])};
}

inline std::array<std::uint8_t, kFrameHeaderSize> encode_frame_header(FrameHeader header) {
  return {static_cast<std::uint8_t>(header.type), static_cast<std::uint8_t>(header.length >> 16),
          static_cast<std::uint8_t>(header.length >> 8), static_cast<std::uint8_t>(header.length)};
}

}  // namespace smb3fuse::nbt
