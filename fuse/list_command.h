// SPDX-License-Identifier: Apache-2.0
// smb3fuse list: the shares of a server, or the machines of the neighbourhood: in SMB1 those that the master browsers
// of its workgroups know, else those that answer. Main thread of a command of its own.
#pragma once

#include <string>
#include <vector>

#include "fuse/command_line.h"
#include "smb/client/asio_netbios.h"
#include "smb/client/list_shares.h"
#include "smb/client/smb1_rap.h"

namespace smb3fuse::fs {

// 0: printed; 1 and 32 as for a mount, after a sentence.
ExitCode run_list(ListRequest request);

// A line for each share: name, kind, comment. Control characters are shown as '.'.
std::string shares_text(const std::vector<client::ListedShare>& shares);
// A line for each server of a workgroup: name, group, comment; likewise.
std::string servers_text(const std::string& group, const std::vector<client::ListedServer>& servers);

// The machine that has the list of a workgroup's servers.
struct MasterBrowser {
  std::string group;
  std::string name;
  std::string address;
};
// Of machines, those that say so among their names.
std::vector<MasterBrowser> master_browsers(const std::vector<client::Neighbour>& neighbours);

}  // namespace smb3fuse::fs
