// SPDX-License-Identifier: Apache-2.0
// From what the engine says to errno: one table, the same for every operation. Any thread.
#pragma once

#include <optional>
#include <system_error>

#include "smb/status.h"

namespace smb3fuse::fs {

// What the table says of it; nothing for a status without a row.
std::optional<int> find_errno(NtStatus status);

// 0 for no error. A status without a row is EIO and a line in the log.
int errno_of(const std::error_code& error);

// An errno of our own making among the engine's errors.
inline std::error_code make_errno(int error) { return {error, std::generic_category()}; }

}  // namespace smb3fuse::fs
