// SPDX-License-Identifier: Apache-2.0
#include "fuse/kernel_read_ahead.h"

#include <gtest/gtest.h>

#include <sstream>

namespace smb3fuse::fs {
namespace {

// In the form of proc_pid_mountinfo(5).
constexpr const char* kTable =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "36 22 0:31 / /mnt/a rw,relatime - tmpfs tmpfs rw\n"
    "48 36 0:55 / /mnt/a rw,nosuid,nodev,relatime shared:9 master:1 - fuse.smb3fuse //server/share rw,user_id=0\n"
    "49 22 0:56 / /mnt/with\\040space\\134 rw - fuse.smb3fuse //server/share rw\n";

std::optional<std::string> find(const std::string& mountpoint) {
  std::istringstream table(kTable);
  return find_device(table, mountpoint);
}

TEST(ReadAhead, FindsTheDeviceOfWhatWasMountedLast) { EXPECT_EQ(find("/mnt/a"), "0:55"); }

TEST(ReadAhead, ReadsNamesThatTheTableEscapes) { EXPECT_EQ(find("/mnt/with space\\"), "0:56"); }

TEST(ReadAhead, FindsNothingThatIsNotMounted) {
  EXPECT_EQ(find("/mnt"), std::nullopt);
  EXPECT_EQ(find("/mnt/a/b"), std::nullopt);
}

}  // namespace
}  // namespace smb3fuse::fs
