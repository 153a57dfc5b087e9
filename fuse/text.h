// SPDX-License-Identifier: Apache-2.0
// Small questions about text: what users write, and names. Any thread.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smb3fuse::fs {

// Between separators: always one piece more than there are separators.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (std::size_t end = text.find(separator); end != std::string_view::npos; end = text.find(separator)) {
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  pieces.push_back(text);
  return pieces;
}

// Of the letters of ASCII.
inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

inline bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Digits alone, no sign, no blanks.
template <class Number>
std::optional<Number> number_between(std::string_view text, Number least, Number most, int base = 10) {
  if (!all_digits(text)) return std::nullopt;
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most) return std::nullopt;
  return number;
}

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. RFC 3629 section 4
bool is_utf8(std::string_view text);

}  // namespace smb3fuse::fs
