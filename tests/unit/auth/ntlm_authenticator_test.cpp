// SPDX-License-Identifier: Apache-2.0
// The conversation of windows_session.h with ourselves as its client. The server's part of it is made here from the
// parts that golden values hold down in ntlm_test.cpp and spnego_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "smb/auth/authenticator.h"
#include "smb/auth/error.h"
#include "smb/auth/ntlm_keys.h"
#include "smb/auth/spnego.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/windows_session.h"

namespace smb3fuse::auth {
namespace {

using test::from_hex;
using test::to_hex;
namespace session = test::windows_session;

Bytes part(std::string_view message_hex, std::size_t offset, std::size_t size) {
  const Bytes message = from_hex(message_hex);
  const ByteView bytes = ByteView(message).subspan(offset, size);
  return Bytes(bytes.begin(), bytes.end());
}

const Bytes kOffer = part(session::kNegotiateResponse, 0x80, 0x140);
const Bytes kChallenge = part(session::kSetupResponse1, 0x48, 0xb3);
const Bytes kBareChallenge = part(session::kSetupResponse1, 0x48 + 31, 0x94);
const Bytes kList = from_hex("300c060a2b06010401823702020a");

std::unique_ptr<Authenticator> authenticator(Credentials::Kind kind = Credentials::Kind::password) {
  Credentials credentials;
  credentials.kind = kind;
  credentials.user = session::kUser;
  credentials.domain = session::kDomain;
  credentials.secret = crypto::Secret(session::kPassword);
  // The session key of the golden session is what our random source gives last.
  return make_ntlm_authenticator(
      std::move(credentials), "SUT311", [] { return std::uint64_t{0}; },
      [](std::span<std::uint8_t> out) {
        const Bytes bytes = from_hex(out.size() == 8 ? session::kClientChallenge : session::kSessionKey);
        std::copy_n(bytes.begin(), out.size(), out.begin());
      });
}

// The server's last token, signed or not.
Bytes last_token(std::string_view session_key, NegState state = NegState::accept_completed) {
  if (session_key.empty()) return encode_neg_token_resp({.neg_state = state});
  NtlmSigner signer(**LegacyAlgorithms::load(), from_hex(session_key), NtlmSigner::Side::server, true);
  const NtlmSignature mic = signer.sign(kList);
  return encode_neg_token_resp({.neg_state = state, .mech_list_mic = mic});
}

TEST(NtlmAuthenticator, ConversesAsWindowsDid) {
  const auto client = authenticator();
  const Bytes first = client->step(kOffer).value();
  const NegTokenInit init = parse_neg_token_init(first).value();
  ASSERT_EQ(init.mech_types.size(), 1u);
  EXPECT_TRUE(is_ntlmssp(init.mech_token));
  EXPECT_FALSE(client->complete());
  EXPECT_TRUE(client->session_key().empty());

  const Bytes second = client->step(kChallenge).value();
  const NegTokenResp resp = parse_neg_token_resp(second).value();
  EXPECT_TRUE(is_ntlmssp(resp.response_token));
  // The same session key signs the same list as Windows signed it.
  EXPECT_EQ(to_hex(resp.mech_list_mic), "0100000063775a9a5fd97f0600000000");
  EXPECT_TRUE(client->complete());
  EXPECT_EQ(to_hex(client->session_key()), session::kSessionKey);

  EXPECT_FALSE(client->finish(part(session::kSetupResponse2, 0x48, 0x1d)));
  EXPECT_EQ(to_hex(client->session_key()), session::kSessionKey);
}

TEST(NtlmAuthenticator, BeginsByItselfWhereTheServerOffersNothing) {
  const auto client = authenticator();
  EXPECT_TRUE(parse_neg_token_init(client->step({}).value()).has_value());
}

TEST(NtlmAuthenticator, BeginsWhereTheServerNamesNoMechanism) {
  EXPECT_TRUE(authenticator()->step(from_hex("601006062b0601050502a0063004a0023000")).has_value());
}

TEST(NtlmAuthenticator, SpeaksBareNtlmWithWhoSpeaksItBare) {
  const auto client = authenticator();
  EXPECT_TRUE(client->step({}).has_value());
  EXPECT_TRUE(is_ntlmssp(client->step(kBareChallenge).value()));
  EXPECT_FALSE(client->finish({}));
  const auto bare_from_the_start = authenticator();
  EXPECT_TRUE(is_ntlmssp(bare_from_the_start->step(kBareChallenge).value()));
}

TEST(NtlmAuthenticator, GivesUpWhereNtlmIsNotOffered) {
  const Bytes offer = encode_neg_token_init({.mech_types = {kOidKerberos}});
  EXPECT_EQ(authenticator()->step(offer).error(), AuthError::no_common_mechanism);
}

TEST(NtlmAuthenticator, GivesUpWhereTheServerPicksAnotherMechanism) {
  const auto client = authenticator();
  ASSERT_TRUE(client->step(kOffer).has_value());
  EXPECT_EQ(client->step(encode_neg_token_resp({.supported_mech = kOidKerberos})).error(),
            AuthError::no_common_mechanism);
}

TEST(NtlmAuthenticator, GivesUpWhenRejected) {
  const auto client = authenticator();
  ASSERT_TRUE(client->step(kOffer).has_value());
  EXPECT_EQ(client->step(encode_neg_token_resp({.neg_state = NegState::reject})).error(), AuthError::rejected);
  EXPECT_FALSE(client->complete());
}

TEST(NtlmAuthenticator, RefusesOurOwnTokenSentBack) {
  const auto client = authenticator();
  const Bytes first = client->step(kOffer).value();
  EXPECT_EQ(client->step(first).error(), AuthError::malformed_spnego);
  const auto another = authenticator();
  const Bytes negotiate = another->step(kOffer).value();
  const ByteView bare = parse_neg_token_init(negotiate)->mech_token;
  EXPECT_EQ(another->step(bare).error(), AuthError::malformed_ntlm);
}

TEST(NtlmAuthenticator, RefusesToGoOnAfterAFailureOrTheEnd) {
  const auto failed = authenticator();
  EXPECT_EQ(failed->step(from_hex("00")).error(), AuthError::malformed_spnego);
  EXPECT_EQ(failed->step(kOffer).error(), AuthError::unexpected_token);
  EXPECT_EQ(failed->finish({}), AuthError::unexpected_token);
  const auto over = authenticator();
  ASSERT_TRUE(over->step(kOffer) && over->step(kChallenge));
  EXPECT_EQ(over->step(kChallenge).error(), AuthError::unexpected_token);
  EXPECT_TRUE(over->session_key().empty());
}

TEST(NtlmAuthenticator, RefusesToFinishBeforeItHasProvedItself) {
  const auto client = authenticator();
  ASSERT_TRUE(client->step(kOffer).has_value());
  EXPECT_EQ(client->finish(last_token("")), AuthError::unexpected_token);
}

TEST(NtlmAuthenticator, JudgesTheLastToken) {
  struct Case {
    Bytes token;
    std::error_code expected;
  };
  const Case cases[] = {
      {{}, {}},
      {last_token(""), {}},
      {last_token(session::kSessionKey), {}},
      {last_token("00000000000000000000000000000000"), AuthError::bad_mechanism_list_mic},
      {encode_neg_token_resp({.mech_list_mic = kList}), AuthError::bad_mechanism_list_mic},
      {last_token("", NegState::reject), AuthError::rejected},
      {last_token("", NegState::accept_incomplete), AuthError::rejected},
      {encode_neg_token_resp({.response_token = kList}), AuthError::unexpected_token},
      {encode_neg_token_resp({.supported_mech = kOidKerberos}), AuthError::no_common_mechanism},
      {kOffer, AuthError::malformed_spnego},
  };
  for (const Case& example : cases) {
    const auto client = authenticator();
    ASSERT_TRUE(client->step(kOffer) && client->step(kChallenge));
    EXPECT_EQ(client->finish(example.token), example.expected) << to_hex(example.token);
    EXPECT_EQ(client->session_key().empty(), static_cast<bool>(example.expected));
  }
}

TEST(NtlmAuthenticator, OfNobodySignsNothing) {
  const auto client = authenticator(Credentials::Kind::anonymous);
  ASSERT_TRUE(client->step(kOffer).has_value());
  EXPECT_TRUE(parse_neg_token_resp(client->step(kChallenge).value())->mech_list_mic.empty());
  EXPECT_TRUE(client->complete());
  EXPECT_TRUE(client->session_key().empty());
  EXPECT_EQ(client->finish(last_token(session::kSessionKey)), AuthError::bad_mechanism_list_mic);
}

}  // namespace
}  // namespace smb3fuse::auth
