// SPDX-License-Identifier: Apache-2.0
#include "smb/rap/rap.h"

#include <algorithm>

#include "smb/wire/endian.h"

namespace smb3fuse::rap {
namespace {

constexpr std::uint16_t kNetShareEnum = 0x0000;
constexpr std::uint16_t kNetServerEnum2 = 0x0068;
constexpr std::uint16_t kNetServerEnum3 = 0x00D7;
constexpr std::uint16_t kLevel = 1;

// [MS-RAP] 2.5.6.5.2, 2.5.5.4.2: the sizes of the entries, and of the names in them.
constexpr std::size_t kShareEntry = 20;
constexpr std::size_t kShareName = 13;
constexpr std::size_t kServerEntry = 26;
constexpr std::size_t kServerName = 16;

void put16(Bytes& bytes, std::uint16_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value));
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
}

void put_text(Bytes& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.push_back(0);
}

// What both questions for servers have behind the form of their parameters.
void put_server_enum(Bytes& bytes, std::uint32_t types, std::string_view group) {
  put_text(bytes, "B16BBDz");
  put16(bytes, kLevel);
  put16(bytes, kRoom);
  put16(bytes, static_cast<std::uint16_t>(types));
  put16(bytes, static_cast<std::uint16_t>(types >> 16));
  put_text(bytes, group);
}

// Up to the null character, or to the end.
std::string text_of(ByteView bytes) { return {bytes.begin(), std::find(bytes.begin(), bytes.end(), std::uint8_t{0})}; }

// What stands before all entries of an answer: [MS-RAP] 2.5.5.3, 2.5.6.3.
struct Head {
  std::uint16_t status;
  std::uint16_t converter;
  std::uint16_t returned;
  std::uint16_t available;
};
std::optional<Head> head_of(ByteView parameters) {
  if (parameters.size() < 8) return std::nullopt;
  const auto word = [&](std::size_t at) { return wire::load_le<std::uint16_t>(parameters.data() + at); };
  return Head{word(0), word(2), word(4), word(6)};
}

// The string that the four bytes at `at` point to: their low half less the converter is where it is. An empty one for
// what points out of the data.
std::string pointed(const Head& head, ByteView data, std::size_t at) {
  const auto pointer = wire::load_le<std::uint16_t>(data.data() + at);
  const auto offset = static_cast<std::uint16_t>(pointer - head.converter);
  return offset < data.size() ? text_of(data.subspan(offset)) : std::string();
}

// `decode`: the entry that begins at an offset.
template <class Info, class Decode>
std::optional<Enumeration<Info>> enumeration_of(ByteView parameters, ByteView data, std::size_t entry, Decode decode) {
  const auto head = head_of(parameters);
  if (!head) return std::nullopt;
  Enumeration<Info> result;
  result.status = head->status;
  result.available = head->available;
  if (head->status != 0 && head->status != kMoreData) return result;
  if (head->returned > data.size() / entry) return std::nullopt;
  for (std::size_t i = 0; i < head->returned; ++i) result.entries.push_back(decode(*head, i * entry));
  return result;
}

}  // namespace

Bytes encode_share_enum() {
  Bytes bytes;
  put16(bytes, kNetShareEnum);
  put_text(bytes, "WrLeh");
  put_text(bytes, "B13BWz");
  put16(bytes, kLevel);
  put16(bytes, kRoom);
  return bytes;
}

Bytes encode_server_enum(std::uint32_t types, std::string_view group) {
  Bytes bytes;
  put16(bytes, kNetServerEnum2);
  put_text(bytes, "WrLehDz");
  put_server_enum(bytes, types, group);
  return bytes;
}

Bytes encode_server_enum_from(std::uint32_t types, std::string_view group, std::string_view first) {
  Bytes bytes;
  put16(bytes, kNetServerEnum3);
  put_text(bytes, "WrLehDzz");
  put_server_enum(bytes, types, group);
  put_text(bytes, first);
  return bytes;
}

std::optional<Enumeration<ShareInfo>> decode_share_enum(ByteView parameters, ByteView data) {
  return enumeration_of<ShareInfo>(parameters, data, kShareEntry, [data](const Head& head, std::size_t at) {
    constexpr std::size_t kType = 14;
    constexpr std::size_t kRemark = 16;
    return ShareInfo{text_of(data.subspan(at, kShareName)), wire::load_le<std::uint16_t>(data.data() + at + kType),
                     pointed(head, data, at + kRemark)};
  });
}

std::optional<Enumeration<ServerInfo>> decode_server_enum(ByteView parameters, ByteView data) {
  return enumeration_of<ServerInfo>(parameters, data, kServerEntry, [data](const Head& head, std::size_t at) {
    constexpr std::size_t kTypes = 18;  // behind two bytes of version
    constexpr std::size_t kComment = 22;
    return ServerInfo{text_of(data.subspan(at, kServerName)), wire::load_le<std::uint32_t>(data.data() + at + kTypes),
                      pointed(head, data, at + kComment)};
  });
}

}  // namespace smb3fuse::rap
