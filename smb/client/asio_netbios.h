// SPDX-License-Identifier: Apache-2.0
// The sockets of NetBIOS' name service and datagrams. Asking needs no privilege: answers come to the port that asked.
// Having a name of our own needs port 137. Loop thread.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <vector>

#include "nbt/datagram.h"
#include "nbt/mailslot.h"
#include "nbt/name_query.h"
#include "nbt/own_name.h"
#include "smb/client/dial_policy.h"
#include "smb/client/task.h"

namespace smb3fuse::client {

// One that this machine is in, and its address there.
struct Network {
  nbt::Ipv4 address{};
  nbt::Ipv4 mask{};
  nbt::Ipv4 broadcast{};

  bool holds(const nbt::Ipv4& other) const;
};
std::vector<Network> networks();
// The name by which servers are told who calls: the policy's, else made of this machine's.
nbt::Name calling_name(const DialPolicy& policy);
// How to ask, by the policy: broadcasts for type B, name servers for type P.
nbt::NodeConfig node_config(const DialPolicy& policy, nbt::NodeType type);

// What came of it; empty: nobody has the name, or answers. `context` outlives the task.
Task<std::vector<nbt::NameAnswer>> ask_for_name(boost::asio::io_context& context, nbt::Name name,
                                                nbt::NodeConfig config, bool all = false);
Task<std::vector<nbt::NameAnswer>> ask_for_status(boost::asio::io_context& context, nbt::Ipv4 node,
                                                  nbt::NodeConfig config);

// The node status of a machine that answers.
struct Neighbour {
  nbt::Ipv4 address{};
  nbt::NodeStatus status;
};
// All that answer to the name of all ("*"), by broadcast or at the name servers, in the order of their answers.
Task<std::vector<Neighbour>> find_neighbours(boost::asio::io_context& context, nbt::NodeConfig config);

// As ask_for_status; destroying what is returned ends it.
std::shared_ptr<void> start_status_request(boost::asio::io_context& context, nbt::Ipv4 node, nbt::NodeConfig config,
                                           std::function<void(std::vector<nbt::NameAnswer>)> done);

}  // namespace smb3fuse::client
