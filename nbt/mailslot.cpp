// SPDX-License-Identifier: Apache-2.0
#include "nbt/mailslot.h"

#include <algorithm>
#include <array>

namespace smb3fuse::nbt {
namespace {

// SMB is little-endian, unlike everything else here.
void put16(Writer& writer, std::size_t value) {
  writer.u8(static_cast<unsigned>(value));
  writer.u8(static_cast<unsigned>(value >> 8));
}

std::uint16_t take16(Reader& reader) {
  const unsigned low = reader.u8();
  return static_cast<std::uint16_t>(low | static_cast<unsigned>(reader.u8()) << 8);
}

std::uint32_t take32(Reader& reader) {
  const std::uint32_t low = take16(reader);
  return low | static_cast<std::uint32_t>(take16(reader)) << 16;
}

std::string take_string(Reader& reader) {
  std::string text;
  for (std::uint8_t c = reader.u8(); reader.ok() && c != 0; c = reader.u8()) text += static_cast<char>(c);
  return text;
}

// [MS-CIFS] 2.2.3.1: up to Command, and the bytes of zero behind it.
constexpr std::array<std::uint8_t, 5> kTransaction{0xFF, 'S', 'M', 'B', 0x25};
constexpr std::size_t kSmbHeader = 32;
constexpr unsigned kWords = 17;
constexpr unsigned kMailslotWrite = 1;
constexpr unsigned kUnreliable = 2;

// [MS-BRWS] 2.2
constexpr std::uint8_t kHostAnnouncement = 0x01;
constexpr std::uint8_t kGetBackupListRequest = 0x09;
constexpr std::uint8_t kGetBackupListResponse = 0x0A;
constexpr std::uint8_t kLocalMasterAnnouncement = 0x0F;

}  // namespace

Bytes encode(const MailslotWrite& write) {
  const std::size_t data_offset = kSmbHeader + 1 + 2 * kWords + 2 + write.mailslot.size() + 1;
  Writer writer;
  writer.bytes(kTransaction);
  writer.bytes(Bytes(kSmbHeader - kTransaction.size()));
  writer.u8(kWords);
  put16(writer, 0);                  // TotalParameterCount
  put16(writer, write.data.size());  // TotalDataCount
  put16(writer, 0);                  // MaxParameterCount
  put16(writer, 0);                  // MaxDataCount
  writer.bytes(Bytes(10));           // MaxSetupCount, Flags, Timeout and what is reserved
  put16(writer, 0);                  // ParameterCount
  put16(writer, 0);                  // ParameterOffset
  put16(writer, write.data.size());  // DataCount
  put16(writer, data_offset);
  put16(writer, 3);  // SetupCount
  put16(writer, kMailslotWrite);
  put16(writer, 1);  // Priority
  put16(writer, kUnreliable);
  put16(writer, write.mailslot.size() + 1 + write.data.size());
  writer.text(write.mailslot);
  writer.u8(0);
  writer.bytes(write.data);
  return writer.take();
}

std::optional<MailslotWrite> decode_mailslot_write(ByteView bytes) {
  Reader reader(bytes);
  const ByteView head = reader.bytes(kSmbHeader);
  if (!reader.ok() || !std::equal(kTransaction.begin(), kTransaction.end(), head.begin())) return std::nullopt;
  if (reader.u8() != kWords) return std::nullopt;
  reader.bytes(22);
  const std::size_t count = take16(reader);
  const std::size_t offset = take16(reader);
  reader.bytes(2);
  if (take16(reader) != kMailslotWrite) return std::nullopt;
  reader.bytes(4);
  reader.bytes(2);  // ByteCount: DataCount and DataOffset say the same
  MailslotWrite write;
  write.mailslot = take_string(reader);
  if (offset < reader.position()) return std::nullopt;
  reader.move_to(offset);
  const ByteView data = reader.bytes(count);
  if (!reader.ok()) return std::nullopt;
  write.data.assign(data.begin(), data.end());
  return write;
}

Bytes encode_backup_list_request(std::uint8_t count, std::uint32_t token) {
  Writer writer;
  writer.u8(kGetBackupListRequest);
  writer.u8(count);
  put16(writer, token & 0xFFFF);
  put16(writer, token >> 16);
  return writer.take();
}

std::optional<BackupList> decode_backup_list(ByteView data) {
  Reader reader(data);
  if (reader.u8() != kGetBackupListResponse) return std::nullopt;
  BackupList list;
  const std::size_t count = reader.u8();
  list.token = take32(reader);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) list.servers.push_back(take_string(reader));
  return reader.ok() ? std::optional(std::move(list)) : std::nullopt;
}

std::optional<HostAnnouncement> decode_host_announcement(ByteView data) {
  Reader reader(data);
  const std::uint8_t code = reader.u8();
  if (code != kHostAnnouncement && code != kLocalMasterAnnouncement) return std::nullopt;
  HostAnnouncement announcement;
  announcement.is_master_browser = code == kLocalMasterAnnouncement;
  reader.bytes(5);  // UpdateCount, Periodicity
  const ByteView name = reader.bytes(16);
  announcement.server.assign(name.begin(), std::find(name.begin(), name.end(), std::uint8_t{0}));
  reader.bytes(2);  // OSVersion
  announcement.server_type = take32(reader);
  reader.bytes(4);  // browser's version, Signature
  announcement.comment = take_string(reader);
  return reader.ok() ? std::optional(std::move(announcement)) : std::nullopt;
}

}  // namespace smb3fuse::nbt
