// SPDX-License-Identifier: Apache-2.0
// Names between POSIX and the wire: UTF-8 and '/' here, UTF-16 and '\' there, and the characters that SMB reserves
// kept in the private-use range, as mount.cifs' mapposix (Services for Macintosh) and mapchars (Services for Unix) do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tl/expected.hpp>

namespace smb3fuse::client {

enum class NameMapping : std::uint8_t {
  none,  // reserved characters are sent as they are, and the server refuses them
  sfm,   // U+F001..U+F029; also a blank or a full stop at the end of a name
  sfu,   // U+F000 + character
  posix  // nothing is reserved, and '/' stays what it is: where the server takes POSIX paths
};

// [MS-FSCC] 2.1.5.2: the longest component, in UTF-16 units.
inline constexpr std::size_t kMaximumComponent = 255;

// A share-relative path: components joined by '\', or '/' by POSIX, none in front. STATUS_OBJECT_NAME_INVALID for what
// is not UTF-8, STATUS_NAME_TOO_LONG for a component that no server takes.
tl::expected<std::u16string, std::error_code> to_wire_path(std::string_view path, NameMapping mapping);

constexpr char16_t separator_of(NameMapping mapping) { return mapping == NameMapping::posix ? u'/' : u'\\'; }

// One name from a listing. Nothing for a name that must not reach a program here: empty, ".", "..", with '/' or NUL in
// it, or not valid UTF-16. Both mapped ranges are read, unless the mapping is none or posix.
std::optional<std::string> from_wire_name(std::u16string_view name, NameMapping mapping);

}  // namespace smb3fuse::client
