// SPDX-License-Identifier: Apache-2.0
// What a server tells of a file, in the specification's terms and units, whatever the protocol underneath.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "smb/client/posix_acl.h"

namespace smb3fuse::client {

// [MS-DTYP] 2.3.3 FILETIME: 100 ns since 1601-01-01 UTC; 0 means "not given".
using FileTime = std::int64_t;

// By this machine's clock.
FileTime local_time_now();

// [MS-FSCC] 2.6
namespace file_attribute {
inline constexpr std::uint32_t readonly = 0x0001;
inline constexpr std::uint32_t hidden = 0x0002;
inline constexpr std::uint32_t system = 0x0004;
inline constexpr std::uint32_t directory = 0x0010;
inline constexpr std::uint32_t archive = 0x0020;
inline constexpr std::uint32_t normal = 0x0080;
inline constexpr std::uint32_t sparse_file = 0x0200;
inline constexpr std::uint32_t reparse_point = 0x0400;
inline constexpr std::uint32_t offline = 0x1000;
inline constexpr std::uint32_t recall_on_open = 0x40000;
inline constexpr std::uint32_t recall_on_data_access = 0x400000;
}  // namespace file_attribute

// What servers keep of a file that speak POSIX: beside the rest, and more than it.
struct PosixAttributes {
  std::uint32_t mode = 0;  // as st_mode has it, the kind of the file included
  std::uint32_t uid = 0;   // numbers of the server
  std::uint32_t gid = 0;
  std::uint32_t device_major = 0;  // of what a device file stands for
  std::uint32_t device_minor = 0;

  friend bool operator==(const PosixAttributes&, const PosixAttributes&) = default;
};

struct Attributes {
  std::uint64_t file_id = 0;  // IndexNumber, [MS-FSCC] 2.4.27; 0 where the server has none
  std::uint64_t end_of_file = 0;
  std::uint64_t allocation_size = 0;
  FileTime creation_time = 0;
  FileTime last_access_time = 0;
  FileTime last_write_time = 0;
  FileTime change_time = 0;
  std::uint32_t file_attributes = 0;
  std::uint32_t number_of_links = 0;  // 0: not told (listings and CREATE replies do not)
  std::uint32_t reparse_tag = 0;      // only with file_attribute::reparse_point
  // A symbolic link in a form we follow: a native reparse point, a Minshall+French file, or one by POSIX. Its target,
  // UTF-8, as stored.
  std::optional<std::string> symlink_target;
  std::optional<PosixAttributes> posix;

  bool is_directory() const { return (file_attributes & file_attribute::directory) != 0; }
  bool is_symlink() const { return symlink_target.has_value(); }
};

// What to change; what is absent stays. [MS-FSCC] 2.4.7: an absent time is sent as 0.
struct AttributeChanges {
  std::optional<FileTime> creation_time;
  std::optional<FileTime> last_access_time;
  std::optional<FileTime> last_write_time;
  std::optional<std::uint32_t> file_attributes;
  std::optional<std::uint64_t> end_of_file;
  // Only where the server told PosixAttributes. The mode is without the kind of the file.
  std::optional<std::uint32_t> mode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::optional<PosixAclChange> acl;  // only where Share::has_posix_acls()

  bool touches_basic() const {
    return creation_time || last_access_time || last_write_time || file_attributes.has_value();
  }
  bool touches_posix() const { return mode || uid || gid; }
  bool empty() const { return !touches_basic() && !touches_posix() && !end_of_file && !acl; }
};

struct DirectoryEntry {
  std::string name;  // UTF-8, one path component, mapped characters restored; never "", ".", ".." or with '/' or NUL
  Attributes attributes;
};

struct FileSystemInfo {
  std::uint64_t block_size = 0;  // bytes of an allocation unit
  std::uint64_t total_blocks = 0;
  std::uint64_t free_blocks = 0;       // in all
  std::uint64_t available_blocks = 0;  // to the caller (quota)
  std::uint32_t maximum_name_length = 255;
};

}  // namespace smb3fuse::client
