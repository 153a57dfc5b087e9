// SPDX-License-Identifier: Apache-2.0
#include "smb/cifs/text.h"

#include <algorithm>

#include "smb/wire/utf16.h"

namespace smb3fuse::cifs {

bool fits_oem(std::u16string_view text) {
  return std::all_of(text.begin(), text.end(), [](char16_t unit) { return unit < 0x80; });
}

Text make_text(std::u16string_view text, bool is_unicode) {
  Text made{is_unicode, {}};
  if (is_unicode) {
    made.bytes = wire::to_utf16le(text);
  } else {
    for (const char16_t unit : text) made.bytes.push_back(static_cast<std::uint8_t>(unit));
  }
  return made;
}

Text make_oem(std::string_view text) { return {false, Bytes(text.begin(), text.end())}; }

std::optional<std::u16string> read_text(ByteView bytes, bool is_unicode) {
  std::u16string text;
  if (is_unicode) {
    if (bytes.size() % 2 != 0) return std::nullopt;
    text = wire::to_u16string(wire::Utf16View{bytes});
  } else {
    for (const std::uint8_t byte : bytes) text += static_cast<char16_t>(byte);
    if (!fits_oem(text)) return std::nullopt;
  }
  while (!text.empty() && text.back() == u'\0') text.pop_back();
  return text;
}

}  // namespace smb3fuse::cifs
