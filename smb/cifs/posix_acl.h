// SPDX-License-Identifier: Apache-2.0
// SMB_QUERY_POSIX_ACL and SMB_SET_POSIX_ACL of the UNIX extensions: both access control lists of a file. What is here
// was compared with messages of smbclient and smbd 4.17.
#pragma once

#include <cstdint>
#include <vector>

#include "smb/wire/codec.h"

namespace smb3fuse::cifs {

struct PosixAce {
  std::uint8_t tag = 0;  // as Linux has it
  std::uint8_t permissions = 0;
  std::uint64_t id = kNoId;  // of a user or group; else without meaning

  static constexpr std::uint64_t kNoId = ~std::uint64_t{0};

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("tag", m.tag);
    a.field("permissions", m.permissions);
    a.field("id", m.id);
  }
};

struct PosixAcls {
  static constexpr std::uint16_t kVersion = 1;
  static constexpr std::uint16_t kNoChange = 0xFFFF;  // a count with which a list stays as it is
  std::uint16_t version = kVersion;
  std::uint16_t number_of_access = 0;
  std::uint16_t number_of_default = 0;
  std::vector<PosixAce> entries;  // of the one, then of the other

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("version", m.version);
    a.field("number_of_access", m.number_of_access);
    a.field("number_of_default", m.number_of_default);
    a.rest_items("entries", m.entries);
  }
};

}  // namespace smb3fuse::cifs
