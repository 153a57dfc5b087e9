// SPDX-License-Identifier: Apache-2.0
// Receiving: the four framing bytes tell the length, then the rest of the message is read straight into a Buffer of
// its own, so that the payload of a READ is never copied here. A second, small area of the same readv takes the start
// of what follows, so that small replies cost one system call, not two.
#include "smb/client/asio_transport.h"

#include <netinet/tcp.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>

#include "nbt/framing.h"
#include "smb/status.h"

namespace smb3fuse::client {
namespace {

constexpr std::size_t kSpill = 16 * 1024;
constexpr std::size_t kReadBudget = std::size_t{4} << 20;  // bytes a turn, so that the kernel's requests get theirs
constexpr std::size_t kMaximumPieces = 64;                 // iovecs in one sendmsg
constexpr int kUserTimeoutMs = 30'000;                     // unacknowledged data for this long: the peer is gone

class AsioTransport final : public Transport, public std::enable_shared_from_this<AsioTransport> {
 public:
  AsioTransport(boost::asio::ip::tcp::socket socket, cache::BufferPool& pool, std::uint32_t largest_frame)
      : socket_(std::move(socket)), pool_(pool), largest_frame_(largest_frame), frame_limit_(largest_frame) {
    socket_.non_blocking(true);
    boost::system::error_code ignored;
    socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    socket_.set_option(boost::asio::socket_base::keep_alive(true), ignored);
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs, sizeof kUserTimeoutMs);
  }

  void start(TransportHandler& handler) override {
    handler_ = &handler;
    wait_readable();
  }

  void send(std::vector<OutgoingFrame> frames) override {
    if (handler_ == nullptr) return;
    for (OutgoingFrame& frame : frames) {
      std::size_t length = 0;
      for (const auto& piece : frame.pieces) length += piece.size();
      const nbt::FrameHeader header{nbt::FrameType::session_message, static_cast<std::uint32_t>(length)};
      outgoing_.push_back(Queued{nbt::encode_frame_header(header), std::move(frame)});
    }
    if (!waiting_writable_) write_queued();
  }

  void limit_frames(std::uint32_t bytes) override { frame_limit_ = std::min(bytes, largest_frame_); }
  std::uint32_t largest_frame() const override { return largest_frame_; }

  std::string peer_address() const override {
    boost::system::error_code error;
    const auto peer = socket_.remote_endpoint(error);
    return error ? std::string() : peer.address().to_string();
  }
  std::uint16_t peer_port() const override {
    boost::system::error_code error;
    return socket_.remote_endpoint(error).port();
  }

  // The owner lets go: nothing is called any more, and pending waits end with the socket.
  void stop() {
    handler_ = nullptr;
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  struct Queued {
    std::array<std::uint8_t, nbt::kFrameHeaderSize> header;
    OutgoingFrame frame;
  };

  void wait_readable() {
    socket_.async_wait(boost::asio::socket_base::wait_read, [self = shared_from_this()](auto error) {
      if (self->handler_ == nullptr) return;
      if (error) return self->lose(error);
      self->read_available();
    });
  }

  void read_available() {
    for (std::size_t taken = 0; taken < kReadBudget;) {
      const std::size_t wanted = frame_.empty() ? 0 : frame_.size() - filled_;
      std::array<iovec, 2> areas{iovec{frame_.data() + filled_, wanted},
                                 iovec{spill_.data() + spilled_, spill_.size() - spilled_}};
      const bool into_frame = wanted > 0;
      const ssize_t got = ::readv(socket_.native_handle(), areas.data() + (into_frame ? 0 : 1), into_frame ? 2 : 1);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (got < 0) return lose({errno, boost::system::system_category()});
      if (got == 0) return lose_with(NtStatus::STATUS_CONNECTION_DISCONNECTED);
      const auto count = static_cast<std::size_t>(got);
      taken += count;
      const std::size_t in_frame = std::min(count, wanted);
      filled_ += in_frame;
      spilled_ += count - in_frame;
      if (!deliver()) return;
      if (count < areas[into_frame ? 0 : 1].iov_len) break;  // the socket is empty: no need to be told EAGAIN
    }
    wait_readable();
  }

  // Hands over every whole message that has arrived. False: we were stopped or lost meanwhile.
  bool deliver() {
    std::size_t used = 0;
    for (;;) {
      if (frame_known_ && filled_ == frame_.size()) {
        frame_known_ = false;
        filled_ = 0;
        handler_->handle_frame(std::exchange(frame_, {}));
        if (handler_ == nullptr) return false;
      }
      if (frame_known_) break;
      const std::span<const std::uint8_t> rest(spill_.data() + used, spilled_ - used);
      if (rest.size() < nbt::kFrameHeaderSize) break;
      const nbt::FrameHeader header = nbt::decode_frame_header(rest.first<nbt::kFrameHeaderSize>());
      used += nbt::kFrameHeaderSize;
      if (header.type == nbt::FrameType::session_keep_alive && header.length == 0) continue;
      if (header.type != nbt::FrameType::session_message || header.length > frame_limit_) {
        lose_with(NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
        return false;
      }
      frame_ = pool_.allocate(header.length);
      frame_known_ = true;
      filled_ = std::min<std::size_t>(header.length, spilled_ - used);
      std::memcpy(frame_.data(), spill_.data() + used, filled_);
      used += filled_;
    }
    if (used > 0) {
      std::memmove(spill_.data(), spill_.data() + used, spilled_ - used);
      spilled_ -= used;
    }
    return true;
  }

  void write_queued() {
    while (!outgoing_.empty()) {
      std::array<iovec, kMaximumPieces> areas;
      std::size_t used = 0;
      std::size_t skip = sent_of_front_;
      const auto add = [&](std::span<const std::uint8_t> piece) {
        if (skip >= piece.size()) {
          skip -= piece.size();
          return;
        }
        piece = piece.subspan(std::exchange(skip, 0));
        if (used < areas.size()) areas[used++] = {const_cast<std::uint8_t*>(piece.data()), piece.size()};
      };
      for (const Queued& queued : outgoing_) {
        if (used == areas.size()) break;
        add(queued.header);
        for (const auto& piece : queued.frame.pieces) add(piece);
      }
      msghdr message{};
      message.msg_iov = areas.data();
      message.msg_iovlen = used;
      const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return wait_writable();
      // A broken stream is told by the reading side, where the last words of the server may still be waiting.
      if (sent < 0) return outgoing_.clear();
      drop_sent(static_cast<std::size_t>(sent));
    }
  }

  void drop_sent(std::size_t count) {
    sent_of_front_ += count;
    while (!outgoing_.empty()) {
      std::size_t length = nbt::kFrameHeaderSize;
      for (const auto& piece : outgoing_.front().frame.pieces) length += piece.size();
      if (sent_of_front_ < length) return;
      sent_of_front_ -= length;
      outgoing_.pop_front();
    }
  }

  void wait_writable() {
    waiting_writable_ = true;
    socket_.async_wait(boost::asio::socket_base::wait_write, [self = shared_from_this()](auto error) {
      self->waiting_writable_ = false;
      if (self->handler_ == nullptr || error) return;
      self->write_queued();
    });
  }

  void lose(boost::system::error_code error) {
    if (TransportHandler* handler = std::exchange(handler_, nullptr)) handler->handle_lost(std::error_code(error));
  }
  void lose_with(NtStatus status) {
    if (TransportHandler* handler = std::exchange(handler_, nullptr)) handler->handle_lost(make_error_code(status));
  }

  boost::asio::ip::tcp::socket socket_;
  cache::BufferPool& pool_;
  TransportHandler* handler_ = nullptr;
  const std::uint32_t largest_frame_;
  std::uint32_t frame_limit_;

  cache::Buffer frame_;  // the message being received, once its length is known
  bool frame_known_ = false;
  std::size_t filled_ = 0;
  std::array<std::uint8_t, kSpill> spill_;
  std::size_t spilled_ = 0;

  std::deque<Queued> outgoing_;
  std::size_t sent_of_front_ = 0;  // bytes of outgoing_.front() that the socket has taken
  bool waiting_writable_ = false;
};

// Waits in flight hold the implementation; the owner holds this.
class OwnedTransport final : public Transport {
 public:
  explicit OwnedTransport(std::shared_ptr<AsioTransport> transport) : transport_(std::move(transport)) {}
  ~OwnedTransport() override { transport_->stop(); }
  void start(TransportHandler& handler) override { transport_->start(handler); }
  void send(std::vector<OutgoingFrame> frames) override { transport_->send(std::move(frames)); }
  void limit_frames(std::uint32_t bytes) override { transport_->limit_frames(bytes); }
  std::uint32_t largest_frame() const override { return transport_->largest_frame(); }
  std::string peer_address() const override { return transport_->peer_address(); }
  std::uint16_t peer_port() const override { return transport_->peer_port(); }

 private:
  std::shared_ptr<AsioTransport> transport_;
};

}  // namespace

std::unique_ptr<Transport> make_asio_transport(boost::asio::ip::tcp::socket socket, cache::BufferPool& pool,
                                               std::uint32_t largest_frame) {
  return std::make_unique<OwnedTransport>(std::make_shared<AsioTransport>(std::move(socket), pool, largest_frame));
}

}  // namespace smb3fuse::client
