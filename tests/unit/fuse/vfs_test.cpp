// SPDX-License-Identifier: Apache-2.0
// The file system as the kernel sees it, over raw FUSE messages, in front of a server in memory.
#include "fuse/vfs.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/falloc.h>
#include <linux/fs.h>

#include "fake_kernel.h"

namespace smb3fuse::fs::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

class VfsTest : public testing::Test {
 protected:
  VfsTest() {
    kernel.init();
    share.asked();
  }

  struct Listed {
    std::string name;
    std::uint64_t node;  // 0: told without attributes
    std::uint64_t next;
  };
  std::vector<Listed> list(std::uint64_t handle, std::uint64_t offset, std::uint32_t size = 4096) {
    fuse_read_in in{};
    in.fh = handle;
    in.offset = offset;
    in.size = size;
    const Reply reply = kernel.ask(FUSE_READDIRPLUS, kRootId, raw(in));
    EXPECT_EQ(reply.error, 0);
    std::vector<Listed> entries;
    for (std::size_t at = 0; at < reply.body.size();) {
      const auto entry = reply.as<fuse_direntplus>(at);
      entries.push_back({reply.body.substr(at + FUSE_NAME_OFFSET_DIRENTPLUS, entry.dirent.namelen),
                         entry.entry_out.nodeid, entry.dirent.off});
      at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + entry.dirent.namelen);
    }
    return entries;
  }
  static std::vector<std::string> names_of(const std::vector<Listed>& entries) {
    std::vector<std::string> names;
    for (const Listed& entry : entries) names.push_back(entry.name);
    return names;
  }
  std::uint64_t open_directory() { return kernel.open_directory(kRootId).fh; }
  Reply set(NodeId node, fuse_setattr_in in) { return kernel.ask(FUSE_SETATTR, node, raw(in)); }
  std::uint64_t open(NodeId node, std::uint32_t flags) { return kernel.open(node, flags).as<fuse_open_out>().fh; }

  FakeKernel kernel;
  FakeShare& share = kernel.share;
};

TEST(Session, AsksTheKernelForWhatTheCachesNeed) {
  FakeKernel kernel;
  const fuse_init_out out = kernel.init();
  constexpr std::uint32_t kWanted = FUSE_ASYNC_READ | FUSE_AUTO_INVAL_DATA | FUSE_PARALLEL_DIROPS |
                                    FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ATOMIC_O_TRUNC |
                                    FUSE_CACHE_SYMLINKS | FUSE_HANDLE_KILLPRIV_V2 | FUSE_INIT_EXT;
  EXPECT_EQ(out.flags & kWanted, kWanted);
  EXPECT_EQ(out.flags & FUSE_WRITEBACK_CACHE, 0U);
  EXPECT_EQ(out.flags2, kDirectIoAllowMmap2);
  EXPECT_EQ(out.max_write, 1024U * 1024);
  EXPECT_EQ(out.max_background, 128);
  EXPECT_EQ(out.congestion_threshold, 96);
}

TEST(Session, TakesNothingThatTheKernelDoesNotOffer) {
  FakeKernel kernel;
  const fuse_init_out out = kernel.init(0);
  EXPECT_EQ(out.flags2, 0U);
}

TEST(Session, WritesWhatIsUnwrittenWhenTheMountGoes) {
  FakeKernel kernel;
  kernel.init();
  const Reply created = kernel.create(kRootId, "a", O_WRONLY);
  const auto node = created.as<fuse_entry_out>().nodeid;
  kernel.write(node, created.as<fuse_open_out>(sizeof(fuse_entry_out)).fh, 0, "data");
  kernel.hang_up();
  for (int i = 0; i < 1000 && !kernel.ended; ++i) kernel.settle();
  EXPECT_TRUE(kernel.ended);
  EXPECT_EQ(kernel.share.tree["a"]->data, "data");
  kernel.settle();
  EXPECT_EQ(kernel.share.opens, 0);
}

TEST_F(VfsTest, AnswersAStatAfterALookupFromMemory) {
  share.put("a", "hello");
  const fuse_entry_out entry = kernel.lookup(kRootId, "a");
  EXPECT_EQ(entry.attr.size, 5U);
  EXPECT_EQ(entry.attr.ino, share.tree["a"]->attributes.file_id);
  EXPECT_EQ(entry.attr_valid + entry.attr_valid_nsec, 0U) << "the kernel asks for each stat of a file";
  EXPECT_GT(entry.entry_valid + entry.entry_valid_nsec, 0U);
  EXPECT_EQ(kernel.getattr(entry.nodeid).size, 5U);
  EXPECT_THAT(share.asked(), ElementsAre("stat a"));
}

TEST_F(VfsTest, ReadsASmallFileInTheRoundTripOfItsOpen) {
  share.put("a", "hello");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  share.asked();
  const auto opened = kernel.open(node, O_RDONLY).as<fuse_open_out>();
  EXPECT_EQ(opened.open_flags, FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES);
  EXPECT_EQ(kernel.read(node, opened.fh, 0, 100).body, "hello");
  EXPECT_EQ(kernel.flush(node, opened.fh).error, 0);
  EXPECT_EQ(kernel.close_file(node, opened.fh).error, 0);
  EXPECT_THAT(share.asked(), ElementsAre("open a"));
  EXPECT_EQ(share.opens, 0);
}

TEST_F(VfsTest, ShowsTheAttributesThatTheOpenBrought) {
  share.put("a", "hello");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  FakeShare::File& file = *share.tree["a"];
  file.data += " again";
  file.attributes.end_of_file = file.data.size();
  open(node, O_RDONLY);
  share.asked();
  EXPECT_EQ(kernel.getattr(node).size, 11U);
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(VfsTest, CreatesAndWritesAFile) {
  const Reply created = kernel.create(kRootId, "a", O_WRONLY | O_EXCL);
  const NodeId node = created.as<fuse_entry_out>().nodeid;
  const auto opened = created.as<fuse_open_out>(sizeof(fuse_entry_out));
  EXPECT_THAT(share.asked(), ElementsAre("open a"));
  EXPECT_EQ(share.last_open.disposition, client::Disposition::create);
  EXPECT_EQ(kernel.write(node, opened.fh, 0, "hello").as<fuse_write_out>().size, 5U);
  EXPECT_EQ(kernel.getattr(node).size, 5U) << "what is not sent yet is seen";
  EXPECT_EQ(kernel.flush(node, opened.fh).error, 0);
  EXPECT_EQ(share.tree["a"]->data, "hello");
  kernel.close_file(node, opened.fh);
  EXPECT_EQ(kernel.getattr(node).size, 5U);
}

TEST_F(VfsTest, KeepsTheBytesOfALargeWrite) {
  const Reply created = kernel.create(kRootId, "a", O_WRONLY);
  const NodeId node = created.as<fuse_entry_out>().nodeid;
  const auto handle = created.as<fuse_open_out>(sizeof(fuse_entry_out)).fh;
  const std::string first(150'000, 'x');
  const std::string second(150'000, 'y');  // must not be received over the first
  kernel.write(node, handle, 0, first);
  kernel.write(node, handle, first.size(), second);
  kernel.flush(node, handle);
  EXPECT_EQ(share.tree["a"]->data, first + second);
}

TEST_F(VfsTest, RefusesToCreateWhatExists) {
  share.put("a");
  EXPECT_EQ(kernel.create(kRootId, "a", O_WRONLY | O_EXCL).error, EEXIST);
}

TEST_F(VfsTest, AppendsAtTheServersEndOfFile) {
  share.put("a", "12345");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  const std::uint64_t handle = open(node, O_WRONLY | O_APPEND);
  EXPECT_EQ(kernel.write(node, handle, 0, "67", O_WRONLY | O_APPEND).error, 0);
  EXPECT_EQ(kernel.flush(node, handle).error, 0);
  EXPECT_EQ(share.tree["a"]->data, "1234567");
  EXPECT_EQ(kernel.getattr(node).size, 7U);
}

TEST_F(VfsTest, EmptiesAFileInOrderWithWhatOtherHandlesWrote) {
  share.put("a", "12345");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  const std::uint64_t first = open(node, O_WRONLY);
  kernel.write(node, first, 0, "abc");
  open(node, O_WRONLY | O_TRUNC);
  EXPECT_EQ(kernel.getattr(node).size, 0U);
  kernel.flush(node, first);
  EXPECT_EQ(share.tree["a"]->data, "");
}

TEST_F(VfsTest, SaysEstaleWhenAnotherFileIsFoundAtTheName) {
  share.put("a", "old");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  share.put("a", "new");
  EXPECT_EQ(kernel.open(node, O_RDONLY).error, ESTALE);
  EXPECT_NE(kernel.lookup(kRootId, "a").nodeid, node);
  kernel.settle();
  EXPECT_EQ(share.opens, 0);
}

TEST_F(VfsTest, SaysEstaleWhenNoFileIsFoundAtTheNameSoThatItIsMade) {
  share.put("a", "old");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  share.tree.erase("a");
  EXPECT_EQ(kernel.open(node, O_RDWR).error, ESTALE);
  EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named("a")).error, ENOENT);
  EXPECT_EQ(kernel.create(kRootId, "a", O_RDWR).error, 0);
}

TEST_F(VfsTest, KeepsAnUnlinkedFileForItsOpens) {
  share.put("a", "hello");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  const std::uint64_t handle = open(node, O_RDWR);
  EXPECT_EQ(kernel.ask(FUSE_UNLINK, kRootId, named("a")).error, 0);
  EXPECT_TRUE(share.last_hint.keep_for_opens);
  EXPECT_EQ(kernel.getattr(node).nlink, 0U);
  EXPECT_EQ(kernel.read(node, handle, 0, 100).body, "hello");
  EXPECT_EQ(kernel.write(node, handle, 5, "!").error, 0);
  fuse_setattr_in in{};
  in.valid = FATTR_SIZE;
  in.size = 2;
  EXPECT_EQ(set(node, in).error, 0);
  EXPECT_EQ(kernel.getattr(node).size, 2U);
  EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named("a")).error, ENOENT);
}

TEST_F(VfsTest, RemovesAFileThatNobodyHasOpenInOneRoundTrip) {
  share.put("a").attributes.file_attributes = client::file_attribute::readonly;
  kernel.lookup(kRootId, "a");
  share.asked();
  EXPECT_EQ(kernel.ask(FUSE_UNLINK, kRootId, named("a")).error, 0);
  EXPECT_THAT(share.asked(), ElementsAre("remove a"));
  EXPECT_FALSE(share.last_hint.keep_for_opens);
  EXPECT_EQ(share.last_hint.file_attributes, client::file_attribute::readonly);
}

TEST_F(VfsTest, RenamesInOneRoundTripAndTakesAFoldersContentAlong) {
  share.put_folder("d");
  share.put("d/f", "x");
  const NodeId folder = kernel.lookup(kRootId, "d").nodeid;
  const NodeId file = kernel.lookup(folder, "f").nodeid;
  share.asked();
  EXPECT_EQ(kernel.rename(kRootId, "d", kRootId, "e").error, 0);
  EXPECT_THAT(share.asked(), ElementsAre("rename d e"));
  open(file, O_RDONLY);
  EXPECT_THAT(share.asked(), ElementsAre("open e/f"));
}

TEST_F(VfsTest, MovesAnOpenTargetOutOfTheWayOfARename) {
  share.put("a", "new");
  share.put("b", "old");
  kernel.lookup(kRootId, "a");
  const NodeId target = kernel.lookup(kRootId, "b").nodeid;
  const std::uint64_t handle = open(target, O_RDONLY);
  share.asked();
  EXPECT_EQ(kernel.rename(kRootId, "a", kRootId, "b").error, 0);
  EXPECT_THAT(share.asked(), ElementsAre("remove b", "rename a b"));
  EXPECT_EQ(kernel.read(target, handle, 0, 100).body, "old");
  EXPECT_EQ(kernel.getattr(target).nlink, 0U);
}

TEST_F(VfsTest, RenamesAFolderOverAnEmptyOneOnly) {
  share.put_folder("a");
  share.put_folder("b");
  share.put("b/x");
  kernel.lookup(kRootId, "a");
  kernel.lookup(kRootId, "b");
  EXPECT_EQ(kernel.rename(kRootId, "a", kRootId, "b").error, ENOTEMPTY);
  share.tree.erase("b/x");
  EXPECT_EQ(kernel.rename(kRootId, "a", kRootId, "b").error, 0);
  EXPECT_EQ(share.tree.count("a"), 0U);
}

TEST_F(VfsTest, KnowsTheRenameFlags) {
  share.put("a");
  share.put("b");
  EXPECT_EQ(kernel.rename(kRootId, "a", kRootId, "b", RENAME_NOREPLACE).error, EEXIST);
  EXPECT_EQ(kernel.rename(kRootId, "a", kRootId, "b", RENAME_EXCHANGE).error, EINVAL);
}

TEST_F(VfsTest, LinksAndCountsNames) {
  share.put("a");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  fuse_link_in in{};
  in.oldnodeid = node;
  const auto entry = kernel.ask(FUSE_LINK, kRootId, raw(in) + named("b")).as<fuse_entry_out>();
  EXPECT_EQ(entry.nodeid, node);
  EXPECT_EQ(entry.attr.nlink, 2U);
  EXPECT_EQ(kernel.lookup(kRootId, "b").nodeid, node);
}

TEST_F(VfsTest, MakesAndReadsSymbolicLinks) {
  const auto entry = kernel.ask(FUSE_SYMLINK, kRootId, named("s") + named("some/target")).as<fuse_entry_out>();
  EXPECT_EQ(entry.attr.mode & S_IFMT, static_cast<std::uint32_t>(S_IFLNK));
  share.asked();
  EXPECT_EQ(kernel.ask(FUSE_READLINK, entry.nodeid, "").body, "some/target");
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(VfsTest, MakesRegularFilesButNoDevices) {
  fuse_mknod_in in{};
  in.mode = S_IFREG | 0444;
  EXPECT_EQ(kernel.ask(FUSE_MKNOD, kRootId, raw(in) + named("f")).as<fuse_entry_out>().attr.mode & 0222, 0U);
  in.mode = S_IFIFO | 0644;
  EXPECT_EQ(kernel.ask(FUSE_MKNOD, kRootId, raw(in) + named("p")).error, EPERM);
  kernel.settle();
  EXPECT_EQ(share.opens, 0);
}

TEST_F(VfsTest, RefusesNamesThatCannotBeAndHidesThoseOfRemovedFiles) {
  EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named(std::string(256, 'a'))).error, ENAMETOOLONG);
  share.put(".removed-1");
  EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named(".removed-1")).error, ENOENT);
  EXPECT_THAT(share.asked(), IsEmpty());
  EXPECT_THAT(names_of(list(open_directory(), 0)), ElementsAre(".", ".."));
}

TEST_F(VfsTest, ChangesAttributesInOneRoundTrip) {
  share.put("a", "12345");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  share.asked();
  fuse_setattr_in in{};
  in.valid = FATTR_MODE | FATTR_UID | FATTR_MTIME;
  in.mode = S_IFREG | 0444;
  in.uid = 12345;
  in.mtime = 1'000'000;
  in.mtimensec = 123'456'789;
  const fuse_attr shown = set(node, in).as<fuse_attr_out>().attr;
  EXPECT_THAT(share.asked(), ElementsAre("set a"));
  EXPECT_EQ(shown.mode & 0222, 0U);
  EXPECT_EQ(shown.mtime, 1'000'000U);
  EXPECT_EQ(shown.mtimensec, 123'456'700U);
  EXPECT_EQ(shown.uid, 0U) << "accepted, and dropped";
  EXPECT_NE(share.tree["a"]->attributes.file_attributes & client::file_attribute::readonly, 0U);
}

TEST_F(VfsTest, AsksNothingOfTheServerForAModeThatChangesNothing) {
  share.put("a");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  share.asked();
  fuse_setattr_in in{};
  in.valid = FATTR_MODE;
  in.mode = S_IFREG | 0600;
  EXPECT_EQ(set(node, in).error, 0);
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(VfsTest, ListsInPagesThatMeetWithoutGapOrOverlap) {
  share.page_size = 7;
  for (int i = 10; i < 60; ++i) share.put("file" + std::to_string(i));
  const std::uint64_t handle = open_directory();
  std::vector<std::string> names;
  std::uint64_t offset = 0;
  while (true) {
    const std::vector<Listed> page = list(handle, offset, 600);
    if (page.empty()) break;
    for (const Listed& entry : page) names.push_back(entry.name);
    offset = page.back().next;
  }
  ASSERT_EQ(names.size(), 52U);
  EXPECT_EQ(names[1], "..");
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(names[i + 2], "file" + std::to_string(i + 10));
  EXPECT_THAT(share.asked(), ElementsAre("list "));
}

TEST_F(VfsTest, RemembersWhatIsMissingUntilItIsMade) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named("a")).error, ENOENT);
  EXPECT_THAT(share.asked(), ElementsAre("stat a"));
  const Reply made = kernel.create(kRootId, "A", O_WRONLY);
  EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named("a")).error, ENOENT);
  EXPECT_THAT(share.asked(), ElementsAre("open A", "stat a")) << "a server may know the file by this name, too";
  kernel.close_file(made.as<fuse_entry_out>().nodeid, made.as<fuse_open_out>(sizeof(fuse_entry_out)).fh);
}

TEST_F(VfsTest, DoesNotCallMissingWhatSomebodyElseHasMadeAsItsOwnAttemptHasShown) {
  EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named("a")).error, ENOENT);
  share.put("a");
  EXPECT_EQ(kernel.create(kRootId, "a", O_WRONLY | O_EXCL).error, EEXIST);
  EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named("a")).error, 0);
}

TEST_F(VfsTest, KnowsThatWhatItRemovedOrRenamedIsMissing) {
  share.put("a");
  share.put("b");
  kernel.lookup(kRootId, "a");
  kernel.lookup(kRootId, "b");
  EXPECT_EQ(kernel.ask(FUSE_UNLINK, kRootId, named("a")).error, 0);
  EXPECT_EQ(kernel.rename(kRootId, "b", kRootId, "B").error, 0);
  share.asked();
  EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named("a")).error, ENOENT);
  EXPECT_THAT(share.asked(), IsEmpty());
  kernel.ask(FUSE_LOOKUP, kRootId, named("b"));
  EXPECT_THAT(share.asked(), ElementsAre("stat b")) << "it may be the same name to the server";
}

TEST(MissingNames, AreAskedForAgainAfterActimeo) {
  VfsConfig config;
  config.directory_attribute_timeout = 30ms;
  FakeKernel kernel(config);
  kernel.init();
  EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named("a")).error, ENOENT);
  kernel.share.put("a");
  std::this_thread::sleep_for(config.directory_attribute_timeout);
  EXPECT_EQ(kernel.ask(FUSE_LOOKUP, kRootId, named("a")).error, 0);
}

TEST_F(VfsTest, ListsADirectoryThatWasNotOpenedToBeReadWhenItIs) {
  share.put("a");
  const std::uint64_t to_sync = kernel.open_directory(kRootId, O_RDONLY).fh;
  fuse_fsync_in sync{};
  sync.fh = to_sync;
  EXPECT_EQ(kernel.ask(FUSE_FSYNCDIR, kRootId, raw(sync)).error, 0);
  EXPECT_THAT(share.asked(), IsEmpty());
  EXPECT_THAT(names_of(list(to_sync, 0)), ElementsAre(".", "..", "a"));
  EXPECT_THAT(share.asked(), ElementsAre("list "));
  kernel.close_file(kRootId, kernel.open_directory(kRootId, O_RDONLY).fh, FUSE_RELEASEDIR);
}

TEST_F(VfsTest, ListsAgainWhenRewoundAndTellsOldOffsetsRight) {
  share.put("a");
  share.put("b");
  const std::uint64_t handle = open_directory();
  const std::vector<Listed> first = list(handle, 0);
  EXPECT_THAT(names_of(first), ElementsAre(".", "..", "a", "b"));
  EXPECT_THAT(names_of(list(handle, first[2].next)), ElementsAre("b"));
  share.put("c");
  EXPECT_THAT(names_of(list(handle, 0)), ElementsAre(".", "..", "a", "b", "c"));
  EXPECT_THAT(share.asked(), ElementsAre("list ", "list "));
}

TEST_F(VfsTest, TellsTheKernelNothingOfANameThatWasRemovedAfterTheListing) {
  share.put("a");
  share.put("b");
  kernel.lookup(kRootId, "a");
  const std::uint64_t handle = open_directory();
  kernel.ask(FUSE_UNLINK, kRootId, named("a"));
  for (const Listed& entry : list(handle, 0)) {
    if (entry.name == "a") {
      EXPECT_EQ(entry.node, 0U);
    }
  }
}

TEST_F(VfsTest, AnswersNamesOneByOneWhereTheListingIsRefused) {
  share.list_refused = make_error_code(NtStatus::STATUS_ACCESS_DENIED);
  constexpr int kMoreThanALookupRun = 10;
  for (int i = 0; i < kMoreThanALookupRun; ++i) {
    const std::string name = "f" + std::to_string(i);
    share.put(name);
    EXPECT_NE(kernel.lookup(kRootId, name.c_str()).nodeid, 0u);
  }
  EXPECT_THAT(share.asked(), testing::Contains("list "));
}

TEST_F(VfsTest, CountsTheLookupsOfAListing) {
  share.put("a");
  share.put("b");
  const std::uint64_t handle = open_directory();
  const std::vector<Listed> entries = list(handle, 0);
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[0].node, 0U) << "'.' is not looked up";
  EXPECT_EQ(kernel.vfs.node_count(), 3U);
  kernel.forget(entries[2].node, 1);
  kernel.forget(entries[3].node, 1);
  kernel.close_file(kRootId, handle, FUSE_RELEASEDIR);
  EXPECT_EQ(kernel.vfs.node_count(), 1U);
}

TEST_F(VfsTest, AnswersALookupFromAFreshListing) {
  share.put("a", "hello");
  list(open_directory(), 0);
  share.asked();
  EXPECT_EQ(kernel.lookup(kRootId, "a").attr.size, 5U);
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(VfsTest, ForgetsNodes) {
  share.put("a");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  kernel.lookup(kRootId, "a");
  EXPECT_EQ(kernel.vfs.node_count(), 2U);
  kernel.forget(node, 2);
  EXPECT_EQ(kernel.vfs.node_count(), 1U);
}

TEST_F(VfsTest, AnswersAnInterruptedCallerOnlyAfterAWhile) {
  share.put("a");
  share.hold();
  const std::uint64_t unique = kernel.send(FUSE_LOOKUP, kRootId, named("a"));
  kernel.settle();
  fuse_interrupt_in in{};
  in.unique = unique;
  kernel.send(FUSE_INTERRUPT, kRootId, raw(in));
  EXPECT_FALSE(kernel.answer(unique, 100ms).has_value());
  const std::optional<Reply> reply = kernel.answer(unique, 2s);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->error, EINTR);
  EXPECT_EQ(share.interrupted, 1) << "the server is told";
  share.release();
  EXPECT_FALSE(kernel.answer(unique).has_value()) << "no second answer";
  EXPECT_EQ(kernel.vfs.node_count(), 1U) << "a lookup that nobody received does not count";
}

TEST_F(VfsTest, GivesAnInterruptedCallerTheResultThatComesSoon) {
  share.put("a");
  share.hold();
  const std::uint64_t unique = kernel.send(FUSE_LOOKUP, kRootId, named("a"));
  kernel.settle();
  fuse_interrupt_in in{};
  in.unique = unique;
  kernel.send(FUSE_INTERRUPT, kRootId, raw(in));
  kernel.settle();
  share.release();
  const std::optional<Reply> reply = kernel.answer(unique, 2s);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->error, 0);
  EXPECT_EQ(share.interrupted, 0);
}

TEST_F(VfsTest, ClosesAnOpenWhoseCallerIsGone) {
  share.put("a");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  share.hold();
  const std::uint64_t unique = kernel.send(FUSE_OPEN, node, raw(fuse_open_in{}));
  kernel.settle();
  fuse_interrupt_in in{};
  in.unique = unique;
  kernel.send(FUSE_INTERRUPT, kRootId, raw(in));
  EXPECT_EQ(kernel.answer(unique, 2s)->error, EINTR);
  share.release();
  kernel.settle();
  EXPECT_EQ(share.opens, 0);
}

TEST_F(VfsTest, DoesNotInterruptARenameThatHasRemovedItsTarget) {
  share.put_folder("from");
  share.put_folder("to");
  kernel.lookup(kRootId, "from");
  kernel.lookup(kRootId, "to");
  share.hold("rename from to");
  fuse_rename2_in rename{};
  rename.newdir = kRootId;
  const std::uint64_t unique = kernel.send(FUSE_RENAME2, kRootId, raw(rename) + named("from") + named("to"));
  kernel.settle();
  fuse_interrupt_in in{};
  in.unique = unique;
  kernel.send(FUSE_INTERRUPT, kRootId, raw(in));
  EXPECT_EQ(kernel.answer(unique, 2s)->error, EINTR);
  EXPECT_EQ(share.tree.count("to"), 0U);
  EXPECT_EQ(share.interrupted, 0);
  share.release();
  EXPECT_EQ(share.tree.count("to"), 1U);
}

TEST_F(VfsTest, FindsDataAndHoles) {
  share.put("a", std::string(300, 'x'));
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  const std::uint64_t handle = open(node, O_RDONLY);  // the server says: data in 100..149 and 200..249
  const auto seek = [&](std::uint64_t offset, std::uint32_t whence) {
    fuse_lseek_in in{};
    in.fh = handle;
    in.offset = offset;
    in.whence = whence;
    return kernel.ask(FUSE_LSEEK, node, raw(in));
  };
  EXPECT_EQ(seek(0, SEEK_DATA).as<fuse_lseek_out>().offset, 100U);
  EXPECT_EQ(seek(120, SEEK_DATA).as<fuse_lseek_out>().offset, 120U);
  EXPECT_EQ(seek(0, SEEK_HOLE).as<fuse_lseek_out>().offset, 0U);
  EXPECT_EQ(seek(120, SEEK_HOLE).as<fuse_lseek_out>().offset, 150U);
  EXPECT_EQ(seek(300, SEEK_DATA).error, ENXIO);
}

TEST_F(VfsTest, AllocatesByExtendingAndPunchesHoles) {
  share.put("a", "12345");
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  const std::uint64_t handle = open(node, O_RDWR);
  const auto allocate = [&](std::uint32_t mode, std::uint64_t offset, std::uint64_t length) {
    fuse_fallocate_in in{};
    in.fh = handle;
    in.mode = mode;
    in.offset = offset;
    in.length = length;
    return kernel.ask(FUSE_FALLOCATE, node, raw(in)).error;
  };
  EXPECT_EQ(allocate(0, 0, 3), 0);
  EXPECT_EQ(share.tree["a"]->data.size(), 5U) << "never shrinks";
  EXPECT_EQ(allocate(0, 4, 6), 0);
  EXPECT_EQ(kernel.getattr(node).size, 10U);
  EXPECT_EQ(allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 2), 0);
  EXPECT_EQ(share.tree["a"]->data.substr(0, 5), std::string("1\0\0"
                                                            "45",
                                                            5));
  EXPECT_EQ(allocate(FALLOC_FL_KEEP_SIZE, 0, 100), EOPNOTSUPP);
}

TEST_F(VfsTest, ShowsTheBirthTimeToThoseWhoAskForIt) {
  share.put("a").attributes.creation_time = 116'444'736'000'000'001;
  const NodeId node = kernel.lookup(kRootId, "a").nodeid;
  fuse_getxattr_in in{};
  in.size = 100;
  EXPECT_EQ(kernel.ask(FUSE_GETXATTR, node, raw(in) + named("user.smb3fuse.btime")).body,
            "1970-01-01T00:00:00.0000001Z");
  EXPECT_EQ(kernel.ask(FUSE_GETXATTR, node, raw(in) + named("user.other")).error, ENODATA);
  EXPECT_EQ(kernel.ask(FUSE_GETXATTR, node, raw(in) + named("security.capability")).error, EOPNOTSUPP);
  EXPECT_EQ(kernel.ask(FUSE_LISTXATTR, node, raw(in)).body, "");
  in.size = 5;
  EXPECT_EQ(kernel.ask(FUSE_GETXATTR, node, raw(in) + named("user.smb3fuse.btime")).error, ERANGE);
}

TEST_F(VfsTest, AsksForTheFileSystemsSizeOnceASecond) {
  EXPECT_EQ(kernel.ask(FUSE_STATFS, kRootId, "").as<fuse_statfs_out>().st.blocks, 1000U);
  kernel.ask(FUSE_STATFS, kRootId, "");
  EXPECT_THAT(share.asked(), ElementsAre("statfs"));
}

}  // namespace
}  // namespace smb3fuse::fs::test
