// SPDX-License-Identifier: Apache-2.0
// The state of a mount, as its daemon tells it in JSON and as people read it. smb3fuse(8) documents every field: none
// is renamed or removed, and what is shown to people is made from them. Pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuse/kernel_status.h"
#include "fuse/vfs_status.h"
#include "smb/client/share_status.h"

namespace smb3fuse::fs {

struct MountStatus {
  std::string source;  // "//nas/media"
  std::string mountpoint;
  std::string version;
  pid_t pid = 0;
  std::int64_t now = 0;  // seconds since 1970
  client::ShareStatus share;
  VfsStatus vfs;
  KernelStatus kernel;
};

// One JSON object.
std::string to_json(const MountStatus& status);

// What is known of one mount: what its daemon has told, or why that is not known.
struct MountReport {
  std::string mountpoint;  // where it is now
  std::string json;
  std::string error;
};

// For people; nothing if `json` is not what to_json() makes.
std::optional<std::string> to_text(const MountReport& report);
// The object itself, indented, with the place where the mount is now; an object with "mountpoint" and "error" if it is
// not known.
std::string to_json(const MountReport& report);
// An array of such objects.
std::string to_json(const std::vector<MountReport>& reports);

}  // namespace smb3fuse::fs
