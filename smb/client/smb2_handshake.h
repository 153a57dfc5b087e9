// SPDX-License-Identifier: Apache-2.0
// The procedures that make a connection into a session and a tree, each of one step of connect(). Loop thread.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "smb/client/connect.h"
#include "smb/client/smb2_channel.h"
#include "smb/smb2/negotiate.h"
#include "smb/wire/tree.h"

namespace smb3fuse::client {

using StepResult = tl::expected<void, ConnectError>;

// [MS-SMB2] 3.2.4.2.2, 3.2.5.2. `first_token`: what the server's SPNEGO said.
struct NegotiateOutcome {
  smb2::NegotiateOffer offer;
  Bytes first_token;
  FileTime clock_offset = 0;  // how far the server's clock is ahead of ours
};
Task<tl::expected<NegotiateOutcome, ConnectError>> negotiate(Smb2Channel& channel, const ConnectConfig& config);

// [MS-SMB2] 3.2.4.2.3, 3.2.5.3: for a new session, or again for one that has expired.
Task<StepResult> authenticate(Smb2Channel& channel, const ConnectConfig& config, Bytes first_token);

struct Tree {
  std::uint32_t tree_id = 0;
  bool encrypt = false;    // the share demands it
  bool read_only = false;  // by the maximal access
};
// [MS-SMB2] 3.2.4.2.4, 3.2.5.5. `expected`: what the share has to be.
Task<tl::expected<Tree, ConnectError>> connect_tree(Smb2Channel& channel, const ConnectConfig& config,
                                                    wire::ShareType expected = wire::ShareType::disk);

// For an error that no step has better words for: the NTSTATUS by name, or why the connection was lost.
std::string describe(const std::error_code& error, const Smb2Channel& channel);

}  // namespace smb3fuse::client
