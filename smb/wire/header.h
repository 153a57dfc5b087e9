// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.1: the header of every SMB 2 and 3 message, and what a body needs of it: the command.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "smb/status.h"
#include "smb/wire/bytes.h"
#include "smb/wire/codec.h"

namespace smb3fuse::wire {

inline constexpr std::size_t kSmb2HeaderSize = 64;

// Where the 16 bytes that a signature leaves out stand in an encoded header.
inline constexpr std::size_t kSmb2SignatureOffset = 48;

// [MS-SMB2] 2.1: what the first four bytes of a message say.
inline constexpr std::uint32_t kSmb1ProtocolId = 0x424D53FF;         // FF 'S' 'M' 'B'
inline constexpr std::uint32_t kSmb2ProtocolId = 0x424D53FE;         // FE 'S' 'M' 'B'
inline constexpr std::uint32_t kTransformProtocolId = 0x424D53FD;    // FD 'S' 'M' 'B'
inline constexpr std::uint32_t kCompressionProtocolId = 0x424D53FC;  // FC 'S' 'M' 'B'

// Nothing if there are fewer than four bytes.
inline std::optional<std::uint32_t> protocol_id_of(ByteView message) {
  if (message.size() < 4) return std::nullopt;
  return load_le<std::uint32_t>(message.data());
}

// The StructureSize of a body, to tell apart bodies of one command. Nothing if there are fewer than two bytes.
inline std::optional<std::uint16_t> structure_size_of(ByteView body) {
  if (body.size() < 2) return std::nullopt;
  return load_le<std::uint16_t>(body.data());
}

enum class Command : std::uint16_t {
  negotiate = 0x0000,
  session_setup = 0x0001,
  logoff = 0x0002,
  tree_connect = 0x0003,
  tree_disconnect = 0x0004,
  create = 0x0005,
  close = 0x0006,
  flush = 0x0007,
  read = 0x0008,
  write = 0x0009,
  lock = 0x000A,
  ioctl = 0x000B,
  cancel = 0x000C,
  echo = 0x000D,
  query_directory = 0x000E,
  change_notify = 0x000F,
  query_info = 0x0010,
  set_info = 0x0011,
  oplock_break = 0x0012,
};
inline constexpr std::size_t kCommandCount = 0x13;

// "CREATE"; empty for a command that the protocol does not have.
std::string_view name_of(Command command);

enum HeaderFlags : std::uint32_t {
  SMB2_FLAGS_SERVER_TO_REDIR = 0x00000001,
  SMB2_FLAGS_ASYNC_COMMAND = 0x00000002,
  SMB2_FLAGS_RELATED_OPERATIONS = 0x00000004,
  SMB2_FLAGS_SIGNED = 0x00000008,
  SMB2_FLAGS_PRIORITY_MASK = 0x00000070,
  SMB2_FLAGS_DFS_OPERATIONS = 0x10000000,
  SMB2_FLAGS_REPLAY_OPERATION = 0x20000000,
};

// The MessageId of a message that nobody asked for. [MS-SMB2] 3.2.5.19
inline constexpr std::uint64_t kUnsolicitedMessageId = UINT64_MAX;

// [MS-SMB2] 2.2.1.1 (ASYNC), 2.2.1.2 (SYNC): which of the two is said by a flag in front of where they differ.
struct Smb2Header {
  std::uint16_t credit_charge = 0;
  NtStatus status{};  // in a request: (ChannelSequence, Reserved) from SMB 3.0 on, else 0
  Command command{};
  std::uint16_t credit_request_response = 0;  // asked for in a request, granted in a response
  std::uint32_t flags = 0;
  std::uint32_t next_command = 0;
  std::uint64_t message_id = 0;
  std::uint64_t async_id = 0;  // ASYNC only
  std::uint32_t tree_id = 0;   // SYNC only
  std::uint64_t session_id = 0;
  std::array<std::uint8_t, 16> signature{};

  bool is_response() const { return (flags & SMB2_FLAGS_SERVER_TO_REDIR) != 0; }
  bool is_async() const { return (flags & SMB2_FLAGS_ASYNC_COMMAND) != 0; }
  bool is_related() const { return (flags & SMB2_FLAGS_RELATED_OPERATIONS) != 0; }
  bool is_signed() const { return (flags & SMB2_FLAGS_SIGNED) != 0; }

  std::uint16_t channel_sequence() const { return static_cast<std::uint16_t>(status); }
  void set_channel_sequence(std::uint16_t sequence) { status = static_cast<NtStatus>(sequence); }

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template magic<kSmb2ProtocolId>("protocol_id");
    a.template structure_size<64>();
    a.field("credit_charge", m.credit_charge);
    a.field("status", m.status);
    a.field("command", m.command);
    a.field("credit_request_response", m.credit_request_response);
    a.field("flags", m.flags);
    a.field("next_command", m.next_command);
    a.field("message_id", m.message_id);
    if (m.is_async()) {
      a.field("async_id", m.async_id);
    } else {
      a.template reserved<std::uint32_t>();
      a.field("tree_id", m.tree_id);
    }
    a.field("session_id", m.session_id);
    a.fixed("signature", m.signature);
  }
};

}  // namespace smb3fuse::wire
