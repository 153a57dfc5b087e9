// SPDX-License-Identifier: Apache-2.0
// Connection-oriented remote procedure calls: binding to an interface, a request, and its response put together from
// fragments. [C706] 12.6, [MS-RPCE] 2.2.2. Sans-io, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "smb/wire/bytes.h"

namespace smb3fuse::rpc {

// An interface by its UUID, in the order of the wire, and its version.
struct Interface {
  std::array<std::uint8_t, 16> uuid;
  std::uint16_t major_version;
  std::uint16_t minor_version;
};

Bytes encode_bind(std::uint32_t call_id, const Interface& interface);
Bytes encode_request(std::uint32_t call_id, std::uint16_t opnum, ByteView stub);

// A sentence's end: "the server does not offer this interface".
struct RpcError {
  std::string sentence;
};

// The server is bound to the interface, or why not.
tl::expected<void, RpcError> accept_bind_ack(std::uint32_t call_id, ByteView pdu);

// One PDU after the other from a stream of bytes, however it is cut.
class ResponseReader {
 public:
  explicit ResponseReader(std::uint32_t call_id) : call_id_(call_id) {}

  // The first PDU of `bytes` whole, for a bind; nothing as long as it is not there.
  static std::optional<std::size_t> whole_pdu(ByteView bytes);

  // More of the stream. True: the response is complete.
  tl::expected<bool, RpcError> handle_bytes(ByteView bytes);
  const Bytes& stub() const { return stub_; }

 private:
  std::uint32_t call_id_;
  Bytes pending_;
  Bytes stub_;
  bool begun_ = false;
};

}  // namespace smb3fuse::rpc
