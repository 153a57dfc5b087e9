// SPDX-License-Identifier: Apache-2.0
#include "smb/client/host_literal.h"

#include <arpa/inet.h>

#include <algorithm>

namespace smb3fuse::client {

std::optional<std::string> address_of_ipv6_literal(std::string_view host) {
  constexpr std::string_view kDomain = ".ipv6-literal.net";
  std::string text(host);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (!text.ends_with(kDomain)) return std::nullopt;
  text.resize(text.size() - kDomain.size());
  const std::size_t zone = text.find('s');
  std::string address = text.substr(0, zone);
  std::replace(address.begin(), address.end(), '-', ':');
  in6_addr parsed;
  if (inet_pton(AF_INET6, address.c_str(), &parsed) != 1) return std::nullopt;
  // The zone in its own letters: an interface may be called eth-0, or EN1.
  if (zone != std::string::npos) address += "%" + std::string(host.substr(zone + 1, text.size() - zone - 1));
  return address;
}

}  // namespace smb3fuse::client
