// SPDX-License-Identifier: Apache-2.0
// What a mount keeps under the rights of leases, in the kernel and in idle opens, and how it gives that up: over raw
// FUSE messages, in front of a server in memory that grants and takes back.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "fake_kernel.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;
using Kind = Notification::Kind;

constexpr client::Rights kAll{.read = true, .write = true, .handle = true};
constexpr client::Rights kReadAndHandle{.read = true, .handle = true};
constexpr client::Rights kNothing{};

constexpr std::uint32_t kDirect = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;

class VfsLease : public testing::Test {
 protected:
  VfsLease() {
    share.rights = kAll;
    kernel.init();
    share.asked();
  }

  // A file that the kernel knows.
  NodeId known(const std::string& name, const std::string& data) {
    share.put(name, data);
    const NodeId node = kernel.lookup(kRootId, name).nodeid;
    share.asked();
    return node;
  }
  fuse_open_out open(NodeId node, std::uint32_t flags) { return kernel.open(node, flags).as<fuse_open_out>(); }
  // Opened and closed again: its open is kept.
  NodeId idle(const std::string& name, const std::string& data, std::uint32_t flags = O_RDWR) {
    const NodeId node = known(name, data);
    kernel.close_file(node, open(node, flags).fh);
    EXPECT_EQ(share.opens, ++idle_opens_);
    share.asked();
    return node;
  }
  fuse_attr_out getattr(NodeId node) {
    return kernel.ask(FUSE_GETATTR, node, raw(fuse_getattr_in{})).as<fuse_attr_out>();
  }
  Reply set_size(NodeId node, std::uint64_t size) {
    fuse_setattr_in in{};
    in.valid = FATTR_SIZE;
    in.size = size;
    return kernel.ask(FUSE_SETATTR, node, raw(in));
  }
  Reply unlink(const std::string& name) { return kernel.ask(FUSE_UNLINK, kRootId, named(name)); }
  // The server takes rights back from the file whose lease was made last.
  std::shared_ptr<bool> take_back(client::Rights left) {
    auto done = std::make_shared<bool>(false);
    share.leases.back()->take_back(left, [done] { *done = true; });
    return done;
  }
  void expect_given_up(const std::shared_ptr<bool>& done) {
    EXPECT_TRUE(kernel.wait_for([&] { return *done; }));
  }
  // The next notification is about that file.
  void expect_told(Kind kind, NodeId node) {
    const std::optional<Notification> told = kernel.notification();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->kind, kind);
    EXPECT_EQ(told->node, node);
  }
  void expect_nothing_told() { EXPECT_FALSE(kernel.notification(50ms)); }
  static std::uint64_t unix_time_of(client::FileTime time) {
    return static_cast<std::uint64_t>(time / 10'000'000) - 11'644'473'600;
  }
  // As another client would.
  void change(const std::string& name, const std::string& data) {
    FakeShare::File& file = *share.tree[name];
    file.data = data;
    file.attributes.end_of_file = data.size();
    file.attributes.last_write_time += 10'000'000;
  }

  FakeKernel kernel;
  FakeShare& share = kernel.share;

 private:
  int idle_opens_ = 0;
};

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
