// SPDX-License-Identifier: Apache-2.0
// What is mounted, from the kernel's table: looking there asks nothing of a server that may hang. Any thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smb3fuse::fs {

// Of ours, unless the option subtype says otherwise.
inline constexpr std::string_view kMountType = "fuse.smb3fuse";

struct MountEntry {
  std::string device;      // "0:47": one for each mounted file system, wherever it is moved or bound to
  std::string mountpoint;  // every byte of it, spaces and newlines included
  std::string type;        // "ext4"
  std::string source;
  uid_t owner = 0;  // of a FUSE file system: who mounted it
};

// proc(5), /proc/pid/mountinfo. Lines that make no sense are left out.
std::vector<MountEntry> parse_mount_table(std::string_view text);
std::vector<MountEntry> read_mount_table();

// The topmost one at that path. Null: none.
const MountEntry* find_mount(const std::vector<MountEntry>& table, std::string_view mountpoint);

}  // namespace smb3fuse::fs
