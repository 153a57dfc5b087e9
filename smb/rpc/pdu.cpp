// SPDX-License-Identifier: Apache-2.0
#include "smb/rpc/pdu.h"

#include <cstdio>

#include "smb/rpc/ndr.h"

namespace smb3fuse::rpc {
namespace {

constexpr std::size_t kHeader = 16;
constexpr std::size_t kCallHeader = 8;       // alloc_hint, p_cont_id, opnum or cancel_count
constexpr unsigned kLargestFragment = 4280;  // what every server takes
constexpr std::size_t kLargestResponse = 16 * 1024 * 1024;

enum Type : unsigned { request = 0, response = 2, fault = 3, bind = 11, bind_ack = 12, bind_nak = 13 };
constexpr unsigned kFirst = 0x01;
constexpr unsigned kLast = 0x02;

// 8a885d04-1ceb-11c9-9fe8-08002b104860, version 2.0: NDR. [C706] 14
constexpr Interface kNdr{
    {0x04, 0x5D, 0x88, 0x8A, 0xEB, 0x1C, 0xC9, 0x11, 0x9F, 0xE8, 0x08, 0x00, 0x2B, 0x10, 0x48, 0x60}, 2, 0};

struct Header {
  unsigned type = 0;
  unsigned flags = 0;
  std::size_t length = 0;
  std::size_t auth_length = 0;
  std::uint32_t call_id = 0;
};

std::optional<Header> take_header(NdrReader& reader) {
  Header header;
  const unsigned version = reader.u8();
  reader.u8();
  header.type = reader.u8();
  header.flags = reader.u8();
  const bool little_endian = (reader.u8() & 0xF0) == 0x10;
  reader.bytes(3);
  header.length = reader.u16();
  header.auth_length = reader.u16();
  header.call_id = reader.u32();
  const bool fits = reader.ok() && version == 5 && little_endian && header.length >= kHeader && header.auth_length == 0;
  return fits ? std::optional(header) : std::nullopt;
}

void put_header(NdrWriter& writer, unsigned type, std::size_t length, std::uint32_t call_id) {
  writer.u8(5);
  writer.u8(0);
  writer.u8(type);
  writer.u8(kFirst | kLast);
  writer.u8(0x10);  // little-endian, ASCII, IEEE
  writer.bytes(Bytes(3));
  writer.u16(static_cast<unsigned>(length));
  writer.u16(0);
  writer.u32(call_id);
}

void put_interface(NdrWriter& writer, const Interface& interface) {
  writer.bytes(interface.uuid);
  writer.u16(interface.major_version);
  writer.u16(interface.minor_version);
}

tl::unexpected<RpcError> malformed() { return tl::make_unexpected(RpcError{"the server's answer makes no sense"}); }

tl::unexpected<RpcError> failed(const char* what, std::uint32_t code) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%s (0x%08X)", what, static_cast<unsigned>(code));
  return tl::make_unexpected(RpcError{text.data()});
}

}  // namespace

Bytes encode_bind(std::uint32_t call_id, const Interface& interface) {
  NdrWriter writer;
  put_header(writer, bind, 72, call_id);
  writer.u16(kLargestFragment);  // max_xmit_frag
  writer.u16(kLargestFragment);  // max_recv_frag
  writer.u32(0);                 // assoc_group_id: a new one
  writer.u32(1);                 // one context
  writer.u16(0);                 // p_cont_id
  writer.u16(1);                 // with one transfer syntax
  put_interface(writer, interface);
  put_interface(writer, kNdr);
  return writer.take();
}

Bytes encode_request(std::uint32_t call_id, std::uint16_t opnum, ByteView stub) {
  NdrWriter writer;
  put_header(writer, request, kHeader + kCallHeader + stub.size(), call_id);
  writer.u32(static_cast<std::uint32_t>(stub.size()));  // alloc_hint
  writer.u16(0);                                        // p_cont_id
  writer.u16(opnum);
  writer.bytes(stub);
  return writer.take();
}

tl::expected<void, RpcError> accept_bind_ack(std::uint32_t call_id, ByteView pdu) {
  NdrReader reader(pdu);
  const auto header = take_header(reader);
  if (!header || header->length != pdu.size() || header->call_id != call_id) return malformed();
  if (header->type == bind_nak) return failed("the server does not talk about this", reader.u16());
  if (header->type != bind_ack) return malformed();
  reader.bytes(8);
  reader.bytes(reader.u16());  // the pipe's name
  reader.align(4);
  const unsigned results = reader.u8();
  reader.bytes(3);
  const unsigned result = reader.u16();
  const unsigned reason = reader.u16();
  if (!reader.ok() || results != 1) return malformed();
  if (result != 0) return failed("the server does not talk about this", reason);
  return {};
}

std::optional<std::size_t> ResponseReader::whole_pdu(ByteView bytes) {
  if (bytes.size() < kHeader) return std::nullopt;
  const std::size_t length = bytes[8] | static_cast<std::size_t>(bytes[9]) << 8;
  return bytes.size() >= length ? std::optional(length) : std::nullopt;
}

tl::expected<bool, RpcError> ResponseReader::handle_bytes(ByteView bytes) {
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  while (const auto length = whole_pdu(pending_)) {
    NdrReader reader(ByteView(pending_).first(*length));
    const auto header = take_header(reader);
    if (!header || header->call_id != call_id_) return malformed();
    reader.bytes(kCallHeader);
    if (header->type == fault) return failed("the server could not answer", reader.u32());
    if (header->type != response || !reader.ok()) return malformed();
    const bool first = (header->flags & kFirst) != 0;
    if (first == begun_) return malformed();
    begun_ = true;
    const ByteView piece = reader.bytes(reader.remaining());
    stub_.insert(stub_.end(), piece.begin(), piece.end());
    if (stub_.size() > kLargestResponse) return malformed();
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(*length));
    if ((header->flags & kLast) != 0) return true;
  }
  return false;
}

}  // namespace smb3fuse::rpc
