// SPDX-License-Identifier: Apache-2.0
#include "smb/cifs/text.h"

#include <algorithm>
#include <cassert>

#include "smb/wire/utf16.h"

namespace smb3fuse::cifs {
namespace {

ByteView without_null(ByteView bytes, std::size_t unit) {
  const auto ends_with_null = [&] {
    const ByteView last = bytes.last(unit);
    return std::all_of(last.begin(), last.end(), [](std::uint8_t byte) { return byte == 0; });
  };
  while (bytes.size() >= unit && ends_with_null()) bytes = bytes.first(bytes.size() - unit);
  return bytes;
}

}  // namespace

Text make_unicode(std::u16string_view text) { return {true, wire::to_utf16le(text)}; }

Text make_oem(std::string_view text) { return {false, Bytes(text.begin(), text.end())}; }

Text CharacterSet::text(std::u16string_view text) const {
  if (is_unicode()) return make_unicode(text);
  const auto encoded = code_page_->encode(text);
  assert(encoded && "text that nobody has looked at");
  return {false, encoded.value_or(Bytes())};
}

Text CharacterSet::quote(ByteView bytes) const {
  const ByteView text = without_null(bytes, is_unicode() ? sizeof(char16_t) : 1);
  return {is_unicode(), Bytes(text.begin(), text.end())};
}

std::optional<std::u16string> CharacterSet::read(ByteView bytes) const {
  if (!is_unicode()) return code_page_->decode(without_null(bytes, 1));
  if (bytes.size() % sizeof(char16_t) != 0) return std::nullopt;
  return wire::to_u16string(wire::Utf16View{without_null(bytes, sizeof(char16_t))});
}

}  // namespace smb3fuse::cifs
