// SPDX-License-Identifier: Apache-2.0
// Transport over a connected TCP socket.
#pragma once

#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "smb/client/transport.h"

namespace smb3fuse::client {

// Takes over the socket. The pool outlives the transport.
std::unique_ptr<Transport> make_asio_transport(boost::asio::ip::tcp::socket socket, cache::BufferPool& pool);

}  // namespace smb3fuse::client
