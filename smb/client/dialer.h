// SPDX-License-Identifier: Apache-2.0
// From a server's name to a stream: asio_dialer resolves by the system's resolver and connects by TCP; tests hand out
// memory pipes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <tl/expected.hpp>

#include "smb/client/task.h"
#include "smb/client/transport.h"

namespace smb3fuse::client {

struct DialError {
  bool resolving = false;  // failed before there was an address to connect to
  std::error_code error;   // the resolver's or the system's
};

class Dialer {
 public:
  // `host`: a name or an address. Every address of it is tried in the resolver's order; `timeout` bounds the whole.
  virtual Task<tl::expected<std::unique_ptr<Transport>, DialError>> dial(std::string host, std::uint16_t port,
                                                                         std::chrono::seconds timeout) = 0;

 protected:
  ~Dialer() = default;
};

}  // namespace smb3fuse::client
