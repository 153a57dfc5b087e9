// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_transport.h"

#include <algorithm>
#include <bit>

#include "smb/status.h"

namespace smb3fuse::test {
namespace {

// The message at the very end of its block, where AddressSanitizer sees each byte read past it. The pool makes blocks
// of a power of two and 1 KiB; were it to change, only this check would be lost.
cache::Buffer at_end_of_block(cache::BufferPool& pool, ByteView message) {
  constexpr std::size_t kSlack = 1024;
  const std::size_t payload = message.size() > kSlack ? message.size() - kSlack : message.size();
  const std::size_t capacity = std::bit_ceil(std::max<std::size_t>(payload, 512)) + kSlack;
  const cache::Buffer whole = pool.allocate(capacity);
  cache::Buffer end = whole.slice(capacity - message.size(), message.size());
  std::copy(message.begin(), message.end(), end.data());
  return end;
}

}  // namespace

void MemoryStream::deliver(Bytes message) {
  runtime_.post([self = shared_from_this(), message = std::move(message)]() mutable {
    if (self->handler_ == nullptr) return;
    ++self->received_;
    if (self->lose_at_frame == self->received_) {
      return std::exchange(self->handler_, nullptr)
          ->handle_lost(make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED));
    }
    if (self->edit_to_client) self->edit_to_client(message);
    if (!message.empty()) self->handler_->handle_frame(at_end_of_block(self->pool_, message));
  });
}

void MemoryStream::lose(std::error_code error) {
  runtime_.post([self = shared_from_this(), error] {
    if (client::TransportHandler* handler = std::exchange(self->handler_, nullptr)) handler->handle_lost(error);
  });
}

void MemoryStream::take(Bytes message) {
  ++sent_;
  if (lose_at_send && sent_ >= *lose_at_send) {
    return lose(std::make_error_code(std::errc::connection_reset));
  }
  runtime_.post([self = shared_from_this(), message = std::move(message)]() mutable {
    if (self->edit_to_server) self->edit_to_server(message);
    if (!message.empty() && self->to_server) self->to_server(std::move(message));
  });
}

void MemoryTransport::send(std::vector<client::OutgoingFrame> frames) {
  ++stream_->calls_;
  for (const client::OutgoingFrame& frame : frames) {
    Bytes message;
    for (const auto piece : frame.pieces) message.insert(message.end(), piece.begin(), piece.end());
    stream_->take(std::move(message));
  }
}

client::Task<MemoryDialer::Dialled> MemoryDialer::dial(std::string host, std::optional<std::uint16_t> port,
                                                       std::chrono::seconds) {
  dialled.push_back(port ? host + ":" + std::to_string(*port) : host);
  auto later = [this](auto done) { runtime_.post([done]() mutable { done(true); }); };
  co_await client::callback<bool>(later);
  auto stream = std::make_shared<MemoryStream>(runtime_, pool_);
  if (const auto refused = accept(stream)) co_return tl::make_unexpected(*refused);
  co_return std::make_unique<MemoryTransport>(std::move(stream));
}

}  // namespace smb3fuse::test
