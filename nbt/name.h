// SPDX-License-Identifier: Apache-2.0
// NetBIOS names: 15 bytes padded with blanks and a suffix that says which service has the name, within a scope; and
// their two encodings. RFC 1001 14, RFC 1002 4.1. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nbt/wire.h"

namespace smb3fuse::nbt {

inline constexpr std::size_t kLongestName = 15;
inline constexpr std::uint16_t kNameServicePort = 137;

// The services that the last byte tells apart. [MS-NBTE] 1.8, [MS-BRWS] 2.1.1
namespace suffix {
inline constexpr std::uint8_t workstation = 0x00;
inline constexpr std::uint8_t messenger = 0x03;
inline constexpr std::uint8_t domain_master_browser = 0x1B;
inline constexpr std::uint8_t domain_controllers = 0x1C;
inline constexpr std::uint8_t local_master_browser = 0x1D;
inline constexpr std::uint8_t browser_elections = 0x1E;
inline constexpr std::uint8_t file_server = 0x20;
}  // namespace suffix

struct Name {
  std::array<std::uint8_t, 16> bytes{};
  std::string scope;  // "NETBIOS.COM", in upper case; "" none

  std::uint8_t service() const { return bytes.back(); }
  // The 15 bytes without their padding.
  std::string text() const;
  friend bool operator==(const Name&, const Name&) = default;
};

// In upper case and padded. Nothing: it is empty or longer than 15 characters, holds a character that is not printable
// ASCII, or the scope is none (labels of 1 to 63 characters, the whole name within 255 bytes).
std::optional<Name> make_name(std::string_view text, std::uint8_t service, std::string_view scope = {});
// "*", which every node answers to: padded with zeros. RFC 1002 4.2.17
Name any_name();
// "*SMBSERVER", the name that every SMB server must be called by.
Name smb_server_name();
// The first label of a host's name as a NetBIOS name: 15 characters at most, upper case. Nothing: it is none.
std::optional<Name> name_of_host(std::string_view host, std::uint8_t service);

// "EGFCEFEECACACACACACACACACACACACA.NETBIOS.COM". RFC 1001 14.1
std::string first_level(const Name& name);

// As a sequence of labels. RFC 1001 14.2, RFC 1002 4.1
void put_name(Writer& writer, const Name& name);

// The labels that stand at the reader's position, pointers followed. A pointer leads backwards, so that no chain of
// them is a loop; there are few of them, and the whole is no longer than 255 bytes. The reader ends behind what it read
// first; it fails where this is no name of a domain.
std::vector<std::string> take_labels(Reader& reader);
// The NetBIOS name that labels stand for; nothing if their first one is not made as RFC 1001 14.1 says.
std::optional<Name> name_of_labels(const std::vector<std::string>& labels);
// Both; the reader fails where it is no NetBIOS name.
Name take_name(Reader& reader);

}  // namespace smb3fuse::nbt
