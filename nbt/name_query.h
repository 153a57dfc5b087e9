// SPDX-License-Identifier: Apache-2.0
// Who has a name, or which names a node has: asked, repeated and answered, sans-io. A node of type B asks by broadcast,
// P asks name servers, M asks by broadcast first, H asks name servers first. RFC 1001 15.3, RFC 1002 5.1. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "nbt/address.h"
#include "nbt/name_packet.h"

namespace smb3fuse::nbt {

struct Retry {
  int count = 3;
  std::chrono::milliseconds interval{250};
};

// How this node takes part in the name service.
struct NodeConfig {
  NodeType type = NodeType::b;
  std::vector<Ipv4> broadcasts;    // of each network; asked together
  std::vector<Ipv4> name_servers;  // WINS; the next one is asked when one does not answer
  std::uint16_t port = kNameServicePort;
  Retry broadcast_retry{3, std::chrono::milliseconds(250)};  // RFC 1002 6: BCAST_REQ_RETRY
  // RFC 1002 6 waits for five seconds where it knows nothing better; [MS-NBTE] 3.1.2 for a second and a half.
  Retry unicast_retry{3, std::chrono::milliseconds(1500)};
};

// An answer that was believed, and who gave it.
struct NameAnswer {
  Endpoint from;
  std::vector<NameOwner> owners;     // of a name
  std::optional<NodeStatus> status;  // of a node
};

class NameQuery {
 public:
  enum class State : std::uint8_t { asking, found, not_found };

  // Asks for a name's owners. `all`: waits for what everybody has to say to a broadcast, else the first answer is it.
  NameQuery(Name name, const NodeConfig& config, std::uint16_t first_id, Time now, bool all = false);
  // Asks a node for its names, by the name that it is asked for ("*": any). RFC 1002 4.2.17
  NameQuery(Name name, Ipv4 node, const NodeConfig& config, std::uint16_t first_id, Time now);

  // What is not one of our answers is passed over.
  void handle_packet(const Endpoint& from, ByteView bytes, Time now);
  void handle_time(Time now);
  std::vector<OutgoingPacket> take_outgoing() { return std::exchange(outgoing_, {}); }
  std::optional<Time> deadline() const { return state_ == State::asking ? std::optional(deadline_) : std::nullopt; }

  State state() const { return state_; }
  const std::vector<NameAnswer>& answers() const { return answers_; }

 private:
  struct Round {
    std::vector<Ipv4> asked;
    bool broadcast = false;
  };

  void ask(Time now);
  void next_round(Time now);
  bool is_asked(const Endpoint& from) const;
  void handle_answer(const Endpoint& from, const NamePacket& packet);
  bool follow(const NamePacket& packet, Time now);

  Name name_;
  RecordType type_ = RecordType::nb;
  bool all_ = false;
  std::uint16_t port_;
  Retry broadcast_retry_;
  Retry unicast_retry_;
  std::vector<Round> rounds_;  // the first one is under way
  std::uint16_t id_;
  int attempts_left_ = 0;
  int redirections_left_ = 3;
  int waits_left_ = 3;
  State state_ = State::asking;
  Time deadline_{};
  std::vector<OutgoingPacket> outgoing_;
  std::vector<NameAnswer> answers_;
};

}  // namespace smb3fuse::nbt
