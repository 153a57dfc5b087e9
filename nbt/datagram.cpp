// SPDX-License-Identifier: Apache-2.0
#include "nbt/datagram.h"

#include <algorithm>

namespace smb3fuse::nbt {
namespace {

constexpr std::size_t kMaximumPacket = 576;          // RFC 1002 6: MAX_DATAGRAM_LENGTH
constexpr std::size_t kHeader = 14;                  // with DGM_LENGTH and PACKET_OFFSET
constexpr std::size_t kMaximumData = 16 * 1024;      // of a whole datagram that we take
constexpr std::size_t kMaximumPending = 16;          // datagrams that lack fragments
constexpr std::chrono::seconds kFragmentTimeout{2};  // RFC 1002 6: FRAGMENT_TO

constexpr unsigned kMore = 0x01;
constexpr unsigned kFirst = 0x02;

bool carries_data(DatagramType type) {
  return type == DatagramType::direct_unique || type == DatagramType::direct_group || type == DatagramType::broadcast;
}

bool is_query(DatagramType type) {
  return type == DatagramType::query_request || type == DatagramType::positive_query_response ||
         type == DatagramType::negative_query_response;
}

void put_header(Writer& writer, const DatagramHeader& header) {
  writer.u8(static_cast<unsigned>(header.type));
  writer.u8(static_cast<unsigned>(header.node) << 2 | (header.first ? kFirst : 0) | (header.more ? kMore : 0));
  writer.u16(header.id);
  writer.bytes(header.source.address);
  writer.u16(header.source.port);
}

DatagramHeader take_header(Reader& reader) {
  DatagramHeader header;
  header.type = static_cast<DatagramType>(reader.u8());
  const unsigned flags = reader.u8();
  header.node = static_cast<NodeType>(flags >> 2 & 3);
  header.first = (flags & kFirst) != 0;
  header.more = (flags & kMore) != 0;
  header.id = reader.u16();
  const ByteView address = reader.bytes(header.source.address.size());
  std::copy(address.begin(), address.end(), header.source.address.begin());
  header.source.port = reader.u16();
  return header;
}

void put_data(Writer& writer, const DatagramData& body, ByteView data) {
  Writer names;
  put_name(names, body.source);
  put_name(names, body.destination);
  writer.u16(static_cast<unsigned>(names.size() + data.size()));
  writer.u16(body.offset);
  writer.bytes(names.take());
  writer.bytes(data);
}

}  // namespace

Bytes encode(const DatagramPacket& packet) {
  Writer writer;
  put_header(writer, packet.header);
  if (const auto* body = std::get_if<DatagramData>(&packet.body)) {
    put_data(writer, *body, body->data);
  } else if (const auto* error = std::get_if<DatagramError>(&packet.body)) {
    writer.u8(static_cast<unsigned>(*error));
  } else {
    put_name(writer, std::get<Name>(packet.body));
  }
  return writer.take();
}

std::optional<DatagramPacket> decode_datagram(ByteView bytes) {
  Reader reader(bytes);
  DatagramPacket packet;
  packet.header = take_header(reader);
  if (carries_data(packet.header.type)) {
    DatagramData body;
    const std::size_t length = reader.u16();
    body.offset = reader.u16();
    if (reader.remaining() != length) return std::nullopt;
    body.source = take_name(reader);
    body.destination = take_name(reader);
    const ByteView data = reader.bytes(reader.remaining());
    body.data.assign(data.begin(), data.end());
    packet.body = std::move(body);
  } else if (packet.header.type == DatagramType::error) {
    packet.body = static_cast<DatagramError>(reader.u8());
  } else if (is_query(packet.header.type)) {
    packet.body = take_name(reader);
  } else {
    return std::nullopt;
  }
  if (!reader.ok() || reader.remaining() != 0) return std::nullopt;
  return packet;
}

std::vector<Bytes> encode_datagram(const DatagramHeader& header, const Name& source, const Name& destination,
                                   ByteView data) {
  if (data.size() > kMaximumData) return {};
  DatagramData body{source, destination, 0, {}};
  Writer names;
  put_name(names, source);
  put_name(names, destination);
  // Two names of 255 bytes leave room for some data, too.
  const std::size_t room = kMaximumPacket - kHeader - names.size();
  std::vector<Bytes> packets;
  for (std::size_t at = 0; at == 0 || at < data.size(); at += room) {
    const ByteView piece = data.subspan(at, std::min(room, data.size() - at));
    DatagramHeader fragment = header;
    fragment.first = at == 0;
    fragment.more = at + piece.size() < data.size();
    body.offset = static_cast<std::uint16_t>(at);
    Writer writer;
    put_header(writer, fragment);
    put_data(writer, body, piece);
    packets.push_back(writer.take());
  }
  return packets;
}

std::optional<Bytes> refusal_of(const DatagramPacket& packet, const Endpoint& own) {
  if (packet.header.type != DatagramType::direct_unique || !packet.header.first) return std::nullopt;
  DatagramHeader header;
  header.type = DatagramType::error;
  header.first = false;
  header.node = packet.header.node;
  header.id = packet.header.id;
  header.source = own;
  return encode(DatagramPacket{header, DatagramError::destination_not_present});
}

std::optional<DatagramData> Reassembly::handle_fragment(const DatagramPacket& packet, Time now) {
  const auto* body = std::get_if<DatagramData>(&packet.body);
  if (body == nullptr) return std::nullopt;
  pending_.remove_if([&](const Pending& each) { return now - each.begun >= kFragmentTimeout; });
  const auto same = [&](const Pending& each) {
    return each.source == packet.header.source && each.id == packet.header.id && each.whole.source == body->source &&
           each.whole.destination == body->destination;
  };
  auto known = std::find_if(pending_.begin(), pending_.end(), same);
  if (packet.header.first) {
    if (known != pending_.end()) pending_.erase(known);
    if (body->offset != 0) return std::nullopt;
    if (!packet.header.more) return *body;
    pending_.push_back({packet.header.source, packet.header.id, now, *body});
    if (pending_.size() > kMaximumPending) pending_.pop_front();
    return std::nullopt;
  }
  if (known == pending_.end()) return std::nullopt;
  Bytes& whole = known->whole.data;
  // RFC 1002 5.3.3: the next piece, or the datagram is given up.
  if (body->offset != whole.size() || whole.size() + body->data.size() > kMaximumData || body->data.empty()) {
    pending_.erase(known);
    return std::nullopt;
  }
  whole.insert(whole.end(), body->data.begin(), body->data.end());
  if (packet.header.more) return std::nullopt;
  DatagramData done = std::move(known->whole);
  pending_.erase(known);
  return done;
}

}  // namespace smb3fuse::nbt
