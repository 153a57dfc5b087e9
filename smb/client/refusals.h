// SPDX-License-Identifier: Apache-2.0
// What a server says no with, in words for the user: the same in SMB1 and in SMB2.
#pragma once

#include <optional>
#include <string>

#include "smb/client/connect.h"
#include "smb/status.h"

namespace smb3fuse::client {

// "sentence (STATUS_NAME)"
std::string with_status(std::string sentence, NtStatus status);

std::string logon_refusal(NtStatus status, const ConnectConfig& config);
// Of a tree connect; nothing for a status that there are no better words for.
std::optional<std::string> share_refusal(NtStatus status, const ConnectConfig& config);

}  // namespace smb3fuse::client
