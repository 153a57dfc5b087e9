// SPDX-License-Identifier: Apache-2.0
// Dialer over the system's resolver and TCP.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>

#include "smb/client/dialer.h"

namespace smb3fuse::client {

class AsioDialer final : public Dialer {
 public:
  // Both outlive the dialer and what it dialled.
  AsioDialer(boost::asio::io_context& context, cache::BufferPool& pool) : context_(context), pool_(pool) {}

  Task<tl::expected<std::unique_ptr<Transport>, DialError>> dial(std::string host, std::uint16_t port,
                                                                 std::chrono::seconds timeout) override;

 private:
  boost::asio::io_context& context_;
  cache::BufferPool& pool_;
};

}  // namespace smb3fuse::client
