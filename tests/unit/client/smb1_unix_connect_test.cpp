// SPDX-License-Identifier: Apache-2.0
// The UNIX extensions of SMB1: when they are taken up, and that whatever step fails ends every task.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/unit/client/smb1_unix_fixture.h"

namespace smb3fuse::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Smb1UnixConnectTest : public testing::Test {
 protected:
  Smb1Room room{with_unix_extensions()};
  test::ScriptedSmb1Unix& server = *room.unix_extensions;
};

TEST_F(Smb1UnixConnectTest, TakesOneRoundTripMore) {
  Smb1Room plain;
  ASSERT_TRUE(plain.connect());
  ASSERT_TRUE(room.connect());
  EXPECT_EQ(room.connecting, plain.connecting + 1);
  EXPECT_THAT(server.asked(), ElementsAre("info", "use", "basic /"));
  EXPECT_TRUE(room.share->has_posix_attributes());
  EXPECT_TRUE(room.share->has_posix_acls());
  EXPECT_TRUE(room.share->case_sensitive());
  EXPECT_EQ(room.share->root_attributes().posix->mode, S_IFDIR | 0640U);
  EXPECT_EQ(room.share->root_attributes().file_id, 4711u);
}

TEST_F(Smb1UnixConnectTest, DoesWithoutTheExtensionsWhereTheyAreNotWanted) {
  room.config.unix_extensions = false;
  ASSERT_TRUE(room.connect());
  EXPECT_THAT(server.asked(), IsEmpty());
  EXPECT_FALSE(room.share->has_posix_attributes());
  EXPECT_FALSE(room.share->has_posix_acls());
}

TEST_F(Smb1UnixConnectTest, DoesWithoutTheExtensionsWhereTheyAreTooOld) {
  server.offered.capabilities &= ~std::uint64_t{cifs::CIFS_UNIX_POSIX_PATH_OPS_CAP};
  ASSERT_TRUE(room.connect());
  EXPECT_FALSE(room.share->has_posix_attributes());
}

TEST_F(Smb1UnixConnectTest, DoesWithoutTheExtensionsWhereTheServerRefusesThem) {
  for (const std::string kind : {"info", "use"}) {
    Smb1Room other(with_unix_extensions());
    other.unix_extensions->refuse(kind, NtStatus::STATUS_NOT_SUPPORTED);
    ASSERT_TRUE(other.connect()) << kind;
    EXPECT_FALSE(other.share->has_posix_attributes()) << kind;
  }
}

TEST_F(Smb1UnixConnectTest, AsksForTheRootAgainWhereItWasNotTold) {
  server.refuse("basic", NtStatus::STATUS_INSUFFICIENT_RESOURCES);
  ASSERT_TRUE(room.connect());
  EXPECT_THAT(server.asked(), ElementsAre("info", "use", "basic /", "basic /"));
}

TEST_F(Smb1UnixConnectTest, FailsWhereTheRootIsNotToBeSeen) {
  server.refuse("basic", NtStatus::STATUS_ACCESS_DENIED);
  server.refuse("basic", NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_FALSE(room.connect());
  EXPECT_EQ(room.error.error, NtStatus::STATUS_ACCESS_DENIED);
}

TEST_F(Smb1UnixConnectTest, HasNoAccessControlListsWhereTheServerHasNone) {
  server.offered.capabilities &= ~std::uint64_t{cifs::CIFS_UNIX_POSIX_ACL_CAP};
  ASSERT_TRUE(room.connect());
  EXPECT_TRUE(room.share->has_posix_attributes());
  EXPECT_FALSE(room.share->has_posix_acls());
}

// ---- the end of the connection

TEST_F(Smb1UnixConnectTest, ReadsAsMuchAtOnceAsTheExtensionsAllow) {
  ASSERT_TRUE(room.connect());
  EXPECT_EQ(room.share->maximum_read(), 60u * 1024) << "not offered";
  Smb1Room large(with_unix_extensions());
  large.unix_extensions->offered.capabilities |= cifs::CIFS_UNIX_LARGE_READ_CAP;
  ASSERT_TRUE(large.connect());
  EXPECT_EQ(large.share->maximum_read(), 1024u * 1024);
  Smb1Room limited(with_unix_extensions());
  limited.unix_extensions->offered.capabilities |= cifs::CIFS_UNIX_LARGE_READ_CAP;
  limited.config.read_size = 4096;
  ASSERT_TRUE(limited.connect());
  EXPECT_EQ(limited.share->maximum_read(), 4096u) << "the user's word";
}

TEST_F(Smb1UnixConnectTest, ReadsNoMoreAtOnceThanANetbiosSessionHasALengthFor) {
  server.offered.capabilities |= cifs::CIFS_UNIX_LARGE_READ_CAP;
  room.on_accept = [](test::MemoryStream& stream) { stream.largest_frame = nbt::kMaximumSessionLength; };
  ASSERT_TRUE(room.connect());
  EXPECT_EQ(room.share->maximum_read(), 124u * 1024);
}

TEST_F(Smb1UnixConnectTest, ReadsNoMoreWithAnOpenThanAChainHolds) {
  server.offered.capabilities |= cifs::CIFS_UNIX_LARGE_READ_CAP;
  room.files.content.resize(200'000, 'x');
  server.basic.end_of_file = room.files.content.size();
  ASSERT_TRUE(room.connect());
  const auto result = room.finish(room.share->open(Smb1Room::to_read("f", 1024 * 1024)));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->first_read_done);
  EXPECT_EQ(result->first.size(), 60u * 1024);
}

// What a mount does with a file, a folder and a list. False: something of it failed.
bool work(Smb1Room& room) {
  if (!room.connect() || !room.share->has_posix_acls()) return false;
  auto opened = room.finish(room.share->open(Smb1Room::to_read("f", kFirstRead)));
  bool all = opened && opened->first_read_done && opened->attributes.posix;
  all = room.finish(room.share->posix_acls("f")).has_value() && all;
  AttributeChanges changes;
  changes.acl = PosixAclChange{false, {{PosixAce::Tag::user_obj, 6}}};
  all = !room.finish(room.share->set_attributes("f", changes)) && all;
  all = room.finish(room.share->make_symlink("link", "x")).has_value() && all;
  all = room.finish(room.share->make_directory("dir", 0700)).has_value() && all;
  return !room.finish(room.share->remove_file("f", {})) && all;
}

constexpr std::size_t kMoreThanThereAre = 40;

TEST(Smb1UnixFailures, AStreamThatIsCutAtAnyMessageEndsEverything) {
  bool worked = false;
  std::size_t nth = 1;
  for (; !worked && nth < kMoreThanThereAre; ++nth) {
    Smb1Room room(with_unix_extensions());
    room.on_accept = [&](test::MemoryStream& stream) { stream.lose_at_send = nth; };
    worked = work(room);
  }
  EXPECT_GT(nth, 10u);
  EXPECT_TRUE(worked);
}

TEST(Smb1UnixFailures, AStreamThatEndsInPlaceOfAnyAnswerEndsEverything) {
  bool worked = false;
  std::size_t nth = 1;
  for (; !worked && nth < kMoreThanThereAre; ++nth) {
    Smb1Room room(with_unix_extensions());
    room.on_accept = [&](test::MemoryStream& stream) { stream.lose_at_frame = nth; };
    worked = work(room);
  }
  EXPECT_GT(nth, 12u);
  EXPECT_TRUE(worked);
}

TEST(Smb1UnixFailures, AnAnswerThatIsCutShortIsNoneOrAnError) {
  constexpr std::size_t kAnswers = 17;
  std::size_t failed = 0;
  for (std::size_t nth = 1; nth <= kAnswers; ++nth) {
    for (const std::size_t left : {0u, 20u, 33u, 50u}) {
      Smb1Room room(with_unix_extensions());
      std::size_t seen = 0;
      room.on_accept = [&](test::MemoryStream& stream) {
        stream.edit_to_client = [&](Bytes& message) {
          if (++seen == nth) message.resize(std::min(left, message.size()));
        };
      };
      failed += work(room) ? 0 : 1;
    }
  }
  EXPECT_GT(failed, 2 * kAnswers) << "what is asked for again, or not needed, may be missing";
}

}  // namespace
}  // namespace smb3fuse::client
