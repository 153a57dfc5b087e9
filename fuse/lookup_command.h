// SPDX-License-Identifier: Apache-2.0
// smb3fuse lookup, smb3fuse register, and smb3fuse list without a server: NetBIOS names and who has them. Main thread
// of a command of its own.
#pragma once

#include <string>
#include <vector>

#include "fuse/command_line.h"
#include "nbt/name_packet.h"
#include "smb/client/asio_netbios.h"

namespace smb3fuse::fs {

// 0: found and printed; 1 after a sentence why not.
ExitCode run_lookup(const LookupRequest& request);
// 0: the name was ours until a signal came.
ExitCode run_register(const RegisterRequest& request);
ExitCode run_neighbourhood(const client::DialPolicy& dial);

// What is printed. Control characters in names are shown as '.'.
std::string status_text(const std::string& address, const nbt::NodeStatus& status);
std::string neighbours_text(std::vector<client::Neighbour> neighbours);

}  // namespace smb3fuse::fs
