// SPDX-License-Identifier: Apache-2.0
#include "fuse/mount_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fuse/control_folder.h"
#include "fuse/status_command.h"

namespace smb3fuse::fs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// As Linux 6.1 writes it.
constexpr std::string_view kTable =
    "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"
    "40 22 0:47 / /media/anna/nas rw,nosuid,nodev,relatime shared:9 - fuse.smb3fuse //nas/media "
    "rw,user_id=1000,group_id=1000,allow_other\n"
    "41 22 0:48 / /mnt/two\\040words\\011and\\012a\\134line rw - fuse.smb3fuse //nas/a\\040b rw,user_id=0,group_id=0\n"
    "42 22 0:47 /films /srv/films rw shared:9 master:2 - fuse.smb3fuse //nas/media rw,user_id=1000,group_id=1000\n"
    "43 22 0:50 / /media/anna/photos rw - fuse.sshfs host: rw,user_id=1000,group_id=1000\n"
    "44 22 0:51 / /covered rw - fuse.smb3fuse //nas/x rw,user_id=1000,group_id=1000\n"
    "45 44 0:52 / /covered rw - tmpfs tmpfs rw\n"
    "46 22 0:53 / /named rw - fuse.nas //nas/y rw,user_id=1000,group_id=1000\n"
    "a line that makes no sense\n";

const std::vector<MountEntry>& table() {
  static const std::vector<MountEntry> parsed = parse_mount_table(kTable);
  return parsed;
}

std::string device_of(const std::string& path) {
  const Checked<MountEntry> found = find_asked_mount(table(), path);
  return found ? found->device : found.error().sentence;
}

TEST(MountTable, TellsWhatIsMountedWhereAndByWhom) {
  ASSERT_THAT(table(), SizeIs(8));
  EXPECT_EQ(table()[1].device, "0:47");
  EXPECT_EQ(table()[1].mountpoint, "/media/anna/nas");
  EXPECT_EQ(table()[1].type, "fuse.smb3fuse");
  EXPECT_EQ(table()[1].source, "//nas/media");
  EXPECT_EQ(table()[1].owner, 1000U);
}

TEST(MountTable, KnowsNamesOfAnyBytes) {
  EXPECT_EQ(table()[2].mountpoint, "/mnt/two words\tand\na\\line");
  EXPECT_EQ(table()[2].source, "//nas/a b");
}

TEST(MountTable, FindsTheTopmostMount) {
  EXPECT_EQ(find_mount(table(), "/covered")->type, "tmpfs");
  EXPECT_EQ(find_mount(table(), "/mnt"), nullptr);
}

TEST(MountTable, IsReadFromTheKernel) {
  ASSERT_NE(find_mount(read_mount_table(), "/proc"), nullptr);
  EXPECT_EQ(find_mount(read_mount_table(), "/proc")->type, "proc");
}

TEST(AskedMount, IsFoundAsItIsTyped) {
  for (const char* path : {"/media/anna/nas", "/media/anna/nas/", "/media//anna/./nas"}) {
    EXPECT_EQ(device_of(path), "0:47") << path;
  }
  EXPECT_EQ(device_of("/srv/films"), "0:47") << "bound elsewhere, it is the same";
  EXPECT_EQ(device_of("/mnt/two words\tand\na\\line"), "0:48");
  EXPECT_EQ(device_of("/named"), "0:53") << "the option subtype";
}

TEST(AskedMount, IsExplainedWhenThereIsNone) {
  EXPECT_THAT(device_of("/"), HasSubstr("/ is not mounted by smb3fuse"));
  EXPECT_THAT(device_of("/covered"), HasSubstr("/covered is not mounted by smb3fuse"));
  EXPECT_THAT(device_of("/no/such/place"), HasSubstr("/no/such/place is not mounted by smb3fuse"));
  EXPECT_THAT(device_of("/media/anna/nas/films/x"), HasSubstr("mounted on /media/anna/nas: ask for that"));
}

TEST(MountsOfAUser, AreItsOwnOnceEachAndForRootAll) {
  const auto devices = [](uid_t user) {
    std::vector<std::string> found;
    for (const MountEntry& entry : mounts_of(table(), user)) found.push_back(entry.device);
    return found;
  };
  EXPECT_THAT(devices(1000), ElementsAre("0:47", "0:51"));
  EXPECT_THAT(devices(0), ElementsAre("0:47", "0:48", "0:51"));
  EXPECT_THAT(devices(33), IsEmpty());
}

TEST(ControlFolders, AreThoseOfTheOwner) {
  EXPECT_THAT(control_folders(0), ElementsAre("/run/smb3fuse", "/tmp/smb3fuse-0"));
  EXPECT_THAT(control_folders(4711), ElementsAre("/run/user/4711/smb3fuse", "/tmp/smb3fuse-4711"));
  EXPECT_EQ(control_socket_name("0:47"), "0-47.socket");
}

}  // namespace
}  // namespace smb3fuse::fs
