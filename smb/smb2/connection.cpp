// SPDX-License-Identifier: Apache-2.0
#include "smb/smb2/connection.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "smb/wire/cancel.h"
#include "smb/wire/codec.h"
#include "smb/wire/create.h"
#include "smb/wire/echo.h"
#include "smb/wire/transform.h"

namespace smb3fuse::smb2 {
namespace {

constexpr std::size_t kCompoundAlignment = 8;  // [MS-SMB2] 3.2.4.1.4
constexpr std::size_t kMaximumCompound = 64;   // elements of one message from the server: we never ask for as many
// Between two ECHOs that ask for credits in vain: a server that has none to give is not asked at the wire's speed.
constexpr auto kCreditEchoPause = std::chrono::milliseconds(100);
constexpr Bytes::value_type kPadding[kCompoundAlignment] = {};

// Alone, a request of a chain has to say which file it means.
void name_file(Outgoing& request, const wire::FileId& file) {
  if (request.file_id_at == 0) return;
  const Bytes id = wire::encode(file);
  std::copy(id.begin(), id.end(), request.body.begin() + static_cast<std::ptrdiff_t>(request.file_id_at));
  request.file_id_at = 0;
}

smb2::Outgoing echo() { return {wire::Command::echo, wire::encode(wire::EchoRequest{}), {}, {}, 0, 0, false, false}; }

}  // namespace

Connection::Connection(ConnectionLimits limits) : limits_(limits), window_(limits.credits) {}

void Connection::set_negotiated(const Negotiated& negotiated) {
  negotiated_ = negotiated;
  session_.set_negotiated(negotiated);
}

bool Connection::establish_session(SessionPolicy policy, ByteView session_key, ByteView message) {
  return session_.establish(policy, session_key, message);
}

// ---- commands

RequestId Connection::submit(TimePoint now, std::vector<Outgoing> chain, bool awaited) {
  assert(!chain.empty() && queued_.size() < limits_.queued);
  const RequestId id{next_request_++};
  if (!is_owed_answers() && queued_.empty()) last_heard_ = now;  // silence counts from the first unanswered question
  queued_.push_back(Chain{id, std::move(chain), now + limits_.call_timeout, awaited});
  if (lost_) {
    answer_locally(queued_.back(), NtStatus::STATUS_CONNECTION_DISCONNECTED);
    queued_.pop_back();
    return id;
  }
  send_queued(now);
  return id;
}

std::uint16_t Connection::charge_of(const Outgoing& request) const {
  if (!negotiated_.multi_credit) return 1;
  std::size_t sent = 0;
  for (const ByteView piece : request.payload) sent += piece.size();
  return credit_charge(static_cast<std::uint32_t>(sent), request.expected_response);
}

void Connection::send_queued(TimePoint now) {
  while (!queued_.empty()) {
    std::uint32_t charge = 0;
    for (const Outgoing& request : queued_.front().requests) charge += charge_of(request);
    if (window_.can_take(charge)) {
      Chain chain = std::move(queued_.front());
      queued_.pop_front();
      send(now, std::move(chain));
      continue;
    }
    // Nothing is under way that could bring credits, and what we hold does not do.
    if (window_.in_flight() > 0) return;
    if (send_some(now)) continue;
    // Ask for more with a request of one credit that changes nothing. [MS-SMB2] 3.2.4.1.2
    const bool may_ask = window_.can_take(1) && session_.established();
    const bool helped = !next_credit_echo_ || window_.available() > asked_with_;
    if (may_ask && (helped || *next_credit_echo_ <= now)) {
      next_credit_echo_ = now + kCreditEchoPause;
      asked_with_ = window_.available();
      send_echo(now);
    }
    return;
  }
  next_credit_echo_.reset();
}

bool Connection::send_some(TimePoint now) {
  Chain& whole = queued_.front();
  Chain some{whole.id, {}, whole.deadline, whole.awaited, whole.first};
  std::uint32_t charge = 0;
  for (Outgoing& request : whole.requests) {
    charge += charge_of(request);
    if (!window_.can_take(charge)) break;
    some.requests.push_back(std::move(request));
  }
  const std::size_t count = some.requests.size();
  if (count == 0) return false;
  whole.requests.erase(whole.requests.begin(), whole.requests.begin() + static_cast<std::ptrdiff_t>(count));
  whole.first += count;
  const RequestId id = whole.id;
  rests_.emplace(id, Rest{std::move(whole), count});
  queued_.pop_front();
  send(now, std::move(some));
  return true;
}

// `request` has its answer: it decides what becomes of the rest of its chain.
void Connection::note_answer(const Outstanding& request, NtStatus status, ByteView body) {
  const auto found = rests_.find(request.chain);
  if (found == rests_.end()) return;
  Rest& rest = found->second;
  if (request.command == wire::Command::create && !is_error(status)) {
    const auto created = wire::decode<wire::CreateResponse>(body);
    if (!created) status = NtStatus::STATUS_INVALID_NETWORK_RESPONSE;
    for (Outgoing& later : rest.chain.requests) {
      if (created) name_file(later, created->file_id);
    }
  }
  // [MS-SMB2] 3.3.5.2.7.2: what is related to a CREATE that failed has no file.
  if (request.command == wire::Command::create && is_error(status)) rest.failed = status;
  if (request.answered) rest.failed = status;
  rest.chain.deadline = std::max(rest.chain.deadline, request.deadline);
  if (--rest.missing > 0) return;
  Chain chain = std::move(rest.chain);
  const NtStatus failed = rest.failed;
  rests_.erase(found);
  if (is_error(failed)) return answer_locally(chain, failed);
  queued_.push_front(std::move(chain));
}

void Connection::send_echo(TimePoint now) {
  echoing_ = true;
  send(now, Chain{RequestId{}, {echo()}, now + limits_.call_timeout});
}

void Connection::send(TimePoint now, Chain chain) {
  bool encrypt = session_.encrypts();
  for (const Outgoing& request : chain.requests) encrypt = encrypt || request.encrypt;
  // [MS-SMB2] 3.2.4.1.8: session set-up itself is never encrypted.
  encrypt = encrypt && session_.established() && chain.requests.front().command != wire::Command::session_setup;
  bool sign = session_.signs();
  for (const Outgoing& request : chain.requests) sign = sign || (request.sign && session_.can_sign());
  sign = sign && !encrypt;
  // Where much is sent or comes back it takes its time on the way, which is not the way's length.
  const bool is_short = std::all_of(chain.requests.begin(), chain.requests.end(),
                                    [this](const Outgoing& request) { return charge_of(request) == 1; });

  Transmit transmit;
  for (std::size_t i = 0; i < chain.requests.size(); ++i) {
    Outgoing& request = chain.requests[i];
    const bool last = i + 1 == chain.requests.size();
    const std::uint16_t charge = charge_of(request);

    std::size_t size = wire::kSmb2HeaderSize + request.body.size();
    for (const ByteView piece : request.payload) size += piece.size();
    const std::size_t padding = last ? 0 : wire::aligned_up(size, kCompoundAlignment) - size;

    wire::Smb2Header header;
    header.credit_charge = negotiated_.multi_credit ? charge : std::uint16_t{0};  // reserved in 2.0.2, 2.2.1
    header.command = request.command;
    header.credit_request_response = window_.request_for(charge);
    if (i > 0) header.flags |= wire::SMB2_FLAGS_RELATED_OPERATIONS;
    if (sign) header.flags |= wire::SMB2_FLAGS_SIGNED;
    header.next_command = last ? 0 : static_cast<std::uint32_t>(size + padding);
    header.message_id = window_.take(charge);
    header.tree_id = request.tree_id;
    header.session_id = session_.id();

    auto head = std::make_shared<Bytes>();
    head->reserve(wire::kSmb2HeaderSize + request.body.size());
    wire::encode_to(*head, header);
    head->insert(head->end(), request.body.begin(), request.body.end());

    const std::size_t first_piece = transmit.pieces.size();
    transmit.pieces.push_back(*head);
    transmit.pieces.insert(transmit.pieces.end(), request.payload.begin(), request.payload.end());
    if (padding > 0) transmit.pieces.push_back(ByteView(kPadding, padding));
    if (request.payload_owner) transmit.owners.push_back(std::move(request.payload_owner));

    session_.note_outgoing(request.command, *head);
    if (sign) session_.sign(*head, std::span<const ByteView>(transmit.pieces).subspan(first_piece + 1));
    transmit.owners.push_back(std::move(head));

    Outstanding sent{chain.id, chain.first + i,    request.command, charge, 0, chain.deadline, false, false, encrypt,
                     sign,     request.open_ended, std::nullopt};
    if (last && is_short) sent.timed_from = now;
    outstanding_.emplace_hint(outstanding_.end(), header.message_id, sent);
  }
  if (encrypt) {
    auto sealed = std::make_shared<Bytes>(session_.seal(transmit.pieces));
    transmit.pieces.assign(1, *sealed);
    transmit.owners.assign(1, std::move(sealed));
  }
  count(chain, transmit);
  transmits_.push_back(std::move(transmit));
  last_sent_ = now;
}

void Connection::count(const Chain& chain, const Transmit& transmit) {
  ++traffic_.messages_sent;
  if (chain.requests.size() > 1) ++traffic_.compounds_sent;
  for (const ByteView piece : transmit.pieces) traffic_.bytes_sent += piece.size();
  for (const Outgoing& request : chain.requests) ++traffic_.of(request.command).requests;
  if (chain.awaited) ++traffic_.of(chain.requests.front().command).round_trips;
}

void Connection::cancel(RequestId id) {
  const auto waiting = std::find_if(queued_.begin(), queued_.end(), [&](const Chain& chain) { return chain.id == id; });
  if (waiting != queued_.end()) {
    answer_locally(*waiting, NtStatus::STATUS_CANCELLED);
    queued_.erase(waiting);
    return;
  }
  for (auto& [message_id, request] : outstanding_) {
    if (request.chain == id && !request.answered) send_cancel(message_id, request);
  }
}

// [MS-SMB2] 3.2.4.24: the message id of the request, and its async id once there is one; no credits, no answer of its
// own. Once only: AES-GMAC makes its nonce of the message id and the command, and must not use one for two messages.
void Connection::send_cancel(std::uint64_t message_id, Outstanding& request) {
  if (std::exchange(request.cancelled, true)) return;
  wire::Smb2Header header;
  header.command = wire::Command::cancel;
  header.message_id = message_id;
  header.session_id = session_.id();
  if (request.async_id != 0) {
    header.flags |= wire::SMB2_FLAGS_ASYNC_COMMAND;
    header.async_id = request.async_id;
  }
  if (request.is_signed) header.flags |= wire::SMB2_FLAGS_SIGNED;
  auto head = std::make_shared<Bytes>();
  wire::encode_to(*head, header);
  wire::encode_to(*head, wire::CancelRequest{});
  if (header.is_signed()) session_.sign(*head, {});
  Transmit transmit;
  if (request.encrypted) head = std::make_shared<Bytes>(session_.seal(std::vector<ByteView>{*head}));
  ++traffic_.of(wire::Command::cancel).requests;
  ++traffic_.messages_sent;
  traffic_.bytes_sent += head->size();
  transmit.pieces.push_back(*head);
  transmit.owners.push_back(std::move(head));
  transmits_.push_back(std::move(transmit));
}

void Connection::answer_locally(Outstanding& request, NtStatus status) {
  request.answered = true;
  if (request.chain != RequestId{}) events_.push_back(Reply{request.chain, request.index, status, {}, {}, true});
  note_answer(request, status, {});
}

void Connection::answer_locally(const Chain& chain, NtStatus status) {
  for (std::size_t i = 0; i < chain.requests.size(); ++i) {
    events_.push_back(Reply{chain.id, chain.first + i, status, {}, {}, true});
  }
}

// ---- input

void Connection::handle_message(TimePoint now, std::span<std::uint8_t> message) {
  if (lost_) return;
  last_heard_ = now;
  traffic_.bytes_received += message.size();
  bool encrypted = false;
  if (!decrypt(message, encrypted)) return;

  // [MS-SMB2] 3.2.5.1.9: a compound is a chain by NextCommand; each part is a message.
  for (std::size_t count = 0;; ++count) {
    if (message.size() < wire::kSmb2HeaderSize || wire::protocol_id_of(message) != wire::kSmb2ProtocolId) {
      return give_up(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, wire::protocol_id_of(message) == wire::kSmb1ProtocolId
                                                                    ? "an SMB1 message"
                                                                    : "a message that is not SMB2");
    }
    if (count == kMaximumCompound) {
      return give_up(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, "a compound of too many responses");
    }
    const std::uint32_t next = wire::load_le<std::uint32_t>(message.data() + 20);
    if (next != 0 && (next % kCompoundAlignment != 0 || next < wire::kSmb2HeaderSize ||
                      next > message.size() - wire::kSmb2HeaderSize)) {
      return give_up(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, "Smb2Header.next_command out of the message");
    }
    const auto element = next == 0 ? message : message.first(next);
    if (!handle_element(now, element, encrypted)) return;
    if (next == 0) break;
    message = message.subspan(next);
  }
  send_queued(now);
}

// [MS-SMB2] 3.2.5.1.1: open what is sealed; refuse what is plain where it must be sealed (verify() looks at that).
bool Connection::decrypt(std::span<std::uint8_t>& message, bool& encrypted) {
  if (wire::protocol_id_of(message) != wire::kTransformProtocolId) return true;
  const auto opened = session_.open(message);
  if (!opened) {
    give_up(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, "an encrypted message that does not open");
    return false;
  }
  message = *opened;
  encrypted = true;
  return true;
}

bool Connection::handle_element(TimePoint now, ByteView element, bool encrypted) {
  const auto decoded = wire::decode<wire::Smb2Header>(element.first(wire::kSmb2HeaderSize));
  if (!decoded || !decoded->is_response()) {
    give_up(NtStatus::STATUS_INVALID_NETWORK_RESPONSE,
            decoded ? "a request from the server" : wire::to_string(decoded.error()));
    return false;
  }
  const wire::Smb2Header& header = *decoded;

  if (header.message_id == wire::kUnsolicitedMessageId) {
    if (header.command != wire::Command::oplock_break) {
      give_up(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, "an unsolicited message that is not an oplock break");
      return false;
    }
    events_.push_back(Break{element.subspan(wire::kSmb2HeaderSize)});
    return true;
  }

  const auto found = outstanding_.find(header.message_id);
  if (found == outstanding_.end() || found->second.command != header.command) {
    give_up(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, "a response to a request that was not made");
    return false;
  }
  Outstanding& request = found->second;
  const bool interim = header.status == NtStatus::STATUS_PENDING && header.is_async();

  // [MS-SMB2] 3.2.5.1.3: an interim response is not signed; to a sealed request it is sealed.
  const bool is_good = interim ? encrypted || !request.encrypted : verify(header, element, encrypted, request);
  if (!is_good) {
    give_up(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, "a response whose signature is missing or wrong");
    return false;
  }
  window_.settle(std::exchange(request.charge, std::uint16_t{0}), header.credit_request_response);

  if (interim) {
    if (request.open_ended && request.async_id == 0) {
      ++standing_;
      events_.push_back(Standing{request.chain, request.index});
    }
    request.async_id = header.async_id;
    request.deadline = now + limits_.call_timeout;
    request.timed_from.reset();
    return true;
  }
  if (request.timed_from) round_trip_time_.add(now - *request.timed_from);
  // STATUS_MORE_PROCESSING_REQUIRED is how a SESSION_SETUP goes on.
  if (is_error(header.status) && header.status != NtStatus::STATUS_MORE_PROCESSING_REQUIRED) {
    ++traffic_.of(request.command).errors;
  }
  session_.note_incoming(header, element);
  if (!request.answered && request.chain != RequestId{}) {
    const ByteView body = element.subspan(wire::kSmb2HeaderSize);
    events_.push_back(Reply{request.chain, request.index, header.status, element, body, false});
    note_answer(request, header.status, body);
  }
  if (request.chain == RequestId{}) echoing_ = false;
  if (request.is_standing()) --standing_;
  outstanding_.erase(found);
  return true;
}

// [MS-SMB2] 3.2.5.1.3. The response that ends a session set-up is verified by establish_session(), which makes the key.
bool Connection::verify(const wire::Smb2Header& header, ByteView element, bool encrypted, const Outstanding& request) {
  if (encrypted) return true;
  if (!session_.established() || request.command == wire::Command::session_setup) return true;
  if (request.encrypted) {
    // A server may say in plain only that the session is gone. [MS-SMB2] 3.3.4.1.4
    return header.status == NtStatus::STATUS_USER_SESSION_DELETED ||
           header.status == NtStatus::STATUS_NETWORK_SESSION_EXPIRED;
  }
  // What was asked without a signature is not protected by one in the answer: it could be left out on the way.
  // (impacket 0.10 signs, unasked, before it sets NextCommand: its compounds would not pass.)
  if (!request.is_signed) return true;
  if (!header.is_signed()) return header.status == NtStatus::STATUS_USER_SESSION_DELETED;
  return session_.verify(element);
}

void Connection::handle_timeout(TimePoint now) {
  if (lost_) return;
  while (!queued_.empty() && queued_.front().deadline <= now) {
    answer_locally(queued_.front(), NtStatus::STATUS_IO_TIMEOUT);
    queued_.pop_front();
  }
  for (auto& [message_id, request] : outstanding_) {
    if (request.answered || request.is_standing()) continue;
    if (request.deadline > now) {
      // Deadlines have the order of the message ids, but for those that an interim response has put off.
      if (request.async_id != 0) continue;
      break;
    }
    if (request.command != wire::Command::echo) send_cancel(message_id, request);
    window_.settle(std::exchange(request.charge, std::uint16_t{0}), 0);  // nobody waits for these credits any more
    answer_locally(request, NtStatus::STATUS_IO_TIMEOUT);
  }
  if (is_owed_answers() && now - last_heard_ >= limits_.call_timeout) {
    return give_up(NtStatus::STATUS_IO_TIMEOUT, "the server has been silent for too long");
  }
  if (const auto due = next_echo(); due && *due <= now) {
    if (!is_owed_answers()) last_heard_ = now;  // silence counts from here
    send_echo(now);
  }
  send_queued(now);
}

std::optional<TimePoint> Connection::next_echo() const {
  if (!session_.established() || echoing_ || !window_.can_take(1)) return std::nullopt;
  // A server may be long over one request. Whether it is there at all, it can say meanwhile.
  if (is_owed_answers()) return last_heard_ + limits_.call_timeout / 2;
  return last_sent_ + limits_.echo_interval;
}

std::optional<TimePoint> Connection::next_timeout() const {
  if (lost_) return std::nullopt;
  std::optional<TimePoint> next;
  const auto consider = [&](TimePoint when) { next = next ? std::min(*next, when) : when; };
  if (!queued_.empty()) consider(queued_.front().deadline);
  for (const auto& [message_id, request] : outstanding_) {
    if (request.answered || request.is_standing()) continue;
    consider(request.deadline);
    if (request.async_id == 0) break;
  }
  if (is_owed_answers()) consider(last_heard_ + limits_.call_timeout);
  if (const auto echo_due = next_echo()) consider(*echo_due);
  if (next_credit_echo_ && window_.in_flight() == 0 && window_.can_take(1)) consider(*next_credit_echo_);
  return next;
}

void Connection::handle_lost(std::error_code error, std::string reason) {
  if (lost_) return;
  lost_ = true;
  events_.push_back(Lost{error, std::move(reason)});
  const NtStatus status = nt_status_of(error) == NtStatus::STATUS_UNSUCCESSFUL
                              ? NtStatus::STATUS_CONNECTION_DISCONNECTED
                              : nt_status_of(error);
  for (auto& [message_id, request] : outstanding_) {
    if (!request.answered) answer_locally(request, status);
  }
  outstanding_.clear();
  standing_ = 0;
  for (const Chain& chain : queued_) answer_locally(chain, status);
  queued_.clear();
  transmits_.clear();
}

void Connection::give_up(NtStatus status, std::string reason) {
  handle_lost(make_error_code(status), std::move(reason));
}

// ---- output

std::optional<Transmit> Connection::poll_transmit() {
  if (transmits_.empty()) return std::nullopt;
  Transmit next = std::move(transmits_.front());
  transmits_.pop_front();
  return next;
}

std::optional<Event> Connection::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event next = std::move(events_.front());
  events_.pop_front();
  return next;
}

}  // namespace smb3fuse::smb2
