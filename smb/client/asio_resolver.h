// SPDX-License-Identifier: Apache-2.0
// From a server's name to its addresses, by the methods of the policy in their order. Loop thread.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <vector>

#include "smb/client/dial_policy.h"
#include "smb/client/runtime.h"
#include "smb/client/task.h"

namespace smb3fuse::client {

using Addresses = std::vector<boost::asio::ip::address>;

// The addresses that the first method knows which knows any; the error is the first method's. An address stands for
// itself. A name with a dot in it, or of more than 15 characters, is none of NetBIOS. Nothing outlives `until`, but for
// the system's resolver, which cannot be stopped.
Task<tl::expected<Addresses, std::error_code>> resolve(boost::asio::io_context& context, const DialPolicy& policy,
                                                       std::string host, TimePoint until);

// The owners of a NetBIOS name that the first of the policy's methods knows, and to a broadcast all that answer.
Task<std::vector<nbt::NameOwner>> find_owners(boost::asio::io_context& context, const DialPolicy& policy,
                                              nbt::Name name);

}  // namespace smb3fuse::client
