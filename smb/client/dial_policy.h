// SPDX-License-Identifier: Apache-2.0
// How servers are found and by which of their doors they are entered: what the user has to say about it, and what tests
// put in its place.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nbt/address.h"
#include "nbt/name_query.h"

namespace smb3fuse::client {

enum class ResolveMethod : std::uint8_t {
  dns,      // the system's resolver: /etc/hosts, DNS, mDNS, whatever nsswitch.conf says
  lmhosts,  // the file
  wins,     // NetBIOS name servers
  netbios,  // broadcasts
};

struct DialPolicy {
  std::vector<ResolveMethod> resolve{ResolveMethod::dns, ResolveMethod::lmhosts, ResolveMethod::wins,
                                     ResolveMethod::netbios};
  std::vector<nbt::Ipv4> wins;
  std::string lmhosts_file = "/etc/samba/lmhosts";
  std::optional<std::vector<nbt::Ipv4>> broadcasts;  // nothing: those of this machine's networks
  std::uint16_t name_port = nbt::kNameServicePort;

  std::optional<std::string> called_name;   // the server's, in NetBIOS sessions; nothing: found out
  std::optional<std::string> calling_name;  // ours; nothing: from this machine's name
  std::optional<bool> session;              // whether a port begins with a session request; nothing: if it is 139
  // Where a server is looked for when no port is given: both doors, the first one with a start.
  std::uint16_t direct_port = 445;
  std::uint16_t session_port = 139;
};

}  // namespace smb3fuse::client
