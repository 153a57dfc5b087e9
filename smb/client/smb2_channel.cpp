// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_channel.h"

#include <utility>

namespace smb3fuse::client {

Smb2Channel::Smb2Channel(Runtime& runtime, std::unique_ptr<Transport> transport, smb2::ConnectionLimits limits)
    : Channel(runtime, std::move(transport), smb2::Connection(limits)), later_timer_(runtime.make_timer()) {}

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
  if (later_.empty()) later_timer_->expire_at(runtime_.now() + kCloseDelay, [this] { submit_waiting_closes(); });
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

void Smb2Channel::handle_event(Event event, const cache::Buffer& frame) {
  if (const auto* reply = std::get_if<smb2::Reply>(&event)) {
    deliver(*reply, frame);
  } else if (const auto* standing = std::get_if<smb2::Standing>(&event)) {
    const auto found = waiting_.find(standing->id);
    if (found != waiting_.end() && found->second.seen) {
      Answer pending;
      pending.status = NtStatus::STATUS_PENDING;
      found->second.seen(standing->index, pending);
    }
  } else if (const auto* taken = std::get_if<smb2::Break>(&event)) {
    tell_break(taken->body);
  } else if (const auto* lost = std::get_if<smb2::Lost>(&event)) {
    std::erase_if(later_, [](const Later& each) { return !each.done; });
    submit_waiting_closes();  // the rest is answered here
    tell_loss(lost->reason, connection_.session().established());
  }
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

}  // namespace smb3fuse::client
