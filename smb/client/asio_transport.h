// SPDX-License-Identifier: Apache-2.0
// Transport over a connected TCP socket.
#pragma once

#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "nbt/framing.h"
#include "smb/client/transport.h"

namespace smb3fuse::client {

// Takes over the socket. The pool outlives the transport. `largest_frame`: 17 bits of length in a NetBIOS session.
std::unique_ptr<Transport> make_asio_transport(boost::asio::ip::tcp::socket socket, cache::BufferPool& pool,
                                               std::uint32_t largest_frame = nbt::kMaximumFrameLength);

}  // namespace smb3fuse::client
