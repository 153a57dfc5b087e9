// SPDX-License-Identifier: Apache-2.0
#include "fuse/kernel_read_ahead.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "fuse/mount_table.h"

namespace smb3fuse::fs {

namespace {

constexpr int kReadAheadKib = 4096;

}  // namespace

void raise_read_ahead(const std::string& mountpoint) {
  const std::vector<MountEntry> table = read_mount_table();
  const MountEntry* const entry = find_mount(table, mountpoint);
  if (entry == nullptr) {
    spdlog::debug("the mount is not in the mount table: its read-ahead stays as it is");
    return;
  }
  const std::string path = "/sys/class/bdi/" + entry->device + "/read_ahead_kb";
  std::ofstream file(path);
  file << kReadAheadKib << std::flush;
  if (!file) spdlog::debug("{}: {}", path, std::strerror(errno));
}

}  // namespace smb3fuse::fs
