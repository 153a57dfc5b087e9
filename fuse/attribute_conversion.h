// SPDX-License-Identifier: Apache-2.0
// Between what a server tells of a file and what stat(2) shows. Any thread.
#pragma once

#include <sys/stat.h>
#include <time.h>

#include <cstdint>
#include <string>

#include "smb/client/attributes.h"

namespace smb3fuse::fs {

enum class FileKind : std::uint8_t { regular, directory, symlink, special };

FileKind kind_of(const client::Attributes& attributes);

// Of st_mode, all but the kind.
inline constexpr mode_t kPermissions = 07777;

// False for what listings leave open: where a symbolic link leads, and whether a reparse point, or a regular file of
// exactly the size of a Minshall+French link, is one.
bool is_told_completely(const client::Attributes& attributes);

// What the server does not tell, or is not asked. `force_uid`, `force_gid`: owners are shown so even if it tells them.
struct Presentation {
  uid_t uid = 0;
  gid_t gid = 0;
  bool force_uid = false;
  bool force_gid = false;
  mode_t file_mode = 0755;
  mode_t directory_mode = 0755;
  std::uint32_t block_size = 1024 * 1024;  // st_blksize
};

struct stat stat_of(const client::Attributes& attributes, std::uint64_t inode_number, nlink_t links,
                    const Presentation& presentation);

timespec timespec_of(client::FileTime time);
// Never 0 or less: those mean "do not change" ([MS-FSCC] 2.4.7); years beyond the range become its ends.
client::FileTime file_time_of(const timespec& time);

// "2024-02-29T12:34:56.1234567Z"
std::string iso8601_of(client::FileTime time);

// The attributes after chmod(2): a mode without any w makes a file read-only, nothing else of a mode can be kept. A
// directory's read-only attribute forbids nothing on the servers that have it, so a directory's mode changes nothing.
std::uint32_t file_attributes_after_chmod(const client::Attributes& attributes, mode_t mode);

// Longer than the 255 UTF-16 units that SMB servers' file systems take in one name.
bool name_too_long(const std::string& name);

}  // namespace smb3fuse::fs
