// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_channel.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace smb3fuse::client {

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
    : Channel(runtime, std::move(transport), smb1::Connection(limits)), later_timer_(runtime.make_timer()) {}

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
  if (later_.empty()) later_timer_->expire_at(runtime_.now() + kCloseDelay, [this] { submit_waiting_closes(); });
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

void Smb1Channel::handle_event(Event event, const cache::Buffer& frame) {
  if (auto* reply = std::get_if<smb1::Reply>(&event)) {
    deliver(std::move(*reply), frame);
  } else if (const auto* taken = std::get_if<smb1::Break>(&event)) {
    tell_break(taken->message);
  } else if (const auto* lost = std::get_if<smb1::Lost>(&event)) {
    std::erase_if(later_, [](const Later& each) { return !each.done; });
    submit_waiting_closes();  // the rest is answered here
    tell_loss(lost->reason, connection_.established());
  }
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

}  // namespace smb3fuse::client
