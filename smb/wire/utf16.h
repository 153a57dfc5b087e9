// SPDX-License-Identifier: Apache-2.0
// UTF-8 to and from UTF-16, checked both ways. Nothing is replaced or dropped: what has no counterpart is an error,
// and what to do about it is the caller's choice. Which characters a name may hold is not decided here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "smb/wire/bytes.h"
#include "smb/wire/types.h"

namespace smb3fuse::wire {

enum class Utf16Problem {
  invalid_utf8,    // a stray or missing continuation, an overlong form, a surrogate, beyond U+10FFFF
  lone_surrogate,  // which a Windows server may well have in a name
};

struct Utf16Error {
  Utf16Problem problem{};
  std::size_t position = 0;  // of the offending byte or 16-bit unit

  friend bool operator==(const Utf16Error&, const Utf16Error&) = default;
};

tl::expected<std::u16string, Utf16Error> to_utf16(std::string_view utf8);

tl::expected<std::string, Utf16Error> to_utf8(std::u16string_view utf16);
tl::expected<std::string, Utf16Error> to_utf8(Utf16View utf16);

// The same text, as bytes in a packet and as a string of its own.
Bytes to_utf16le(std::u16string_view text);
std::u16string to_u16string(Utf16View text);

}  // namespace smb3fuse::wire
