// SPDX-License-Identifier: Apache-2.0
#include "nbt/own_name.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace smb3fuse::nbt {
namespace {

constexpr std::chrono::seconds kLongestWait{60};     // that a WACK may ask for
constexpr std::chrono::seconds kShortestRefresh{5};  // a server that grants less is asked no more often than this

}  // namespace

OwnName::OwnName(Name name, NameOwner owner, NodeConfig config, std::uint32_t ttl, std::uint16_t first_id, Time now)
    : name_(std::move(name)), owner_(owner), config_(std::move(config)), ttl_(ttl), id_(first_id) {
  owner_.node = config_.type;
  const bool server_first = config_.type == NodeType::p || config_.type == NodeType::h;
  if (asks_server() && (server_first || !asks_everybody())) {
    begin(Step::at_server, now);
  } else if (asks_everybody()) {
    begin(Step::by_broadcast, now);
  } else {
    end(State::unanswered);
  }
}

void OwnName::begin(Step step, Time now) {
  step_ = step;
  ++id_;  // a late answer to the last step is none to this one
  const bool broadcast = step == Step::by_broadcast || step == Step::release_all;
  attempts_left_ = (broadcast ? config_.broadcast_retry : config_.unicast_retry).count;
  waits_left_ = 3;
  send_step(now);
}

void OwnName::send_to_all(const NamePacket& packet) {
  for (const Ipv4& address : config_.broadcasts) send({address, config_.port}, packet);
}

void OwnName::send_step(Time now) {
  --attempts_left_;
  const bool broadcast = step_ == Step::by_broadcast || step_ == Step::release_all;
  deadline_ = now + (broadcast ? config_.broadcast_retry : config_.unicast_retry).interval;
  const auto to_server = [&](const NamePacket& packet) { send({config_.name_servers[server_], config_.port}, packet); };
  switch (step_) {
    case Step::by_broadcast:
      return send_to_all(make_registration(id_, name_, owner_, 0, true));
    case Step::at_server:
      return to_server(make_registration(id_, name_, owner_, ttl_, false));
    case Step::challenge:
      return send({*challenged_, config_.port}, make_query(id_, name_, false));
    case Step::overwrite:
      return to_server(make_overwrite(id_, name_, owner_, ttl_, false));
    case Step::refresh:
      return to_server(make_refresh(id_, name_, owner_, ttl_));
    case Step::release:
      return to_server(make_release(id_, name_, owner_, false));
    case Step::release_all:
      return send_to_all(make_release(id_, name_, owner_, true));
    case Step::none:
      return;
  }
}

void OwnName::handle_time(Time now) {
  if (!deadline_ || now < *deadline_) return;
  if (step_ == Step::none) return begin(Step::refresh, now);
  attempts_left_ > 0 ? send_step(now) : step_unanswered(now);
}

// What silence means after the last attempt.
void OwnName::step_unanswered(Time now) {
  switch (step_) {
    case Step::by_broadcast:
      // RFC 1001 15.2.1: nobody objects; the demand tells everybody that the name is taken.
      send_to_all(make_overwrite(id_, name_, owner_, 0, true));
      if (config_.type == NodeType::m && asks_server()) return begin(Step::at_server, now);
      return own(now, std::nullopt);
    case Step::at_server:
    case Step::overwrite:
      if (++server_ < config_.name_servers.size()) return begin(Step::at_server, now);
      server_ = 0;
      if (config_.type == NodeType::h && asks_everybody()) return begin(Step::by_broadcast, now);
      // RFC 1001 15.2.3: a mixed node has the name already where broadcasts reach.
      if (config_.type == NodeType::m) return own(now, std::nullopt);
      return end(State::unanswered);
    case Step::challenge:
      return begin(Step::overwrite, now);  // RFC 1001 15.2.2.2: who had the name is gone
    case Step::refresh:
      return own(now, granted_ttl_);  // later again
    case Step::release:
      if (asks_everybody()) return begin(Step::release_all, now);
      return end(State::released);
    case Step::release_all:
      return end(State::released);
    case Step::none:
      return;
  }
}

// `ttl`: what a name server granted.
void OwnName::own(Time now, std::optional<std::uint32_t> ttl) {
  state_ = State::owned;
  step_ = Step::none;
  granted_ttl_ = ttl.value_or(0);
  deadline_ = std::nullopt;
  if (granted_ttl_ == 0) return;
  // RFC 1001 15.5.1: half of the time that was granted, so that a lost refresh can be repeated.
  deadline_ = now + std::max(std::chrono::seconds(granted_ttl_ / 2), kShortestRefresh);
}

void OwnName::end(State state) {
  state_ = state;
  step_ = Step::none;
  deadline_ = std::nullopt;
}

void OwnName::release(Time now) {
  if (state_ != State::owned) return end(State::released);
  state_ = State::releasing;
  if (asks_server()) return begin(Step::release, now);
  begin(Step::release_all, now);
}

void OwnName::handle_packet(const Endpoint& from, ByteView bytes, Time now) {
  const std::optional<NamePacket> packet = decode_name_packet(bytes);
  if (!packet) return;
  packet->response ? handle_response(from, *packet, now) : handle_request(from, *packet);
}

// What others want of a name that is ours.
void OwnName::handle_request(const Endpoint& from, const NamePacket& packet) {
  if (!holds() || packet.questions.size() != 1) return;
  const Question& question = packet.questions.front();
  const bool ours = question.name == name_;
  if (packet.opcode == Opcode::query && question.type == RecordType::nbstat) {
    if (!ours && question.name.bytes != any_name().bytes) return;
    NodeStatus status;
    Name plain = name_;
    plain.scope.clear();
    status.names.push_back({std::move(plain), owner_.group, owner_.node});
    return send(from, make_status_response(packet.id, question.name, status));
  }
  if (!ours) return;
  if (packet.opcode == Opcode::query) {
    // RFC 1001 15.3.2: a name server answers for point-to-point nodes where others are broadcast to.
    if (packet.broadcast && config_.type == NodeType::p) return;
    return send(from, make_query_response(packet.id, name_, owner_));
  }
  const bool claims = packet.opcode == Opcode::registration || packet.opcode == Opcode::multihomed_registration;
  if (!claims || !packet.broadcast || config_.type == NodeType::p) return;
  const auto claimant = packet.additional.empty() ? std::nullopt : owners_of(packet.additional.front());
  if (!claimant || claimant->front().address == owner_.address) return;
  // RFC 1001 15.1.3.1: groups have many owners, everything else one.
  if (owner_.group && claimant->front().group) return;
  send(from, make_registration_refusal(packet.id, name_, owner_));
}

void OwnName::handle_response(const Endpoint& from, const NamePacket& packet, Time now) {
  if (packet.answers.empty() || packet.answers.front().name != name_) return;
  const Record& record = packet.answers.front();
  const bool negative = packet.rcode != Rcode::success;
  if (packet.opcode == Opcode::registration && packet.rcode == Rcode::conflict) {
    // RFC 1001 15.1.3.5: told to whoever has the name, whatever was asked; a group cannot be in conflict.
    if (holds() && !owner_.group) end(State::conflicted);
    return;
  }
  if (packet.id != id_ || step_ == Step::none) return;

  if (step_ == Step::by_broadcast) {
    if (packet.opcode == Opcode::registration && negative) end(State::refused);
    return;
  }
  if (step_ == Step::challenge) {
    if (packet.opcode != Opcode::query || from.address != *challenged_) return;
    return negative ? begin(Step::overwrite, now) : end(State::refused);
  }
  if (step_ == Step::release_all || from.address != config_.name_servers[server_]) return;
  if (packet.opcode == Opcode::wack) {
    if (waits_left_ == 0) return;
    --waits_left_;
    deadline_ = now + std::min(std::chrono::seconds(record.ttl), kLongestWait);
    return;
  }
  if (step_ == Step::release) {
    if (packet.opcode != Opcode::release) return;
    if (asks_everybody()) return begin(Step::release_all, now);
    return end(State::released);
  }
  // Servers answer a refresh with either code.
  if (packet.opcode != Opcode::registration && packet.opcode != Opcode::refresh) return;
  if (negative) return end(State::refused);
  if (packet.opcode == Opcode::registration && !packet.recursion_available) {
    // RFC 1002 4.2.7: an end-node challenge: see for yourself whether its owner is still there.
    const auto owners = owners_of(record);
    if (!owners || step_ != Step::at_server) return;
    challenged_ = owners->front().address;
    return begin(Step::challenge, now);
  }
  own(now, record.ttl);
}

}  // namespace smb3fuse::nbt
