// SPDX-License-Identifier: Apache-2.0
// The procedures that make an SMB1 connection into a session and a tree. Loop thread.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "smb/client/connect.h"
#include "smb/client/smb1_channel.h"
#include "smb/client/smb1_tree.h"

namespace smb3fuse::client {

// A message of the handshake, which belongs to no tree yet.
smb1::Outgoing outgoing(cifs::MessageBuilder builder);
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

// SESSION_SETUP_ANDX and TREE_CONNECT_ANDX. [MS-CIFS] 3.2.4.2.4, 3.2.4.2.5, [MS-SMB] 3.2.4.2.4
// `path`: the mounted folder within the share; `service`: what the share has to be.
Task<tl::expected<Smb1Tree, ConnectError>> log_on(Smb1Channel& channel, const ConnectConfig& config,
                                                  std::u16string path, Smb1Negotiation negotiation,
                                                  std::string_view service = kDiskService);

}  // namespace smb3fuse::client
