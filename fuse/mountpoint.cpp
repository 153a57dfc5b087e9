// SPDX-License-Identifier: Apache-2.0
#include "fuse/mountpoint.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "fuse/mount_table.h"

namespace smb3fuse::fs {

namespace {

// What is mounted there last, as far as it is a smb3fuse; from the mount table, because asking the folder itself would
// wait for its server.
std::optional<std::string> mounted_source(const std::string& path) {
  const std::vector<MountEntry> table = read_mount_table();
  const MountEntry* const entry = find_mount(table, path);
  if (entry == nullptr || entry->type != kMountType) return std::nullopt;
  return entry->source;
}

// A daemon that died leaves its mount behind, and every access to it fails.
void take_away(const std::string& path) {
  if (geteuid() == 0) {
    umount2(path.c_str(), MNT_DETACH);
    return;
  }
  const std::array<const char*, 5> command{"fusermount3", "-u", "-z", path.c_str(), nullptr};
  pid_t child = 0;
  if (posix_spawnp(&child, command[0], nullptr, nullptr, const_cast<char* const*>(command.data()), environ) == 0) {
    waitpid(child, nullptr, 0);
  }
}

std::string resolved(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  return real == nullptr ? path : real.get();
}

}  // namespace

std::optional<std::string> check_mountpoint(const std::string& path) {
  struct stat found {};
  int error = stat(path.c_str(), &found) == 0 ? 0 : errno;
  if (error == ENOTCONN && mounted_source(path)) {
    take_away(path);
    error = stat(path.c_str(), &found) == 0 ? 0 : errno;
  }
  if (error == ENOENT) return fmt::format("mount: {} does not exist; make the folder first", path);
  if (error != 0) return fmt::format("mount: {} cannot be used: {}", path, std::strerror(error));
  if (!S_ISDIR(found.st_mode)) return fmt::format("mount: {} is not a folder", path);
  if (const std::optional<std::string> source = mounted_source(resolved(path))) {
    return fmt::format("mount: {} is busy: {} is mounted there already", path, *source);
  }
  if (geteuid() != 0 && access(path.c_str(), W_OK) != 0) {
    return fmt::format("mount: {} is not writable by you, which mounting as an ordinary user needs", path);
  }
  return std::nullopt;
}

}  // namespace smb3fuse::fs
