// SPDX-License-Identifier: Apache-2.0
// Bytes written as hexadecimal digits, for golden values.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "smb/wire/bytes.h"

namespace smb3fuse::test {

// Anything that is not a digit (blanks, line ends) is skipped.
inline Bytes from_hex(std::string_view text) {
  Bytes bytes;
  int high = -1;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

template <std::size_t Size>
std::array<std::uint8_t, Size> array_from_hex(std::string_view text) {
  const Bytes bytes = from_hex(text);
  std::array<std::uint8_t, Size> array{};
  std::copy_n(bytes.begin(), std::min(Size, bytes.size()), array.begin());
  return array;
}

inline std::string to_hex(ByteView bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

inline ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace smb3fuse::test
