// SPDX-License-Identifier: Apache-2.0
#include "smb/client/open_terms.h"

#include "smb/crypto/random.h"
#include "smb/wire/dtyp.h"

namespace smb3fuse::client {
namespace {

// All of it ASCII.
constexpr std::string_view kRemovedPrefix = ".smb3fuse_removed_";
// A full stop in front would make it hidden, and Samba 4.17 finds nothing hidden in FileRenameInformation.
constexpr std::string_view kMovingPrefix = "smb3fuse_moving_";

std::u16string name_beside(const std::u16string& path, char16_t separator, std::string_view prefix) {
  const std::size_t parent_end = path.rfind(separator);
  std::u16string name = parent_end == path.npos ? std::u16string() : path.substr(0, parent_end + 1);
  name.append(prefix.begin(), prefix.end());
  constexpr std::u16string_view digits = u"0123456789abcdef";
  for (const std::uint8_t byte : crypto::random_array<8>()) {
    name += digits[byte >> 4];
    name += digits[byte & 15];
  }
  return name;
}

}  // namespace

wire::CreateDisposition on_wire(Disposition disposition) {
  switch (disposition) {
    case Disposition::open:
      return wire::CreateDisposition::open;
    case Disposition::create:
      return wire::CreateDisposition::create;
    case Disposition::open_or_create:
      return wire::CreateDisposition::open_if;
    case Disposition::truncate:
      return wire::CreateDisposition::overwrite;
    case Disposition::truncate_or_create:
      return wire::CreateDisposition::overwrite_if;
  }
  return wire::CreateDisposition::open;
}

std::uint32_t access_of(const OpenRequest& request) {
  std::uint32_t access = wire::FILE_READ_ATTRIBUTES;
  if (request.read) access |= wire::FILE_READ_DATA;
  if (request.write) access |= wire::FILE_WRITE_DATA | wire::FILE_APPEND_DATA | wire::FILE_WRITE_ATTRIBUTES;
  return access;
}

std::uint32_t new_file_attributes(const OpenRequest& request) {
  constexpr std::uint32_t kWriteBits = 0222;
  return (request.create_mode & kWriteBits) == 0 ? wire::FILE_ATTRIBUTE_READONLY : wire::FILE_ATTRIBUTE_NORMAL;
}

std::u16string parent_of(const std::u16string& path, char16_t separator) {
  const std::size_t end = path.rfind(separator);
  return end == path.npos ? std::u16string() : path.substr(0, end);
}

std::u16string removed_name_beside(const std::u16string& path, char16_t separator) {
  return name_beside(path, separator, kRemovedPrefix);
}

std::u16string moving_name_beside(const std::u16string& path, char16_t separator) {
  return name_beside(path, separator, kMovingPrefix);
}

bool is_removed_name(std::string_view name) {
  return name.starts_with(kRemovedPrefix) || name.starts_with(kMovingPrefix);
}

}  // namespace smb3fuse::client
