// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_channel.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace smb3fuse::client {
namespace {
// As in Smb2Channel.
constexpr auto kDelay = std::chrono::milliseconds(5);
}  // namespace

tl::expected<cifs::Block, std::error_code> Smb1Answer::find(cifs::Command command) const {
  if (whole.empty()) return tl::make_unexpected(make_error_code(status));
  const auto blocks = cifs::split_blocks(whole);
  if (!blocks) return tl::make_unexpected(malformed(blocks.error()));
  // A block that failed has no words, and is the last one.
  const auto found = std::find_if(blocks->begin(), blocks->end(), [&](const cifs::Block& block) {
    const bool failed = is_error(status) && block.word_count == 0;
    return block.command == command && !failed;
  });
  if (found != blocks->end()) return *found;
  return tl::make_unexpected(make_error_code(is_error(status) ? status : NtStatus::STATUS_INVALID_NETWORK_RESPONSE));
}

std::error_code Smb1Answer::malformed(const wire::DecodeError& error) {
  spdlog::error("malformed answer from the server: {}", wire::to_string(error));
  return make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
}

Smb1Channel::Smb1Channel(Runtime& runtime, std::unique_ptr<Transport> transport, smb1::ConnectionLimits limits)
    : runtime_(runtime),
      transport_(std::move(transport)),
      connection_(limits),
      timer_(runtime.make_timer()),
      later_timer_(runtime.make_timer()),
      since_(runtime.now()),
      peer_address_(transport_->peer_address()),
      alive_(std::make_shared<char>()) {
  transport_->start(*this);
}

Smb1Channel::~Smb1Channel() = default;

smb1::RequestId Smb1Channel::exchange(smb1::Outgoing request, AnswerDone done) {
  submit_waiting_closes();
  return submit(std::move(request), std::move(done));
}

smb1::RequestId Smb1Channel::submit(smb1::Outgoing request, AnswerDone done) {
  // When the server tells of a change nobody knows.
  const bool awaited = done && !request.open_ended;
  const smb1::RequestId id = connection_.submit(runtime_.now(), std::move(request), awaited);
  if (done) waiting_.emplace(id, std::move(done));
  schedule_transmit();
  return id;
}

void Smb1Channel::submit_alone(smb1::Outgoing request) { submit(std::move(request), nullptr); }

void Smb1Channel::submit_close(std::vector<smb1::Outgoing> requests) {
  if (connection_.is_lost()) return;
  for (smb1::Outgoing& each : requests) add_later({std::move(each), nullptr, nullptr});
}

void Smb1Channel::submit_later(smb1::Outgoing request, AnswerDone done, std::function<void(smb1::RequestId)> sent) {
  add_later({std::move(request), std::move(done), std::move(sent)});
  if (connection_.is_lost()) submit_waiting_closes();
}

void Smb1Channel::submit_last(std::vector<smb1::Outgoing> requests) {
  submit_waiting_closes();
  for (smb1::Outgoing& each : requests) submit_alone(std::move(each));
  transmit();
}

void Smb1Channel::add_later(Later later) {
  if (later_.empty()) later_timer_->expire_at(runtime_.now() + kDelay, [this] { submit_waiting_closes(); });
  later_.push_back(std::move(later));
}

void Smb1Channel::submit_waiting_closes() {
  if (later_.empty()) return;
  later_timer_->cancel();
  for (Later& each : std::exchange(later_, {})) {
    const smb1::RequestId id = submit(std::move(each.request), std::move(each.done));
    if (each.sent) each.sent(id);
  }
}

void Smb1Channel::cancel(smb1::RequestId id) {
  connection_.cancel(id);
  schedule_transmit();
}

void Smb1Channel::handle_frame(cache::Buffer frame) {
  connection_.handle_message(runtime_.now(), frame);
  if (deliver_events(frame)) schedule_transmit();
}

void Smb1Channel::handle_lost(std::error_code error) {
  connection_.handle_lost(error, error.message());
  static_cast<void>(deliver_events({}));
}

void Smb1Channel::schedule_transmit() {
  if (std::exchange(transmit_scheduled_, true)) return;
  runtime_.post([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    transmit_scheduled_ = false;
    if (deliver_events({})) transmit();
  });
}

bool Smb1Channel::deliver_events(const cache::Buffer& frame) {
  const std::weak_ptr<char> alive = alive_;
  while (auto event = connection_.poll_event()) {
    if (auto* reply = std::get_if<smb1::Reply>(&*event)) {
      deliver(std::move(*reply), frame);
      if (alive.expired()) return false;
    } else if (const auto* lost = std::get_if<smb1::Lost>(&*event)) {
      lost_reason_ = lost->reason;
      since_ = runtime_.now();
      std::erase_if(later_, [](const Later& each) { return !each.done; });
      submit_waiting_closes();  // the rest is answered here
      // Before there is a session, connect() finds the words.
      spdlog::log(connection_.established() ? spdlog::level::warn : spdlog::level::debug, "connection lost: {}",
                  lost->reason);
      transport_ = nullptr;
      if (handle_loss_) handle_loss_();
      if (alive.expired()) return false;
    } else if (const auto* taken = std::get_if<smb1::Break>(&*event)) {
      if (handle_break_) handle_break_(taken->message);
      if (alive.expired()) return false;
    }
  }
  return true;
}

void Smb1Channel::transmit() {
  std::vector<OutgoingFrame> frames;
  while (auto transmit = connection_.poll_transmit()) {
    frames.push_back(OutgoingFrame{std::move(transmit->pieces), std::move(transmit->owners)});
  }
  if (!frames.empty() && transport_) transport_->send(std::move(frames));
  arm_timer();
}

void Smb1Channel::deliver(smb1::Reply reply, const cache::Buffer& frame) {
  const auto found = waiting_.find(reply.id);
  if (found == waiting_.end()) return;  // a CLOSE that nobody waits for
  const AnswerDone done = std::move(found->second);
  waiting_.erase(found);
  Smb1Answer answer;
  answer.status = reply.status;
  if (!reply.local) {
    answer.message = frame;
    answer.whole = reply.message;
    answer.parameters = reply.parameters;
    answer.data = reply.data;
    answer.assembled = std::move(reply.assembled);
  }
  done(std::move(answer));
}

// Most timeouts never fire: an armed timer that is too early is left alone and looks again when it fires.
void Smb1Channel::arm_timer() {
  const auto next = connection_.next_timeout();
  if (!next || *next >= armed_for_) return;
  armed_for_ = *next;
  timer_->expire_at(*next, [this] {
    armed_for_ = TimePoint::max();
    connection_.handle_timeout(runtime_.now());
    if (deliver_events({})) transmit();
  });
}

}  // namespace smb3fuse::client
