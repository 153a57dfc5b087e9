// SPDX-License-Identifier: Apache-2.0
#include "smb/client/path.h"

#include <algorithm>
#include <array>

#include "smb/status.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::client {
namespace {

constexpr char16_t kPrivateUse = 0xF000;
constexpr char16_t kLastControl = 0x1F;

// Services for Macintosh: the controls as U+F001..U+F01F, then these from U+F020 on.
constexpr std::array<char16_t, 10> kSfm = {u'"', u'*', u':', u'<', u'>', u'?', u'\\', u'|', u' ', u'.'};
constexpr char16_t kSfmFirst = 0xF020;
constexpr char16_t kSfmBlank = 0xF028;  // only at the end of a name, as is the next
constexpr char16_t kSfmFullStop = 0xF029;

// Services for Unix: U+F000 + character.
constexpr std::u16string_view kSfu = u"*?:<>|\\\"";

char16_t mapped(char16_t unit, NameMapping mapping) {
  if (unit >= 1 && unit <= kLastControl) return static_cast<char16_t>(kPrivateUse + unit);
  if (mapping == NameMapping::sfu) {
    return kSfu.find(unit) != kSfu.npos ? static_cast<char16_t>(kPrivateUse + unit) : unit;
  }
  const auto reserved = std::find(kSfm.begin(), kSfm.end() - 2, unit);
  return reserved == kSfm.end() - 2 ? unit : static_cast<char16_t>(kSfmFirst + (reserved - kSfm.begin()));
}

// Trailing blanks and full stops are cut off by Windows' rules for names: the last one is mapped.
char16_t mapped_at_end(char16_t unit, NameMapping mapping) {
  if (unit == u' ') return mapping == NameMapping::sfm ? kSfmBlank : static_cast<char16_t>(kPrivateUse + unit);
  if (unit == u'.') return mapping == NameMapping::sfm ? kSfmFullStop : static_cast<char16_t>(kPrivateUse + unit);
  return unit;
}

char16_t unmapped_sfm(char16_t unit) {
  if (unit < kSfmFirst || unit >= kSfmFirst + kSfm.size()) return unit;
  return kSfm[static_cast<std::size_t>(unit - kSfmFirst)];
}

char16_t unmapped_sfu(char16_t unit) {
  if (unit <= kPrivateUse || unit >= kPrivateUse + 0x80) return unit;
  const auto plain = static_cast<char16_t>(unit - kPrivateUse);
  return kSfu.find(plain) != kSfu.npos || plain == u' ' || plain == u'.' ? plain : unit;
}

// The ranges overlap (U+F022 is a colon in one and a quotation mark in the other): our own mapping goes first.
char16_t unmapped(char16_t unit, NameMapping mapping) {
  if (unit > kPrivateUse && unit <= kPrivateUse + kLastControl) return static_cast<char16_t>(unit - kPrivateUse);
  const char16_t ours = mapping == NameMapping::sfm ? unmapped_sfm(unit) : unmapped_sfu(unit);
  if (ours != unit) return ours;
  return mapping == NameMapping::sfm ? unmapped_sfu(unit) : unmapped_sfm(unit);
}

}  // namespace

tl::expected<std::u16string, std::error_code> to_wire_path(std::string_view path, NameMapping mapping) {
  const bool maps = mapping == NameMapping::sfm || mapping == NameMapping::sfu;
  std::u16string wire_path;
  while (!path.empty()) {
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(component.size() + 1, path.size()));
    auto units = wire::to_utf16(component);
    if (!units) return tl::make_unexpected(make_error_code(NtStatus::STATUS_OBJECT_NAME_INVALID));
    if (units->size() > kMaximumComponent) {
      return tl::make_unexpected(make_error_code(NtStatus::STATUS_NAME_TOO_LONG));
    }
    if (maps) {
      for (char16_t& unit : *units) unit = mapped(unit, mapping);
      if (!units->empty()) units->back() = mapped_at_end(units->back(), mapping);
    }
    if (!wire_path.empty()) wire_path += separator_of(mapping);
    wire_path += *units;
  }
  return wire_path;
}

std::optional<std::string> from_wire_name(std::u16string_view name, NameMapping mapping) {
  std::u16string units(name);
  if (mapping == NameMapping::sfm || mapping == NameMapping::sfu) {
    for (char16_t& unit : units) unit = unmapped(unit, mapping);
  }
  auto text = wire::to_utf8(units);
  if (!text || text->empty() || *text == "." || *text == "..") return std::nullopt;
  if (text->find_first_of(std::string_view("/\0", 2)) != text->npos) return std::nullopt;
  return std::move(*text);
}

}  // namespace smb3fuse::client
