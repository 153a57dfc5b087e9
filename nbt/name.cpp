// SPDX-License-Identifier: Apache-2.0
#include "nbt/name.h"

#include <algorithm>

namespace smb3fuse::nbt {
namespace {

constexpr std::size_t kLongestEncoded = 255;  // RFC 1002 4.1, as in the DNS
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kEncodedName = 32;
constexpr int kMaximumPointers = 4;  // one is what packets have

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) { return upper(c); });
  return result;
}

bool is_printable(char c) { return c > ' ' && c < 0x7F; }

// Of the labels alone; the first one and the end take 34 bytes of the 255.
bool is_scope(std::string_view scope) {
  if (scope.empty()) return true;
  if (scope.size() + 1 > kLongestEncoded - (1 + kEncodedName + 1)) return false;
  while (true) {
    const std::string_view label = scope.substr(0, scope.find('.'));
    if (label.empty() || label.size() > kLongestLabel || !std::all_of(label.begin(), label.end(), is_printable)) {
      return false;
    }
    if (label.size() == scope.size()) return true;
    scope.remove_prefix(label.size() + 1);
  }
}

Name padded(std::string_view text, std::uint8_t padding, std::uint8_t service) {
  Name name;
  name.bytes.fill(padding);
  std::copy_n(text.begin(), std::min(text.size(), kLongestName), name.bytes.begin());
  name.bytes.back() = service;
  return name;
}

std::string encoded_bytes(const Name& name) {
  std::string text;
  for (const std::uint8_t byte : name.bytes) {
    text += static_cast<char>('A' + (byte >> 4));
    text += static_cast<char>('A' + (byte & 0xF));
  }
  return text;
}

}  // namespace

std::string Name::text() const {
  const auto padding = [](std::uint8_t byte) { return byte == ' ' || byte == 0; };
  std::size_t size = kLongestName;
  while (size > 0 && padding(bytes[size - 1])) --size;
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

std::optional<Name> make_name(std::string_view text, std::uint8_t service, std::string_view scope) {
  if (text.empty() || text.size() > kLongestName || !is_scope(scope)) return std::nullopt;
  // A blank may stand within a name: MY SERVER is one.
  const auto fits = [](char c) { return is_printable(c) || c == ' '; };
  if (!std::all_of(text.begin(), text.end(), fits) || text.front() == ' ') return std::nullopt;
  Name name = padded(upper(text), ' ', service);
  name.scope = upper(scope);
  return name;
}

Name any_name() { return padded("*", 0, 0); }

Name smb_server_name() { return padded("*SMBSERVER", ' ', suffix::file_server); }

std::optional<Name> name_of_host(std::string_view host, std::uint8_t service) {
  return make_name(host.substr(0, std::min(host.find('.'), kLongestName)), service);
}

std::string first_level(const Name& name) {
  return name.scope.empty() ? encoded_bytes(name) : encoded_bytes(name) + "." + name.scope;
}

void put_name(Writer& writer, const Name& name) {
  const std::string text = first_level(name);
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    writer.u8(static_cast<unsigned>(label.size()));
    writer.text(label);
    rest.remove_prefix(std::min(label.size() + 1, rest.size()));
  }
  writer.u8(0);
}

std::vector<std::string> take_labels(Reader& reader) {
  std::vector<std::string> labels;
  std::size_t encoded = 1;
  std::size_t lowest = reader.position();  // where the labels being read begin
  std::optional<std::size_t> behind;       // of the first pointer
  for (int pointers = 0; reader.ok();) {
    const std::size_t at = reader.position();
    const std::uint8_t length = reader.u8();
    if (!reader.ok() || length == 0) break;
    if ((length & 0xC0) == 0xC0) {
      const std::size_t target = static_cast<std::size_t>(length & 0x3F) << 8 | reader.u8();
      if (!behind) behind = at + 2;
      if (target >= lowest || ++pointers > kMaximumPointers) {
        reader.fail();
      } else {
        lowest = target;
        reader.move_to(target);
      }
      continue;
    }
    encoded += std::size_t{1} + length;
    if (length > kLongestLabel || encoded > kLongestEncoded) reader.fail();
    const ByteView label = reader.bytes(length);
    labels.emplace_back(label.begin(), label.end());
  }
  if (reader.ok() && behind) reader.move_to(*behind);
  if (!reader.ok()) labels.clear();
  return labels;
}

std::optional<Name> name_of_labels(const std::vector<std::string>& labels) {
  if (labels.empty() || labels.front().size() != kEncodedName) return std::nullopt;
  Name name;
  for (std::size_t i = 0; i < kEncodedName; ++i) {
    const char half = upper(labels.front()[i]);
    if (half < 'A' || half > 'P') return std::nullopt;
    std::uint8_t& byte = name.bytes[i / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | (half - 'A'));
  }
  for (std::size_t i = 1; i < labels.size(); ++i) {
    if (labels[i].find('.') != std::string::npos) return std::nullopt;
    name.scope += (i == 1 ? "" : ".") + upper(labels[i]);
  }
  return is_scope(name.scope) ? std::optional(std::move(name)) : std::nullopt;
}

Name take_name(Reader& reader) {
  std::optional<Name> name = name_of_labels(take_labels(reader));
  if (!name) reader.fail();
  return reader.ok() ? std::move(*name) : Name{};
}

}  // namespace smb3fuse::nbt
