// SPDX-License-Identifier: Apache-2.0
// What is accepted of a server's NEGOTIATE in SMB1, and each refusal in its words.
#include "smb/smb1/negotiate.h"

#include <gtest/gtest.h>

#include "tests/unit/cifs/golden.h"
#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::smb1 {
namespace {

// Where in the golden answer the fields stand.
constexpr std::size_t kDialectIndex = 33;
constexpr std::size_t kSecurityMode = 35;
constexpr std::size_t kMaxMpxCount = 36;
constexpr std::size_t kMaxBufferSize = 40;
constexpr std::size_t kCapabilities = 52;
constexpr std::size_t kChallengeLength = 66;

class SmbNegotiate : public testing::Test {
 protected:
  SmbNegotiate() : answer(wire::from_hex(cifs::golden::kNegotiateResponse)) { answer[kDialectIndex] = 4; }

  void expect_refusal(const std::string& words) {
    const auto accepted = accept_negotiate_response(answer);
    ASSERT_FALSE(accepted);
    EXPECT_NE(accepted.error().sentence.find(words), std::string::npos) << accepted.error().sentence;
  }

  Bytes answer;
};

TEST_F(SmbNegotiate, OffersAllDialectsForTheServerToNameItsOwn) {
  const auto request = make_negotiate_request();
  ASSERT_EQ(request.dialects.size(), 5u);
  const Bytes& last = request.dialects.back().name.bytes;
  EXPECT_EQ(std::string(last.begin(), last.end()), "NT LM 0.12");
}

TEST_F(SmbNegotiate, TakesTheLimitsOfTheServer) {
  const auto accepted = accept_negotiate_response(answer);
  ASSERT_TRUE(accepted) << accepted.error().sentence;
  EXPECT_EQ(accepted->negotiated.max_mpx_count, 50);
  EXPECT_EQ(accepted->negotiated.max_buffer_size, 16644u);
  EXPECT_FALSE(accepted->negotiated.server_can_sign());
  EXPECT_EQ(accepted->token.size(), 74u);
  EXPECT_TRUE(accepted->challenge.empty());
}

TEST_F(SmbNegotiate, TakesTheChallengeOfAServerWithoutExtendedSecurity) {
  answer[kCapabilities + 3] = 0;
  answer[kChallengeLength] = 8;
  const auto accepted = accept_negotiate_response(answer);
  ASSERT_TRUE(accepted) << accepted.error().sentence;
  EXPECT_EQ(accepted->challenge.size(), 8u);
  EXPECT_TRUE(accepted->token.empty());
  answer[kChallengeLength] = 7;
  expect_refusal("eight bytes");
}

TEST_F(SmbNegotiate, RefusesWhatIsOlderByItsName) {
  answer[kDialectIndex] = 3;
  expect_refusal("LANMAN2.1");
  answer[kDialectIndex] = 0;
  expect_refusal("PC NETWORK PROGRAM 1.0");
  answer[kDialectIndex] = 5;
  expect_refusal("not offered");
  answer[kDialectIndex] = answer[kDialectIndex + 1] = 0xFF;
  expect_refusal("no dialect");
}

TEST_F(SmbNegotiate, RefusesPasswordsOfShares) {
  answer[kSecurityMode] = 0;
  expect_refusal("password of each share");
}

TEST_F(SmbNegotiate, RefusesServersThatLackWhatEveryOperationNeeds) {
  answer[kCapabilities] = static_cast<std::uint8_t>(answer[kCapabilities] & ~cifs::CAP_NT_SMBS);
  expect_refusal("lacks");
}

TEST_F(SmbNegotiate, TakesServersWithoutLargeFiles) {
  answer[kCapabilities] = static_cast<std::uint8_t>(answer[kCapabilities] & ~cifs::CAP_LARGE_FILES);
  const auto accepted = accept_negotiate_response(answer);
  ASSERT_TRUE(accepted) << accepted.error().sentence;
  EXPECT_FALSE(accepted->negotiated.has(cifs::CAP_LARGE_FILES));
}

TEST_F(SmbNegotiate, RefusesLimitsThatNoMessageFitsInto) {
  Bytes none = answer;
  answer[kMaxMpxCount] = 0;
  expect_refusal("limits");
  answer = none;
  answer[kMaxBufferSize + 1] = 0;
  expect_refusal("limits");
}

TEST_F(SmbNegotiate, RefusesAnAnswerThatIsCutShort) {
  for (std::size_t size = 0; size < answer.size(); ++size) {
    EXPECT_FALSE(accept_negotiate_response(ByteView(answer).first(size))) << size;
  }
}

}  // namespace
}  // namespace smb3fuse::smb1
