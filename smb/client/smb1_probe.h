// SPDX-License-Identifier: Apache-2.0
// Does a server that hung up on SMB2 speak SMB1? Asked only to be able to say so; nothing else is done in SMB1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "smb/client/dialer.h"
#include "smb/client/runtime.h"
#include "smb/client/task.h"

namespace smb3fuse::client {

Task<bool> answers_smb1(Runtime& runtime, Dialer& dialer, std::string host, std::optional<std::uint16_t> port);

}  // namespace smb3fuse::client
