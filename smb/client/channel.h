// SPDX-License-Identifier: Apache-2.0
// What the channels of SMB1 and of SMB2 share, the I/O of one connection: drains a sans-io connection into a Transport
// and feeds it back, keeps its timer, and hands on its events. Loop thread.
//
// What is submitted during one turn of the loop goes to the socket in one system call at the end of that turn.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "cache/buffer.h"
#include "smb/client/runtime.h"
#include "smb/client/transport.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::client {

// Long enough for the next call of a program that opens file after file, short enough that another client which waits
// for the file does not notice.
inline constexpr auto kCloseDelay = std::chrono::milliseconds(5);

// Of smb1::Connection or smb2::Connection; both are made in channel.cpp.
template <class Connection>
class Channel : private TransportHandler {
 public:
  // Who is told of what the server takes back: see the connection's Break.
  void handle_breaks(std::function<void(ByteView)> handler) { handle_break_ = std::move(handler); }
  // Who is told that the connection is lost, before what was under way is answered.
  void handle_loss(std::function<void()> handler) { handle_loss_ = std::move(handler); }

  Connection& connection() { return connection_; }
  const Connection& connection() const { return connection_; }
  // A longer message from the server ends the connection before memory is taken for it.
  void limit_frames(std::uint32_t bytes) {
    if (transport_) transport_->limit_frames(bytes);
  }
  // Why the connection was lost; empty while it lives.
  const std::string& lost_reason() const { return lost_reason_; }
  // Since when it is as it is: connected, or lost.
  TimePoint since() const { return since_; }
  // The server's address; empty where the transport knows none.
  const std::string& peer_address() const { return peer_address_; }

 protected:
  using Event = typename decltype(std::declval<Connection&>().poll_event())::value_type;

  // `runtime` outlives the channel.
  Channel(Runtime& runtime, std::unique_ptr<Transport> transport, Connection connection);
  virtual ~Channel();

  // Views in `event` lie in `frame`, or in what it owns. A callback may destroy us.
  virtual void handle_event(Event event, const cache::Buffer& frame) = 0;
  void tell_break(ByteView taken) {
    if (handle_break_) handle_break_(taken);
  }
  void tell_loss(const std::string& reason, bool is_established);

  // At the end of this turn, and now.
  void schedule_transmit();
  void transmit();

  Runtime& runtime_;
  Connection connection_;

 private:
  void handle_frame(cache::Buffer frame) override;
  void handle_lost(std::error_code error) override;
  // False: a callback has destroyed us.
  [[nodiscard]] bool deliver_events(const cache::Buffer& frame);
  void arm_timer();

  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Timer> timer_;
  TimePoint armed_for_ = TimePoint::max();
  bool transmit_scheduled_ = false;
  std::string lost_reason_;
  TimePoint since_;
  const std::string peer_address_;
  std::function<void(ByteView)> handle_break_;
  std::function<void()> handle_loss_;
  std::shared_ptr<char> alive_;  // posted calls hold a weak reference
};

}  // namespace smb3fuse::client
