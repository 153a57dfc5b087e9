// SPDX-License-Identifier: Apache-2.0
// Logging on to SMB1 servers without extended security.
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

}  // namespace
}  // namespace smb3fuse::client
