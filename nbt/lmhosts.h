// SPDX-License-Identifier: Apache-2.0
// lmhosts: addresses of NetBIOS names in a file, as LAN Manager and its heirs have it. Any thread.
//
//   10.1.2.3   FILES          #PRE #DOM:CORP    # a comment
//   10.1.2.4   "PLC            \0x03"
//   10.1.2.5   NAS#20
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nbt/address.h"
#include "nbt/name.h"

namespace smb3fuse::nbt {

struct LmhostsEntry {
  Ipv4 address{};
  std::string name;                     // upper case, without padding
  std::optional<std::uint8_t> service;  // nothing: whatever service is asked for
  bool preload = false;                 // #PRE: known before anybody asks; here all are
  std::string domain;                   // #DOM: a controller of this domain
  friend bool operator==(const LmhostsEntry&, const LmhostsEntry&) = default;
};

struct Lmhosts {
  std::vector<LmhostsEntry> entries;
  // A sentence for each line that is not understood, or holds what is not done, with its number; the rest counts.
  std::vector<std::string> complaints;

  // In the file's order. #DOM makes an owner of the domain's name of controllers, too.
  std::vector<Ipv4> addresses_of(const Name& name) const;
};

Lmhosts parse_lmhosts(std::string_view text);

std::optional<Ipv4> parse_ipv4(std::string_view text);

}  // namespace smb3fuse::nbt
