// SPDX-License-Identifier: Apache-2.0
// Access control lists over the UNIX extensions of SMB1: what is asked and set, and through what.
#include <gmock/gmock.h>

#include "tests/unit/client/smb1_unix_fixture.h"

namespace smb3fuse::client {
namespace {

using cifs::Command;
using testing::ElementsAre;
using testing::IsEmpty;
using Tag = PosixAce::Tag;

class Smb1UnixAclTest : public Smb1UnixShareTest {
 protected:
  Smb1UnixAclTest() {
    server.acls.number_of_access = 2;
    server.acls.number_of_default = 1;
    server.acls.entries = {{0x01, 6, 0}, {0x02, 4, 1001}, {0x20, 0, cifs::PosixAce::kNoId}};
    changes.acl = PosixAclChange{false, {{Tag::user_obj, 6}}};
  }
  const PosixAcls expected{{{Tag::user_obj, 6}, {Tag::user, 4, 1001}}, {{Tag::other, 0}}};
  AttributeChanges changes;
};

TEST_F(Smb1UnixAclTest, AreToldInOneRoundTrip) {
  const auto told = room.finish(share().posix_acls("f"));
  ASSERT_TRUE(told);
  EXPECT_EQ(*told, expected);
  EXPECT_EQ(turns_since(), 1u);
  EXPECT_THAT(server.asked(), ElementsAre("acls /f"));
}

TEST_F(Smb1UnixAclTest, AreToldThroughAnOpen) {
  const auto open = opened("f");
  const auto told = room.finish(open->posix_acls());
  ASSERT_TRUE(told);
  EXPECT_EQ(*told, expected);
  EXPECT_THAT(server.asked(), ElementsAre(testing::StartsWith("acls 1")));
}

TEST_F(Smb1UnixAclTest, AreNoneWhereTheServerRefusesOrTellsNonsense) {
  server.refuse("acls", NtStatus::STATUS_NOT_IMPLEMENTED);
  EXPECT_EQ(error_of(room.finish(share().posix_acls("f"))), NtStatus::STATUS_NOT_IMPLEMENTED);
  server.acls.number_of_access = 7;
  EXPECT_EQ(error_of(room.finish(share().posix_acls("f"))), NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
}

TEST_F(Smb1UnixAclTest, AreSetThroughAnOpenThatTakesNoOplock) {
  std::uint32_t access = 0;
  room.server.once(Command::nt_create_andx, [&](const test::Smb1Request& request) {
    access = request.as<cifs::NtCreateRequest>().desired_access;
    return room.files.create(request);
  });
  EXPECT_FALSE(room.finish(share().set_attributes("f", changes)));
  EXPECT_EQ(access, wire::FILE_READ_ATTRIBUTES);
  EXPECT_THAT(server.asked(), ElementsAre(testing::StartsWith("set acls 1")));
  EXPECT_EQ(server.acls_set.at(0).number_of_access, 1);
  EXPECT_EQ(server.acls_set.at(0).number_of_default, cifs::PosixAcls::kNoChange);
  expect_nothing_open();
}

TEST_F(Smb1UnixAclTest, AreSetThroughTheOpenThatIsThere) {
  const auto open = opened("f");
  EXPECT_FALSE(room.finish(open->set_attributes(changes)));
  EXPECT_THAT(server.asked(), ElementsAre(testing::StartsWith("set acls 1")));
  EXPECT_EQ(turns_since(), 1u);
}

TEST_F(Smb1UnixAclTest, LeaveNothingOpenWhereTheyAreRefused) {
  server.refuse("set acls", NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(room.finish(share().set_attributes("f", changes)), NtStatus::STATUS_ACCESS_DENIED);
  expect_nothing_open();
  room.server.once(Command::nt_create_andx, test::refuse_in_smb1(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND));
  server.asked();
  EXPECT_EQ(room.finish(share().set_attributes("f", changes)), NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_THAT(server.asked(), IsEmpty());
}

}  // namespace
}  // namespace smb3fuse::client
