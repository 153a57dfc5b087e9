// SPDX-License-Identifier: Apache-2.0
#include "fuse/posix_acl_xattr.h"

#include <endian.h>
#include <linux/posix_acl_xattr.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace smb3fuse::fs {
namespace {

using client::PosixAce;
using client::PosixAcl;

constexpr std::uint32_t kNoId = 0xFFFFFFFF;

posix_acl_xattr_entry on_wire(const PosixAce& entry) {
  posix_acl_xattr_entry raw{};
  raw.e_tag = htole16(static_cast<std::uint16_t>(entry.tag));
  raw.e_perm = htole16(entry.permissions);
  raw.e_id = htole32(entry.is_named() ? entry.id : kNoId);
  return raw;
}

std::optional<PosixAce> entry_of(const posix_acl_xattr_entry& raw) {
  const std::uint16_t tag = le16toh(raw.e_tag);
  const std::uint16_t permissions = le16toh(raw.e_perm);
  if (!client::is_posix_tag(tag) || permissions > client::kAllPosixPermissions) return std::nullopt;
  PosixAce entry{static_cast<PosixAce::Tag>(tag), static_cast<std::uint8_t>(permissions)};
  if (!entry.is_named()) return entry;
  entry.id = le32toh(raw.e_id);
  return entry.id == kNoId ? std::nullopt : std::optional(entry);
}

const PosixAce* find(const PosixAcl& acl, PosixAce::Tag tag) {
  const auto found = std::find_if(acl.begin(), acl.end(), [&](const PosixAce& each) { return each.tag == tag; });
  return found == acl.end() ? nullptr : &*found;
}

}  // namespace

std::string xattr_of(const PosixAcl& acl) {
  posix_acl_xattr_header header{};
  header.a_version = htole32(POSIX_ACL_XATTR_VERSION);
  std::string value(reinterpret_cast<const char*>(&header), sizeof header);
  for (const PosixAce& entry : acl) {
    const posix_acl_xattr_entry raw = on_wire(entry);
    value.append(reinterpret_cast<const char*>(&raw), sizeof raw);
  }
  return value;
}

std::optional<PosixAcl> acl_of_xattr(std::string_view value) {
  posix_acl_xattr_header header{};
  if (value.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, value.data(), sizeof header);
  value.remove_prefix(sizeof header);
  if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION) return std::nullopt;
  if (value.size() % sizeof(posix_acl_xattr_entry) != 0) return std::nullopt;
  if (value.size() / sizeof(posix_acl_xattr_entry) > client::kMostPosixAces) return std::nullopt;
  PosixAcl acl;
  for (; !value.empty(); value.remove_prefix(sizeof(posix_acl_xattr_entry))) {
    posix_acl_xattr_entry raw{};
    std::memcpy(&raw, value.data(), sizeof raw);
    const std::optional<PosixAce> entry = entry_of(raw);
    if (!entry) return std::nullopt;
    acl.push_back(*entry);
  }
  return acl;
}

bool is_extended(const PosixAcl& access) {
  return std::any_of(access.begin(), access.end(),
                     [](const PosixAce& entry) { return entry.is_named() || entry.tag == PosixAce::Tag::mask; });
}

mode_t mode_with(const PosixAcl& access) {
  const auto bits = [&](PosixAce::Tag tag) -> mode_t {
    const PosixAce* const entry = find(access, tag);
    return entry == nullptr ? 0 : entry->permissions;
  };
  const bool has_mask = find(access, PosixAce::Tag::mask) != nullptr;
  const mode_t group = bits(has_mask ? PosixAce::Tag::mask : PosixAce::Tag::group_obj);
  return bits(PosixAce::Tag::user_obj) << 6 | group << 3 | bits(PosixAce::Tag::other);
}

PosixAcl without_extension(const PosixAcl& access) {
  const PosixAce* const mask = find(access, PosixAce::Tag::mask);
  PosixAcl rest;
  for (PosixAce entry : access) {
    if (entry.is_named() || entry.tag == PosixAce::Tag::mask) continue;
    if (entry.tag == PosixAce::Tag::group_obj && mask != nullptr) entry.permissions = mask->permissions;
    rest.push_back(entry);
  }
  return rest;
}

}  // namespace smb3fuse::fs
