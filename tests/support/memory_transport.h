// SPDX-License-Identifier: Apache-2.0
// client::Transport and client::Dialer without a network: frames go to a peer in the same process and back, each on a
// later turn of the ManualRuntime. The stream counts what passes, may be cut at any step, and lets a test edit what is
// on the way, as somebody between client and server would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "smb/client/dialer.h"
#include "smb/client/transport.h"
#include "smb/wire/bytes.h"
#include "tests/support/manual_runtime.h"

namespace smb3fuse::test {

// One stream, seen from the server and from the test. The client's end may be gone before it.
class MemoryStream : public std::enable_shared_from_this<MemoryStream> {
 public:
  MemoryStream(ManualRuntime& runtime, cache::BufferPool& pool) : runtime_(runtime), pool_(pool) {}

  std::function<void(Bytes)> to_server;  // where the client's messages go

  // A message to the client.
  void deliver(Bytes message);
  // The stream ends for the client.
  void lose(std::error_code error);

  // Somebody on the way. Called for each message, which they may edit; one that they empty does not arrive.
  std::function<void(Bytes&)> edit_to_server;
  std::function<void(Bytes&)> edit_to_client;

  // The stream is cut when the client sends its nth message, or in place of the nth one that it would receive; from 1.
  std::optional<std::size_t> lose_at_send;
  std::optional<std::size_t> lose_at_frame;

  std::uint32_t largest_frame = nbt::kMaximumFrameLength;  // of the framing; less in a NetBIOS session

  std::size_t sent() const { return sent_; }          // messages from the client
  std::size_t send_calls() const { return calls_; }   // send() calls: what would be one system call each
  std::size_t received() const { return received_; }  // messages to the client
  bool is_open() const { return handler_ != nullptr; }

 private:
  friend class MemoryTransport;
  void take(Bytes message);

  ManualRuntime& runtime_;
  cache::BufferPool& pool_;
  client::TransportHandler* handler_ = nullptr;
  std::size_t sent_ = 0;
  std::size_t calls_ = 0;
  std::size_t received_ = 0;
};

class MemoryTransport final : public client::Transport {
 public:
  explicit MemoryTransport(std::shared_ptr<MemoryStream> stream) : stream_(std::move(stream)) {}
  ~MemoryTransport() override { stream_->handler_ = nullptr; }
  void start(client::TransportHandler& handler) override { stream_->handler_ = &handler; }
  void send(std::vector<client::OutgoingFrame> frames) override;
  void limit_frames(std::uint32_t) override {}
  std::uint32_t largest_frame() const override { return stream_->largest_frame; }
  std::uint16_t peer_port() const override { return 445; }

 private:
  std::shared_ptr<MemoryStream> stream_;
};

class MemoryDialer final : public client::Dialer {
 public:
  using Dialled = tl::expected<std::unique_ptr<client::Transport>, client::DialError>;

  MemoryDialer(ManualRuntime& runtime, cache::BufferPool& pool) : runtime_(runtime), pool_(pool) {}

  // Called with the stream of each connection that is dialled; it sets `to_server`, or refuses by returning an error.
  std::function<std::optional<client::DialError>(const std::shared_ptr<MemoryStream>&)> accept;

  std::vector<std::string> dialled;  // "host:port", "host" without one

  client::Task<Dialled> dial(std::string host, std::optional<std::uint16_t> port,
                             std::chrono::seconds timeout) override;

 private:
  ManualRuntime& runtime_;
  cache::BufferPool& pool_;
};

}  // namespace smb3fuse::test
