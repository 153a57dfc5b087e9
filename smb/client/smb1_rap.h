// SPDX-License-Identifier: Apache-2.0
// What a server tells over SMB1 by remote administration (smb/rap): its shares, and the servers that it knows of as the
// master browser of a workgroup. Each call is a connection of its own, with a session for IPC$. Loop thread.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "smb/client/connect.h"
#include "smb/client/list_shares.h"

namespace smb3fuse::client {

Task<tl::expected<std::vector<ListedShare>, ConnectError>> list_shares_by_rap(Runtime& runtime, Dialer& dialer,
                                                                              ConnectConfig config);

struct ListedServer {
  std::string name;
  std::string comment;
};
// Those of a workgroup.
Task<tl::expected<std::vector<ListedServer>, ConnectError>> list_servers(Runtime& runtime, Dialer& dialer,
                                                                         ConnectConfig master, std::string group);

}  // namespace smb3fuse::client
