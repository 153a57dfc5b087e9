// SPDX-License-Identifier: Apache-2.0
#include "nbt/name_query.h"

#include <algorithm>
#include <utility>

namespace smb3fuse::nbt {
namespace {

constexpr std::size_t kMaximumAnswers = 1024;
constexpr std::chrono::seconds kLongestWait{60};  // that a WACK may ask for

}  // namespace

NameQuery::NameQuery(Name name, const NodeConfig& config, std::uint16_t first_id, Time now, bool all)
    : name_(std::move(name)),
      all_(all),
      port_(config.port),
      broadcast_retry_(config.broadcast_retry),
      unicast_retry_(config.unicast_retry),
      id_(first_id) {
  for (const Ipv4& server : config.name_servers) {
    if (config.type != NodeType::b) rounds_.push_back({{server}, false});
  }
  const Round to_all{config.broadcasts, true};
  if (!config.broadcasts.empty() && config.type == NodeType::h) rounds_.push_back(to_all);
  if (!config.broadcasts.empty() && (config.type == NodeType::b || config.type == NodeType::m)) {
    rounds_.insert(rounds_.begin(), to_all);
  }
  rounds_.insert(rounds_.begin(), Round{});  // over at once
  next_round(now);
}

NameQuery::NameQuery(Name name, Ipv4 node, const NodeConfig& config, std::uint16_t first_id, Time now)
    : name_(std::move(name)),
      type_(RecordType::nbstat),
      port_(config.port),
      unicast_retry_(config.unicast_retry),
      id_(first_id) {
  rounds_ = {Round{}, Round{{node}, false}};
  next_round(now);
}

void NameQuery::next_round(Time now) {
  rounds_.erase(rounds_.begin());
  if (!answers_.empty() || rounds_.empty()) {
    state_ = answers_.empty() ? State::not_found : State::found;
    return;
  }
  ++id_;  // a late answer to the last round is none to this one
  waits_left_ = 3;
  attempts_left_ = (rounds_.front().broadcast ? broadcast_retry_ : unicast_retry_).count;
  ask(now);
}

void NameQuery::ask(Time now) {
  const Round& round = rounds_.front();
  --attempts_left_;
  deadline_ = now + (round.broadcast ? broadcast_retry_ : unicast_retry_).interval;
  const NamePacket packet =
      type_ == RecordType::nbstat ? make_status_query(id_, name_) : make_query(id_, name_, round.broadcast);
  for (const Ipv4& address : round.asked) outgoing_.push_back({{address, port_}, encode(packet)});
}

void NameQuery::handle_time(Time now) {
  if (state_ != State::asking || now < deadline_) return;
  attempts_left_ > 0 ? ask(now) : next_round(now);
}

// To a broadcast everybody may answer.
bool NameQuery::is_asked(const Endpoint& from) const {
  const Round& round = rounds_.front();
  return round.broadcast || std::find(round.asked.begin(), round.asked.end(), from.address) != round.asked.end();
}

void NameQuery::handle_packet(const Endpoint& from, ByteView bytes, Time now) {
  if (state_ != State::asking || !is_asked(from)) return;
  const std::optional<NamePacket> packet = decode_name_packet(bytes);
  if (!packet || !packet->response || packet->id != id_) return;
  if (packet->opcode == Opcode::wack && !rounds_.front().broadcast) {
    // RFC 1002 4.2.16: the server will say, but not yet.
    if (packet->answers.empty() || waits_left_ == 0) return;
    --waits_left_;
    const std::chrono::seconds asked(packet->answers.front().ttl);
    deadline_ = now + std::min(asked, kLongestWait);
    return;
  }
  if (packet->opcode != Opcode::query) return;
  if (packet->rcode != Rcode::success) {
    if (!rounds_.front().broadcast) next_round(now);  // RFC 1001 15.3.1: a broadcast has no negative answers
    return;
  }
  if (follow(*packet, now)) return;
  handle_answer(from, *packet);
  if (!answers_.empty() && !(all_ && rounds_.front().broadcast)) state_ = State::found;
}

void NameQuery::handle_answer(const Endpoint& from, const NamePacket& packet) {
  NameAnswer answer{from, {}, {}};
  for (const Record& record : packet.answers) {
    if (record.type != type_ || record.name != name_) continue;
    if (type_ == RecordType::nbstat) {
      answer.status = status_of(record);
    } else if (const auto owners = owners_of(record)) {
      answer.owners.insert(answer.owners.end(), owners->begin(), owners->end());
    }
  }
  if (answer.owners.empty() && !answer.status) return;
  const auto same = [&](const NameAnswer& known) { return known.from == from; };
  if (answers_.size() < kMaximumAnswers && std::none_of(answers_.begin(), answers_.end(), same)) {
    answers_.push_back(std::move(answer));
  }
}

// RFC 1002 4.2.15: another name server knows, its address stands in an A record.
bool NameQuery::follow(const NamePacket& packet, Time now) {
  if (rounds_.front().broadcast || !packet.answers.empty() || packet.authorities.empty()) return false;
  for (const Record& record : packet.additional) {
    if (record.type != RecordType::a || record.data.size() != 4) continue;
    if (redirections_left_ == 0) break;
    --redirections_left_;
    Ipv4 server;
    std::copy(record.data.begin(), record.data.end(), server.begin());
    rounds_.insert(rounds_.begin() + 1, Round{{server}, false});
    next_round(now);
    return true;
  }
  next_round(now);
  return true;
}

}  // namespace smb3fuse::nbt
