// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_channel.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace smb3fuse::client {
namespace {
// Long enough for the next call of a program that opens file after file, short enough that another client which waits
// for the file does not notice.
constexpr auto kDelay = std::chrono::milliseconds(5);
}  // namespace

Smb2Channel::Smb2Channel(Runtime& runtime, std::unique_ptr<Transport> transport, smb2::ConnectionLimits limits)
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

Smb2Channel::~Smb2Channel() = default;

smb2::RequestId Smb2Channel::exchange(Chain chain, AnswersDone done, AnswerSeen seen) {
  submit_waiting_closes();
  return submit(std::move(chain), std::move(done), std::move(seen));
}

smb2::RequestId Smb2Channel::submit(Chain chain, AnswersDone done, AnswerSeen seen) {
  const std::size_t count = chain.size();
  // What the server says to an acknowledgment changes nothing, and when it tells of a change nobody knows.
  const bool awaited = done && chain.front().command != wire::Command::oplock_break &&
                       chain.back().command != wire::Command::change_notify;
  const smb2::RequestId id = connection_.submit(runtime_.now(), std::move(chain), awaited);
  if (done) waiting_.emplace(id, Waiting{Answers(count), count, std::move(done), std::move(seen)});
  schedule_transmit();
  return id;
}

void Smb2Channel::submit_close(Chain close) {
  if (!connection_.is_lost()) add_later({std::move(close), nullptr, nullptr});
}

void Smb2Channel::submit_later(Chain chain, AnswersDone done, AnswerSeen seen) {
  if (connection_.is_lost()) {
    exchange(std::move(chain), std::move(done), std::move(seen));
  } else {
    add_later({std::move(chain), std::move(done), std::move(seen)});
  }
}

void Smb2Channel::add_later(Later later) {
  if (later_.empty()) later_timer_->expire_at(runtime_.now() + kDelay, [this] { submit_waiting_closes(); });
  later_.push_back(std::move(later));
}

void Smb2Channel::submit_waiting_closes() {
  if (later_.empty()) return;
  later_timer_->cancel();
  for (Later& each : std::exchange(later_, {}))
    submit(std::move(each.chain), std::move(each.done), std::move(each.seen));
}

void Smb2Channel::cancel(smb2::RequestId id) {
  connection_.cancel(id);
  schedule_transmit();
}

void Smb2Channel::handle_frame(cache::Buffer frame) {
  connection_.handle_message(runtime_.now(), frame.bytes());
  if (deliver_events(frame)) schedule_transmit();
}

void Smb2Channel::handle_lost(std::error_code error) {
  connection_.handle_lost(error, error.message());
  static_cast<void>(deliver_events({}));
}

void Smb2Channel::schedule_transmit() {
  if (std::exchange(transmit_scheduled_, true)) return;
  runtime_.post([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    transmit_scheduled_ = false;
    if (deliver_events({})) transmit();
  });
}

bool Smb2Channel::deliver_events(const cache::Buffer& frame) {
  const std::weak_ptr<char> alive = alive_;
  while (auto event = connection_.poll_event()) {
    if (const auto* reply = std::get_if<smb2::Reply>(&*event)) {
      deliver(*reply, frame);
      if (alive.expired()) return false;
    } else if (const auto* standing = std::get_if<smb2::Standing>(&*event)) {
      const auto found = waiting_.find(standing->id);
      if (found != waiting_.end() && found->second.seen) {
        Answer pending;
        pending.status = NtStatus::STATUS_PENDING;
        found->second.seen(standing->index, pending);
      }
    } else if (const auto* lost = std::get_if<smb2::Lost>(&*event)) {
      lost_reason_ = lost->reason;
      since_ = runtime_.now();
      std::erase_if(later_, [](const Later& each) { return !each.done; });
      submit_waiting_closes();  // the rest is answered here
      // Before there is a session, connect() finds the words.
      spdlog::log(connection_.session().established() ? spdlog::level::warn : spdlog::level::debug,
                  "connection lost: {}", lost->reason);
      transport_ = nullptr;
      if (handle_loss_) handle_loss_();
      if (alive.expired()) return false;
    } else if (const auto* taken = std::get_if<smb2::Break>(&*event)) {
      if (handle_break_) handle_break_(taken->body);
      if (alive.expired()) return false;
    }
  }
  return true;
}

void Smb2Channel::transmit() {
  std::vector<OutgoingFrame> frames;
  while (auto transmit = connection_.poll_transmit()) {
    frames.push_back(OutgoingFrame{std::move(transmit->pieces), std::move(transmit->owners)});
  }
  if (!frames.empty() && transport_) transport_->send(std::move(frames));
  arm_timer();
}

void Smb2Channel::deliver(const smb2::Reply& reply, const cache::Buffer& frame) {
  auto found = waiting_.find(reply.id);
  if (found == waiting_.end()) return;  // a CLOSE that nobody waits for
  Answer& answer = found->second.answers[reply.index];
  answer.status = reply.status;
  if (!reply.local) {
    answer.message = frame;
    answer.whole = reply.message;
    answer.body = reply.body;
  }
  if (found->second.seen) {
    found->second.seen(reply.index, answer);
    found = waiting_.find(reply.id);  // others may have come meanwhile
  }
  if (--found->second.missing > 0) return;
  Waiting complete = std::move(found->second);
  waiting_.erase(found);
  complete.done(std::move(complete.answers));
}

// Most timeouts never fire: an armed timer that is too early is left alone and looks again when it fires.
void Smb2Channel::arm_timer() {
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
