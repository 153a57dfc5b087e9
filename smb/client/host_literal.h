// SPDX-License-Identifier: Apache-2.0
// The address that a host's name is, if it is one. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smb3fuse::client {

// "2001-db8--1s4.ipv6-literal.net" is "2001:db8::1%4": the form in which Windows has IPv6 addresses in UNC names, where
// ':' and '%' cannot stand. [MS-DTYP] 2.2.57. Nothing for every other name.
std::optional<std::string> address_of_ipv6_literal(std::string_view host);

}  // namespace smb3fuse::client
