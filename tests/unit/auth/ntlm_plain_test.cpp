// SPDX-License-Identifier: Apache-2.0
// NTLMv2 without NTLMSSP: the values of [MS-NLMP] 4.2.1 and 4.2.4, as far as they do not depend on a server's names.
#include "smb/auth/ntlm_plain.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "smb/auth/error.h"
#include "tests/unit/crypto/hex.h"

namespace smb3fuse::auth {
namespace {

using test::from_hex;
using test::to_hex;

Credentials example() {
  Credentials credentials;
  credentials.user = "User";
  credentials.domain = "Domain";
  credentials.secret = crypto::Secret(std::string_view("Password"));
  return credentials;
}

std::uint64_t at_the_beginning() { return 0; }
void all_aa(std::span<std::uint8_t> out) { std::ranges::fill(out, std::uint8_t{0xAA}); }

TEST(NtlmPlain, AnswersTheExamplesChallenge) {
  const auto response = ntlm_plain_response(example(), from_hex("0123456789abcdef"), at_the_beginning, all_aa);
  ASSERT_TRUE(response);
  EXPECT_EQ(to_hex(response->lm_response), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa");
  // Behind the proof: version, time, the client's challenge, and no names.
  EXPECT_EQ(to_hex(ByteView(response->nt_response).subspan(16)),
            "01010000000000000000000000000000aaaaaaaaaaaaaaaa000000000000000000000000");
  EXPECT_EQ(response->session_key.size(), 16u);
  EXPECT_EQ(response->user, u"User");
  EXPECT_EQ(response->domain, u"Domain");
}

TEST(NtlmPlain, AnswersNoChallengeThatIsNone) {
  const auto error_of = [](const char* challenge) {
    const auto response = ntlm_plain_response(example(), from_hex(challenge), at_the_beginning, all_aa);
    return response ? std::error_code() : response.error();
  };
  EXPECT_EQ(error_of(""), AuthError::ntlmv2_not_offered);
  EXPECT_EQ(error_of("0000000000000000"), AuthError::weak_challenge);
  EXPECT_EQ(error_of("aaaaaaaaaaaaaaaa"), AuthError::weak_challenge) << "our own";
}

TEST(NtlmPlain, SaysNothingOfAnAnonymousUser) {
  Credentials nobody;
  nobody.kind = Credentials::Kind::anonymous;
  const auto response = ntlm_plain_response(nobody, from_hex("0123456789abcdef"), at_the_beginning, all_aa);
  ASSERT_TRUE(response);
  EXPECT_TRUE(response->user.empty() && response->nt_response.empty() && response->lm_response.empty());
  EXPECT_TRUE(response->session_key.empty());
}

}  // namespace
}  // namespace smb3fuse::auth
