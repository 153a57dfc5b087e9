// SPDX-License-Identifier: Apache-2.0
// A stream of frames to one server: asio_transport over TCP, a memory pipe in tests. Loop thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "cache/buffer.h"
#include "nbt/framing.h"

namespace smb3fuse::client {

// One message on its way out, as a gather list. `owners` keep the bytes of `pieces` alive until it has been sent.
struct OutgoingFrame {
  std::vector<std::span<const std::uint8_t>> pieces;
  std::vector<std::shared_ptr<const void>> owners;
};

class TransportHandler {
 public:
  // A whole message, without its four framing bytes.
  virtual void handle_frame(cache::Buffer frame) = 0;
  // The stream has ended; nothing is called after this. `error` is an NTSTATUS of ours or the system's error.
  virtual void handle_lost(std::error_code error) = 0;

 protected:
  ~TransportHandler() = default;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Before anything else; the handler is never called inside a call to the transport.
  virtual void start(TransportHandler& handler) = 0;
  // Frames go out in order, one behind the other.
  virtual void send(std::vector<OutgoingFrame> frames) = 0;
  // A longer incoming frame than this is refused before memory is taken for it, and the stream given up.
  virtual void limit_frames(std::uint32_t bytes) = 0;
  // What the framing can say the length of; less in a NetBIOS session than over direct TCP.
  virtual std::uint32_t largest_frame() const { return nbt::kMaximumFrameLength; }
  // The other end's address, for people; empty if it has none.
  virtual std::string peer_address() const { return {}; }
  virtual std::uint16_t peer_port() const { return 0; }
};

}  // namespace smb3fuse::client
