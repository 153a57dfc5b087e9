// SPDX-License-Identifier: Apache-2.0
// What a mount keeps under the rights to folders, in memory and in the kernel, and what goes when somebody changes
// them: over raw FUSE messages, in front of a server in memory that grants, tells and takes back.
#include "fuse/folder_rights.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "fake_kernel.h"

namespace smb3fuse::fs::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;
using namespace std::chrono_literals;
using Action = client::DirectoryRight::Change::Action;
using Right = FakeShare::FakeDirectoryRight;

constexpr auto kValidity = 40ms;  // without a right

VfsConfig with_validity(client::Duration validity) {
  VfsConfig config;
  config.file_attribute_timeout = config.directory_attribute_timeout = validity;
  config.prefetch = false;  // what is listed is what the test lists
  return config;
}

// A folder with a file, another folder and a second file.
class FolderRightsTest : public testing::Test {
 protected:
  explicit FolderRightsTest(client::Duration validity = kValidity) : kernel(with_validity(validity)) {
    share.offers_directory_rights = true;
    share.put_folder("dir");
    share.put("dir/a", "hello");
    share.put("dir/b");
    share.put_folder("dir/sub");
    kernel.init();
    dir = kernel.lookup(kRootId, "dir").nodeid;
    share.asked();
  }
  // Rights are given up at the end.
  ~FolderRightsTest() override { share.release(); }

  // So long that nothing is known any more without a right.
  void grow_old() {
    std::this_thread::sleep_for(kValidity + 10ms);
    kernel.settle();
  }
  std::uint32_t list(NodeId node) {
    const fuse_open_out opened = kernel.open_directory(node);
    fuse_read_in in{};
    in.fh = opened.fh;
    in.size = 65536;
    const Reply page = kernel.ask(FUSE_READDIRPLUS, node, raw(in));
    in.offset = 1000;
    if (!page.body.empty()) kernel.ask(FUSE_READDIRPLUS, node, raw(in));
    kernel.close_file(node, opened.fh, FUSE_RELEASEDIR);
    return opened.open_flags;
  }
  // Listed as often as it takes for a right to be asked for.
  void list_twice(NodeId node) {
    list(node);
    grow_old();
    list(node);
  }
  Right* right_to(const std::string& path) {
    const auto found = std::find_if(share.directory_rights.begin(), share.directory_rights.end(),
                                    [&](const Right* right) { return right->path == path; });
    return found == share.directory_rights.end() ? nullptr : *found;
  }
  // Under a right, with all that is known asked under it, and old.
  Right& hold(NodeId node, const std::string& path) {
    list_twice(node);
    Right* const right = right_to(path);
    if (right == nullptr) {
      ADD_FAILURE() << "no right is asked for to " << path;
      std::abort();
    }
    right->grant();
    kernel.settle();
    grow_old();
    share.asked();
    return *right;
  }
  Right& hold_dir() { return hold(dir, "dir"); }

  static double validity_of(const fuse_entry_out& entry) {
    return static_cast<double>(entry.entry_valid) + static_cast<double>(entry.entry_valid_nsec) * 1e-9;
  }
  fuse_entry_out look_up(const std::string& name) {
    const Reply reply = kernel.ask(FUSE_LOOKUP, dir, named(name));
    return reply.error == 0 ? reply.as<fuse_entry_out>() : fuse_entry_out{};
  }
  int error_of(const std::string& name) { return kernel.ask(FUSE_LOOKUP, dir, named(name)).error; }
  std::vector<std::string> told() {
    std::vector<std::string> all;
    while (const std::optional<Notification> next = kernel.notification(30ms)) {
      using Kind = Notification::Kind;
      const std::string what = next->kind == Kind::invalidate_data         ? "data"
                               : next->kind == Kind::invalidate_attributes ? "attributes"
                               : next->kind == Kind::expire_entry          ? "expire"
                                                                           : "invalidate";
      all.push_back(what + (next->node == dir ? " dir" : " other") + (next->name.empty() ? "" : "/" + next->name));
    }
    return all;
  }

  FakeKernel kernel;
  FakeShare& share = kernel.share;
  NodeId dir = 0;
};

// ---- when they are asked for

TEST_F(FolderRightsTest, AreAskedForWhenAFolderIsListedAgain) {
  list(dir);
  EXPECT_THAT(share.asked(), ElementsAre("list dir"));
  grow_old();
  list(dir);
  EXPECT_THAT(share.asked(), ElementsAre("right dir", "list dir"));
  grow_old();
  list(dir);
  EXPECT_THAT(share.asked(), ElementsAre("list dir")) << "one is enough, and it is not there yet";
  right_to("dir")->grant();
  kernel.settle();
  EXPECT_THAT(share.asked(), ElementsAre("list dir")) << "what was listed before does not hold";
}

class WithoutCaching : public FolderRightsTest {
 protected:
  WithoutCaching() : FolderRightsTest(0ms) {}
};

TEST_F(WithoutCaching, NoneAreAskedFor) {
  list_twice(dir);
  list(dir);
  EXPECT_THAT(share.asked(), Not(Contains("right dir")));
}

TEST_F(FolderRightsTest, AreHeldToSoManyFoldersAtMost) {
  for (int i = 0; i < 140; ++i) share.put_folder("dir/" + std::to_string(i));
  list(dir);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 140; ++i) list(look_up(std::to_string(i)).nodeid);
  }
  EXPECT_THAT(share.directory_rights, AllOf(SizeIs(Le(128U)), SizeIs(testing::Ge(100U))));
  EXPECT_EQ(right_to("dir/0"), nullptr) << "the first goes first";
  EXPECT_NE(right_to("dir/139"), nullptr);
}

// ---- what holds

TEST_F(FolderRightsTest, LookUpsCostNothing) {
  hold_dir();
  const fuse_entry_out file = look_up("a");
  EXPECT_EQ(file.attr.size, 5U);
  EXPECT_GT(validity_of(file), 1) << "the kernel need not ask again";
  EXPECT_EQ(kernel.getattr(file.nodeid).size, 5U);
  EXPECT_EQ(file.attr_valid + file.attr_valid_nsec, 0U) << "nobody tells the kernel when a file was changed";
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(FolderRightsTest, NamesThatAreMissingAreKeptByTheKernel) {
  const fuse_entry_out before = look_up("missing");
  EXPECT_EQ(validity_of(before), 0);
  hold_dir();
  const Reply reply = kernel.ask(FUSE_LOOKUP, dir, named("missing"));
  ASSERT_EQ(reply.error, 0);
  EXPECT_EQ(reply.as<fuse_entry_out>().nodeid, 0U);
  EXPECT_GT(validity_of(reply.as<fuse_entry_out>()), 1);
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(FolderRightsTest, ListingsCostNothingAndAreKeptByTheKernel) {
  EXPECT_EQ(list(dir), 0U);
  hold_dir();
  EXPECT_EQ(list(dir), std::uint32_t{FOPEN_CACHE_DIR}) << "what it has is from before";
  EXPECT_EQ(list(dir), std::uint32_t{FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE});
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(FolderRightsTest, AttributesOfAFolderTakeTheRightToItAndToTheOneThatItIsIn) {
  hold_dir();
  kernel.getattr(dir);
  EXPECT_THAT(share.asked(), ElementsAre("stat dir")) << "somebody may have changed its attributes";
  hold(kRootId, "");
  list(dir);
  right_to("dir")->tell({});  // so that it is listed under both
  list(dir);
  grow_old();
  share.asked();
  kernel.getattr(dir);
  EXPECT_THAT(share.asked(), IsEmpty());
  const NodeId sub = look_up("sub").nodeid;
  EXPECT_THAT(share.asked(), ElementsAre("stat dir/sub")) << "what is made in it changes its times";
  grow_old();
  kernel.getattr(sub);
  EXPECT_THAT(share.asked(), ElementsAre("stat dir/sub"));
}

// ---- what somebody changes

TEST_F(FolderRightsTest, ANameThatSomebodyChangedIsAskedForAgain) {
  Right& right = hold_dir();
  look_up("a");
  look_up("b");
  look_up("new");
  share.put("dir/new");
  share.tree.erase("dir/a");
  EXPECT_TRUE(right.tell({{"new", Action::appeared}, {"a", Action::gone}}));
  EXPECT_THAT(told(), ElementsAre("attributes dir", "invalidate dir/new", "invalidate dir/a"));
  EXPECT_NE(look_up("new").nodeid, 0U);
  EXPECT_EQ(error_of("a"), 0) << "missing under the right, for as long as that";
  EXPECT_THAT(share.asked(), ElementsAre("stat dir/new", "stat dir/a"));
  look_up("b");
  EXPECT_THAT(share.asked(), IsEmpty()) << "the others hold";
  list(dir);
  EXPECT_THAT(share.asked(), ElementsAre("list dir"));
}

TEST_F(FolderRightsTest, AFolderThatSomebodyRemovedIsInNobodysWay) {
  Right& right = hold_dir();
  look_up("sub");
  share.tree.erase("dir/sub");
  right.tell({{"sub", Action::gone}});
  list(dir);
  share.asked();
  look_up("sub");
  EXPECT_EQ(kernel.rename(dir, "a", dir, "sub").error, 0);
  EXPECT_THAT(share.asked(), ElementsAre("rename dir/a dir/sub")) << "it is known to be gone";
}

TEST_F(FolderRightsTest, AFolderThatSomebodyChangedIsExpiredOnly) {
  Right& right = hold_dir();
  look_up("sub");
  right.tell({{"sub", Action::changed}});
  EXPECT_THAT(told(), ElementsAre("attributes dir", "expire dir/sub"));
}

TEST_F(FolderRightsTest, AttributesThatSomebodyChangedAreAskedForAgain) {
  Right& right = hold_dir();
  const NodeId file = look_up("a").nodeid;
  share.tree["dir/a"]->attributes.end_of_file = 77;
  right.tell({{"a", Action::changed}});
  EXPECT_EQ(kernel.getattr(file).size, 77U);
  grow_old();
  share.asked();
  EXPECT_EQ(kernel.getattr(file).size, 77U);
  EXPECT_THAT(share.asked(), IsEmpty()) << "what was asked since holds again";
}

TEST_F(FolderRightsTest, NamesThatMayBeOneToTheServerAreNotMissingAnyMore) {
  Right& right = hold_dir();
  for (const char* name : {"NEW", "caf\xC3\x89", "other"}) look_up(name);
  right.tell({{"new", Action::appeared}});
  EXPECT_THAT(told(), testing::UnorderedElementsAre("attributes dir", "invalidate dir/new", "invalidate dir/NEW",
                                                    "invalidate dir/caf\xC3\x89"));
  kernel.create(dir, "OTHER", O_WRONLY);
  EXPECT_THAT(told(), ElementsAre("invalidate dir/other")) << "by us as well";
}

TEST_F(FolderRightsTest, EverythingIsAskedForAgainWhenAnythingMayHaveChanged) {
  Right& right = hold_dir();
  look_up("a");
  look_up("missing");
  right.tell({});
  const std::vector<std::string> all = told();
  EXPECT_THAT(all, testing::UnorderedElementsAre("attributes dir", "invalidate dir/a", "invalidate dir/b",
                                                 "expire dir/sub", "invalidate dir/missing"));
  EXPECT_EQ(all.front(), "attributes dir");
  share.asked();
  look_up("a");
  EXPECT_THAT(share.asked(), ElementsAre("stat dir/a"));
  list(dir);
  grow_old();
  share.asked();
  look_up("a");
  EXPECT_THAT(share.asked(), IsEmpty()) << "the right goes on";
}

TEST_F(FolderRightsTest, AnAnswerThatNewsHaveOvertakenIsNotKept) {
  Right& right = hold_dir();
  right.tell({{"a", Action::changed}});
  told();
  share.hold();
  const std::uint64_t present = kernel.send(FUSE_LOOKUP, dir, named("a"));
  const std::uint64_t missing = kernel.send(FUSE_LOOKUP, dir, named("A"));  // perhaps the same
  kernel.settle();
  right.tell({{"a", Action::gone}});
  share.release();
  EXPECT_EQ(validity_of(kernel.answer(present, 5s)->as<fuse_entry_out>()), 0);
  EXPECT_EQ(kernel.answer(missing, 5s)->error, ENOENT);
}

// ---- what we change

TEST_F(FolderRightsTest, OurOwnChangesDropNothing) {
  Right& right = hold_dir();
  const auto made = kernel.create(dir, "new", O_WRONLY).as<fuse_entry_out>();
  EXPECT_LE(validity_of(made), 1) << "what is told of it soon may be of another's change";
  right.tell({{"new", Action::appeared}, {"new", Action::changed}});
  kernel.ask(FUSE_UNLINK, dir, named("b"));
  right.tell({{"b", Action::gone}});
  kernel.rename(dir, "a", dir, "c");
  right.tell({{"a", Action::gone}, {"c", Action::appeared}, {"c", Action::changed}});
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(FolderRightsTest, WhatDoesNotFitOurOwnChangeIsAnothers) {
  Right& right = hold_dir();
  kernel.create(dir, "new", O_WRONLY);
  right.tell({{"new", Action::gone}});
  EXPECT_THAT(told(), ElementsAre("attributes dir", "invalidate dir/new"));
  kernel.ask(FUSE_UNLINK, dir, named("b"));
  right.tell({{"b", Action::gone}, {"b", Action::appeared}});
  EXPECT_THAT(told(), ElementsAre("attributes dir", "invalidate dir/b"));
  kernel.create(dir, "b", O_WRONLY);
  kernel.ask(FUSE_UNLINK, dir, named("b"));
  right.tell({{"b", Action::appeared}, {"b", Action::gone}});
  EXPECT_THAT(told(), IsEmpty());
  right.tell({{"b", Action::appeared}});
  EXPECT_THAT(told(), ElementsAre("attributes dir", "invalidate dir/b")) << "once more than we have made it";
}

TEST_F(FolderRightsTest, AreGivenUpBeforeWeRemoveOrMoveAFolder) {
  Right& right = hold_dir();
  const NodeId sub = look_up("sub").nodeid;
  hold(sub, "dir/sub");
  kernel.ask(FUSE_RMDIR, dir, named("sub"));
  EXPECT_THAT(share.asked(), ElementsAre("give up dir/sub", "rmdir dir/sub"));
  share.put_folder("dir/sub");
  right.tell({{"sub", Action::appeared}});
  hold(look_up("sub").nodeid, "dir/sub");
  kernel.rename(kRootId, "dir", kRootId, "moved");
  const std::vector<std::string> asked = share.asked();
  EXPECT_THAT(asked, testing::UnorderedElementsAre("give up dir", "give up dir/sub", "rename dir moved"));
  EXPECT_EQ(asked.back(), "rename dir moved");
}

TEST_F(FolderRightsTest, AreGivenUpWithAFolderThatAnotherHasMoved) {
  hold_dir();
  share.tree["other"] = share.tree["dir"];
  EXPECT_EQ(kernel.lookup(kRootId, "other").nodeid, dir);
  EXPECT_THAT(share.asked(), ElementsAre("stat other", "give up dir"));
}

// ---- when they are lost

TEST_F(FolderRightsTest, TheKernelIsToldInOrderBeforeTheServer) {
  Right& right = hold_dir();
  look_up("a");
  look_up("sub");
  look_up("missing");
  kernel.hold_notifications();
  bool done = false;
  right.lose([&done] { done = true; });
  EXPECT_TRUE(kernel.holds_a_notification());
  EXPECT_FALSE(done);
  kernel.release_notifications();
  EXPECT_TRUE(kernel.wait_for([&done] { return done; }));
  const std::vector<std::string> all = told();
  ASSERT_THAT(all, SizeIs(5));
  EXPECT_EQ(all[0], "attributes dir");
  EXPECT_THAT(all, testing::IsSupersetOf({"expire dir/sub", "invalidate dir/a", "invalidate dir/b"}));
  EXPECT_EQ(all[4], "invalidate dir/missing");
  share.asked();
  look_up("a");
  EXPECT_THAT(share.asked(), ElementsAre("stat dir/a"));
  EXPECT_EQ(error_of("missing"), ENOENT) << "not kept any more";
}

TEST_F(FolderRightsTest, ThatAreNotGrantedHoldNothing) {
  list_twice(dir);
  bool done = false;
  right_to("dir")->lose([&done] { done = true; });
  EXPECT_TRUE(done);
  grow_old();
  share.asked();
  look_up("a");
  EXPECT_THAT(share.asked(), ElementsAre("stat dir/a"));
}

TEST_F(FolderRightsTest, ThatOnlyTellOfChangesAreGivenUp) {
  Right* right = &hold_dir();
  int heard = 0;
  while (right->tell({{"a", Action::changed}})) ASSERT_LT(++heard, 100);
  EXPECT_THAT(share.directory_rights, IsEmpty());
  EXPECT_GT(heard, 1);
}

}  // namespace
}  // namespace smb3fuse::fs::test
