// SPDX-License-Identifier: Apache-2.0
// TREE_CONNECT_ANDX, and behind it in the same message a look at the folder that is mounted: NT_CREATE_ANDX and CLOSE.
// [MS-CIFS] 3.2.4.2.5, 3.2.5.4
//
// Both go out with the last SESSION_SETUP_ANDX. [MS-CIFS] 2.2.4.55.1 does not name NT_CREATE_ANDX among what may follow
// a tree connect; Samba 4.17 takes it. A server that takes less of the chain is asked again for what is missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "smb/client/connect.h"
#include "smb/client/smb1_channel.h"

namespace smb3fuse::client {

struct Smb1Tree {
  std::uint16_t tree_id = 0;
  bool read_only = false;  // by the maximal access
  // Of the mounted folder, without number_of_links and file_id; nothing if the server did not look.
  std::optional<Attributes> root;
  std::optional<std::uint16_t> left_open;  // its FID, if the server did not go on to the CLOSE
  bool takes_chains = true;
};

// `path`: the mounted folder within the share. Both fit the server's character set.
void add_tree_connect(cifs::MessageBuilder& builder, const smb1::Connection& connection, std::u16string_view unc,
                      const std::u16string& path);

// Did the server, whose `answer` has no tree, stop at what stands behind TREE_CONNECT_ANDX or never come to it?
bool wants_tree_connect_alone(const Smb1Answer& answer);
// Without a look.
smb1::Outgoing tree_connect_alone(const smb1::Connection& connection, std::u16string_view unc);

// What a tree is of. [MS-CIFS] 2.2.4.55.2 Service
inline constexpr std::string_view kDiskService = "A:";
inline constexpr std::string_view kPipeService = "IPC";

tl::expected<Smb1Tree, ConnectError> take_tree(const Smb1Channel& channel, const ConnectConfig& config,
                                               const Smb1Answer& answer, std::string_view expected);

}  // namespace smb3fuse::client
