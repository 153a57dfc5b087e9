// SPDX-License-Identifier: Apache-2.0
// The shares of a server: logs on, and asks its service "srvsvc" by a pipe, [MS-SRVS] 3.1.4.8, or in SMB1 by
// remote administration (smb1_rap).
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "smb/client/connect.h"

namespace smb3fuse::client {

enum class ShareKind : std::uint8_t { disk, printer, device, pipe };

struct ListedShare {
  std::string name;
  ShareKind kind = ShareKind::disk;
  bool special = false;  // for administrators: C$, ADMIN$, IPC$
  std::string comment;
};

// In the server's order; names that are not valid UTF-16 are left out. `config.share` and `prefix` are of no meaning.
Task<tl::expected<std::vector<ListedShare>, ConnectError>> list_shares(Runtime& runtime, Dialer& dialer,
                                                                       ConnectConfig config);

}  // namespace smb3fuse::client
