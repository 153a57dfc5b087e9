// SPDX-License-Identifier: Apache-2.0
// A NetBIOS name of ours on the networks that this machine is in: claimed, defended and given up when a signal says so.
// It takes port 137, which takes privilege, and no nmbd beside us. Loop thread.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <system_error>
#include <tl/expected.hpp>

#include "nbt/own_name.h"
#include "smb/client/dial_policy.h"
#include "smb/client/task.h"

namespace smb3fuse::client {

// Claims the name on each network by broadcast, and at the policy's name servers if there are any; `owned` is called
// once it is ours everywhere. SIGINT and SIGTERM release it. The state it ends in: released, or that of the network
// where it was refused or lost first, on which it is released everywhere else; an error: there is no network, or no
// port.
Task<tl::expected<nbt::OwnName::State, std::error_code>> hold_name(boost::asio::io_context& context, nbt::Name name,
                                                                   const DialPolicy& policy,
                                                                   std::function<void()> owned);

}  // namespace smb3fuse::client
