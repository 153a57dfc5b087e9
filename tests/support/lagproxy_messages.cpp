// SPDX-License-Identifier: Apache-2.0
#include "tests/support/lagproxy_messages.h"

#include <algorithm>
#include <array>
#include <boost/endian/conversion.hpp>
#include <string_view>

namespace smb3fuse::lagproxy {
namespace {

using boost::endian::load_little_u16;
using boost::endian::load_little_u32;
using boost::endian::load_little_u64;
using Kind = Message::Kind;

// [MS-SMB2] 2.2.1: offsets within the header, which is the same in its sync and async form up to the message id.
constexpr std::array<std::uint8_t, 4> kSmb2 = {0xFE, 'S', 'M', 'B'};
constexpr std::uint32_t kStatusPending = 0x00000103;

constexpr std::array kSmb2Commands = {"Negotiate",    "SessionSetup", "Logoff",  "TreeConnect", "TreeDisconnect",
                                      "Create",       "Close",        "Flush",   "Read",        "Write",
                                      "Lock",         "Ioctl",        "Cancel",  "Echo",        "QueryDirectory",
                                      "ChangeNotify", "QueryInfo",    "SetInfo", "OplockBreak"};

Kind smb2_kind(std::uint16_t command) {
  switch (command) {
    case 0x00:
      return Kind::negotiate;
    case 0x0C:
      return Kind::cancel;
    case 0x0F:
      return Kind::watch;
    case 0x12:
      return Kind::oplock_break;
    default:
      return Kind::ordinary;
  }
}

// [MS-CIFS] 2.2.3.1, 2.2.3.2
constexpr std::array<std::uint8_t, 4> kSmb1 = {0xFF, 'S', 'M', 'B'};
constexpr std::size_t kSmb1HeaderSize = 32;
constexpr std::uint8_t kReply = 0x80;  // of Flags
constexpr std::uint16_t kUnsolicitedMid = 0xFFFF;

// [MS-CIFS] 2.2.2.1. What begins with an AndX block may be followed by another command.
enum Command : std::uint8_t {
  kLocking = 0x24,
  kTransaction2 = 0x32,
  kNegotiate = 0x72,
  kNtTransact = 0xA0,
  kNtCancel = 0xA4,
  kNoCommand = 0xFF,
};
constexpr std::array<std::uint8_t, 8> kAndX = {0x24, 0x2D, 0x2E, 0x2F, 0x73, 0x74, 0x75, 0xA2};

struct Named {
  std::uint16_t code;
  std::string_view name;
};

constexpr auto kSmb1Commands = std::to_array<Named>({
    {0x00, "CreateDirectory"},
    {0x01, "DeleteDirectory"},
    {0x04, "Close"},
    {0x05, "Flush"},
    {0x06, "Delete"},
    {0x07, "Rename"},
    {0x08, "QueryInformation"},
    {0x24, "Locking"},
    {0x25, "Transaction"},
    {0x2B, "Echo"},
    {0x2D, "Open"},
    {0x2E, "Read"},
    {0x2F, "Write"},
    {0x33, "Trans2Secondary"},
    {0x34, "FindClose2"},
    {0x71, "TreeDisconnect"},
    {0x72, "Negotiate"},
    {0x73, "SessionSetup"},
    {0x74, "Logoff"},
    {0x75, "TreeConnect"},
    {0xA1, "NtTransactSecondary"},
    {0xA2, "NtCreate"},
    {0xA4, "NtCancel"},
    {0xA5, "NtRename"},
});
// [MS-CIFS] 2.2.2.2
constexpr auto kTrans2Commands = std::to_array<Named>({
    {0x00, "Open2"},
    {0x01, "FindFirst2"},
    {0x02, "FindNext2"},
    {0x03, "QueryFsInfo"},
    {0x04, "SetFsInfo"},
    {0x05, "QueryPathInfo"},
    {0x06, "SetPathInfo"},
    {0x07, "QueryFileInfo"},
    {0x08, "SetFileInfo"},
    {0x0D, "CreateDirectory2"},
    {0x10, "GetDfsReferral"},
});
// [MS-CIFS] 2.2.2.4
constexpr std::uint16_t kNotifyChange = 4;
constexpr auto kNtTransactCommands = std::to_array<Named>({
    {1, "NtTransactCreate"},
    {2, "NtIoctl"},
    {3, "SetSecurity"},
    {kNotifyChange, "ChangeNotify"},
    {6, "QuerySecurity"},
});

std::string name_in(std::span<const Named> names, std::uint16_t code, std::string_view otherwise) {
  for (const Named& known : names) {
    if (known.code == code) return std::string(known.name);
  }
  return std::string(otherwise) + std::to_string(code);
}

// The 16 bits at `offset` of a block's words; 0 where there are none.
std::uint16_t word_at(Bytes words, std::size_t offset) {
  return offset + 2 <= words.size() ? load_little_u16(&words[offset]) : std::uint16_t{0};
}

Message block_of(std::uint8_t command, Bytes words, bool is_reply) {
  constexpr std::size_t kTrans2Setup = 28;         // [MS-CIFS] 2.2.4.46.1: Setup[0]
  constexpr std::size_t kNtTransactFunction = 36;  // 2.2.4.62.1
  constexpr std::size_t kTypeOfLock = 6;           // 2.2.4.32.1
  constexpr std::uint16_t kOplockRelease = 0x02;
  Message message;
  message.kind = Kind::ordinary;
  if (is_reply) {
    message.name = name_in(kSmb1Commands, command, "Command");
  } else if (command == kTransaction2) {
    message.name = name_in(kTrans2Commands, word_at(words, kTrans2Setup), "Trans2_");
  } else if (command == kNtTransact) {
    const std::uint16_t function = word_at(words, kNtTransactFunction);
    message.name = name_in(kNtTransactCommands, function, "NtTransact_");
    if (function == kNotifyChange) message.kind = Kind::watch;
  } else {
    message.name = name_in(kSmb1Commands, command, "Command");
    if (command == kLocking && (word_at(words, kTypeOfLock) & kOplockRelease) != 0) message.kind = Kind::oplock_break;
  }
  if (command == kNegotiate) message.kind = Kind::negotiate;
  if (command == kNtCancel) message.kind = Kind::cancel;
  return message;
}

}  // namespace

bool is_smb1(Bytes head) {
  return head.size() >= kSmb1HeaderSize && std::equal(kSmb1.begin(), kSmb1.end(), head.begin());
}

Message parse_smb2(Bytes head) {
  Message message;
  if (head.size() < kHeaderSize || !std::equal(kSmb2.begin(), kSmb2.end(), head.begin())) return message;
  const std::uint16_t command = load_little_u16(&head[12]);
  message.kind = smb2_kind(command);
  message.name = command < kSmb2Commands.size() ? kSmb2Commands.at(command) : "Command" + std::to_string(command);
  message.is_interim = load_little_u32(&head[8]) == kStatusPending;
  message.next_command = load_little_u32(&head[20]);
  message.id = load_little_u64(&head[24]);
  return message;
}

std::vector<Message> parse_smb1(Bytes frame) {
  const std::uint16_t mid = load_little_u16(&frame[30]);
  const bool is_reply = (frame[9] & kReply) != 0;
  std::vector<Message> messages;
  std::uint8_t command = frame[4];
  std::size_t at = kSmb1HeaderSize;
  while (command != kNoCommand) {
    const std::size_t count = at < frame.size() ? 2U * frame[at] : 0;
    const Bytes words = at + 1 + count <= frame.size() ? frame.subspan(std::min(at + 1, frame.size()), count) : Bytes();
    messages.push_back(block_of(command, words, is_reply));
    messages.back().id = mid == kUnsolicitedMid ? kUnsolicited : mid;
    // A chain leads forwards only.
    const std::size_t next = word_at(words, 2);
    if (std::count(kAndX.begin(), kAndX.end(), command) == 0 || words.size() < 4 || next <= at) break;
    command = words[0];
    at = next;
  }
  return messages;
}

}  // namespace smb3fuse::lagproxy
