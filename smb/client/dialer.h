// SPDX-License-Identifier: Apache-2.0
// From a server's name to a stream: asio_dialer resolves the name and connects by TCP, directly or with a NetBIOS
// session; tests hand out memory pipes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <tl/expected.hpp>

#include "smb/client/task.h"
#include "smb/client/transport.h"

namespace smb3fuse::client {

struct DialError {
  bool resolving = false;  // failed before there was an address to connect to
  std::error_code error;   // the resolver's, the system's, or of nbt::session_category()
};

class Dialer {
 public:
  // `host`: a name or an address. Every address of it is tried; without a port, so are those that SMB has.
  // `timeout` bounds the whole.
  virtual Task<tl::expected<std::unique_ptr<Transport>, DialError>> dial(std::string host,
                                                                         std::optional<std::uint16_t> port,
                                                                         std::chrono::seconds timeout) = 0;

 protected:
  ~Dialer() = default;
};

}  // namespace smb3fuse::client
