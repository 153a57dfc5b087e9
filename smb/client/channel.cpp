// SPDX-License-Identifier: Apache-2.0
#include "smb/client/channel.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "smb/smb1/connection.h"
#include "smb/smb2/connection.h"

namespace smb3fuse::client {

template <class Connection>
Channel<Connection>::Channel(Runtime& runtime, std::unique_ptr<Transport> transport, Connection connection)
    : runtime_(runtime),
      connection_(std::move(connection)),
      transport_(std::move(transport)),
      timer_(runtime.make_timer()),
      since_(runtime.now()),
      peer_address_(transport_->peer_address()),
      alive_(std::make_shared<char>()) {
  transport_->start(*this);
}

template <class Connection>
Channel<Connection>::~Channel() = default;

template <class Connection>
void Channel<Connection>::handle_frame(cache::Buffer frame) {
  connection_.handle_message(runtime_.now(), frame.bytes());
  if (deliver_events(frame)) schedule_transmit();
}

template <class Connection>
void Channel<Connection>::handle_lost(std::error_code error) {
  connection_.handle_lost(error, error.message());
  static_cast<void>(deliver_events({}));
}

template <class Connection>
void Channel<Connection>::schedule_transmit() {
  if (std::exchange(transmit_scheduled_, true)) return;
  runtime_.post([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    transmit_scheduled_ = false;
    if (deliver_events({})) transmit();
  });
}

template <class Connection>
bool Channel<Connection>::deliver_events(const cache::Buffer& frame) {
  const std::weak_ptr<char> alive = alive_;
  while (auto event = connection_.poll_event()) {
    handle_event(std::move(*event), frame);
    if (alive.expired()) return false;
  }
  return true;
}

template <class Connection>
void Channel<Connection>::tell_loss(const std::string& reason, bool is_established) {
  lost_reason_ = reason;
  since_ = runtime_.now();
  // Before there is a session, connect() finds the words.
  spdlog::log(is_established ? spdlog::level::warn : spdlog::level::debug, "connection lost: {}", reason);
  transport_ = nullptr;
  if (handle_loss_) handle_loss_();
}

template <class Connection>
void Channel<Connection>::transmit() {
  std::vector<OutgoingFrame> frames;
  while (auto transmit = connection_.poll_transmit()) {
    frames.push_back(OutgoingFrame{std::move(transmit->pieces), std::move(transmit->owners)});
  }
  if (!frames.empty() && transport_) transport_->send(std::move(frames));
  arm_timer();
}

// Most timeouts never fire: an armed timer that is too early is left alone and looks again when it fires.
template <class Connection>
void Channel<Connection>::arm_timer() {
  const auto next = connection_.next_timeout();
  if (!next || *next >= armed_for_) return;
  armed_for_ = *next;
  timer_->expire_at(*next, [this] {
    armed_for_ = TimePoint::max();
    connection_.handle_timeout(runtime_.now());
    if (deliver_events({})) transmit();
  });
}

template class Channel<smb1::Connection>;
template class Channel<smb2::Connection>;

}  // namespace smb3fuse::client
