// SPDX-License-Identifier: Apache-2.0
#include "smb/client/mfsymlink.h"

#include <algorithm>
#include <charconv>

#include "smb/crypto/legacy.h"

namespace smb3fuse::client {
namespace {

constexpr std::size_t kLengthAt = 5;  // behind "XSym\n": four digits and a newline
constexpr std::size_t kTargetAt = 43;

ByteView bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

std::optional<std::string> header_for(std::string_view target) {
  const ByteView piece = bytes_of(target);
  const auto algorithms = crypto::LegacyAlgorithms::load();
  if (!algorithms) return std::nullopt;
  const crypto::Md5Digest digest = (*algorithms)->md5({&piece, 1});
  std::string length = std::to_string(target.size());
  std::string header = "XSym\n" + std::string(4 - length.size(), '0') + length + "\n";
  constexpr std::string_view digits = "0123456789abcdef";
  for (const std::uint8_t byte : digest) {
    header += digits[byte >> 4];
    header += digits[byte & 15];
  }
  return header + "\n";
}

}  // namespace

std::optional<Bytes> encode_mfsymlink(std::string_view target) {
  if (target.empty() || target.size() > kMfSymlinkMaximumTarget) return std::nullopt;
  auto header = header_for(target);
  if (!header) return std::nullopt;
  std::string text = *header + std::string(target);
  if (text.size() < kMfSymlinkSize) text += '\n';
  text.resize(kMfSymlinkSize, ' ');
  return Bytes(text.begin(), text.end());
}

std::optional<std::string> decode_mfsymlink(ByteView file) {
  if (file.size() != kMfSymlinkSize) return std::nullopt;
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  std::size_t length = 0;
  const char* digits = text.data() + kLengthAt;
  const auto parsed = std::from_chars(digits, digits + 4, length);
  if (parsed.ptr != digits + 4 || length == 0 || length > kMfSymlinkMaximumTarget) return std::nullopt;
  const std::string_view target = text.substr(kTargetAt, length);
  const auto header = header_for(target);
  if (!header || text.substr(0, kTargetAt) != *header || target.find('\0') != target.npos) return std::nullopt;
  return std::string(target);
}

}  // namespace smb3fuse::client
