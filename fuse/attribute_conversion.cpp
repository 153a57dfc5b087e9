// SPDX-License-Identifier: Apache-2.0
#include "fuse/attribute_conversion.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <limits>

namespace smb3fuse::fs {

namespace {
constexpr std::int64_t kTicksPerSecond = 10'000'000;
constexpr std::int64_t kUnixEpoch = 116'444'736'000'000'000;  // 1970-01-01 as a FILETIME
constexpr mode_t kWriteBits = S_IWUSR | S_IWGRP | S_IWOTH;
constexpr std::uint64_t kStatBlock = 512;

timespec timespec_or(client::FileTime time, client::FileTime otherwise) {
  return timespec_of(time != 0 ? time : otherwise);
}
}  // namespace

FileKind kind_of(const client::Attributes& attributes) {
  if (attributes.is_symlink()) return FileKind::symlink;  // a link to a directory has both attributes
  if (attributes.is_directory()) return FileKind::directory;
  const bool is_special = attributes.posix && !S_ISREG(attributes.posix->mode);
  return is_special ? FileKind::special : FileKind::regular;
}

bool is_told_completely(const client::Attributes& attributes) {
  constexpr std::uint64_t kMinshallFrenchSize = 1067;
  if (attributes.is_symlink()) return true;
  if (attributes.posix) return !S_ISLNK(attributes.posix->mode);
  if ((attributes.file_attributes & client::file_attribute::reparse_point) != 0) return false;
  return attributes.is_directory() || attributes.end_of_file != kMinshallFrenchSize;
}

struct stat stat_of(const client::Attributes& attributes, std::uint64_t inode_number, nlink_t links,
                    const Presentation& presentation) {
  struct stat result {};
  result.st_ino = inode_number;
  result.st_uid = presentation.uid;
  result.st_gid = presentation.gid;
  result.st_blksize = static_cast<blksize_t>(presentation.block_size);
  result.st_nlink = links;
  result.st_size = static_cast<off_t>(attributes.end_of_file);
  result.st_blocks = static_cast<blkcnt_t>((attributes.allocation_size + kStatBlock - 1) / kStatBlock);
  result.st_atim = timespec_or(attributes.last_access_time, attributes.last_write_time);
  result.st_mtim = timespec_of(attributes.last_write_time);
  result.st_ctim = timespec_or(attributes.change_time, attributes.last_write_time);
  switch (kind_of(attributes)) {
    case FileKind::directory:
      result.st_mode = S_IFDIR | presentation.directory_mode;
      break;
    case FileKind::symlink:
      result.st_mode = S_IFLNK | 0777;
      result.st_size = static_cast<off_t>(attributes.symlink_target->size());
      break;
    case FileKind::special:
    case FileKind::regular:
      result.st_mode = S_IFREG | presentation.file_mode;
      if ((attributes.file_attributes & client::file_attribute::readonly) != 0) result.st_mode &= ~kWriteBits;
      break;
  }
  if (const auto& told = attributes.posix) {
    result.st_mode = told->mode;
    if (!presentation.force_uid) result.st_uid = told->uid;
    if (!presentation.force_gid) result.st_gid = told->gid;
    result.st_rdev = makedev(told->device_major, told->device_minor);
  }
  return result;
}

timespec timespec_of(client::FileTime time) {
  if (time == 0) return {0, 0};
  const std::int64_t ticks = time - kUnixEpoch;
  std::int64_t seconds = ticks / kTicksPerSecond;
  std::int64_t rest = ticks % kTicksPerSecond;
  if (rest < 0) {  // before 1970: the nanoseconds still count forwards
    --seconds;
    rest += kTicksPerSecond;
  }
  return {static_cast<time_t>(seconds), static_cast<long>(rest * 100)};
}

client::FileTime file_time_of(const timespec& time) {
  constexpr std::int64_t kFirst = -kUnixEpoch / kTicksPerSecond;
  constexpr std::int64_t kLast = (std::numeric_limits<std::int64_t>::max() - kUnixEpoch) / kTicksPerSecond - 1;
  const std::int64_t seconds = std::clamp<std::int64_t>(time.tv_sec, kFirst, kLast);
  return std::max<std::int64_t>(kUnixEpoch + seconds * kTicksPerSecond + time.tv_nsec / 100, 1);
}

std::string iso8601_of(client::FileTime time) {
  const timespec moment = timespec_of(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:07}Z", fmt::gmtime(moment.tv_sec), moment.tv_nsec / 100);
}

std::uint32_t file_attributes_after_chmod(const client::Attributes& attributes, mode_t mode) {
  namespace bit = client::file_attribute;
  const std::uint32_t before = attributes.file_attributes;
  if (attributes.is_directory()) return before;
  const std::uint32_t after = (mode & kWriteBits) == 0 ? before | bit::readonly : before & ~bit::readonly;
  // [MS-FSCC] 2.6: NORMAL stands alone, and 0 would mean "do not change".
  const std::uint32_t without_normal = after & ~bit::normal;
  return without_normal != 0 ? without_normal : bit::normal;
}

bool name_too_long(const std::string& name) {
  constexpr std::size_t kMaximumUnits = 255;
  if (name.size() <= kMaximumUnits) return false;
  std::size_t units = 0;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) ++units;  // the first byte of a character
    if (byte >= 0xF0) ++units;           // four bytes make a surrogate pair
  }
  return units > kMaximumUnits;
}

}  // namespace smb3fuse::fs
