// SPDX-License-Identifier: Apache-2.0
// How a mount gives up what it keeps under rights: when the server takes them back, and when the connection is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vfs_lease_fixture.h"

namespace smb3fuse::fs::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;
using Kind = Notification::Kind;

// ---- breaks

TEST_F(VfsLease, ShowsWhatOthersDidToAFileThatWasWrittenAndNotClosed) {
  share.rights = kReadAndHandle;
  const NodeId node = known("a", "hello");
  const fuse_open_out opened = open(node, O_RDWR);
  kernel.write(node, opened.fh, 0, "hello and more");
  ASSERT_TRUE(kernel.wait_for([this] { return share.tree["a"]->data == "hello and more"; }));
  kernel.settle();
  expect_given_up(take_back(kNothing));
  change("a", "cut");
  EXPECT_EQ(getattr(node).attr.size, 3U);
}

TEST_F(VfsLease, LetsTheKernelDropItsDataBeforeItGivesUpTheRightToRead) {
  const NodeId node = known("a", "hello");
  open(node, O_RDONLY);
  kernel.hold_notifications();
  const auto done = take_back(kNothing);
  EXPECT_TRUE(kernel.holds_a_notification());
  EXPECT_FALSE(*done);
  kernel.release_notifications();
  expect_given_up(done);
  expect_told(Kind::invalidate_data, node);
}

TEST_F(VfsLease, KeepsWhatWasReadWhenOnlyTheRightToWriteGoes) {
  const NodeId node = known("a", "hello");
  const fuse_open_out opened = open(node, O_RDWR);
  kernel.write(node, opened.fh, 0, "J");
  const auto done = take_back(kReadAndHandle);
  expect_given_up(done);
  EXPECT_EQ(share.tree["a"]->data, "Jello");
  expect_nothing_told();
  EXPECT_EQ(open(node, O_RDONLY).open_flags, std::uint32_t{FOPEN_KEEP_CACHE});
  kernel.flush(node, opened.fh);
  EXPECT_GE(getattr(node).attr_valid, 60U);
}

TEST_F(VfsLease, ClosesAnIdleFileAndDropsItsAttributesWhenAnyRightGoes) {
  const NodeId node = idle("a", "hello");
  const auto done = take_back(kReadAndHandle);
  expect_given_up(done);
  EXPECT_EQ(share.opens, 0);
  expect_told(Kind::invalidate_attributes, node);
  change("a", "changed");
  EXPECT_EQ(getattr(node).attr.size, 7U);
}

TEST_F(VfsLease, InvalidatesAgainAfterAWriteThatWasUnderWayWhenTheRightWasLost) {
  share.rights = kReadAndHandle;
  const NodeId node = known("a", "hello");
  const fuse_open_out opened = open(node, O_RDWR | O_APPEND);
  usleep(5'000);  // an append at once after the open need not ask where the file ends
  share.hold("fstat");
  fuse_write_in in{};
  in.fh = opened.fh;
  in.offset = 5;
  in.size = 1;
  in.flags = O_RDWR | O_APPEND;
  const std::uint64_t writing = kernel.send(FUSE_WRITE, node, raw(in) + "!");
  EXPECT_FALSE(kernel.answer(writing));
  expect_given_up(take_back(kNothing));
  expect_told(Kind::invalidate_data, node);
  share.release();
  const std::optional<Reply> written = kernel.answer(writing, 5s);
  ASSERT_TRUE(written);
  EXPECT_EQ(written->error, 0);
  expect_told(Kind::invalidate_data, node);
  EXPECT_EQ(share.tree["a"]->data, "hello!");
}

TEST_F(VfsLease, WritesWhatIsDirtyBeforeItGivesUpTheRightToWrite) {
  const Reply created = kernel.create(kRootId, "a", O_RDWR);
  const NodeId node = created.as<fuse_entry_out>().nodeid;
  kernel.write(node, created.as<fuse_open_out>(sizeof(fuse_entry_out)).fh, 0, "dirty");
  EXPECT_EQ(share.tree["a"]->data, "");
  expect_given_up(take_back(kNothing));
  EXPECT_EQ(share.tree["a"]->data, "dirty");
}

TEST_F(VfsLease, HasTheKernelDropThePagesThatAHandleWritesPast) {
  const NodeId node = known("a", "hello");
  const fuse_open_out writer = open(node, O_WRONLY);
  kernel.write(node, writer.fh, 0, "J");
  expect_nothing_told();
  const fuse_open_out reader = open(node, O_RDWR);
  kernel.write(node, reader.fh, 1, "E");
  expect_nothing_told();
  kernel.write(node, writer.fh, 2, "L");
  expect_told(Kind::invalidate_data, node);
  kernel.close_file(node, reader.fh);
  kernel.write(node, writer.fh, 3, "L");
  expect_nothing_told();
}

TEST_F(VfsLease, ForgetsWhatAnOpenBroughtOfAFileThatAnotherOneEmpties) {
  const NodeId node = known("a", "hello");
  share.hold();
  fuse_open_in in{};
  const std::uint64_t reading = kernel.send(FUSE_OPEN, node, raw(in));
  in.flags = O_RDWR | O_TRUNC | O_APPEND;
  const std::uint64_t emptying = kernel.send(FUSE_OPEN, node, raw(in));
  kernel.settle();
  share.release();
  ASSERT_TRUE(kernel.answer(reading, 5s));
  const std::optional<Reply> emptied = kernel.answer(emptying, 5s);
  ASSERT_TRUE(emptied);
  fuse_write_in line{};
  line.fh = emptied->as<fuse_open_out>().fh;
  line.size = 6;
  line.flags = in.flags;
  kernel.ask(FUSE_WRITE, node, raw(line) + "a line");
  EXPECT_EQ(kernel.read(node, line.fh, 0, 100).body, "a line");
}

TEST_F(VfsLease, ShowsWhatOthersDidBeforeAnOpenThatAWriteOvertook) {
  share.rights = kNothing;
  const NodeId node = known("a", "hello");
  const fuse_open_out writer = open(node, O_RDWR);
  change("a", "hello and more");
  share.hold("open a");
  const std::uint64_t opening = kernel.send(FUSE_OPEN, node, raw(fuse_open_in{}));
  kernel.settle();
  kernel.write(node, writer.fh, 0, "J");
  share.release();
  ASSERT_TRUE(kernel.answer(opening, 5s));
  EXPECT_EQ(getattr(node).attr.size, 14U);
}

TEST_F(VfsLease, AsksAfterAFlushForWhatWasNotKnownUnderTheRight) {
  share.rights = kNothing;
  const NodeId node = known("a", "hello and more");
  const fuse_open_out writer = open(node, O_RDWR);
  change("a", "hello");
  share.rights = kReadAndHandle;
  share.hold();
  kernel.write(node, writer.fh, 0, "J");
  const std::uint64_t opening = kernel.send(FUSE_OPEN, node, raw(fuse_open_in{}));
  ASSERT_TRUE(kernel.wait_for([this] { return share.tree["a"]->data == "Jello"; }));
  share.release();
  ASSERT_TRUE(kernel.answer(opening, 5s));
  kernel.flush(node, writer.fh);
  EXPECT_EQ(getattr(node).attr.size, 5U);
}

TEST_F(VfsLease, ShowsTheTimeOfWritingThatWasToldWithABreak) {
  const NodeId node = known("a", "old");
  share.tree["a"]->attributes.last_write_time -= 600'000'000;  // a minute ago
  const fuse_open_out opened = open(node, O_RDWR);
  kernel.write(node, opened.fh, 0, "new", O_RDWR);
  expect_given_up(take_back(kNothing));
  kernel.flush(node, opened.fh);
  kernel.close_file(node, opened.fh);
  const fuse_attr shown = getattr(node).attr;
  EXPECT_EQ(shown.mtime, unix_time_of(share.tree["a"]->attributes.last_write_time));
  EXPECT_EQ(shown.mtime, unix_time_of(share.now()));
}

// ---- when the connection is lost

TEST_F(VfsLease, GivesUpIdleOpensWithTheConnection) {
  const NodeId node = idle("a", "hello");
  share.lose_connection();
  EXPECT_TRUE(kernel.wait_for([&] { return share.opens == 0; }));
  change("a", "howdy");
  EXPECT_EQ(kernel.read(node, open(node, O_RDONLY).fh, 0, 100).body, "howdy");
  EXPECT_THAT(share.asked(), ElementsAre("open a"));
}

TEST_F(VfsLease, OpensAnewWhatOthersHadOpenWhenTheConnectionWasLost) {
  const NodeId node = known("a", "hello");
  const fuse_open_out lost = open(node, O_RDWR);
  kernel.write(node, lost.fh, 0, "J", O_RDWR);
  share.lose_connection();
  change("a", "howdy");
  EXPECT_EQ(kernel.read(node, lost.fh, 0, 100).error, EHOSTDOWN) << "its locks are gone, and who knows who wrote since";
  EXPECT_EQ(kernel.flush(node, lost.fh).error, EHOSTDOWN) << "what it wrote is not on the server";
  EXPECT_EQ(getattr(node).attr.size, 5U);
  const fuse_open_out anew = open(node, O_RDWR);
  EXPECT_EQ(kernel.read(node, anew.fh, 0, 100).body, "howdy");
  kernel.write(node, anew.fh, 0, "r", O_RDWR);
  EXPECT_EQ(kernel.flush(node, anew.fh).error, 0);
  EXPECT_EQ(share.tree["a"]->data, "rowdy");
  EXPECT_EQ(kernel.read(node, lost.fh, 0, 100).error, EHOSTDOWN);
  kernel.close_file(node, lost.fh);
  EXPECT_EQ(kernel.read(node, anew.fh, 0, 100).body, "rowdy");
  EXPECT_EQ(unlink("a").error, 0);
  EXPECT_TRUE(share.last_hint.keep_for_opens) << "of the one that lives";
}

}  // namespace
}  // namespace smb3fuse::fs::test
