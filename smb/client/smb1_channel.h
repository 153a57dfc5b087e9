// SPDX-License-Identifier: Apache-2.0
// The channel of one SMB1 connection: hands the answers to whoever submitted the requests. Loop thread.
//
// Several messages that go out together cost one round trip, and the server takes them in their order (Samba) or in
// any.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "cache/buffer.h"
#include "smb/cifs/block.h"
#include "smb/client/channel.h"
#include "smb/smb1/connection.h"

namespace smb3fuse::client {

// The answer to one message. Views lie in `message` or in `assembled`.
struct Smb1Answer {
  NtStatus status{};
  cache::Buffer message;
  ByteView whole;       // from the header on; empty for an answer of our own
  ByteView parameters;  // of a transaction
  ByteView data;
  std::shared_ptr<const Bytes> assembled;

  // The block of T's command in the chain that was answered. STATUS_INVALID_NETWORK_RESPONSE, and a line in the log,
  // for one that is malformed; the answer's status where the chain ended before it.
  template <class T>
  tl::expected<T, std::error_code> block() const {
    const auto found = find(T::kCode);
    if (!found) return tl::make_unexpected(found.error());
    auto decoded = cifs::decode<T>(*found);
    if (!decoded) return tl::make_unexpected(malformed(decoded.error()));
    return std::move(*decoded);
  }
  tl::expected<cifs::Block, std::error_code> find(cifs::Command command) const;

  static std::error_code malformed(const wire::DecodeError& error);
};

extern template class Channel<smb1::Connection>;

class Smb1Channel final : public Channel<smb1::Connection> {
 public:
  using AnswerDone = std::function<void(Smb1Answer)>;

  // `runtime` outlives the channel.
  Smb1Channel(Runtime& runtime, std::unique_ptr<Transport> transport, smb1::ConnectionLimits limits);
  ~Smb1Channel() override;

  // It is answered, by the server or locally; `done` never runs inside this call.
  smb1::RequestId exchange(smb1::Outgoing request, AnswerDone done);
  // Nobody waits for the answer, and there may be none.
  void submit_alone(smb1::Outgoing request);
  // A CLOSE, and what goes before it, that nobody waits for: sent before the next request, in the same system call, or
  // after some milliseconds, so that closing a file costs no round trip of its own.
  void submit_close(std::vector<smb1::Outgoing> requests);
  // Likewise, for what nobody waits for but whose answer counts. `sent` tells what it is known by from then on.
  void submit_later(smb1::Outgoing request, AnswerDone done, std::function<void(smb1::RequestId)> sent = nullptr);
  // What a connection ends with: it goes out within this call, as far as the socket takes it, and nobody waits.
  void submit_last(std::vector<smb1::Outgoing> requests);
  // What waits like this goes now: somebody else waits for it.
  void submit_waiting_closes();
  // See smb1::Connection::cancel.
  void cancel(smb1::RequestId id);

 private:
  struct Later {
    smb1::Outgoing request;
    AnswerDone done;  // null: of a CLOSE
    std::function<void(smb1::RequestId)> sent;
  };

  smb1::RequestId submit(smb1::Outgoing request, AnswerDone done);
  void add_later(Later later);
  void handle_event(Event event, const cache::Buffer& frame) override;
  void deliver(smb1::Reply reply, const cache::Buffer& frame);

  std::unordered_map<smb1::RequestId, AnswerDone> waiting_;
  std::vector<Later> later_;
  std::unique_ptr<Timer> later_timer_;
};

}  // namespace smb3fuse::client
