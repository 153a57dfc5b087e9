// SPDX-License-Identifier: Apache-2.0
// A share that keeps modes and owners: they are shown, and what a program sets of them reaches the server.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include "fake_kernel.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs::test {
namespace {

constexpr std::uint32_t kServerUser = FakeShare::kServerUser;
constexpr std::uint32_t kServerGroup = FakeShare::kServerGroup;

class PosixShare : public testing::Test {
 protected:
  explicit PosixShare(VfsConfig config = {}) : kernel(config) {
    kernel.share.is_posix = true;
    kernel.init();
    kernel.share.put("file", "hello");
  }
  fuse_attr set(NodeId node, const fuse_setattr_in& in) {
    return kernel.ask(FUSE_SETATTR, node, raw(in)).as<fuse_attr_out>().attr;
  }
  fuse_attr set_mode(NodeId node, std::uint32_t mode) {
    fuse_setattr_in in{};
    in.valid = FATTR_MODE;
    in.mode = mode;
    return set(node, in);
  }
  Reply make_node(const std::string& name, std::uint32_t mode, std::uint32_t device = 0) {
    fuse_mknod_in in{};
    in.mode = mode;
    in.rdev = device;
    return kernel.ask(FUSE_MKNOD, kRootId, raw(in) + named(name));
  }
  client::PosixAttributes on_server(const std::string& name) { return *kernel.share.tree.at(name)->attributes.posix; }

  FakeKernel kernel;
};

TEST_F(PosixShare, ShowsModesAndOwnersOfTheServer) {
  const fuse_attr shown = kernel.lookup(kRootId, "file").attr;
  EXPECT_EQ(shown.mode, S_IFREG | 0644U);
  EXPECT_EQ(shown.uid, kServerUser);
  EXPECT_EQ(shown.gid, kServerGroup);
}

TEST_F(PosixShare, CountsTheLinksOfAFolderAsTheServerDoes) {
  kernel.share.put_folder("folder").attributes.number_of_links = 5;
  EXPECT_EQ(kernel.lookup(kRootId, "folder").attr.nlink, 5U);
}

TEST_F(PosixShare, CountsTheFoldersThatItMakesAndRemoves) {
  kernel.share.put_folder("folder").attributes.number_of_links = 2;
  kernel.share.put_folder("other").attributes.number_of_links = 2;
  const NodeId folder = kernel.lookup(kRootId, "folder").nodeid;
  const NodeId other = kernel.lookup(kRootId, "other").nodeid;
  const auto links = [&](NodeId node) { return kernel.getattr(node).nlink; };
  kernel.ask(FUSE_MKDIR, folder, raw(fuse_mkdir_in{}) + named("a"));
  EXPECT_EQ(links(folder), 3U);
  kernel.rename(folder, "a", other, "b");
  EXPECT_EQ(links(folder), 2U);
  EXPECT_EQ(links(other), 3U);
  kernel.ask(FUSE_RMDIR, other, named("b"));
  EXPECT_EQ(links(other), 2U);
}

TEST_F(PosixShare, ChangesAMode) {
  const fuse_entry_out file = kernel.lookup(kRootId, "file");
  EXPECT_EQ(set_mode(file.nodeid, S_IFREG | 04711).mode, S_IFREG | 04711U);
  EXPECT_EQ(on_server("file").mode, S_IFREG | 04711U);
  EXPECT_EQ(kernel.share.tree["file"]->attributes.file_attributes, client::file_attribute::archive)
      << "the read-only attribute is for servers without modes";
}

TEST_F(PosixShare, ChangesAModeOfAFileThatIsWritten) {
  const fuse_entry_out file = kernel.lookup(kRootId, "file");
  const std::uint64_t handle = kernel.open(file.nodeid, O_WRONLY).as<fuse_open_out>().fh;
  kernel.write(file.nodeid, handle, 0, "HELLO");
  set_mode(file.nodeid, 0600);
  EXPECT_EQ(on_server("file").mode, S_IFREG | 0600U) << "at once, so that whoever may not is told";
  EXPECT_EQ(kernel.share.tree["file"]->data, "HELLO") << "and behind what was written";
}

TEST_F(PosixShare, ChangesOwners) {
  const fuse_entry_out file = kernel.lookup(kRootId, "file");
  fuse_setattr_in in{};
  in.valid = FATTR_UID | FATTR_GID;
  in.uid = 8;
  in.gid = 9;
  const fuse_attr shown = set(file.nodeid, in);
  EXPECT_EQ(shown.uid, 8U);
  EXPECT_EQ(shown.gid, 9U);
  EXPECT_EQ(on_server("file").uid, 8U);
  EXPECT_EQ(on_server("file").gid, 9U);
}

TEST_F(PosixShare, AsksAgainForWhatANewOwnerMayHaveCost) {
  const fuse_entry_out file = kernel.lookup(kRootId, "file");
  fuse_setattr_in in{};
  in.valid = FATTR_UID;
  in.uid = 8;
  set(file.nodeid, in);
  kernel.share.tree["file"]->attributes.posix->mode = S_IFREG | 0600;
  EXPECT_EQ(kernel.getattr(file.nodeid).mode, S_IFREG | 0600U);
}

TEST_F(PosixShare, MakesFilesAndFoldersWithTheirModes) {
  kernel.create(kRootId, "new", O_WRONLY, 0751);
  EXPECT_EQ(on_server("new").mode, S_IFREG | 0751U);
  fuse_mkdir_in in{};
  in.mode = 01770;
  kernel.ask(FUSE_MKDIR, kRootId, raw(in) + named("folder"));
  EXPECT_EQ(on_server("folder").mode, S_IFDIR | 01770U);
}

TEST_F(PosixShare, MakesSpecialFiles) {
  const fuse_attr fifo = make_node("fifo", S_IFIFO | 0640).as<fuse_entry_out>().attr;
  EXPECT_EQ(fifo.mode, S_IFIFO | 0640U);
  const auto null = static_cast<std::uint32_t>(makedev(1, 3));
  const fuse_attr device = make_node("null", S_IFCHR | 0666, null).as<fuse_entry_out>().attr;
  EXPECT_EQ(device.mode, S_IFCHR | 0666U);
  EXPECT_EQ(device.rdev, null);
  EXPECT_EQ(on_server("null").device_major, 1U);
  EXPECT_EQ(on_server("null").device_minor, 3U);
}

TEST_F(PosixShare, KeepsWhatIsKnownWhereAnOpenTellsLess) {
  const fuse_entry_out file = kernel.lookup(kRootId, "file");
  kernel.share.tree["file"]->attributes.posix.reset();
  kernel.open(file.nodeid, O_RDONLY);
  EXPECT_EQ(kernel.getattr(file.nodeid).uid, kServerUser);
}

class ForcedOwner : public PosixShare {
 protected:
  static VfsConfig config() {
    VfsConfig config;
    config.presentation.uid = 1;
    config.presentation.gid = 2;
    config.presentation.force_uid = true;
    return config;
  }
  ForcedOwner() : PosixShare(config()) {}
};

TEST_F(ForcedOwner, IsShownInPlaceOfTheServers) {
  const fuse_attr shown = kernel.lookup(kRootId, "file").attr;
  EXPECT_EQ(shown.uid, 1U);
  EXPECT_EQ(shown.gid, kServerGroup) << "which is not forced";
}

TEST(OtherShares, HaveNoSpecialFiles) {
  FakeKernel kernel;
  kernel.init();
  fuse_mknod_in in{};
  in.mode = S_IFIFO | 0600;
  EXPECT_EQ(kernel.ask(FUSE_MKNOD, kRootId, raw(in) + named("fifo")).error, EPERM);
}

TEST(ALinkByPosix, IsNotToldCompletelyWithoutItsTarget) {
  client::Attributes link;
  link.posix = client::PosixAttributes{.mode = S_IFLNK | 0777};
  EXPECT_FALSE(is_told_completely(link));
  link.symlink_target = "there";
  EXPECT_TRUE(is_told_completely(link));
  EXPECT_EQ(kind_of(link), FileKind::symlink);
  client::Attributes file;
  file.posix = client::PosixAttributes{.mode = S_IFREG | 0644};
  file.end_of_file = 1067;
  EXPECT_TRUE(is_told_completely(file)) << "no Minshall+French link where there are real ones";
}

}  // namespace
}  // namespace smb3fuse::fs::test
