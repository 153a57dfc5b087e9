// SPDX-License-Identifier: Apache-2.0
#include "smb/wire/utf16.h"

#include <cstdint>
#include <optional>

namespace smb3fuse::wire {
namespace {

constexpr bool is_high_surrogate(char16_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
constexpr bool is_low_surrogate(char16_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

struct CodePoint {
  char32_t value;
  std::size_t length;  // in bytes
};

// RFC 3629 section 4. The smallest value of each length tells overlong forms.
std::optional<CodePoint> code_point_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<std::uint8_t>(text[at]);
  if (lead < 0x80) return CodePoint{lead, 1};
  std::size_t length = 0;
  char32_t value = 0;
  char32_t smallest = 0;
  if ((lead & 0xE0) == 0xC0) {
    length = 2, value = lead & 0x1Fu, smallest = 0x80;
  } else if ((lead & 0xF0) == 0xE0) {
    length = 3, value = lead & 0x0Fu, smallest = 0x800;
  } else if ((lead & 0xF8) == 0xF0) {
    length = 4, value = lead & 0x07u, smallest = 0x10000;
  } else {
    return std::nullopt;
  }
  if (text.size() - at < length) return std::nullopt;
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<std::uint8_t>(text[at + i]);
    if ((next & 0xC0) != 0x80) return std::nullopt;
    value = (value << 6) | (next & 0x3Fu);
  }
  if (value < smallest || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return std::nullopt;
  return CodePoint{value, length};
}

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

// Text is std::u16string_view or Utf16View.
template <class Text>
tl::expected<std::string, Utf16Error> convert_to_utf8(Text text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char16_t unit = text[i];
    if (is_high_surrogate(unit) && i + 1 < text.size() && is_low_surrogate(text[i + 1])) {
      const char32_t high = unit - 0xD800u;
      const char32_t low = text[++i] - 0xDC00u;
      append_utf8(out, 0x10000 + (high << 10) + low);
    } else if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
      return tl::unexpected(Utf16Error{Utf16Problem::lone_surrogate, i});
    } else {
      append_utf8(out, unit);
    }
  }
  return out;
}

}  // namespace

tl::expected<std::u16string, Utf16Error> to_utf16(std::string_view utf8) {
  std::u16string out;
  out.reserve(utf8.size());
  for (std::size_t at = 0; at < utf8.size();) {
    const std::optional<CodePoint> c = code_point_at(utf8, at);
    if (!c) return tl::unexpected(Utf16Error{Utf16Problem::invalid_utf8, at});
    if (c->value < 0x10000) {
      out += static_cast<char16_t>(c->value);
    } else {
      out += static_cast<char16_t>(0xD800 + ((c->value - 0x10000) >> 10));
      out += static_cast<char16_t>(0xDC00 + ((c->value - 0x10000) & 0x3FF));
    }
    at += c->length;
  }
  return out;
}

tl::expected<std::string, Utf16Error> to_utf8(std::u16string_view utf16) { return convert_to_utf8(utf16); }
tl::expected<std::string, Utf16Error> to_utf8(Utf16View utf16) { return convert_to_utf8(utf16); }

Bytes to_utf16le(std::u16string_view text) {
  Bytes out(text.size() * 2);
  for (std::size_t i = 0; i < text.size(); ++i) store_le(out.data() + 2 * i, text[i]);
  return out;
}

std::u16string to_u16string(Utf16View text) {
  std::u16string out(text.size(), u'\0');
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = text[i];
  return out;
}

}  // namespace smb3fuse::wire
