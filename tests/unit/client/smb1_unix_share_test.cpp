// SPDX-License-Identifier: Apache-2.0
// Operations by the UNIX extensions of SMB1: what each asks the server, in which order, and what it makes of refusals.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/unit/client/smb1_unix_fixture.h"

namespace smb3fuse::client {
namespace {

using cifs::Command;
using testing::ElementsAre;
using testing::IsEmpty;

// ---- files

TEST_F(Smb1UnixShareTest, TellsAFileInOneRoundTrip) {
  const auto told = room.finish(share().stat("folder/f"));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->posix->mode, S_IFREG | 0640U);
  EXPECT_EQ(told->file_id, 4711u);
  EXPECT_EQ(turns_since(), 1u);
  EXPECT_THAT(server.asked(), ElementsAre("basic /folder/f"));
}

TEST_F(Smb1UnixShareTest, FollowsALinkByAQuestionMore) {
  const auto told = room.finish(share().stat("link"));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->symlink_target, "over there");
  EXPECT_THAT(server.asked(), ElementsAre("basic /link", "link /link"));
}

TEST_F(Smb1UnixShareTest, OpensAndReadsInOneRoundTrip) {
  auto result = room.finish(share().open(Smb1Room::to_read("f", kFirstRead)));
  ASSERT_TRUE(result);
  EXPECT_EQ(turns_since(), 1u);
  EXPECT_THAT(server.asked(), ElementsAre("open /f", "basic /f"));
  EXPECT_THAT(room.files.created, testing::Contains(u"/f")) << "the open that reads";
  EXPECT_TRUE(result->first_read_done);
  EXPECT_EQ(result->first.size(), room.files.content.size());
  EXPECT_EQ(result->attributes.posix->uid, 1000u);
  result->open.reset();
  expect_nothing_open();
}

TEST_F(Smb1UnixShareTest, OpensAFileOnceOnlyForAWhileAfterABreak) {
  const std::unique_ptr<Open> other = opened("other");
  room.server.take_oplock(*room.files.opens().begin(), false);
  room.runtime.run();
  room.files.created.clear();
  auto result = room.finish(share().open(Smb1Room::to_read("f", kFirstRead)));
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->first_read_done);
  EXPECT_THAT(room.files.created, IsEmpty()) << "it would wait beside the POSIX open";
  room.runtime.advance(10s);
  result = room.finish(share().open(Smb1Room::to_read("f", kFirstRead)));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->first_read_done);
}

TEST_F(Smb1UnixShareTest, TakesNothingThatWasReadOfAFileThatIsAnotherByThen) {
  cifs::UnixBasic other = server.basic;
  other.last_modification_time.value += 1;
  server.told_by_open = other;
  const auto result = room.finish(share().open(Smb1Room::to_read("f", kFirstRead)));
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->first_read_done);
}

TEST_F(Smb1UnixShareTest, TakesNothingThatWasReadOfAFileThatHasJustChanged) {
  server.basic.last_status_change.value = static_cast<std::uint64_t>(share().now());
  const auto result = room.finish(share().open(Smb1Room::to_read("f", kFirstRead)));
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->first_read_done);
}

TEST_F(Smb1UnixShareTest, AsksAgainWhereTheOpenHasToldSomethingElse) {
  cifs::UnixBasic other = server.basic;
  other.end_of_file = 99;
  server.told_by_open = other;
  const auto result = room.finish(share().open(Smb1Room::to_read("f")));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->attributes.end_of_file, server.basic.end_of_file);
  EXPECT_THAT(server.asked(), ElementsAre("open /f", "basic /f", testing::StartsWith("basic 1")));
}

TEST_F(Smb1UnixShareTest, AnOpenThatIsRefusedLeavesNothingOpen) {
  server.refuse("open", NtStatus::STATUS_ACCESS_DENIED);
  const auto result = room.finish(share().open(Smb1Room::to_read("f", kFirstRead)));
  EXPECT_EQ(error_of(result), NtStatus::STATUS_ACCESS_DENIED);
  expect_nothing_open();
}

TEST_F(Smb1UnixShareTest, ClosesWhatItIsToldTooLittleOf) {
  const std::uint16_t fid = room.files.open_another();
  room.server.once(Command::transaction2, [fid](const test::Smb1Request&) {
    cifs::PosixOpenResponse response;
    response.fid = fid;
    return test::reply_to_transaction(Bytes(2), wire::encode(response));
  });
  const auto result = room.finish(share().open(Smb1Room::to_read("f")));
  EXPECT_EQ(error_of(result), NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
  expect_nothing_open();
}

TEST_F(Smb1UnixShareTest, SaysWhatItHasMade) {
  OpenRequest request = Smb1Room::to_read("new");
  request.write = true;
  request.disposition = Disposition::create;
  request.create_mode = 0604;
  const auto result = room.finish(share().open(std::move(request)));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->created);
  EXPECT_EQ(server.opens.at(0).permissions, 0604u);
}

// ---- names

TEST_F(Smb1UnixShareTest, MakesAFolder) {
  const auto made = room.finish(share().make_directory("dir", 0751));
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->is_directory());
  EXPECT_THAT(server.asked(), ElementsAre("open /dir"));
  EXPECT_EQ(server.opens.at(0).permissions, 0751u);
  server.refuse("open", NtStatus::STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(error_of(room.finish(share().make_directory("dir", 0751))), NtStatus::STATUS_OBJECT_NAME_COLLISION);
}

TEST_F(Smb1UnixShareTest, MakesADevice) {
  const PosixAttributes what{.mode = S_IFCHR | 0600, .device_major = 1, .device_minor = 3};
  ASSERT_TRUE(room.finish(share().make_special("null", what)));
  EXPECT_THAT(server.asked(), ElementsAre("set basic /null", "basic /null"));
  EXPECT_EQ(server.basics_set.at(0).type, cifs::UnixType::character_device);
  EXPECT_EQ(turns_since(), 1u);
  server.refuse("set basic", NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(error_of(room.finish(share().make_special("null", what))), NtStatus::STATUS_ACCESS_DENIED);
}

TEST_F(Smb1UnixShareTest, MakesALink) {
  const auto made = room.finish(share().make_symlink("link", "else/where"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->symlink_target, "else/where");
  EXPECT_THAT(server.asked(), ElementsAre("set link /link", "basic /link"));
  server.refuse("set link", NtStatus::STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(error_of(room.finish(share().make_symlink("link", "x"))), NtStatus::STATUS_OBJECT_NAME_COLLISION);
}

TEST_F(Smb1UnixShareTest, AsksOnceMoreForWhatTheServerLookedForBeforeItMadeIt) {
  server.refuse("basic", NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_TRUE(room.finish(share().make_symlink("link", "x")));
  EXPECT_THAT(server.asked(), ElementsAre("set link /link", "basic /link", "basic /link"));
}

TEST_F(Smb1UnixShareTest, RemovesAFileAtOnce) {
  EXPECT_FALSE(room.finish(share().remove_file("f", {})));
  EXPECT_THAT(server.asked(), ElementsAre("unlink /f"));
  EXPECT_EQ(turns_since(), 1u);
  server.refuse("unlink", NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(room.finish(share().remove_file("f", {})), NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Smb1UnixShareTest, RemovesAFileThatIsOpenOtherwiseByAnOpen) {
  server.refuse("unlink", NtStatus::STATUS_SHARING_VIOLATION);
  EXPECT_FALSE(room.finish(share().remove_file("f", {})));
  EXPECT_THAT(room.files.created, testing::Contains(u"/f"));
  expect_nothing_open();
}

TEST_F(Smb1UnixShareTest, ListsAFolderWithItsAttributes) {
  room.files.names = {u".", u"..", u"f", u"link"};
  auto directory = room.finish(share().open_directory("dir"));
  ASSERT_TRUE(directory);
  const auto page = room.finish((*directory)->next());
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 2u);
  EXPECT_EQ((*page)[0].name, "f");
  EXPECT_EQ((*page)[0].attributes.posix->mode, S_IFREG | 0640U);
  EXPECT_EQ((*page)[1].attributes.posix->mode, S_IFLNK | 0640U);
  EXPECT_EQ((*page)[1].attributes.symlink_target, "over there");
  EXPECT_THAT(server.asked(), ElementsAre("list", "basic /dir", "link /dir/link"));
  EXPECT_EQ(turns_since(), 2u);
}

// ---- renaming

class Smb1UnixRenameTest : public Smb1UnixShareTest {
 protected:
  // RENAME refuses what is there; then it does as told.
  void SetUp() override {
    Smb1UnixShareTest::SetUp();
    room.server.on(Command::rename, [this](const test::Smb1Request&) {
      ++renames;
      return renames == refused_rename ? test::refuse_in_smb1(NtStatus::STATUS_ACCESS_DENIED)
             : renames == 1            ? test::refuse_in_smb1(NtStatus::STATUS_OBJECT_NAME_COLLISION)
                                       : test::Smb1Reply{};
    });
  }
  std::error_code rename(std::string from, std::string to) {
    return room.finish(share().rename(std::move(from), std::move(to), true, nullptr));
  }
  int renames = 0;
  int refused_rename = 0;
};

TEST_F(Smb1UnixRenameTest, IsOneStepWithinAFolder) {
  EXPECT_FALSE(rename("folder/a", "folder/b"));
  EXPECT_EQ(renames, 1);
  EXPECT_THAT(server.asked(), ElementsAre("set other /folder/a"));
}

TEST_F(Smb1UnixRenameTest, GoesBesideTheTargetFirstFromAnotherFolder) {
  EXPECT_FALSE(rename("folder/a", "b"));
  EXPECT_EQ(renames, 2);
  EXPECT_THAT(server.asked(), ElementsAre(testing::StartsWith("set other /")));
}

TEST_F(Smb1UnixRenameTest, GoesBackWhereItCannotReplaceTheTarget) {
  server.refuse("set other", NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(rename("folder/a", "b"), NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(renames, 3) << "to the target, beside it, and back";
}

TEST_F(Smb1UnixRenameTest, ChangesNothingWhereItMayNotMove) {
  refused_rename = 2;
  EXPECT_EQ(rename("folder/a", "b"), NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_THAT(server.asked(), IsEmpty());
}

TEST_F(Smb1UnixRenameTest, OfAHiddenFileGoesBesideTheTargetFirst) {
  EXPECT_FALSE(rename(".a", "b"));
  EXPECT_EQ(renames, 2);
}

// ---- attributes

TEST_F(Smb1UnixShareTest, SetsASizeApartFromTheRest) {
  AttributeChanges changes;
  changes.end_of_file = 0;
  changes.mode = 0600;
  EXPECT_FALSE(room.finish(share().set_attributes("f", changes)));
  EXPECT_THAT(server.asked(), ElementsAre("set other /f", "set basic /f"));
  EXPECT_EQ(server.basics_set.at(0).permissions, 0600u);
}

TEST_F(Smb1UnixShareTest, SetsNothingMoreWhereTheSizeIsRefused) {
  AttributeChanges changes;
  changes.end_of_file = 0;
  changes.mode = 0600;
  server.refuse("set other", NtStatus::STATUS_DISK_FULL);
  EXPECT_EQ(room.finish(share().set_attributes("f", changes)), NtStatus::STATUS_DISK_FULL);
  EXPECT_THAT(server.basics_set, IsEmpty());
}

TEST_F(Smb1UnixShareTest, TellsAndSetsThroughAnOpen) {
  const auto open = opened("f");
  AttributeChanges changes;
  changes.uid = 7;
  EXPECT_FALSE(room.finish(open->set_attributes(changes)));
  EXPECT_EQ(server.basics_set.at(0).uid, 7u);
  const auto told = room.finish(open->attributes());
  ASSERT_TRUE(told);
  EXPECT_EQ(told->posix->gid, 100u);
  EXPECT_THAT(server.asked(), ElementsAre(testing::StartsWith("set basic 1"), testing::StartsWith("basic 1")));
  server.refuse("basic", NtStatus::STATUS_FILE_CLOSED);
  EXPECT_EQ(error_of(room.finish(open->attributes())), NtStatus::STATUS_FILE_CLOSED);
}

// ---- locks

class Smb1UnixLockTest : public Smb1UnixShareTest {
 protected:
  using Kind = cifs::PosixLockRequest::Kind;
  static constexpr RangeLock kAll{{100, 612}, LockKind::exclusive};
  static constexpr RangeLock kPart{{100, 200}, LockKind::shared};

  LockAnswer change(LockPlan plan) {
    if (open == nullptr) open = opened("f");
    return room.finish(open->change_locks(std::move(plan)));
  }
  std::vector<Kind> kinds() const {
    std::vector<Kind> told;
    for (const cifs::PosixLockRequest& lock : server.locks) told.push_back(lock.kind);
    return told;
  }
  std::unique_ptr<Open> open;
};

TEST_F(Smb1UnixLockTest, AreTakenWithTheAttributesOfTheFileBehindThem) {
  const LockAnswer answer = change({.beside = {}, .drop = {}, .take = {kAll}});
  EXPECT_TRUE(answer.taken);
  EXPECT_TRUE(answer.attributes);
  EXPECT_THAT(kinds(), ElementsAre(Kind::write));
  EXPECT_EQ(server.locks[0].start, 100u);
  EXPECT_EQ(server.locks[0].length, 512u);
}

TEST_F(Smb1UnixLockTest, BecomeWeakerInOneStep) {
  const LockAnswer answer = change({.beside = {}, .drop = {kAll}, .take = {kPart}});
  EXPECT_FALSE(answer.error);
  EXPECT_TRUE(answer.taken);
  EXPECT_TRUE(answer.dropped);
  EXPECT_THAT(kinds(), ElementsAre(Kind::read, Kind::unlock));
  EXPECT_EQ(server.locks[1].start, 200u) << "what is left of the one that goes";
  EXPECT_EQ(server.locks[1].length, 412u);
}

TEST_F(Smb1UnixLockTest, AreAsTheyWereWhereOneIsRefused) {
  constexpr RangeLock kOther{{700, 800}, LockKind::exclusive};
  server.refuse("lock", NtStatus::STATUS_FILE_LOCK_CONFLICT);
  LockAnswer answer = change({.beside = {}, .drop = {}, .take = {kAll}});
  EXPECT_EQ(answer.error, NtStatus::STATUS_FILE_LOCK_CONFLICT);
  EXPECT_FALSE(answer.taken);
  EXPECT_THAT(kinds(), IsEmpty()) << "nothing to make up for";
  room.server.once(Command::transaction2, [this](const test::Smb1Request& request) {
    const auto asked = request.as<cifs::Transaction2Request>();
    server.locks.push_back(*wire::decode<cifs::PosixLockRequest>(asked.data));
    server.refuse("lock", NtStatus::STATUS_FILE_LOCK_CONFLICT);
    return test::reply_to_transaction(Bytes(2), {});
  });
  answer = change({.beside = {}, .drop = {}, .take = {kAll, kOther}});
  EXPECT_EQ(answer.error, NtStatus::STATUS_FILE_LOCK_CONFLICT);
  EXPECT_THAT(kinds(), ElementsAre(Kind::write, Kind::unlock)) << "the first is given up again";
}

}  // namespace
}  // namespace smb3fuse::client
