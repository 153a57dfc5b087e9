// SPDX-License-Identifier: Apache-2.0
// Logging on to SMB1 servers without extended security, and names where a server has no Unicode.
#include "tests/unit/client/smb1_fixture.h"

namespace smb3fuse::client {
namespace {

using cifs::Command;

test::Smb1ServerOptions plain() {
  test::Smb1ServerOptions options;
  options.extended_security = false;
  return options;
}

TEST(Smb1LogOn, AnswersAChallengeOfTheNegotiateInTwoRoundTrips) {
  Smb1Room room(plain());
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_EQ(room.connecting, 2u);
  EXPECT_TRUE(room.finish(room.share->stat("a.txt")));
}

TEST(Smb1LogOn, SignsWithTheAnswerBehindTheKey) {
  test::Smb1ServerOptions options = plain();
  options.security_mode |= cifs::NEGOTIATE_SECURITY_SIGNATURES_REQUIRED;
  Smb1Room room(options);
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_TRUE(room.finish(room.share->stat("a.txt")));
}

TEST(Smb1LogOn, IsRefusedWithAnotherPassword) {
  test::Smb1ServerOptions options = plain();
  options.password = "another";
  Smb1Room room(options);
  ASSERT_FALSE(room.connect());
  EXPECT_EQ(room.error.step, ConnectStep::authenticate);
}

TEST(Smb1LogOn, IsNotAsAGuestUnlessAskedFor) {
  test::Smb1ServerOptions options = plain();
  options.action = cifs::SMB_SETUP_GUEST;
  Smb1Room room(options);
  ASSERT_FALSE(room.connect());
  EXPECT_NE(room.error.sentence.find("let us in as guest, which is refused"), std::string::npos);
}

TEST(Smb1LogOn, SendsNoPasswordAsItIs) {
  test::Smb1ServerOptions options = plain();
  options.security_mode = cifs::NEGOTIATE_USER_SECURITY;
  Smb1Room room(options);
  ASSERT_FALSE(room.connect());
  EXPECT_EQ(room.error.sentence,
            "the server wants the password as it is, for everybody on the way to read, which is refused");
  EXPECT_EQ(room.server.count(Command::session_setup_andx), 0u);
}

TEST(Smb1LogOn, AsNobodyNeedsNoChallenge) {
  test::Smb1ServerOptions options = plain();
  options.security_mode = cifs::NEGOTIATE_USER_SECURITY;
  Smb1Room room(options);
  room.config.credentials.kind = auth::Credentials::Kind::anonymous;
  room.server.once(Command::session_setup_andx, [&](const test::Smb1Request& request) {
    const auto asked = request.as<cifs::SessionSetupRequest>();
    EXPECT_TRUE(asked.oem_password.empty() && asked.unicode_password.empty());
    return test::refuse_in_smb1(NtStatus::STATUS_ACCESS_DENIED);
  });
  EXPECT_FALSE(room.connect());
  EXPECT_EQ(room.server.count(Command::session_setup_andx), 1u);
}

class Smb1WithoutUnicode : public testing::Test {
 protected:
  static test::Smb1ServerOptions options() {
    test::Smb1ServerOptions options = plain();
    options.unicode = false;
    return options;
  }
  Smb1Room room{options()};
};

TEST_F(Smb1WithoutUnicode, NamesAreSentInAscii) {
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  ASSERT_TRUE(room.finish(room.share->open(Smb1Room::to_read("folder/a.txt"))));
  EXPECT_EQ(room.files.created.back(), u"\\folder\\a.txt");
}

TEST_F(Smb1WithoutUnicode, OtherNamesAreRefusedHere) {
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  const auto told = room.finish(room.share->stat("\u00e4.txt"));
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error(), NtStatus::STATUS_OBJECT_NAME_INVALID);
  EXPECT_TRUE(room.server.requests.empty());
}

// Which code page it is nobody tells: 0x84 is a letter in each, and not the same one.
TEST_F(Smb1WithoutUnicode, OtherNamesAreLeftOutOfListings) {
  room.files.names = {u"a.txt", u"\x84.txt"};
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  auto directory = room.finish(room.share->open_directory("dir"));
  ASSERT_TRUE(directory);
  const auto page = room.finish((*directory)->next());
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 1u);
  EXPECT_EQ(page->front().name, "a.txt");
}

TEST_F(Smb1WithoutUnicode, AUserWithAnotherNameIsTold) {
  room.config.credentials.user = "\u00e4lice";
  ASSERT_FALSE(room.connect());
  EXPECT_NE(room.error.sentence.find("the server has no Unicode"), std::string::npos) << room.error.sentence;
}

}  // namespace
}  // namespace smb3fuse::client
