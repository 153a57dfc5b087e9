// SPDX-License-Identifier: Apache-2.0
// Dialer over the system's resolver, NetBIOS' and TCP. Without a port, direct TCP on 445 and a NetBIOS session on 139
// race; all addresses do.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>

#include "smb/client/asio_runtime.h"
#include "smb/client/dial_policy.h"
#include "smb/client/dialer.h"

namespace smb3fuse::client {

class AsioDialer final : public Dialer {
 public:
  // Both outlive the dialer and what it dialled.
  AsioDialer(boost::asio::io_context& context, cache::BufferPool& pool, DialPolicy policy = {})
      : context_(context), runtime_(context), pool_(pool), policy_(std::move(policy)) {}

  Task<tl::expected<std::unique_ptr<Transport>, DialError>> dial(std::string host, std::optional<std::uint16_t> port,
                                                                 std::chrono::seconds timeout) override;

 private:
  boost::asio::io_context& context_;
  AsioRuntime runtime_;
  cache::BufferPool& pool_;
  DialPolicy policy_;
};

}  // namespace smb3fuse::client
