// SPDX-License-Identifier: Apache-2.0
// The I/O of one SMB2 connection: drains smb2::Connection into a Transport and feeds it back, keeps its timer, and
// hands each chain's answers to whoever submitted it. Loop thread.
//
// What is submitted during one turn of the loop goes to the socket in one system call at the end of that turn.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cache/buffer.h"
#include "smb/client/runtime.h"
#include "smb/client/transport.h"
#include "smb/smb2/connection.h"

namespace smb3fuse::client {

// The answer to one request of a chain. `body` lies in `message`.
struct Answer {
  NtStatus status{};
  cache::Buffer message;
  ByteView whole;  // from the SMB2 header on
  ByteView body;
};

class Smb2Channel final : private TransportHandler {
 public:
  using Chain = std::vector<smb2::Outgoing>;
  using Answers = std::vector<Answer>;
  using AnswersDone = std::function<void(Answers)>;
  // Sees the answer to each request of a chain as it comes, and STATUS_PENDING for one that is open-ended.
  using AnswerSeen = std::function<void(std::size_t index, const Answer&)>;

  // `runtime` outlives the channel.
  Smb2Channel(Runtime& runtime, std::unique_ptr<Transport> transport, smb2::ConnectionLimits limits);
  ~Smb2Channel();

  // Each request of the chain is answered, by the server or locally; `done` never runs inside this call.
  smb2::RequestId exchange(Chain chain, AnswersDone done, AnswerSeen seen = nullptr);
  // A CLOSE, and what goes with it, that nobody waits for: sent before the next request, in the same system call, or
  // after some milliseconds, so that closing a file costs no round trip of its own.
  void submit_close(Chain close);
  // Likewise, for what nobody waits for but whose answer counts.
  void submit_later(Chain chain, AnswersDone done, AnswerSeen seen = nullptr);
  // What waits like this goes now: somebody else waits for it.
  void submit_waiting_closes();
  // See smb2::Connection::cancel.
  void cancel(smb2::RequestId id);
  // Who is told the body of each OPLOCK_BREAK notification.
  void handle_breaks(std::function<void(ByteView)> handler) { handle_break_ = std::move(handler); }
  // Who is told that the connection is lost, before what was under way is answered.
  void handle_loss(std::function<void()> handler) { handle_loss_ = std::move(handler); }

  smb2::Connection& connection() { return connection_; }
  const smb2::Connection& connection() const { return connection_; }
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

 private:
  struct Waiting {
    Answers answers;
    std::size_t missing = 0;
    AnswersDone done;
    AnswerSeen seen;
  };

  struct Later {
    Chain chain;
    AnswersDone done;  // null: of a CLOSE
    AnswerSeen seen;
  };

  smb2::RequestId submit(Chain chain, AnswersDone done, AnswerSeen seen);
  void add_later(Later later);
  void handle_frame(cache::Buffer frame) override;
  void handle_lost(std::error_code error) override;
  void schedule_transmit();
  void transmit();
  // False: a callback has destroyed us.
  [[nodiscard]] bool deliver_events(const cache::Buffer& frame);
  void deliver(const smb2::Reply& reply, const cache::Buffer& frame);
  void arm_timer();

  Runtime& runtime_;
  std::unique_ptr<Transport> transport_;
  smb2::Connection connection_;
  std::unordered_map<smb2::RequestId, Waiting> waiting_;
  std::vector<Later> later_;
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<Timer> later_timer_;
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
