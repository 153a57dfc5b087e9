// SPDX-License-Identifier: Apache-2.0
// Access control lists as POSIX 1003.1e (draft 17) and acl(5) have them, whatever form a protocol or a kernel gives
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace smb3fuse::client {

struct PosixAce {
  // The numbers that Linux and Samba give them.
  enum class Tag : std::uint8_t {
    user_obj = 0x01,
    user = 0x02,
    group_obj = 0x04,
    group = 0x08,
    mask = 0x10,
    other = 0x20
  };
  Tag tag = Tag::user_obj;
  std::uint8_t permissions = 0;  // 4 read, 2 write, 1 execute
  std::uint32_t id = 0;          // of a user or group, by the server's numbers; 0 with other tags

  bool is_named() const { return tag == Tag::user || tag == Tag::group; }
  friend bool operator==(const PosixAce&, const PosixAce&) = default;
};

using PosixAcl = std::vector<PosixAce>;

// Whether `tag` is one, and alone.
constexpr bool is_posix_tag(std::uint32_t tag) { return tag != 0 && tag <= 0x20 && (tag & (tag - 1)) == 0; }
inline constexpr std::uint8_t kAllPosixPermissions = 7;
// Of one list: more than any file system keeps, and no more than SMB1 carries.
inline constexpr std::size_t kMostPosixAces = 4096;

struct PosixAcls {
  PosixAcl access;      // at least what the mode says
  PosixAcl by_default;  // of a directory, for what is made in it; often empty

  friend bool operator==(const PosixAcls&, const PosixAcls&) = default;
};

// One of the two becomes `acl`; empty, it is removed.
struct PosixAclChange {
  bool is_default = false;
  PosixAcl acl;
};

}  // namespace smb3fuse::client
