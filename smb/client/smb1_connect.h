// SPDX-License-Identifier: Apache-2.0
// The steps of connect() in SMB1, behind the dial: NEGOTIATE, SESSION_SETUP_ANDX (with extended security two legs, the
// last of them in one message with TREE_CONNECT_ANDX and a look at the root). Three round trips, or two where a
// challenge came with the NEGOTIATE. Loop thread.
#pragma once

#include <memory>

#include "smb/client/connect.h"
#include "smb/client/transport.h"

namespace smb3fuse::client {

// ConnectConfig::max_dialect when SMB1 is asked for, which it is alone.
inline constexpr std::uint16_t kSmb1Dialect = 0x0100;

Task<tl::expected<std::unique_ptr<Share>, ConnectError>> connect_smb1(Runtime& runtime,
                                                                      std::unique_ptr<Transport> transport,
                                                                      std::shared_ptr<const ConnectConfig> config,
                                                                      std::u16string prefix);

}  // namespace smb3fuse::client
