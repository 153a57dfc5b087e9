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

test::Smb1ServerOptions without_encryption() {
  test::Smb1ServerOptions options = plain();
  options.security_mode = cifs::NEGOTIATE_USER_SECURITY;
  return options;
}

TEST(Smb1Plaintext, IsNotSentUnlessAskedForByName) {
  Smb1Room room(without_encryption());
  ASSERT_FALSE(room.connect());
  EXPECT_EQ(room.error.step, ConnectStep::authenticate);
  EXPECT_EQ(room.error.sentence,
            "the server wants the password as it is, for everybody on the way to read: if it has to be, ask for that "
            "with the option sec=plaintext");
  EXPECT_EQ(room.server.count(Command::session_setup_andx), 0u);
}

TEST(Smb1Plaintext, IsSentInUnicodeInTwoRoundTrips) {
  Smb1Room room(without_encryption());
  room.config.plaintext_password = true;
  room.config.credentials.secret = crypto::Secret(std::string_view("s\u00e4"));
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_EQ(room.connecting, 2u);
  EXPECT_EQ(room.server.plain_password, (Bytes{'s', 0, 0xE4, 0, 0, 0}));
  EXPECT_TRUE(room.finish(room.share->stat("a.txt")));
}

TEST(Smb1Plaintext, IsSentInTheCodePageOfAServerWithoutUnicode) {
  test::Smb1ServerOptions options = without_encryption();
  options.unicode = false;
  Smb1Room room(options);
  room.config.plaintext_password = true;
  room.config.credentials.secret = crypto::Secret(std::string_view("s\u00e4"));
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_EQ(room.server.plain_password, (Bytes{'s', 0x84, 0}));
}

TEST(Smb1Plaintext, IsNotSentInACodePageThatLacksACharacter) {
  test::Smb1ServerOptions options = without_encryption();
  options.unicode = false;
  Smb1Room room(options);
  room.config.plaintext_password = true;
  room.config.credentials.secret = crypto::Secret(std::string_view("\u20ac"));
  ASSERT_FALSE(room.connect());
  EXPECT_EQ(room.error.sentence, "the password has characters that the server's code page lacks; see codepage=");
  EXPECT_EQ(room.server.count(Command::session_setup_andx), 0u);
}

TEST(Smb1Plaintext, IsNotSentToAServerThatTakesItEncrypted) {
  for (const bool extended : {true, false}) {
    test::Smb1ServerOptions options;
    options.extended_security = extended;
    Smb1Room room(options);
    room.config.plaintext_password = true;
    ASSERT_TRUE(room.connect()) << room.error.sentence;
    EXPECT_TRUE(room.server.plain_password.empty());
  }
}

// From a password as it is no key can be made. (The scripted server would sign.)
TEST(Smb1Plaintext, IsNotSentWhereMessagesAreToBeSigned) {
  test::Smb1ServerOptions demanding = without_encryption();
  demanding.security_mode |= cifs::NEGOTIATE_SECURITY_SIGNATURES_REQUIRED;
  Smb1Room server_demands(demanding);
  server_demands.config.plaintext_password = true;
  test::Smb1ServerOptions able = without_encryption();
  able.security_mode |= cifs::NEGOTIATE_SECURITY_SIGNATURES_ENABLED;
  Smb1Room user_demands(able);
  user_demands.config.plaintext_password = true;
  user_demands.config.require_signing = true;
  for (Smb1Room* room : {&server_demands, &user_demands}) {
    ASSERT_FALSE(room->connect());
    EXPECT_EQ(room->error.sentence,
              "messages are to be signed, but the server wants the password as it is, from which no key can be made");
    EXPECT_EQ(room->server.count(Command::session_setup_andx), 0u);
  }
}

TEST(Smb1Plaintext, AGuestHasNoneToHide) {
  Smb1Room room(without_encryption());
  room.config.credentials.kind = auth::Credentials::Kind::guest;
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_EQ(room.server.plain_password, (Bytes{0, 0}));
}

TEST(Smb1LogOn, AsNobodyNeedsNoChallenge) {
  Smb1Room room(without_encryption());
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
