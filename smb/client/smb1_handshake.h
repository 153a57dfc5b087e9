// SPDX-License-Identifier: Apache-2.0
// The procedures that make an SMB1 connection into a session and a tree. Loop thread.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "smb/client/connect.h"
#include "smb/client/smb1_channel.h"

namespace smb3fuse::client {

Task<Smb1Answer> ask(Smb1Channel& channel, smb1::Outgoing request);

// For an error that no step has better words for: the NTSTATUS by name, or why the connection was lost.
std::string describe(const std::error_code& error, const Smb1Channel& channel);

// [MS-CIFS] 3.2.4.2.2, 3.2.5.2. What the authentication begins with: a token of the server's, or its challenge.
struct Smb1Negotiation {
  Bytes token;
  Bytes challenge;
  FileTime clock_offset = 0;  // how far the server's clock is ahead of ours
};
Task<tl::expected<Smb1Negotiation, ConnectError>> negotiate(Smb1Channel& channel, const ConnectConfig& config);

struct Smb1Tree {
  std::uint16_t tree_id = 0;
  bool read_only = false;  // by the maximal access
};
// SESSION_SETUP_ANDX and TREE_CONNECT_ANDX. [MS-CIFS] 3.2.4.2.4, 3.2.4.2.5, [MS-SMB] 3.2.4.2.4
Task<tl::expected<Smb1Tree, ConnectError>> log_on(Smb1Channel& channel, const ConnectConfig& config,
                                                  Smb1Negotiation negotiation);

}  // namespace smb3fuse::client
