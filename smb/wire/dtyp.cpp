// SPDX-License-Identifier: Apache-2.0
#include "smb/wire/dtyp.h"

#include <charconv>
#include <limits>

namespace smb3fuse::wire {
namespace {

constexpr std::int64_t kTicksPerSecond = 10'000'000;
constexpr std::int64_t kNanosecondsPerTick = 100;
constexpr std::int64_t kUnixEpochSeconds = 11'644'473'600;  // 1970-01-01, counted from 1601-01-01

constexpr std::int64_t kLastSecond = std::numeric_limits<std::int64_t>::max() / kTicksPerSecond;

}  // namespace

std::timespec to_timespec(FileTime time) {
  const auto ticks = static_cast<std::int64_t>(time.value);
  std::int64_t seconds = ticks / kTicksPerSecond;
  std::int64_t rest = ticks % kTicksPerSecond;
  if (rest < 0) {
    seconds -= 1;
    rest += kTicksPerSecond;
  }
  return {static_cast<std::time_t>(seconds - kUnixEpochSeconds), static_cast<long>(rest * kNanosecondsPerTick)};
}

FileTime to_file_time(const std::timespec& time) {
  const auto unix_seconds = static_cast<std::int64_t>(time.tv_sec);
  if (unix_seconds < -kUnixEpochSeconds) return {1};
  if (unix_seconds >= kLastSecond - kUnixEpochSeconds) return {std::numeric_limits<std::int64_t>::max()};
  const std::int64_t seconds = unix_seconds + kUnixEpochSeconds;
  const std::int64_t ticks = seconds * kTicksPerSecond + time.tv_nsec / kNanosecondsPerTick;
  return {ticks == 0 ? 1 : static_cast<std::uint64_t>(ticks)};
}

std::string to_string(const Guid& guid) {
  // The first three groups are little-endian numbers in the packet; the rest are bytes in order.
  constexpr std::array<std::uint8_t, 16> kOrder = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < kOrder.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    const std::uint8_t byte = guid.bytes[kOrder[i]];
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xF];
  }
  return text;
}

std::string to_string(const Sid& sid) {
  std::uint64_t authority = 0;
  for (const std::uint8_t byte : sid.identifier_authority) authority = (authority << 8) | byte;
  std::string text = "S-" + std::to_string(sid.revision) + "-";
  if (authority >> 32 == 0) {
    text += std::to_string(authority);
  } else {
    // [MS-DTYP] 2.4.2.1: from 2^32 on in hexadecimal.
    constexpr char kDigits[] = "0123456789abcdef";
    text += "0x";
    for (const std::uint8_t byte : sid.identifier_authority) {
      text += kDigits[byte >> 4];
      text += kDigits[byte & 0xF];
    }
  }
  for (const std::uint32_t sub_authority : sid.sub_authority) text += "-" + std::to_string(sub_authority);
  return text;
}

std::optional<Sid> parse_sid(std::string_view text) {
  if (!text.starts_with("S-1-")) return std::nullopt;
  text.remove_prefix(4);
  // Takes the number in front of the next '-', which goes too.
  const auto number = [&text](std::uint64_t limit, bool may_be_hexadecimal) -> std::optional<std::uint64_t> {
    const std::size_t end = text.find('-');
    std::string_view digits = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const bool hexadecimal = may_be_hexadecimal && digits.starts_with("0x");
    if (hexadecimal) digits.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
    if (error != std::errc() || stop != digits.data() + digits.size() || value > limit) return std::nullopt;
    return value;
  };
  if (text.ends_with('-')) return std::nullopt;
  const std::optional<std::uint64_t> authority = number((std::uint64_t{1} << 48) - 1, true);
  if (!authority) return std::nullopt;
  Sid sid;
  for (std::size_t i = 0; i < 6; ++i) {
    sid.identifier_authority[i] = static_cast<std::uint8_t>(*authority >> (8 * (5 - i)));
  }
  while (!text.empty()) {
    const std::optional<std::uint64_t> value = number(UINT32_MAX, false);
    if (!value || sid.sub_authority.size() == Sid::kMaxSubAuthorities) return std::nullopt;
    sid.sub_authority.push_back(static_cast<std::uint32_t>(*value));
  }
  return sid;
}

}  // namespace smb3fuse::wire
