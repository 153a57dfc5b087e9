// SPDX-License-Identifier: Apache-2.0
// Minshall+French symbolic links: a regular file of exactly 1067 bytes that says "XSym", the length and the MD5 of the
// target in hexadecimal, and the target, a line each, filled up with blanks. The form for servers that keep no links
// of their own; mount.cifs (mfsymlinks) and macOS read and write the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "smb/wire/bytes.h"

namespace smb3fuse::client {

inline constexpr std::uint32_t kMfSymlinkSize = 1067;
inline constexpr std::size_t kMfSymlinkMaximumTarget = 1024;

// Nothing for a target that is empty or longer than the form holds.
std::optional<Bytes> encode_mfsymlink(std::string_view target);

// Nothing for a file that only happens to have the size.
std::optional<std::string> decode_mfsymlink(ByteView file);

}  // namespace smb3fuse::client
