// SPDX-License-Identifier: Apache-2.0
// Fuzzes the packets of NetBIOS over TCP: the first byte says which decoder gets the rest. What decodes encodes to what
// decodes to the same, and the machines that take packets come to their end whatever they are told.
#include <chrono>
#include <cstdlib>

#include "nbt/datagram.h"
#include "nbt/mailslot.h"
#include "nbt/name_packet.h"
#include "nbt/name_query.h"
#include "nbt/own_name.h"
#include "nbt/session.h"

namespace {

using namespace smb3fuse::nbt;

constexpr Ipv4 kServer{10, 99, 0, 2};

void require(bool holds) {
  if (!holds) std::abort();
}

NodeConfig config_of(NodeType type) {
  NodeConfig config;
  config.type = type;
  config.broadcasts = {{10, 99, 0, 255}};
  config.name_servers = {kServer};
  return config;
}

void name_service(ByteView bytes) {
  const auto packet = decode_name_packet(bytes);
  if (!packet) return;
  for (const Record& record : packet->answers) {
    if (const auto status = status_of(record)) static_cast<void>(server_name_of(*status));
    if (const auto owners = owners_of(record)) require(!owners->empty());
  }
  // A pointer may make the text shorter than the packet was.
  const Bytes again = encode(*packet);
  const auto twice = decode_name_packet(again);
  require(twice.has_value() && encode(*twice) == again && twice->questions == packet->questions);
}

template <class Machine>
void to_the_end(Machine& machine, Time now, ByteView bytes) {
  for (int turns = 0; machine.deadline(); ++turns) {
    require(turns < 1000);
    // The answer to whatever was asked last, under its id.
    for (const OutgoingPacket& packet : machine.take_outgoing()) {
      if (bytes.size() < 2) continue;
      Bytes answer(bytes.begin(), bytes.end());
      answer[0] = packet.bytes[0];
      answer[1] = packet.bytes[1];
      machine.handle_packet({kServer, kNameServicePort}, answer, now);
    }
    if (!machine.deadline()) return;
    now = *machine.deadline();
    machine.handle_time(now);
    if constexpr (requires { machine.release(now); }) {
      if (machine.state() == Machine::State::owned) machine.release(now);
    }
  }
}

void machines(ByteView bytes) {
  const Time now{std::chrono::hours(1)};
  const Name name = *make_name("NBSERVER", suffix::workstation);
  for (const NodeType type : {NodeType::b, NodeType::p, NodeType::m, NodeType::h}) {
    NameQuery query(name, config_of(type), 1, now);
    to_the_end(query, now, bytes);
    OwnName own(name, {{10, 99, 0, 1}}, config_of(type), 600, 1, now);
    to_the_end(own, now, bytes);
  }
  NameQuery status(any_name(), kServer, config_of(NodeType::p), 1, now);
  to_the_end(status, now, bytes);
}

void datagrams(ByteView bytes) {
  Reassembly reassembly;
  const auto packet = decode_datagram(bytes);
  if (!packet) return;
  const Bytes again = encode(*packet);
  const auto twice = decode_datagram(again);
  require(twice.has_value() && encode(*twice) == again);
  if (const auto whole = reassembly.handle_fragment(*packet, {})) {
    if (const auto write = decode_mailslot_write(whole->data)) {
      decode_backup_list(write->data);
      decode_host_announcement(write->data);
    }
  }
}

void session(ByteView bytes) {
  SessionOpening opening(called_names("nas.example.com", std::nullopt, any_name()));
  std::size_t at = 0;
  for (int turns = 0; opening.want() != SessionOpening::Want::nothing && turns < 1000; ++turns) {
    if (opening.want() == SessionOpening::Want::connection) {
      opening.handle_connected();
    } else if (opening.want() == SessionOpening::Want::node_status) {
      opening.handle_node_status(status_of({std::nullopt, RecordType::nbstat, 0, {bytes.begin(), bytes.end()}}));
    } else if (opening.missing() <= bytes.size() - at) {
      const std::size_t count = opening.missing();
      require(count > 0 && count <= 6);
      opening.handle_bytes(bytes.subspan(at, count));
      at += count;
    } else {
      opening.handle_end();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  switch (data[0]) {
    case 'n':
      name_service(rest);
      machines(rest);
      break;
    case 'd':
      datagrams(rest);
      break;
    case 'm':
      decode_mailslot_write(rest);
      decode_backup_list(rest);
      decode_host_announcement(rest);
      break;
    case 's':
      session(rest);
      break;
    default:
      break;
  }
  return 0;
}
