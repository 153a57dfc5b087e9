// SPDX-License-Identifier: Apache-2.0
// What lagproxy knows of a message: who asks for what, read from the headers of SMB2 ([MS-SMB2] 2.2.1) and of SMB1
// ([MS-CIFS] 2.2.3). Pure functions, with tables of their own: they judge the client and so share nothing with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace smb3fuse::lagproxy {

using Bytes = std::span<const std::uint8_t>;

inline constexpr std::size_t kHeaderSize = 64;  // of SMB2: enough of a frame to see what it is
inline constexpr std::uint64_t kUnsolicited = 0xFFFFFFFFFFFFFFFF;

// One request or reply of a frame. A frame of SMB1 is one reply to all that it asked for: its messages have one id.
struct Message {
  enum class Kind : std::uint8_t {
    unreadable,    // sealed, compressed or garbage: nothing below is known
    ordinary,      // a request that is answered, and its answer
    negotiate,     // the same, and in SMB1 answered by SMB2
    cancel,        // has no reply
    watch,         // nobody waits for its reply
    oplock_break,  // the server's news, or the answer to them
  };
  Kind kind = Kind::unreadable;
  std::string name = "Unreadable";
  std::uint64_t id = 0;            // kUnsolicited: of news that nobody asked for
  bool is_interim = false;         // the reply itself is still to come
  std::uint32_t next_command = 0;  // SMB2: where the next header of the frame is
};

bool is_smb1(Bytes head);
// From the header of SMB2, or less of what is something else.
Message parse_smb2(Bytes head);
// From a whole frame of SMB1: a message for each command of its chain.
std::vector<Message> parse_smb1(Bytes frame);

}  // namespace smb3fuse::lagproxy
