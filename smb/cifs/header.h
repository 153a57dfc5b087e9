// SPDX-License-Identifier: Apache-2.0
// [MS-CIFS] 2.2.3.1: the header of every SMB1 message, and its commands.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "smb/status.h"
#include "smb/wire/codec.h"
#include "smb/wire/header.h"

namespace smb3fuse::cifs {

inline constexpr std::size_t kHeaderSize = 32;
inline constexpr std::size_t kSecurityFeaturesOffset = 14;
inline constexpr std::size_t kTidOffset = 24;

// [MS-CIFS] 2.2.2.1
enum class Command : std::uint8_t {
  create_directory = 0x00,
  delete_directory = 0x01,
  close = 0x04,
  flush = 0x05,
  remove = 0x06,  // SMB_COM_DELETE
  rename = 0x07,
  locking_andx = 0x24,
  transaction = 0x25,
  echo = 0x2B,
  read_andx = 0x2E,
  write_andx = 0x2F,
  transaction2 = 0x32,
  transaction2_secondary = 0x33,
  find_close2 = 0x34,
  tree_disconnect = 0x71,
  negotiate = 0x72,
  session_setup_andx = 0x73,
  logoff_andx = 0x74,
  tree_connect_andx = 0x75,
  nt_transact = 0xA0,
  nt_transact_secondary = 0xA1,
  nt_create_andx = 0xA2,
  nt_cancel = 0xA4,
  nt_rename = 0xA5,
  none = 0xFF,  // SMB_COM_NO_ANDX_COMMAND
};

// "NT_CREATE_ANDX"; empty for a command that we do not use.
std::string_view name_of(Command command);

constexpr bool is_andx(Command command) {
  switch (command) {
    case Command::locking_andx:
    case Command::read_andx:
    case Command::write_andx:
    case Command::session_setup_andx:
    case Command::logoff_andx:
    case Command::tree_connect_andx:
    case Command::nt_create_andx:
      return true;
    default:
      return false;
  }
}

constexpr bool is_transaction(Command command) {
  return command == Command::transaction || command == Command::transaction2 || command == Command::nt_transact;
}

enum Flags : std::uint8_t {
  SMB_FLAGS_CASE_INSENSITIVE = 0x08,
  SMB_FLAGS_CANONICALIZED_PATHS = 0x10,
  SMB_FLAGS_REPLY = 0x80,
};

enum Flags2 : std::uint16_t {
  SMB_FLAGS2_LONG_NAMES = 0x0001,
  SMB_FLAGS2_EAS = 0x0002,
  SMB_FLAGS2_SMB_SECURITY_SIGNATURE = 0x0004,
  SMB_FLAGS2_SMB_SECURITY_SIGNATURE_REQUIRED = 0x0010,
  SMB_FLAGS2_IS_LONG_NAME = 0x0040,
  SMB_FLAGS2_REPARSE_PATH = 0x0400,
  SMB_FLAGS2_EXTENDED_SECURITY = 0x0800,  // [MS-SMB] 2.2.3.1
  SMB_FLAGS2_DFS = 0x1000,
  SMB_FLAGS2_PAGING_IO = 0x2000,
  SMB_FLAGS2_NT_STATUS = 0x4000,
  SMB_FLAGS2_UNICODE = 0x8000,
};

// The MID of an oplock break, which nobody asked for. [MS-CIFS] 3.3.4.2
inline constexpr std::uint16_t kUnsolicitedMid = 0xFFFF;
// The UID and TID of a message before there is one, and a FID that the block before opens.
inline constexpr std::uint16_t kNoId = 0xFFFF;

struct Header {
  Command command{};
  std::uint32_t status = 0;  // an NTSTATUS, or error class and code: see status_of()
  std::uint8_t flags = SMB_FLAGS_CASE_INSENSITIVE | SMB_FLAGS_CANONICALIZED_PATHS;
  std::uint16_t flags2 = 0;
  std::uint16_t pid_high = 0;
  std::array<std::uint8_t, 8> security_features{};
  std::uint16_t tid = 0;
  std::uint16_t pid_low = 0;
  std::uint16_t uid = 0;
  std::uint16_t mid = 0;

  bool is_response() const { return (flags & SMB_FLAGS_REPLY) != 0; }
  bool is_signed() const { return (flags2 & SMB_FLAGS2_SMB_SECURITY_SIGNATURE) != 0; }

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template magic<wire::kSmb1ProtocolId>("protocol");
    a.field("command", m.command);
    a.field("status", m.status);
    a.field("flags", m.flags);
    a.field("flags2", m.flags2);
    a.field("pid_high", m.pid_high);
    a.fixed("security_features", m.security_features);
    a.template reserved<std::uint16_t>();
    a.field("tid", m.tid);
    a.field("pid_low", m.pid_low);
    a.field("uid", m.uid);
    a.field("mid", m.mid);
  }
};

// What the status field says: an NTSTATUS as it is, a DOS error (class and code) as the NTSTATUS that a server which
// knows both would have sent. [MS-CIFS] 2.2.2.4
NtStatus status_of(const Header& header);

}  // namespace smb3fuse::cifs
