// SPDX-License-Identifier: Apache-2.0
// A name of our own: claimed, defended, refreshed and given up, sans-io. A node of type B claims it by broadcast, P at
// its name server, M by broadcast and then at the server, H at the server, or by broadcast if that does not answer.
// RFC 1001 15.2, 15.4, 15.5, RFC 1002 5.1. Packets to port 137 are its to answer. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "nbt/address.h"
#include "nbt/name_packet.h"
#include "nbt/name_query.h"

namespace smb3fuse::nbt {

class OwnName {
 public:
  enum class State : std::uint8_t {
    claiming,
    owned,
    refused,     // another node has it, or the name server said no
    unanswered,  // no name server answered, and there is nobody else to ask
    conflicted,  // we were told that another node has it, too: it is used no more. RFC 1001 15.1.3.5
    releasing,
    released,
  };

  // `owner` is what is registered: our address, and whether the name is a group's. `ttl` in seconds is what a name
  // server is asked for.
  OwnName(Name name, NameOwner owner, NodeConfig config, std::uint32_t ttl, std::uint16_t first_id, Time now);

  void handle_packet(const Endpoint& from, ByteView bytes, Time now);
  void handle_time(Time now);
  void release(Time now);
  std::vector<OutgoingPacket> take_outgoing() { return std::exchange(outgoing_, {}); }
  std::optional<Time> deadline() const { return deadline_; }
  State state() const { return state_; }
  const Name& name() const { return name_; }

 private:
  enum class Step : std::uint8_t { none, by_broadcast, at_server, challenge, overwrite, refresh, release, release_all };

  bool asks_everybody() const { return config_.type != NodeType::p && !config_.broadcasts.empty(); }
  bool asks_server() const { return config_.type != NodeType::b && !config_.name_servers.empty(); }
  bool holds() const { return state_ == State::owned; }

  void begin(Step step, Time now);
  void send_step(Time now);
  void step_unanswered(Time now);
  void own(Time now, std::optional<std::uint32_t> ttl);
  void end(State state);
  void send(const Endpoint& to, const NamePacket& packet) { outgoing_.push_back({to, encode(packet)}); }
  void send_to_all(const NamePacket& packet);
  void handle_request(const Endpoint& from, const NamePacket& packet);
  void handle_response(const Endpoint& from, const NamePacket& packet, Time now);

  Name name_;
  NameOwner owner_;
  NodeConfig config_;
  std::uint32_t ttl_;
  std::uint16_t id_;
  State state_ = State::claiming;
  Step step_ = Step::none;
  int attempts_left_ = 0;
  int waits_left_ = 0;
  std::size_t server_ = 0;          // which of the name servers is ours
  std::optional<Ipv4> challenged_;  // who, as the server says, has the name
  std::uint32_t granted_ttl_ = 0;   // by the server; 0: for ever
  std::optional<Time> deadline_;
  std::vector<OutgoingPacket> outgoing_;
};

}  // namespace smb3fuse::nbt
