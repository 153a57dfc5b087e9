// SPDX-License-Identifier: Apache-2.0
#include "smb/smb1/connection.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "smb/cifs/session.h"
#include "smb/crypto/secret.h"

namespace smb3fuse::smb1 {
namespace {

// The locks of all of our programs are one client's: they are kept apart before they come here.
constexpr std::uint16_t kPid = 1;

// Where much is sent or comes back it takes its time on the way, which is not the way's length.
bool is_short(cifs::Command command) {
  return command != cifs::Command::read_andx && command != cifs::Command::write_andx;
}

bool has_words(ByteView message) { return message.size() > cifs::kHeaderSize && message[cifs::kHeaderSize] != 0; }

// Until it has been sent.
std::shared_ptr<Bytes> shared(Bytes message, bool is_secret = false) {
  if (!is_secret) return std::make_shared<Bytes>(std::move(message));
  const auto wipe = [](Bytes* bytes) {
    crypto::wipe(*bytes);
    delete bytes;
  };
  return {new Bytes(std::move(message)), wipe};
}

}  // namespace

// ---- commands

RequestId Connection::submit(TimePoint now, Outgoing request, bool awaited) {
  assert(queued_.size() < limits_.queued);
  const RequestId id{next_request_++};
  if (lost_) {
    if (request.is_answered) answer_locally(id, NtStatus::STATUS_CONNECTION_DISCONNECTED);
    return id;
  }
  if (!is_owed_answers() && queued_.empty()) last_heard_ = now;  // silence counts from the first unanswered question
  queued_.push_back({id, std::move(request), now + limits_.call_timeout, awaited});
  send_queued(now);
  return id;
}

void Connection::send_queued(TimePoint now) {
  while (!queued_.empty()) {
    // MaxMpxCount of [MS-CIFS] 2.2.4.52.2 bounds what waits for answers.
    if (queued_.front().request.is_answered && outstanding_.size() >= negotiated_.max_mpx_count) return;
    Queued next = std::move(queued_.front());
    queued_.pop_front();
    send(now, std::move(next));
  }
}

// [MS-CIFS] 2.2.3.1: MIDs tell apart what is under way. 0xFFFF is the server's.
std::uint16_t Connection::free_mid() {
  for (;;) {
    const std::uint16_t mid = next_mid_;
    next_mid_ = mid + 1 == cifs::kUnsolicitedMid ? std::uint16_t{1} : static_cast<std::uint16_t>(mid + 1);
    if (!outstanding_.contains(mid)) return mid;
  }
}

std::uint32_t Connection::take_sequence_numbers(std::uint32_t count) {
  return signer_ ? std::exchange(next_sequence_number_, next_sequence_number_ + count) : 0;
}

cifs::Header Connection::make_header(cifs::Command command, std::uint16_t tree_id, std::uint16_t mid) const {
  const bool negotiating = command == cifs::Command::negotiate;
  cifs::Header header;
  header.command = command;
  header.flags2 = cifs::SMB_FLAGS2_LONG_NAMES | cifs::SMB_FLAGS2_IS_LONG_NAME;
  if (negotiating || negotiated_.has(cifs::CAP_EXTENDED_SECURITY)) header.flags2 |= cifs::SMB_FLAGS2_EXTENDED_SECURITY;
  if (negotiating || negotiated_.has(cifs::CAP_STATUS32)) header.flags2 |= cifs::SMB_FLAGS2_NT_STATUS;
  if (negotiating || is_unicode()) header.flags2 |= cifs::SMB_FLAGS2_UNICODE;
  // Before there is a session it says what we will do. [MS-CIFS] 3.2.4.2.2
  const bool will_sign = limits_.require_signing || negotiated_.server_requires_signing();
  if (signer_ || (!established_ && will_sign)) header.flags2 |= cifs::SMB_FLAGS2_SMB_SECURITY_SIGNATURE;
  if (!established_ && limits_.require_signing) header.flags2 |= cifs::SMB_FLAGS2_SMB_SECURITY_SIGNATURE_REQUIRED;
  header.tid = tree_id;
  header.pid_low = kPid;
  header.uid = uid_;
  header.mid = mid;
  return header;
}

void Connection::transmit(cifs::Header header, std::uint32_t sequence_number, std::shared_ptr<Bytes> message,
                          std::vector<ByteView> payload, std::shared_ptr<const void> payload_owner) {
  Bytes head;
  wire::encode_to(head, header);
  std::copy(head.begin(), head.end(), message->begin());
  Transmit transmit;
  transmit.pieces.push_back(*message);
  transmit.pieces.insert(transmit.pieces.end(), payload.begin(), payload.end());
  if (signer_) {
    const Signature signature = signer_->sign(sequence_number, transmit.pieces);
    std::copy(signature.begin(), signature.end(), message->begin() + cifs::kSecurityFeaturesOffset);
  }
  ++traffic_.messages_sent;
  for (const ByteView piece : transmit.pieces) traffic_.bytes_sent += piece.size();
  transmit.owners.push_back(std::move(message));
  if (payload_owner) transmit.owners.push_back(std::move(payload_owner));
  transmits_.push_back(std::move(transmit));
}

void Connection::send(TimePoint now, Queued queued) {
  Outgoing& request = queued.request;
  count(request, queued.awaited);
  const std::uint16_t mid = free_mid();
  const std::uint32_t sequence_number = take_sequence_numbers(2);
  if (request.is_answered) {
    Outstanding sent;
    sent.id = queued.id;
    sent.command = request.command;
    sent.tree_id = request.tree_id;
    sent.sequence_number = sequence_number;
    sent.deadline = queued.deadline;
    sent.is_signed = signer_.has_value();
    sent.open_ended = request.open_ended;
    sent.secondaries = std::move(request.secondaries);
    if (is_short(request.command) && !request.open_ended) sent.timed_from = now;
    if (request.open_ended) ++open_ended_;
    outstanding_.emplace(mid, std::move(sent));
  }
  transmit(make_header(request.command, request.tree_id, mid), sequence_number,
           shared(std::move(request.message), request.is_secret), std::move(request.payload),
           std::move(request.payload_owner));
  last_sent_ = now;
}

void Connection::count(const Outgoing& request, bool awaited) {
  CommandTraffic& traffic = traffic_.commands[request.command];
  ++traffic.requests;
  if (awaited) ++traffic.round_trips;
  const bool is_batch = cifs::is_andx(request.command) &&
                        request.message.at(cifs::kHeaderSize + 1) != static_cast<std::uint8_t>(cifs::Command::none);
  if (is_batch) ++traffic_.batches_sent;
}

void Connection::cancel(RequestId id) {
  const auto waiting = std::find_if(queued_.begin(), queued_.end(), [&](const Queued& each) { return each.id == id; });
  if (waiting != queued_.end()) {
    answer_locally(id, NtStatus::STATUS_CANCELLED);
    queued_.erase(waiting);
    return;
  }
  for (auto& [mid, request] : outstanding_) {
    if (request.id == id && !request.answered) send_cancel(mid, request);
  }
}

// [MS-CIFS] 3.2.4.20: with the MID of the request, and without an answer of its own.
void Connection::send_cancel(std::uint16_t mid, Outstanding& request) {
  if (std::exchange(request.cancelled, true)) return;
  ++traffic_.commands[cifs::Command::nt_cancel].requests;
  transmit(make_header(cifs::Command::nt_cancel, request.tree_id, mid), take_sequence_numbers(1),
           shared(cifs::MessageBuilder().add(cifs::NtCancelRequest()).take()), {}, nullptr);
}

// [MS-CIFS] 3.2.4.1.5: they have the MID and the sequence number of the first.
void Connection::send_secondaries(std::uint16_t mid, Outstanding& request) {
  const cifs::Command command = request.command == cifs::Command::nt_transact ? cifs::Command::nt_transact_secondary
                                                                              : cifs::Command::transaction2_secondary;
  for (Bytes& message : std::exchange(request.secondaries, {})) {
    ++traffic_.commands[command].requests;
    transmit(make_header(command, request.tree_id, mid), request.sequence_number, shared(std::move(message)), {},
             nullptr);
  }
}

void Connection::send_echo(TimePoint now) {
  echoing_ = true;
  Outgoing echo;
  echo.command = cifs::Command::echo;
  echo.message = cifs::MessageBuilder().add(cifs::EchoRequest()).take();
  echo.tree_id = cifs::kNoId;
  send(now, {RequestId{}, std::move(echo), now + limits_.call_timeout, false});
}

void Connection::answer_locally(Outstanding& request, NtStatus status) {
  request.answered = true;
  if (request.id != RequestId{}) answer_locally(request.id, status);
}

void Connection::answer_locally(RequestId id, NtStatus status) {
  Reply reply;
  reply.id = id;
  reply.status = status;
  reply.local = true;
  events_.push_back(std::move(reply));
}

bool Connection::establish_session(SessionPolicy policy, ByteView key, ByteView message) {
  established_ = true;
  if (!policy.sign) return true;
  auto signer = Signer::create(key);
  if (!signer) return false;
  // [MS-CIFS] 3.2.5.3: the exchange that brought the key has the numbers 0 and 1.
  constexpr std::uint32_t kOfThisResponse = 1;
  next_sequence_number_ = kOfThisResponse + 1;
  signer_ = std::move(*signer);
  const auto header = wire::decode<cifs::Header>(message);
  return header && header->is_signed() && signer_->verify(kOfThisResponse, message);
}

// ---- input

void Connection::handle_message(TimePoint now, ByteView message) {
  if (lost_) return;
  last_heard_ = now;
  traffic_.bytes_received += message.size();
  const auto header = wire::decode<cifs::Header>(message);
  if (!header) return give_up("a message that is not SMB1");
  if (!header->is_response()) {
    // [MS-CIFS] 3.2.5.42: the one thing that a server says unasked. It is not signed.
    if (header->command != cifs::Command::locking_andx) return give_up("a request from the server");
    events_.push_back(Break{message});
    return;
  }
  // [MS-CIFS] 3.2.4.20: there is no answer to it, but impacket 0.10, which does not know it, says so.
  if (header->command == cifs::Command::nt_cancel) return;
  const auto found = outstanding_.find(header->mid);
  if (found == outstanding_.end() || found->second.command != header->command) {
    return give_up("a response to a request that was not made");
  }
  Outstanding& request = found->second;
  if (request.is_signed && !(header->is_signed() && signer_->verify(request.sequence_number + 1, message))) {
    return give_up("a response whose signature is missing or wrong");
  }
  if (header->command == cifs::Command::session_setup_andx) uid_ = header->uid;

  Reply reply;
  reply.id = request.id;
  reply.status = status_of(*header);
  reply.message = message;
  if (cifs::is_transaction(request.command) && !put_together(request, header->mid, reply)) return;

  if (request.timed_from) round_trip_time_.add(now - *request.timed_from);
  // STATUS_MORE_PROCESSING_REQUIRED is how a SESSION_SETUP_ANDX goes on.
  if (is_error(reply.status) && reply.status != NtStatus::STATUS_MORE_PROCESSING_REQUIRED) {
    ++traffic_.commands[request.command].errors;
  }
  if (!request.answered && request.id != RequestId{}) events_.push_back(std::move(reply));
  if (request.id == RequestId{}) echoing_ = false;
  if (request.open_ended) --open_ended_;
  outstanding_.erase(found);
  send_queued(now);
}

bool Connection::put_together(Outstanding& request, std::uint16_t mid, Reply& reply) {
  if (is_error(reply.status)) return true;
  if (!has_words(reply.message)) {
    // [MS-CIFS] 2.2.4.46.2: an interim answer: the server waits for the rest.
    if (!request.secondaries.empty()) {
      send_secondaries(mid, request);
      return false;
    }
    return true;
  }
  const auto blocks = cifs::split_blocks(reply.message);
  const auto part = blocks ? cifs::decode_transaction(blocks->front()) : tl::make_unexpected(blocks.error());
  if (!part) {
    give_up(wire::to_string(part.error()));
    return false;
  }
  if (part->is_whole() && !request.assembly) {
    reply.parameters = part->parameters;
    reply.data = part->data;
    return true;
  }
  if (!request.assembly) request.assembly.emplace();
  if (!request.assembly->add(*part)) {
    give_up("the parts of an answer contradict each other");
    return false;
  }
  if (!request.assembly->is_complete()) return false;
  const std::size_t parameters = request.assembly->parameters().size();
  const auto whole = std::make_shared<const Bytes>(request.assembly->take());
  reply.parameters = ByteView(*whole).first(parameters);
  reply.data = ByteView(*whole).subspan(parameters);
  reply.assembled = whole;
  return true;
}

void Connection::handle_timeout(TimePoint now) {
  if (lost_) return;
  while (!queued_.empty() && queued_.front().deadline <= now) {
    if (queued_.front().request.is_answered) answer_locally(queued_.front().id, NtStatus::STATUS_IO_TIMEOUT);
    queued_.pop_front();
  }
  for (auto& [mid, request] : outstanding_) {
    if (request.answered || request.open_ended || request.deadline > now) continue;
    if (request.command != cifs::Command::echo) send_cancel(mid, request);
    answer_locally(request, NtStatus::STATUS_IO_TIMEOUT);
  }
  if (is_owed_answers() && now - last_heard_ >= limits_.call_timeout) {
    return handle_lost(make_error_code(NtStatus::STATUS_IO_TIMEOUT), "the server has been silent for too long");
  }
  if (const auto due = next_echo(); due && *due <= now) {
    if (!is_owed_answers()) last_heard_ = now;  // silence counts from here
    send_echo(now);
  }
}

std::optional<TimePoint> Connection::next_echo() const {
  if (!established_ || echoing_) return std::nullopt;
  // A server may be long over one request. Whether it is there at all, it can say meanwhile.
  if (is_owed_answers()) return last_heard_ + limits_.call_timeout / 2;
  return last_sent_ + limits_.echo_interval;
}

std::optional<TimePoint> Connection::next_timeout() const {
  if (lost_) return std::nullopt;
  std::optional<TimePoint> next;
  const auto consider = [&](TimePoint when) { next = next ? std::min(*next, when) : when; };
  if (!queued_.empty()) consider(queued_.front().deadline);
  for (const auto& [mid, request] : outstanding_) {
    if (!request.answered && !request.open_ended) consider(request.deadline);
  }
  if (is_owed_answers()) consider(last_heard_ + limits_.call_timeout);
  if (const auto echo_due = next_echo()) consider(*echo_due);
  return next;
}

void Connection::handle_lost(std::error_code error, std::string reason) {
  if (lost_) return;
  lost_ = true;
  events_.push_back(Lost{error, std::move(reason)});
  const NtStatus status = nt_status_of(error) == NtStatus::STATUS_UNSUCCESSFUL
                              ? NtStatus::STATUS_CONNECTION_DISCONNECTED
                              : nt_status_of(error);
  for (auto& [mid, request] : outstanding_) {
    if (!request.answered) answer_locally(request, status);
  }
  outstanding_.clear();
  open_ended_ = 0;
  for (const Queued& each : queued_) {
    if (each.request.is_answered) answer_locally(each.id, status);
  }
  queued_.clear();
  transmits_.clear();
}

void Connection::give_up(std::string reason) {
  handle_lost(make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE), std::move(reason));
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

}  // namespace smb3fuse::smb1
