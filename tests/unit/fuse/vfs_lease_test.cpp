// SPDX-License-Identifier: Apache-2.0
// What a mount keeps under the rights of leases, in the kernel and in idle opens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "vfs_lease_fixture.h"

namespace smb3fuse::fs::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Notification::Kind;

// ---- how files are opened

TEST_F(VfsLease, OpensThroughThePageCacheUnderTheRightToRead) {
  const NodeId node = known("a", "hello");
  EXPECT_EQ(open(node, O_RDONLY).open_flags, 0U);
  EXPECT_EQ(open(node, O_RDWR).open_flags, std::uint32_t{FOPEN_KEEP_CACHE});
}

TEST_F(VfsLease, OpensPastThePageCacheWithoutARightAndForWhoOnlyWrites) {
  share.rights = kNothing;
  EXPECT_EQ(open(known("a", "hello"), O_RDONLY).open_flags, kDirect);
  share.rights = kAll;
  EXPECT_EQ(open(known("b", "hello"), O_WRONLY).open_flags, kDirect);
}

TEST_F(VfsLease, ReopensWithoutARequestAndKeepsThePages) {
  const NodeId node = idle("a", "hello");
  for (const std::uint32_t flags : {O_RDONLY, O_RDWR}) {
    const fuse_open_out opened = open(node, flags);
    EXPECT_EQ(opened.open_flags, std::uint32_t{FOPEN_KEEP_CACHE});
    EXPECT_EQ(kernel.read(node, opened.fh, 0, 100).body, "hello");
    kernel.flush(node, opened.fh);
    kernel.close_file(node, opened.fh);
  }
  EXPECT_THAT(share.asked(), IsEmpty());
  EXPECT_EQ(share.opens, 1);
}

TEST_F(VfsLease, CountsOpensThatCostNothingAndWhatIsReadOfFilesThatAreGone) {
  const NodeId node = idle("a", "hello");
  const fuse_open_out opened = open(node, O_RDONLY);
  EXPECT_EQ(kernel.read(node, opened.fh, 0, 100).body, "hello");
  VfsStatus status = kernel.vfs.status();
  EXPECT_EQ(status.counts.opens, 2U);
  EXPECT_EQ(status.counts.opens_reused, 1U);
  EXPECT_EQ(status.files_in_use, 1U);
  EXPECT_EQ(status.files_kept, 0U);
  EXPECT_EQ(status.cache_counts.reads_from_memory, 1U) << "it came with the first open";
  kernel.close_file(node, opened.fh);
  EXPECT_EQ(kernel.vfs.status().files_kept, 1U);
  expect_given_up(take_back(kNothing));
  kernel.settle();
  status = kernel.vfs.status();
  EXPECT_EQ(status.files_kept, 0U);
  EXPECT_EQ(status.cache_counts.reads, 1U);
  EXPECT_EQ(status.cache_counts.bytes_read, 5U);

  const KernelStatus asked = kernel.session.status();
  EXPECT_EQ(asked.requests_waiting, 0U);
  const auto opens = std::find_if(asked.operations.begin(), asked.operations.end(),
                                  [](const OperationCount& each) { return each.name == "OPEN"; });
  ASSERT_NE(opens, asked.operations.end());
  EXPECT_EQ(opens->requests, 2U);
}

TEST_F(VfsLease, OpensAnewForWhatTheIdleOpenCannot) {
  const NodeId node = idle("a", "hello", O_RDONLY);
  open(node, O_RDWR);
  EXPECT_THAT(share.asked(), ElementsAre("open a"));
  EXPECT_EQ(share.opens, 2);
}

TEST_F(VfsLease, LooksANameUpAnewWhenAStatFoundAnotherFileThere) {
  const NodeId node = idle("a", "old");
  const fuse_open_out listing = kernel.open_directory(kRootId);
  fuse_read_in in{};
  in.fh = listing.fh;
  in.size = 4096;
  kernel.ask(FUSE_READDIRPLUS, kRootId, raw(in));
  expect_given_up(take_back(kNothing));
  share.put("a", "new");
  EXPECT_EQ(kernel.ask(FUSE_GETATTR, node, raw(fuse_getattr_in{})).error, ESTALE);
  EXPECT_NE(kernel.lookup(kRootId, "a").nodeid, node);
}

TEST_F(VfsLease, DoesNotKeepThePagesOverABreak) {
  const NodeId node = known("a", "old");
  const fuse_open_out first = open(node, O_RDONLY);
  expect_given_up(take_back(kNothing));
  kernel.close_file(node, first.fh);
  change("a", "new and longer");
  const fuse_open_out again = open(node, O_RDONLY);
  EXPECT_EQ(again.open_flags, 0U);
  EXPECT_EQ(getattr(node).attr.size, 14U);
  EXPECT_EQ(kernel.read(node, again.fh, 0, 100).body, "new and longer");
}

TEST_F(VfsLease, KeepsThePagesOverACloseOfItsOwnIfTheFileIsTheSame) {
  const NodeId node = idle("a", "hello", O_RDONLY);
  set_size(node, 5);  // closes what is idle and cannot write
  EXPECT_EQ(share.opens, 0);
  EXPECT_EQ(open(node, O_RDONLY).open_flags, std::uint32_t{FOPEN_KEEP_CACHE});
}

TEST_F(VfsLease, DoesNotKeepThePagesOfAFileThatHasChangedSinceItWasClosed) {
  const NodeId node = idle("a", "hello", O_RDONLY);
  set_size(node, 5);
  change("a", "HELLO");
  EXPECT_EQ(open(node, O_RDONLY).open_flags, 0U);
}

// ---- attributes

TEST_F(VfsLease, TellsAttributesForLongUnderTheRightToReadOnly) {
  const NodeId node = known("a", "hello");
  EXPECT_EQ(getattr(node).attr_valid, 0U);
  open(node, O_RDONLY);
  share.asked();
  EXPECT_GE(getattr(node).attr_valid, 60U);
  usleep(1'100'000);  // longer than without a right
  EXPECT_GE(getattr(node).attr_valid, 60U);
  EXPECT_THAT(share.asked(), IsEmpty());
  take_back(kNothing);
  const fuse_attr_out lost = getattr(node);
  EXPECT_EQ(lost.attr_valid + lost.attr_valid_nsec, 0U);
  EXPECT_THAT(share.asked(), ElementsAre("fstat"));
}

TEST_F(VfsLease, ShowsAnotherTimeAtEachGetattrOnceTheRightIsLost) {
  const NodeId a = known("a", "hello");
  open(a, O_RDONLY);
  take_back(kNothing);
  const NodeId b = known("b", "hello");
  open(b, O_RDONLY);
  take_back(kNothing);
  const fuse_attr before = getattr(a).attr;
  for (int others = 0; others < 99; ++others) getattr(b);
  const fuse_attr after = getattr(a).attr;
  EXPECT_EQ(before.mtime, after.mtime);
  EXPECT_NE(before.mtimensec, after.mtimensec);
  EXPECT_EQ(before.mtimensec / 100, after.mtimensec / 100) << "a difference that SMB has no digits for";
}

TEST_F(VfsLease, ShowsWhatOthersChangedAfterABreak) {
  const NodeId node = known("a", "old");
  const fuse_open_out opened = open(node, O_RDONLY);
  expect_given_up(take_back(kNothing));
  change("a", "new and longer");
  EXPECT_EQ(getattr(node).attr.size, 14U);
  EXPECT_EQ(kernel.read(node, opened.fh, 0, 100).body, "new and longer");
  change("a", "newest");
  usleep(1'100'000);
  EXPECT_EQ(getattr(node).attr.size, 6U);
  EXPECT_EQ(kernel.read(node, opened.fh, 0, 100).body, "newest");
}

// ---- idle files

TEST_F(VfsLease, ClosesWhatIsIdleBeforeItIsRemoved) {
  idle("a", "hello");
  share.hold("remove a");
  kernel.send(FUSE_UNLINK, kRootId, named("a"));
  kernel.settle();
  EXPECT_EQ(share.opens, 0);
  share.release();
  kernel.settle();
  EXPECT_FALSE(share.last_hint.keep_for_opens);
}

TEST_F(VfsLease, ClosesWhatIsIdleWhenItsNameIsGone) {
  idle("a", "hello");
  share.tree.erase("a");  // by another client
  EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named("a")).error, ENOENT);
  EXPECT_EQ(share.opens, 0);
}

TEST_F(VfsLease, ClosesAnIdleTargetBeforeItIsReplaced) {
  idle("a", "old");
  idle("b", "new");
  share.hold("rename b a");
  fuse_rename2_in in{};
  in.newdir = kRootId;
  kernel.send(FUSE_RENAME2, kRootId, raw(in) + named("b") + named("a"));
  kernel.settle();
  EXPECT_EQ(share.opens, 1) << "what moves is kept";
  share.release();
  kernel.settle();
  EXPECT_THAT(share.asked(), ElementsAre("rename b a"));
  const fuse_entry_out entry = kernel.lookup(kRootId, "a");
  share.asked();
  EXPECT_EQ(kernel.read(entry.nodeid, open(entry.nodeid, O_RDONLY).fh, 0, 100).body, "new");
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(VfsLease, ClosesWhatIsIdleBelowADirectoryBeforeThatIsMoved) {
  share.put_folder("d");
  share.put_folder("d/e");
  share.put("d/e/f", "below");
  const NodeId directory = kernel.lookup(kRootId, "d").nodeid;
  const NodeId below = kernel.lookup(kernel.lookup(directory, "e").nodeid, "f").nodeid;
  idle("a", "beside");
  kernel.close_file(below, open(below, O_RDONLY).fh);
  EXPECT_EQ(share.opens, 2);
  share.hold("rename d g");
  fuse_rename2_in in{};
  in.newdir = kRootId;
  kernel.send(FUSE_RENAME2, kRootId, raw(in) + named("d") + named("g"));
  kernel.settle();
  EXPECT_EQ(share.opens, 1);
  share.release();
  kernel.settle();
}

TEST_F(VfsLease, ForgetsWhatItKnewUnderItsRightsWhenItClosesAFile) {
  share.rights = kReadAndHandle;
  const NodeId node = known("a", "hello");
  kernel.close_file(node, open(node, O_RDWR).fh);
  share.asked();
  EXPECT_EQ(share.opens, 0) << "others have it too";
  expect_told(Kind::invalidate_attributes, node);
  change("a", "changed");
  EXPECT_EQ(getattr(node).attr.size, 7U);
  EXPECT_THAT(share.asked(), ElementsAre("stat a"));
}

TEST_F(VfsLease, ClosesIdleFilesAtTheEnd) {
  idle("a", "hello");
  const Reply created = kernel.create(kRootId, "b", O_RDWR);
  kernel.write(created.as<fuse_entry_out>().nodeid, created.as<fuse_open_out>(sizeof(fuse_entry_out)).fh, 0, "dirty");
  kernel.hang_up();
  EXPECT_TRUE(kernel.wait_for([&] { return kernel.ended; }));
  kernel.settle();
  EXPECT_EQ(share.opens, 0);
  EXPECT_EQ(share.tree["b"]->data, "dirty");
}

TEST_F(VfsLease, OpensAndRemovesInAnyOrder) {
  const NodeId node = known("a", "first");
  const fuse_open_out one = open(node, O_RDWR);
  kernel.close_file(node, one.fh);
  const fuse_open_out two = open(node, O_RDONLY);
  EXPECT_EQ(unlink("a").error, 0);
  EXPECT_TRUE(share.last_hint.keep_for_opens);
  EXPECT_EQ(kernel.read(node, two.fh, 0, 100).body, "first");
  const Reply created = kernel.create(kRootId, "a", O_RDWR | O_EXCL);
  const NodeId other = created.as<fuse_entry_out>().nodeid;
  EXPECT_NE(other, node);
  const auto made = created.as<fuse_open_out>(sizeof(fuse_entry_out));
  kernel.write(other, made.fh, 0, "second");
  EXPECT_EQ(kernel.read(node, two.fh, 0, 100).body, "first");
  kernel.close_file(node, two.fh);
  EXPECT_EQ(share.opens, 1) << "the server keeps the removed file, and its folder, until it is closed";
  EXPECT_EQ(kernel.read(other, made.fh, 0, 100).body, "second");
  kernel.flush(other, made.fh);
  kernel.close_file(other, made.fh);
  EXPECT_EQ(share.opens, 1);
  EXPECT_EQ(unlink("a").error, 0);
  EXPECT_FALSE(share.last_hint.keep_for_opens);
  EXPECT_EQ(share.opens, 0);
}

// ---- changes under rights

TEST_F(VfsLease, EmptiesAnIdleFileWithItsOpen) {
  const NodeId node = known("a", "");
  const fuse_open_out first = open(node, O_RDWR);
  kernel.write(node, first.fh, 0, "what was there");
  kernel.flush(node, first.fh);
  kernel.close_file(node, first.fh);
  share.asked();
  const fuse_open_out opened = open(node, O_RDWR | O_TRUNC);
  EXPECT_THAT(share.asked(), ElementsAre("open a"));
  EXPECT_EQ(getattr(node).attr.size, 0U);
  EXPECT_EQ(kernel.read(node, opened.fh, 0, 100).body, "");
  kernel.write(node, opened.fh, 0, "new", O_RDWR);
  EXPECT_EQ(kernel.read(node, opened.fh, 0, 100).body, "new");
  kernel.flush(node, opened.fh);
  EXPECT_EQ(share.tree["a"]->data, "new");
}

TEST_F(VfsLease, EmptiesAnOpenFileBeforeWhatIsWrittenNext) {
  const NodeId node = known("a", "old");
  const fuse_open_out first = open(node, O_RDWR);
  kernel.write(node, first.fh, 0, "dirty", O_RDWR);
  const fuse_open_out second = open(node, O_WRONLY | O_TRUNC);
  kernel.write(node, second.fh, 0, "new");
  EXPECT_EQ(kernel.read(node, first.fh, 0, 100).body, "new");
  kernel.flush(node, second.fh);
  EXPECT_EQ(share.tree["a"]->data, "new");
  EXPECT_EQ(getattr(node).attr.size, 3U);
}

// Somebody else has moved it there, and the kernel takes the name for missing.
TEST_F(VfsLease, EmptiesAnOpenFileInOrderThatIsOpenedToBeMade) {
  const NodeId node = known("a", "old");
  const fuse_open_out first = open(node, O_RDWR);
  kernel.write(node, first.fh, 0, "dirty", O_RDWR);
  const Reply made = kernel.create(kRootId, "a", O_WRONLY | O_TRUNC);
  EXPECT_EQ(made.as<fuse_entry_out>().nodeid, node);
  EXPECT_EQ(kernel.read(node, first.fh, 0, 100).body, "");
  kernel.flush(node, first.fh);
  EXPECT_EQ(share.tree["a"]->data, "");
  EXPECT_EQ(getattr(node).attr.size, 0U);
}

TEST_F(VfsLease, ShowsWhatTheServerHasOnceItIsToldThatAWriteWasRefused) {
  const NodeId node = known("a", "hello");
  const std::uint64_t writer = open(node, O_RDWR).fh;
  kernel.write(node, writer, 0, "jelly and more");
  share.write_refused = make_error_code(NtStatus::STATUS_DISK_FULL);
  EXPECT_EQ(kernel.ask(FUSE_FSYNC, node, raw(fuse_fsync_in{.fh = writer, .fsync_flags = 0, .padding = 0})).error,
            ENOSPC);
  expect_told(Kind::invalidate_data, node);
  EXPECT_EQ(getattr(node).attr.size, 5U);
  EXPECT_EQ(kernel.read(node, writer, 0, 100).body, "hello");
  share.write_refused = {};
  kernel.close_file(node, writer);
}

TEST_F(VfsLease, TellsEachWriterOnceThatAWriteWasRefused) {
  const NodeId node = known("a", "hello");
  const std::uint64_t first = open(node, O_RDWR).fh;
  const std::uint64_t second = open(node, O_RDWR).fh;
  const std::uint64_t reader = open(node, O_RDONLY).fh;
  kernel.write(node, second, 0, "jelly");
  share.write_refused = make_error_code(NtStatus::STATUS_DISK_FULL);
  const auto flush = [&](std::uint64_t handle) {
    fuse_flush_in in{};
    in.fh = handle;
    return kernel.ask(FUSE_FLUSH, node, raw(in)).error;
  };
  EXPECT_EQ(flush(first), ENOSPC);
  share.write_refused = {};
  EXPECT_EQ(flush(first), 0);
  EXPECT_EQ(flush(reader), 0);
  EXPECT_EQ(flush(second), ENOSPC) << "whose data it was";
  EXPECT_EQ(flush(second), 0);
  for (const std::uint64_t each : {first, second, reader}) kernel.close_file(node, each);
}

TEST_F(VfsLease, AppendsWithoutARequestWhereNobodyElseWrites) {
  const NodeId node = known("log", "one ");
  const fuse_open_out opened = open(node, O_WRONLY | O_APPEND);
  share.asked();
  usleep(5'000);
  kernel.write(node, opened.fh, 0, "two ", O_WRONLY | O_APPEND);  // the kernel's offset may be old
  kernel.write(node, opened.fh, 4, "three", O_WRONLY | O_APPEND);
  EXPECT_THAT(share.asked(), IsEmpty());
  EXPECT_EQ(getattr(node).attr.size, 13U);
  kernel.flush(node, opened.fh);
  EXPECT_EQ(share.tree["log"]->data, "one two three");
}

TEST_F(VfsLease, CutsAnIdleFileThroughItsOpen) {
  const NodeId node = idle("a", "hello");
  EXPECT_EQ(set_size(node, 2).as<fuse_attr_out>().attr.size, 2U);
  EXPECT_THAT(share.asked(), ElementsAre("fset"));
  EXPECT_EQ(share.tree["a"]->data, "he");
  EXPECT_EQ(kernel.read(node, open(node, O_RDONLY).fh, 0, 100).body, "he");
  EXPECT_EQ(set_size(node, 4).as<fuse_attr_out>().attr.size, 4U);
  EXPECT_EQ(kernel.read(node, open(node, O_RDONLY).fh, 0, 100).body, std::string("he\0\0", 4));
}

TEST_F(VfsLease, SetsATimeThatStays) {
  const NodeId node = idle("a", "hello");
  fuse_setattr_in in{};
  in.valid = FATTR_MTIME;
  in.mtime = 1'000'000'000;
  EXPECT_EQ(kernel.ask(FUSE_SETATTR, node, raw(in)).as<fuse_attr_out>().attr.mtime, 1'000'000'000U);
  EXPECT_THAT(share.asked(), ElementsAre("fset"));
  EXPECT_EQ(getattr(node).attr.mtime, 1'000'000'000U);
  EXPECT_THAT(share.asked(), IsEmpty());
  expect_given_up(take_back(kNothing));
  EXPECT_EQ(getattr(node).attr.mtime, 1'000'000'000U);
}

TEST_F(VfsLease, SeesThatANewNameIsOfAFileThatIsOpen) {
  const NodeId node = known("a", "hello");
  const fuse_open_out first = open(node, O_RDWR);
  kernel.write(node, first.fh, 0, "J", O_RDWR);
  share.tree["A"] = share.tree["a"];  // a server that does not tell letters' cases apart
  share.asked();
  const Reply created = kernel.create(kRootId, "A", O_RDWR);
  EXPECT_EQ(created.as<fuse_entry_out>().nodeid, node);
  const auto second = created.as<fuse_open_out>(sizeof(fuse_entry_out));
  EXPECT_EQ(kernel.read(node, second.fh, 0, 100).body, "Jello");
  kernel.write(node, second.fh, 1, "u", O_RDWR);
  EXPECT_EQ(kernel.read(node, first.fh, 0, 100).body, "Jullo");
  EXPECT_EQ(share.leases.size(), 1U) << "one file, one lease";
  kernel.flush(node, second.fh);
  EXPECT_EQ(share.tree["a"]->data, "Jullo");
}

TEST_F(VfsLease, CutsNoOtherFileThatHasTakenOneOfItsNames) {
  const NodeId node = known("a", "hello");
  share.tree["b"] = share.tree["a"];  // a hard link
  EXPECT_EQ(kernel.lookup(kRootId, "b").nodeid, node);
  share.put("b", "another");  // as another client would
  EXPECT_EQ(set_size(node, 2).error, ESTALE);
  EXPECT_EQ(share.tree["b"]->data, "another");
  EXPECT_EQ(kernel.lookup(kRootId, "a").nodeid, node);
  EXPECT_EQ(set_size(node, 2).as<fuse_attr_out>().attr.size, 2U);
  EXPECT_EQ(share.tree["a"]->data, "he");
  EXPECT_EQ(share.opens, 0);
}

TEST_F(VfsLease, EmptiesNoOtherFileThatHasTakenOneOfItsNames) {
  const NodeId node = known("a", "hello");
  share.tree["b"] = share.tree["a"];  // a hard link
  EXPECT_EQ(kernel.lookup(kRootId, "b").nodeid, node);
  share.put("b", "another");  // as another client would
  EXPECT_EQ(kernel.open(node, O_WRONLY | O_TRUNC).error, ESTALE);
  EXPECT_EQ(share.tree["b"]->data, "another");
  EXPECT_EQ(kernel.lookup(kRootId, "a").nodeid, node);
  EXPECT_EQ(kernel.open(node, O_WRONLY | O_TRUNC).error, 0);
  EXPECT_EQ(share.tree["a"]->data, "");
}

}  // namespace
}  // namespace smb3fuse::fs::test
