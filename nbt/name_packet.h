// SPDX-License-Identifier: Apache-2.0
// Packets of the name service: what they hold, encoded and decoded, and those that an end node sends.
// RFC 1002 4.2. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nbt/address.h"
#include "nbt/name.h"
#include "nbt/wire.h"

namespace smb3fuse::nbt {

// RFC 1002 4.2.1.1; 9 stands in the figure of 4.2.4, and is sent by some.
enum class Opcode : std::uint8_t {
  query = 0,
  registration = 5,
  release = 6,
  wack = 7,
  refresh = 8,
  refresh_alternative = 9,
  multihomed_registration = 15,  // [MS-NBTE] 2.2.2
};

// RFC 1002 4.2.6, 4.2.11, 4.2.14
enum class Rcode : std::uint8_t {
  success = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,  // there is no such name
  unsupported = 4,
  refused = 5,
  active = 6,    // another node owns the name
  conflict = 7,  // more than one node owns it
};

// RFC 1002 4.2.1.3
enum class RecordType : std::uint16_t { a = 0x0001, ns = 0x0002, null = 0x000A, nb = 0x0020, nbstat = 0x0021 };

struct Question {
  Name name;
  RecordType type = RecordType::nb;
  friend bool operator==(const Question&, const Question&) = default;
};

struct Record {
  std::optional<Name> name;  // nothing: a name that is not a NetBIOS name, as a name server's in a redirection
  RecordType type = RecordType::nb;
  std::uint32_t ttl = 0;  // seconds; 0 in answers of NB records: for ever
  Bytes data;
};

struct NamePacket {
  std::uint16_t id = 0;
  bool response = false;
  Opcode opcode = Opcode::query;
  bool authoritative = false;
  bool truncated = false;
  bool recursion_desired = false;
  bool recursion_available = false;
  bool broadcast = false;
  Rcode rcode = Rcode::success;
  std::vector<Question> questions;
  std::vector<Record> answers;
  std::vector<Record> authorities;
  std::vector<Record> additional;
};

// A record whose name is that of the first question is written as a pointer to it.
Bytes encode(const NamePacket& packet);
// Nothing: it is cut short, longer than it says, or not a packet of the name service.
std::optional<NamePacket> decode_name_packet(ByteView bytes);

// How a node finds names: by broadcasts, by a name server, broadcasts first, the server first. RFC 1001 10; the last
// one is Microsoft's, [MS-NBTE] 1.1
enum class NodeType : std::uint8_t { b = 0, p = 1, m = 2, h = 3 };

// One owner of a name, in the data of an NB record. RFC 1002 4.2.13
struct NameOwner {
  Ipv4 address{};
  bool group = false;
  NodeType node = NodeType::b;
  friend bool operator==(const NameOwner&, const NameOwner&) = default;
};
Bytes encode_owner(const NameOwner& owner);
std::optional<std::vector<NameOwner>> owners_of(const Record& record);

// What a node tells of itself. RFC 1002 4.2.18
struct NodeName {
  Name name;  // without a scope
  bool group = false;
  NodeType node = NodeType::b;
  bool deregistering = false;
  bool conflict = false;
  bool active = true;
  bool permanent = false;
  friend bool operator==(const NodeName&, const NodeName&) = default;
};
struct NodeStatus {
  std::vector<NodeName> names;
  std::array<std::uint8_t, 6> unit_id{};  // the address of its network card; zeros where it tells none
};
Bytes encode_status(const NodeStatus& status);
std::optional<NodeStatus> status_of(const Record& record);
// The name that the node serves files under, else the unique name of the machine; nothing if it has none.
std::optional<Name> server_name_of(const NodeStatus& status);

// Requests. RFC 1002 4.2.2, 4.2.3, 4.2.4, 4.2.9, 4.2.12, 4.2.17
NamePacket make_query(std::uint16_t id, const Name& name, bool broadcast);
NamePacket make_status_query(std::uint16_t id, const Name& name);
NamePacket make_registration(std::uint16_t id, const Name& name, const NameOwner& owner, std::uint32_t ttl,
                             bool broadcast);
// Taking the name although nobody answered: a demand by broadcast, a request to a name server.
NamePacket make_overwrite(std::uint16_t id, const Name& name, const NameOwner& owner, std::uint32_t ttl,
                          bool broadcast);
NamePacket make_refresh(std::uint16_t id, const Name& name, const NameOwner& owner, std::uint32_t ttl);
NamePacket make_release(std::uint16_t id, const Name& name, const NameOwner& owner, bool broadcast);

// Answers of a name's owner. RFC 1002 4.2.6, 4.2.8, 4.2.13, 4.2.18
NamePacket make_query_response(std::uint16_t id, const Name& name, const NameOwner& owner);
NamePacket make_registration_refusal(std::uint16_t id, const Name& name, const NameOwner& owner);
NamePacket make_conflict_demand(std::uint16_t id, const Name& name);
NamePacket make_status_response(std::uint16_t id, const Name& name, const NodeStatus& status);

}  // namespace smb3fuse::nbt
