// SPDX-License-Identifier: Apache-2.0
// The channel of one SMB2 connection: hands each chain's answers to whoever submitted it. Loop thread.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "cache/buffer.h"
#include "smb/client/channel.h"
#include "smb/smb2/connection.h"

namespace smb3fuse::client {

// The answer to one request of a chain. `body` lies in `message`.
struct Answer {
  NtStatus status{};
  cache::Buffer message;
  ByteView whole;  // from the SMB2 header on
  ByteView body;
};

extern template class Channel<smb2::Connection>;

class Smb2Channel final : public Channel<smb2::Connection> {
 public:
  using Chain = std::vector<smb2::Outgoing>;
  using Answers = std::vector<Answer>;
  using AnswersDone = std::function<void(Answers)>;
  // Sees the answer to each request of a chain as it comes, and STATUS_PENDING for one that is open-ended.
  using AnswerSeen = std::function<void(std::size_t index, const Answer&)>;

  // `runtime` outlives the channel.
  Smb2Channel(Runtime& runtime, std::unique_ptr<Transport> transport, smb2::ConnectionLimits limits);
  ~Smb2Channel() override;

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
  void handle_event(Event event, const cache::Buffer& frame) override;
  void deliver(const smb2::Reply& reply, const cache::Buffer& frame);

  std::unordered_map<smb2::RequestId, Waiting> waiting_;
  std::vector<Later> later_;
  std::unique_ptr<Timer> later_timer_;
};

}  // namespace smb3fuse::client
