// SPDX-License-Identifier: Apache-2.0
// The four bytes before every message. [MS-SMB2] 2.1, RFC 1002 4.3.1
#include "nbt/framing.h"

#include <gtest/gtest.h>

namespace smb3fuse::nbt {
namespace {

using Header = std::array<std::uint8_t, kFrameHeaderSize>;

TEST(FrameHeader, HasItsLengthInThreeBytesTheHighestFirst) {
  EXPECT_EQ(encode_frame_header({FrameType::session_message, 0x123456}), (Header{0x00, 0x12, 0x34, 0x56}));
  EXPECT_EQ(encode_frame_header({FrameType::session_keep_alive, 0}), (Header{0x85, 0, 0, 0}));
}

TEST(FrameHeader, IsReadBackAtBothEnds) {
  for (const std::uint32_t length : {0u, 1u, 0xFFu, 0x100u, 0xFFFFu, 0x10000u, kMaximumFrameLength}) {
    const FrameHeader header = decode_frame_header(encode_frame_header({FrameType::session_message, length}));
    EXPECT_EQ(header.type, FrameType::session_message);
    EXPECT_EQ(header.length, length);
  }
}

TEST(FrameHeader, OfAnotherTongueHasATypeThatIsNone) {
  const FrameHeader header = decode_frame_header(Header{'H', 'T', 'T', 'P'});
  EXPECT_NE(header.type, FrameType::session_message);
  EXPECT_NE(header.type, FrameType::session_keep_alive);
  EXPECT_EQ(header.length, 0x545450u);
}

}  // namespace
}  // namespace smb3fuse::nbt
