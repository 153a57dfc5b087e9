// SPDX-License-Identifier: Apache-2.0
#include "nbt/name_packet.h"

#include <algorithm>

namespace smb3fuse::nbt {
namespace {

constexpr unsigned kClassInternet = 0x0001;
constexpr unsigned kPointerToFirstName = 0xC00C;  // behind the 12 bytes of the header
constexpr std::size_t kStatistics = 46;           // of which the unit id comes first. RFC 1002 4.2.18

// OPCODE, NM_FLAGS and RCODE in one. RFC 1002 4.2.1.1
constexpr unsigned kResponse = 0x8000;
constexpr unsigned kAuthoritative = 0x0400;
constexpr unsigned kTruncated = 0x0200;
constexpr unsigned kRecursionDesired = 0x0100;
constexpr unsigned kRecursionAvailable = 0x0080;
constexpr unsigned kBroadcast = 0x0010;

// NB_FLAGS and NAME_FLAGS. RFC 1002 4.2.1.3, 4.2.18
constexpr unsigned kGroup = 0x8000;
constexpr unsigned kDeregistering = 0x1000;
constexpr unsigned kConflict = 0x0800;
constexpr unsigned kActive = 0x0400;
constexpr unsigned kPermanent = 0x0200;

unsigned node_bits(NodeType node) { return static_cast<unsigned>(node) << 13; }
NodeType node_of(unsigned flags) { return static_cast<NodeType>(flags >> 13 & 3); }

unsigned bit(bool set, unsigned value) { return set ? value : 0; }

unsigned flags_of(const NamePacket& packet) {
  return bit(packet.response, kResponse) | static_cast<unsigned>(packet.opcode) << 11 |
         bit(packet.authoritative, kAuthoritative) | bit(packet.truncated, kTruncated) |
         bit(packet.recursion_desired, kRecursionDesired) | bit(packet.recursion_available, kRecursionAvailable) |
         bit(packet.broadcast, kBroadcast) | static_cast<unsigned>(packet.rcode);
}

void put_records(Writer& writer, const std::vector<Record>& records, const std::optional<Name>& first) {
  for (const Record& record : records) {
    if (first && record.name == first) {
      writer.u16(kPointerToFirstName);
    } else if (record.name) {
      put_name(writer, *record.name);
    } else {
      writer.u8(0);  // the root of all domains
    }
    writer.u16(static_cast<unsigned>(record.type));
    writer.u16(kClassInternet);
    writer.u32(record.ttl);
    writer.u16(static_cast<unsigned>(record.data.size()));
    writer.bytes(record.data);
  }
}

std::vector<Record> take_records(Reader& reader, std::size_t count) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    Record record;
    record.name = name_of_labels(take_labels(reader));
    record.type = static_cast<RecordType>(reader.u16());
    if (reader.u16() != kClassInternet) reader.fail();
    record.ttl = reader.u32();
    const ByteView data = reader.bytes(reader.u16());
    record.data.assign(data.begin(), data.end());
    records.push_back(std::move(record));
  }
  return records;
}

NamePacket request(std::uint16_t id, Opcode opcode, const Name& name, bool recursion, bool broadcast) {
  NamePacket packet;
  packet.id = id;
  packet.opcode = opcode;
  packet.recursion_desired = recursion;
  packet.broadcast = broadcast;
  packet.questions.push_back({name, RecordType::nb});
  return packet;
}

NamePacket response(std::uint16_t id, Opcode opcode, Record record) {
  NamePacket packet;
  packet.id = id;
  packet.response = true;
  packet.opcode = opcode;
  packet.authoritative = true;
  packet.recursion_desired = true;
  packet.answers.push_back(std::move(record));
  return packet;
}

}  // namespace

Bytes encode(const NamePacket& packet) {
  Writer writer;
  writer.u16(packet.id);
  writer.u16(flags_of(packet));
  writer.u16(static_cast<unsigned>(packet.questions.size()));
  writer.u16(static_cast<unsigned>(packet.answers.size()));
  writer.u16(static_cast<unsigned>(packet.authorities.size()));
  writer.u16(static_cast<unsigned>(packet.additional.size()));
  std::optional<Name> first;
  for (const Question& question : packet.questions) {
    if (!first) first = question.name;
    put_name(writer, question.name);
    writer.u16(static_cast<unsigned>(question.type));
    writer.u16(kClassInternet);
  }
  put_records(writer, packet.answers, first);
  put_records(writer, packet.authorities, first);
  put_records(writer, packet.additional, first);
  return writer.take();
}

std::optional<NamePacket> decode_name_packet(ByteView bytes) {
  Reader reader(bytes);
  NamePacket packet;
  packet.id = reader.u16();
  const unsigned flags = reader.u16();
  packet.response = (flags & kResponse) != 0;
  packet.opcode = static_cast<Opcode>(flags >> 11 & 0xF);
  packet.authoritative = (flags & kAuthoritative) != 0;
  packet.truncated = (flags & kTruncated) != 0;
  packet.recursion_desired = (flags & kRecursionDesired) != 0;
  packet.recursion_available = (flags & kRecursionAvailable) != 0;
  packet.broadcast = (flags & kBroadcast) != 0;
  packet.rcode = static_cast<Rcode>(flags & 0xF);
  const std::size_t questions = reader.u16();
  const std::size_t answers = reader.u16();
  const std::size_t authorities = reader.u16();
  const std::size_t additional = reader.u16();
  for (std::size_t i = 0; i < questions && reader.ok(); ++i) {
    Question question;
    question.name = take_name(reader);
    question.type = static_cast<RecordType>(reader.u16());
    if (reader.u16() != kClassInternet) reader.fail();
    packet.questions.push_back(std::move(question));
  }
  packet.answers = take_records(reader, answers);
  packet.authorities = take_records(reader, authorities);
  packet.additional = take_records(reader, additional);
  if (!reader.ok() || reader.remaining() != 0) return std::nullopt;
  return packet;
}

Bytes encode_owner(const NameOwner& owner) {
  Writer writer;
  writer.u16(bit(owner.group, kGroup) | node_bits(owner.node));
  writer.bytes(owner.address);
  return writer.take();
}

std::optional<std::vector<NameOwner>> owners_of(const Record& record) {
  if (record.type != RecordType::nb || record.data.empty() || record.data.size() % 6 != 0) return std::nullopt;
  std::vector<NameOwner> owners;
  for (Reader reader(record.data); reader.remaining() > 0;) {
    const unsigned flags = reader.u16();
    NameOwner owner;
    owner.group = (flags & kGroup) != 0;
    owner.node = node_of(flags);
    const ByteView address = reader.bytes(owner.address.size());
    std::copy(address.begin(), address.end(), owner.address.begin());
    owners.push_back(owner);
  }
  return owners;
}

Bytes encode_status(const NodeStatus& status) {
  Writer writer;
  writer.u8(static_cast<unsigned>(status.names.size()));
  for (const NodeName& own : status.names) {
    writer.bytes(own.name.bytes);
    writer.u16(bit(own.group, kGroup) | node_bits(own.node) | bit(own.deregistering, kDeregistering) |
               bit(own.conflict, kConflict) | bit(own.active, kActive) | bit(own.permanent, kPermanent));
  }
  writer.bytes(status.unit_id);
  writer.bytes(Bytes(kStatistics - status.unit_id.size()));
  return writer.take();
}

std::optional<NodeStatus> status_of(const Record& record) {
  if (record.type != RecordType::nbstat) return std::nullopt;
  Reader reader(record.data);
  NodeStatus status;
  const std::size_t count = reader.u8();
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    NodeName own;
    const ByteView name = reader.bytes(own.name.bytes.size());
    std::copy(name.begin(), name.end(), own.name.bytes.begin());
    const unsigned flags = reader.u16();
    own.group = (flags & kGroup) != 0;
    own.node = node_of(flags);
    own.deregistering = (flags & kDeregistering) != 0;
    own.conflict = (flags & kConflict) != 0;
    own.active = (flags & kActive) != 0;
    own.permanent = (flags & kPermanent) != 0;
    status.names.push_back(std::move(own));
  }
  if (!reader.ok()) return std::nullopt;
  // The statistics behind them are of different length from one kind of server to the next, or missing.
  const ByteView unit = reader.bytes(status.unit_id.size());
  std::copy(unit.begin(), unit.end(), status.unit_id.begin());
  return status;
}

std::optional<Name> server_name_of(const NodeStatus& status) {
  const auto with = [&](std::uint8_t service) -> std::optional<Name> {
    for (const NodeName& own : status.names) {
      if (!own.group && !own.conflict && own.name.service() == service) return own.name;
    }
    return std::nullopt;
  };
  if (auto server = with(suffix::file_server)) return server;
  auto machine = with(suffix::workstation);
  if (machine) machine->bytes.back() = suffix::file_server;
  return machine;
}

NamePacket make_query(std::uint16_t id, const Name& name, bool broadcast) {
  return request(id, Opcode::query, name, true, broadcast);
}

NamePacket make_status_query(std::uint16_t id, const Name& name) {
  NamePacket packet = request(id, Opcode::query, name, false, false);
  packet.questions.front().type = RecordType::nbstat;
  return packet;
}

NamePacket make_registration(std::uint16_t id, const Name& name, const NameOwner& owner, std::uint32_t ttl,
                             bool broadcast) {
  NamePacket packet = request(id, Opcode::registration, name, true, broadcast);
  packet.additional.push_back({name, RecordType::nb, ttl, encode_owner(owner)});
  return packet;
}

NamePacket make_overwrite(std::uint16_t id, const Name& name, const NameOwner& owner, std::uint32_t ttl,
                          bool broadcast) {
  NamePacket packet = make_registration(id, name, owner, ttl, broadcast);
  packet.recursion_desired = false;
  return packet;
}

NamePacket make_refresh(std::uint16_t id, const Name& name, const NameOwner& owner, std::uint32_t ttl) {
  NamePacket packet = make_overwrite(id, name, owner, ttl, false);
  packet.opcode = Opcode::refresh;
  return packet;
}

NamePacket make_release(std::uint16_t id, const Name& name, const NameOwner& owner, bool broadcast) {
  NamePacket packet = make_overwrite(id, name, owner, 0, broadcast);
  packet.opcode = Opcode::release;
  return packet;
}

NamePacket make_query_response(std::uint16_t id, const Name& name, const NameOwner& owner) {
  return response(id, Opcode::query, {name, RecordType::nb, 0, encode_owner(owner)});
}

NamePacket make_registration_refusal(std::uint16_t id, const Name& name, const NameOwner& owner) {
  NamePacket packet = response(id, Opcode::registration, {name, RecordType::nb, 0, encode_owner(owner)});
  packet.recursion_available = true;
  packet.rcode = Rcode::active;
  return packet;
}

NamePacket make_conflict_demand(std::uint16_t id, const Name& name) {
  NamePacket packet = response(id, Opcode::registration, {name, RecordType::nb, 0, encode_owner({})});
  packet.recursion_available = true;
  packet.rcode = Rcode::conflict;
  return packet;
}

NamePacket make_status_response(std::uint16_t id, const Name& name, const NodeStatus& status) {
  NamePacket packet = response(id, Opcode::query, {name, RecordType::nbstat, 0, encode_status(status)});
  packet.recursion_desired = false;
  return packet;
}

}  // namespace smb3fuse::nbt
