// SPDX-License-Identifier: Apache-2.0
// Access control lists as extended attributes: what is asked of the server and when, what is remembered, and what a
// program that sets one sees.
#include <fcntl.h>
#include <gmock/gmock.h>

#include "fake_kernel.h"
#include "fuse/posix_acl_xattr.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs::test {
namespace {

using client::PosixAcl;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using Tag = client::PosixAce::Tag;

const std::string kAccess(kAccessAclName);
const std::string kDefault(kDefaultAclName);
const PosixAcl kMode = {{Tag::user_obj, 6}, {Tag::group_obj, 4}, {Tag::other, 0}};
const PosixAcl kAcl = {{Tag::user_obj, 6}, {Tag::user, 7, 1001}, {Tag::group_obj, 4}, {Tag::mask, 5}, {Tag::other, 0}};

class VfsAcls : public testing::Test {
 protected:
  explicit VfsAcls(VfsConfig config = {}) : kernel(config) {
    share.is_posix = share.keeps_acls = true;
    kernel.init();
    put("file", kAcl);
    share.put_folder("folder").acls = {kMode, kAcl};
  }
  FakeShare::File& put(const std::string& name, const PosixAcl& acl) {
    FakeShare::File& file = share.put(name);
    file.acls.access = acl;
    file.attributes.change_time = kLongAgo;
    return file;
  }
  NodeId node(const std::string& name) {
    const NodeId id = kernel.lookup(kRootId, name).nodeid;
    share.asked();
    return id;
  }
  std::uint64_t send_get(NodeId id, const std::string& name, std::uint32_t size = 4096) {
    fuse_getxattr_in in{};
    in.size = size;
    return kernel.send(FUSE_GETXATTR, id, raw(in) + named(name));
  }
  Reply get(NodeId id, const std::string& name, std::uint32_t size = 4096) {
    const std::optional<Reply> reply = kernel.answer(send_get(id, name, size), std::chrono::seconds(5));
    EXPECT_TRUE(reply);
    return reply.value_or(Reply{});
  }
  Reply list(NodeId id) {
    fuse_getxattr_in in{};
    in.size = 4096;
    return kernel.ask(FUSE_LISTXATTR, id, raw(in));
  }
  std::uint64_t send_set(NodeId id, const std::string& name, const std::string& value) {
    // As a kernel sends it that was not told of FUSE_SETXATTR_EXT.
    const std::uint32_t in[] = {static_cast<std::uint32_t>(value.size()), 0};
    return kernel.send(FUSE_SETXATTR, id, raw(in) + named(name) + value);
  }
  int set(NodeId id, const std::string& name, const std::string& value) {
    const std::optional<Reply> reply = kernel.answer(send_set(id, name, value), std::chrono::seconds(5));
    EXPECT_TRUE(reply);
    return reply ? reply->error : -1;
  }
  int remove(NodeId id, const std::string& name) { return kernel.ask(FUSE_REMOVEXATTR, id, named(name)).error; }

  static constexpr client::FileTime kLongAgo = 132'000'000'000'000'000;

  FakeKernel kernel;
  FakeShare& share = kernel.share;
};

TEST_F(VfsAcls, AreShownAsTheKernelHasThem) {
  const NodeId file = node("file");
  EXPECT_EQ(get(file, kAccess).body, xattr_of(kAcl));
  EXPECT_EQ(get(file, kAccess, 0).as<fuse_getxattr_out>().size, xattr_of(kAcl).size());
  EXPECT_EQ(get(file, kAccess, 5).error, ERANGE);
  EXPECT_EQ(get(file, kDefault).error, ENODATA);
  const NodeId folder = node("folder");
  EXPECT_EQ(get(folder, kDefault).body, xattr_of(kAcl));
  EXPECT_EQ(get(folder, kAccess).error, ENODATA) << "the mode says it all";
}

TEST_F(VfsAcls, AreListedWhereTheyAre) {
  put("plain", kMode);
  EXPECT_EQ(list(node("file")).body, kAccess + '\0');
  EXPECT_EQ(list(node("folder")).body, kDefault + '\0');
  EXPECT_EQ(list(node("plain")).body, "");
}

TEST_F(VfsAcls, AreAskedForOnceAsLongAsTheTimeOfChangeStandsStill) {
  const NodeId file = node("file");
  get(file, kAccess);
  get(file, kDefault);
  list(file);
  EXPECT_THAT(share.asked(), ElementsAre("acls file"));
  share.tree["file"]->acls.access = kMode;
  share.tree["file"]->attributes.change_time = kLongAgo + 1;
  EXPECT_EQ(get(file, kAccess).body, xattr_of(kAcl));
  kernel.open(file, O_RDONLY);
  EXPECT_EQ(get(file, kAccess).error, ENODATA) << "the open has told of another time";
}

TEST_F(VfsAcls, AreNotAskedForWhereTheServerHasNone) {
  share.keeps_acls = false;
  const NodeId file = node("file");
  EXPECT_EQ(get(file, kAccess).error, EOPNOTSUPP);
  EXPECT_EQ(set(file, kAccess, xattr_of(kAcl)), EOPNOTSUPP);
  EXPECT_EQ(remove(file, kAccess), EOPNOTSUPP);
  EXPECT_EQ(list(file).body, "");
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(VfsAcls, AreNotOfLinks) {
  FakeShare::File& link = put("link", kMode);
  link.attributes.symlink_target = "file";
  link.attributes.posix->mode = S_IFLNK | 0777;
  const NodeId id = node("link");
  EXPECT_EQ(get(id, kAccess).error, EOPNOTSUPP);
  EXPECT_EQ(list(id).body, "");
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(VfsAcls, AreSetAndSeenWithTheModeThatFollows) {
  put("plain", kMode);
  const NodeId plain = node("plain");
  get(plain, kAccess);
  EXPECT_EQ(set(plain, kAccess, xattr_of(kAcl)), 0);
  EXPECT_EQ(share.tree["plain"]->acls.access, kAcl);
  const std::optional<Notification> told = kernel.notification();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->kind, Notification::Kind::invalidate_attributes);
  EXPECT_EQ(told->node, plain);
  share.tree["plain"]->attributes.posix->mode = S_IFREG | 0650;  // as the server does
  EXPECT_EQ(kernel.getattr(plain).mode, S_IFREG | 0650U);
  EXPECT_EQ(get(plain, kAccess).body, xattr_of(kAcl));
}

TEST_F(VfsAcls, AreSetWhenTheKernelHasForgottenTheMode) {
  const NodeId file = node("file");
  kernel.hold_notifications();
  const std::uint64_t setting = send_set(file, kAccess, xattr_of(kMode));
  EXPECT_TRUE(kernel.holds_a_notification());
  EXPECT_FALSE(kernel.answer(setting));
  kernel.release_notifications();
  EXPECT_EQ(kernel.answer(setting, std::chrono::seconds(5))->error, 0);
}

TEST_F(VfsAcls, AreSetForAFolderWithoutWaitingForTheKernel) {
  const NodeId folder = node("folder");
  kernel.hold_notifications();
  EXPECT_EQ(set(folder, kDefault, xattr_of(kMode)), 0) << "the kernel may hold its news back until this is answered";
  EXPECT_EQ(share.tree["folder"]->acls.by_default, kMode);
  EXPECT_EQ(share.tree["folder"]->acls.access, kMode);
  kernel.release_notifications();
}

TEST_F(VfsAcls, AreSetBehindWhatWasWritten) {
  const NodeId file = node("file");
  const std::uint64_t handle = kernel.open(file, O_WRONLY).as<fuse_open_out>().fh;
  kernel.write(file, handle, 0, "HELLO");
  share.asked();
  EXPECT_EQ(set(file, kAccess, xattr_of(kAcl)), 0);
  EXPECT_EQ(share.tree["file"]->acls.access, kAcl);
  EXPECT_THAT(share.asked(), ElementsAre("write", "fset"));
  kernel.write(file, handle, 5, "!");
  EXPECT_EQ(kernel.getattr(file).mode, S_IFREG | 0650U) << "though the server is not asked while it is written";
}

TEST_F(VfsAcls, LeaveTheModeWhenTheyAreRemoved) {
  const NodeId file = node("file");
  EXPECT_EQ(remove(file, kAccess), 0);
  const PosixAcl left = {{Tag::user_obj, 6}, {Tag::group_obj, 5}, {Tag::other, 0}};
  EXPECT_EQ(share.tree["file"]->acls.access, left) << "the mask was what the mode shows of the group";
  share.asked();
  EXPECT_EQ(remove(file, kAccess), 0) << "nothing to remove";
  EXPECT_THAT(share.asked(), testing::Not(testing::Contains("set file")));
  EXPECT_EQ(remove(node("folder"), kDefault), 0);
  EXPECT_THAT(share.tree["folder"]->acls.by_default, IsEmpty());
}

TEST_F(VfsAcls, AreRefusedWhereTheyAreNone) {
  const NodeId file = node("file");
  EXPECT_EQ(set(file, kAccess, "what?"), EINVAL);
  EXPECT_EQ(set(file, kDefault, xattr_of(kAcl)), EACCES) << "of a file";
  EXPECT_EQ(remove(file, kDefault), 0);
  EXPECT_EQ(set(file, "user.any", "value"), EOPNOTSUPP);
  EXPECT_EQ(remove(file, "user.any"), EOPNOTSUPP);
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(VfsAcls, FailAsTheServerSays) {
  const NodeId file = node("file");
  share.tree.erase("file");
  EXPECT_EQ(get(file, kAccess).error, ESTALE);
  EXPECT_EQ(list(file).error, ESTALE);
  EXPECT_EQ(set(file, kAccess, xattr_of(kAcl)), ENOENT);
}

TEST_F(VfsAcls, AskedBeforeOurOwnChangeAreNotRememberedAfterIt) {
  const NodeId file = node("file");
  const std::uint64_t handle = kernel.open(file, O_WRONLY).as<fuse_open_out>().fh;
  share.asked();
  share.hold("facls");
  const std::uint64_t getting = send_get(file, kAccess);
  kernel.settle();
  kernel.write(file, handle, 0, "HELLO");
  share.release();
  EXPECT_TRUE(kernel.answer(getting, std::chrono::seconds(5)));
  get(file, kAccess);
  EXPECT_THAT(share.asked(), testing::Contains("facls").Times(2)) << "through the open";
}

TEST_F(VfsAcls, AreAskedForOnceByAllWhoWait) {
  const NodeId file = node("file");
  share.hold();
  const std::uint64_t getting = send_get(file, kAccess);
  const std::uint64_t again = send_get(file, kAccess);
  kernel.settle();
  EXPECT_THAT(share.asked(), ElementsAre("acls file"));
  share.release();
  EXPECT_EQ(kernel.answer(getting, std::chrono::seconds(5))->body, xattr_of(kAcl));
  EXPECT_EQ(kernel.answer(again, std::chrono::seconds(5))->body, xattr_of(kAcl));
}

class VfsAclsOfMany : public VfsAcls {
 protected:
  VfsAclsOfMany() {
    for (int i = 0; i < kMany; ++i) put(name_of(i), kMode);
    const std::uint64_t handle = kernel.open_directory(kRootId).fh;
    fuse_read_in in{};
    in.fh = handle;
    in.size = 128 * 1024;
    const std::string page = kernel.ask(FUSE_READDIRPLUS, kRootId, raw(in)).body;
    EXPECT_GT(page.size(), kMany * sizeof(fuse_direntplus));
    share.asked();
  }
  static std::string name_of(int i) { return "n" + std::to_string(100 + i); }
  // How often a program that asks for one after another has to wait, if the server answers only then.
  int waits() {
    int waited = 0;
    for (int i = 0; i < kMany; ++i) {
      const NodeId id = kernel.lookup(kRootId, name_of(i)).nodeid;
      share.hold();
      const std::uint64_t asked = send_get(id, kAccess);
      std::optional<Reply> reply = kernel.answer(asked);
      if (!reply) ++waited;
      share.release();
      if (!reply) reply = kernel.answer(asked, std::chrono::seconds(5));
      EXPECT_TRUE(reply && reply->error == ENODATA);
    }
    return waited;
  }

  static constexpr int kMany = 100;
};

TEST_F(VfsAclsOfMany, AreAskedForAheadOfWhoAsksForOneAfterAnother) {
  EXPECT_LE(waits(), 12);
  const std::vector<std::string> asked = share.asked();
  EXPECT_THAT(asked, SizeIs(kMany)) << "each once";
  EXPECT_EQ(waits(), 0);
  EXPECT_THAT(share.asked(), IsEmpty()) << "and no more";
}

}  // namespace
}  // namespace smb3fuse::fs::test
