// SPDX-License-Identifier: Apache-2.0
#include "fuse/nodes.h"

#include <gtest/gtest.h>

namespace smb3fuse::fs {
namespace {

using namespace std::chrono_literals;

client::Attributes file(std::uint64_t id) {
  client::Attributes attributes;
  attributes.file_id = id;
  return attributes;
}

client::Attributes folder(std::uint64_t id) {
  client::Attributes attributes = file(id);
  attributes.file_attributes = client::file_attribute::directory;
  return attributes;
}

class NodesTest : public testing::Test {
 protected:
  Node& look_up(Node& parent, const std::string& name, const client::Attributes& attributes) {
    const NodeRef node = nodes.adopt(parent, name, attributes, false);
    nodes.count_lookup(*node);
    return *node;
  }

  Nodes nodes{folder(2), true};
  client::TimePoint now{100s};
};

TEST_F(NodesTest, JoinNamesToPaths) {
  Node& a = look_up(nodes.root(), "a", folder(10));
  Node& b = look_up(a, "b", file(11));
  EXPECT_EQ(nodes.path_of(nodes.root()), "");
  EXPECT_EQ(nodes.path_of(nodes.root(), "x"), "x");
  EXPECT_EQ(nodes.path_of(b), "a/b");
  EXPECT_EQ(nodes.path_of(a, "c"), "a/c");
}

TEST_F(NodesTest, AreForgottenWithTheFoldersThatOnlyTheyKept) {
  Node& a = look_up(nodes.root(), "a", folder(10));
  Node& b = look_up(a, "b", folder(11));
  Node& c = look_up(b, "c", file(12));
  nodes.forget(a.id, 1);
  nodes.forget(b.id, 1);
  EXPECT_EQ(nodes.size(), 4U) << "c still has its path";
  nodes.forget(c.id, 1);
  EXPECT_EQ(nodes.size(), 1U);
}

TEST_F(NodesTest, ForgetAFileWithNamesInFoldersThatOnlyItKept) {
  Node& a = look_up(nodes.root(), "a", folder(10));
  Node& b = look_up(a, "b", folder(11));
  Node& c = look_up(b, "c", file(12));
  look_up(a, "c", file(12));
  nodes.forget(a.id, 1);
  nodes.forget(b.id, 1);
  nodes.forget(c.id, 2);
  EXPECT_EQ(nodes.size(), 1U);
}

TEST_F(NodesTest, AreTheSameForAllNamesOfAHardLink) {
  Node& one = look_up(nodes.root(), "one", file(10));
  Node& two = look_up(nodes.root(), "two", file(10));
  EXPECT_EQ(&one, &two);
  nodes.remove_name(nodes.root(), "two");
  EXPECT_EQ(nodes.path_of(one), "one");
  nodes.remove_name(nodes.root(), "one");
  EXPECT_EQ(nodes.path_of(one), std::nullopt);
}

TEST_F(NodesTest, AreOnesOfTheirOwnForEachNameWithoutFileIds) {
  Nodes plain(folder(0), false);
  const NodeRef one = plain.adopt(plain.root(), "one", file(10), false);
  const NodeRef two = plain.adopt(plain.root(), "two", file(10), false);
  EXPECT_NE(one.pointer(), two.pointer());
  EXPECT_NE(one->inode_number, two->inode_number);
  EXPECT_EQ(plain.inode_number_of(plain.root(), "one", file(10)), one->inode_number);
  const NodeRef again = plain.adopt(plain.root(), "one", file(0), false);
  EXPECT_EQ(again.pointer(), one.pointer());
}

TEST_F(NodesTest, StayTheSameWhenTheServerTellsTheFileIdOnlyLater) {
  Node& made = look_up(nodes.root(), "a", file(0));
  const std::uint64_t number = made.inode_number;
  Node& found = look_up(nodes.root(), "a", file(10));
  EXPECT_EQ(&made, &found);
  nodes.learn(found, file(10), nodes.asked_now(now), 1s);
  EXPECT_EQ(found.inode_number, number);
  EXPECT_EQ(&look_up(nodes.root(), "other", file(10)), &made);
}

TEST_F(NodesTest, AreOthersWhenAFileIdComesBackForAnotherKindOrAnotherLink) {
  Node& was_file = look_up(nodes.root(), "a", file(10));
  Node& is_folder = look_up(nodes.root(), "a", folder(10));
  EXPECT_NE(&was_file, &is_folder);
  client::Attributes link = file(20);
  link.symlink_target = "x";
  Node& to_x = look_up(nodes.root(), "l", link);
  link.symlink_target = "y";
  EXPECT_NE(&to_x, &look_up(nodes.root(), "l", link));
}

TEST_F(NodesTest, AreOthersForAFileThatWeHaveJustMade) {
  Node& removed = look_up(nodes.root(), "a", file(10));
  nodes.remove_name(nodes.root(), "a");
  client::Attributes attributes = file(10);
  attributes.creation_time = 1;
  const NodeRef made = nodes.adopt(nodes.root(), "b", attributes, true);
  EXPECT_NE(&removed, made.pointer());
}

TEST_F(NodesTest, AreTheSameForAFileThatWeHaveMadeAndHeardOfAlready) {
  client::Attributes attributes = file(10);
  attributes.creation_time = 1;
  Node& found = look_up(nodes.root(), "a", attributes);
  const NodeRef made = nodes.adopt(nodes.root(), "a", attributes, true);
  EXPECT_EQ(&found, made.pointer());
}

TEST_F(NodesTest, TakeWhatIsBelowThemAlongWhenRenamed) {
  Node& a = look_up(nodes.root(), "a", folder(10));
  Node& b = look_up(a, "b", folder(11));
  Node& c = look_up(b, "c", file(12));
  Node& d = look_up(nodes.root(), "d", folder(13));
  nodes.rename(nodes.root(), "a", d, "e");
  EXPECT_EQ(nodes.path_of(c), "d/e/b/c");
  EXPECT_FALSE(nodes.pin_child(nodes.root(), "a"));
}

TEST_F(NodesTest, ReplaceTheTargetOfARename) {
  Node& a = look_up(nodes.root(), "a", file(10));
  Node& b = look_up(nodes.root(), "b", file(11));
  nodes.rename(nodes.root(), "a", nodes.root(), "b");
  EXPECT_EQ(nodes.path_of(a), "b");
  EXPECT_EQ(nodes.path_of(b), std::nullopt);
}

TEST_F(NodesTest, FollowAFolderThatTheServerHasMoved) {
  Node& a = look_up(nodes.root(), "a", folder(10));
  Node& c = look_up(a, "c", file(12));
  look_up(nodes.root(), "moved", folder(10));
  EXPECT_EQ(nodes.path_of(c), "moved/c");
  EXPECT_FALSE(nodes.pin_child(nodes.root(), "a"));
}

TEST_F(NodesTest, UseTheNameThatWasConfirmedLast) {
  Node& one = look_up(nodes.root(), "one", file(10));
  look_up(nodes.root(), "two", file(10));
  EXPECT_EQ(nodes.path_of(one), "two");
  look_up(nodes.root(), "one", file(10));
  EXPECT_EQ(nodes.path_of(one), "one");
}

TEST_F(NodesTest, DoNotLearnFromAnswersOlderThanOurOwnChange) {
  Node& a = look_up(nodes.root(), "a", file(10));
  const Asked before = nodes.asked_now(now);
  nodes.note_change(a);
  client::Attributes answer = file(10);
  answer.end_of_file = 5;
  EXPECT_FALSE(nodes.learn(a, answer, before, 1s));
  EXPECT_EQ(a.attributes.end_of_file, 0U);
  EXPECT_TRUE(nodes.learn(a, answer, nodes.asked_now(now), 1s));
  EXPECT_EQ(a.attributes.end_of_file, 5U);
  EXPECT_EQ(a.fresh_until, now + 1s);
}

TEST_F(NodesTest, KeepTheNumberOfLinksWhereAnAnswerDoesNotTellIt) {
  Node& a = look_up(nodes.root(), "a", file(10));
  client::Attributes answer = file(10);
  answer.number_of_links = 3;
  nodes.learn(a, answer, nodes.asked_now(now), 1s);
  nodes.learn(a, file(10), nodes.asked_now(now), 1s);
  EXPECT_EQ(a.attributes.number_of_links, 3U);
}

TEST_F(NodesTest, AreKeptWhileTheyArePinned) {
  NodeRef pinned = nodes.adopt(nodes.root(), "a", file(10), false);
  EXPECT_EQ(nodes.size(), 2U);
  pinned = NodeRef();
  EXPECT_EQ(nodes.size(), 1U);
}

client::Attributes posix_file(std::uint64_t id, client::FileTime change_time) {
  client::Attributes attributes = file(id);
  attributes.change_time = change_time;
  attributes.posix.emplace();
  return attributes;
}

// By POSIX there is no time of creation that would tell.
TEST_F(NodesTest, AreOthersWhenANewFileHasTheNumberOfOneThatIsGone) {
  const client::Attributes told = posix_file(10, 500);
  Node& before = look_up(nodes.root(), "a", told);
  EXPECT_EQ(nodes.adopt(nodes.root(), "a", told, true).pointer(), &before) << "told of by an answer that overtook";
  EXPECT_NE(nodes.adopt(nodes.root(), "b", posix_file(10, 501), true).pointer(), &before)
      << "another client removed it";

  Node& removed = look_up(nodes.root(), "c", posix_file(11, 500));
  nodes.remove_name(nodes.root(), "c");
  EXPECT_NE(nodes.adopt(nodes.root(), "c", posix_file(11, 400), true).pointer(), &removed) << "we removed it";
}

TEST_F(NodesTest, KeepWhatAnAnswerDoesNotTell) {
  Node& node = look_up(nodes.root(), "a", posix_file(10, 500));
  EXPECT_TRUE(nodes.learn(node, file(0), nodes.asked_now(now), 1s));
  EXPECT_TRUE(node.attributes.posix);
  EXPECT_EQ(node.attributes.file_id, 10u);
}

}  // namespace
}  // namespace smb3fuse::fs
