// SPDX-License-Identifier: Apache-2.0
// smb3fuse list: the shares of a server, or the machines of the neighbourhood. Main thread of a command of its own.
#pragma once

#include <string>
#include <vector>

#include "fuse/command_line.h"
#include "smb/client/list_shares.h"

namespace smb3fuse::fs {

// 0: printed; 1 and 32 as for a mount, after a sentence.
ExitCode run_list(ListRequest request);

// A line for each share: name, kind, comment. Control characters are shown as '.'.
std::string shares_text(const std::vector<client::ListedShare>& shares);

}  // namespace smb3fuse::fs
