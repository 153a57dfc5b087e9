// SPDX-License-Identifier: Apache-2.0
// Golden tokens: those of windows_session.h, and the SPNEGO offer of Samba 4.17 in its NEGOTIATE response, captured
// from Debian 12's smbd (standalone server, no Kerberos).
#include "smb/auth/spnego.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "smb/auth/error.h"
#include "tests/unit/auth/exact_copy.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/windows_session.h"

namespace smb3fuse::auth {
namespace {

using test::ExactCopy;
using test::from_hex;
using test::to_hex;
namespace session = test::windows_session;

constexpr std::string_view kSambaOffer =
    "604806062b0601050502a03e303ca00e300c060a2b06010401823702020aa32a3028a0261b246e6f745f646566696e65645f"
    "696e5f5246433431373840706c656173655f69676e6f7265";

// The security buffer of a SESSION_SETUP or NEGOTIATE message, by its fixed offsets there.
Bytes security_buffer(std::string_view message_hex, std::size_t offset, std::size_t size) {
  const Bytes message = from_hex(message_hex);
  const ByteView part = ByteView(message).subspan(offset, size);
  return Bytes(part.begin(), part.end());
}

Bytes windows_offer() { return security_buffer(session::kNegotiateResponse, 0x80, 0x140); }
Bytes windows_init() { return security_buffer(session::kSetupRequest1, 0x58, 0x4a); }
Bytes windows_challenge() { return security_buffer(session::kSetupResponse1, 0x48, 0xb3); }
Bytes windows_authenticate() { return security_buffer(session::kSetupRequest2, 0x58, 0x1cf); }
Bytes windows_last() { return security_buffer(session::kSetupResponse2, 0x48, 0x1d); }

TEST(Spnego, ReadsTheOfferOfWindows) {
  const Bytes token = windows_offer();
  const NegTokenInit init = parse_neg_token_init(token).value();
  ASSERT_EQ(init.mech_types.size(), 2u);
  EXPECT_EQ(to_hex(init.mech_types[0]), "2b06010401823702021e");  // NEGOEX
  EXPECT_TRUE(init.offers(kOidNtlmssp));
  EXPECT_FALSE(init.offers(kOidKerberos));
  EXPECT_EQ(to_hex(init.mech_token.first(8)), "4e45474f45585453");
}

TEST(Spnego, ReadsTheOfferOfSambaAndSkipsItsHints) {
  const Bytes token = from_hex(kSambaOffer);
  const NegTokenInit init = parse_neg_token_init(token).value();
  ASSERT_EQ(init.mech_types.size(), 1u);
  EXPECT_TRUE(init.offers(kOidNtlmssp));
  EXPECT_TRUE(init.mech_token.empty());
  EXPECT_TRUE(init.mech_list_mic.empty());
}

TEST(Spnego, WritesAnInitAsWindowsDoes) {
  const Bytes golden = windows_init();
  const NegTokenInit parsed = parse_neg_token_init(golden).value();
  EXPECT_EQ(to_hex(encode_neg_token_init({.mech_types = {kOidNtlmssp}, .mech_token = parsed.mech_token})),
            to_hex(golden));
}

TEST(Spnego, WritesAResponseAsWindowsDoes) {
  const Bytes golden = windows_authenticate();
  const NegTokenResp parsed = parse_neg_token_resp(golden).value();
  EXPECT_EQ(parsed.neg_state, NegState::accept_incomplete);
  EXPECT_EQ(parsed.response_token.size(), 0x1a6u);
  EXPECT_EQ(to_hex(parsed.mech_list_mic), "0100000063775a9a5fd97f0600000000");
  EXPECT_EQ(to_hex(encode_neg_token_resp(parsed)), to_hex(golden));
}

TEST(Spnego, ReadsTheResponsesOfAServer) {
  const Bytes challenge = windows_challenge();
  const NegTokenResp first = parse_neg_token_resp(challenge).value();
  EXPECT_EQ(first.neg_state, NegState::accept_incomplete);
  EXPECT_TRUE(std::ranges::equal(first.supported_mech, kOidNtlmssp));
  EXPECT_EQ(first.response_token.size(), 0x94u);
  EXPECT_EQ(to_hex(encode_neg_token_resp(first)), to_hex(challenge));
  const Bytes last = windows_last();
  const NegTokenResp second = parse_neg_token_resp(last).value();
  EXPECT_EQ(second.neg_state, NegState::accept_completed);
  EXPECT_EQ(to_hex(second.mech_list_mic), "010000003b453cdc3524164200000000");
}

TEST(Spnego, WritesTheMechanismListThatIsSigned) {
  const ByteView types[] = {kOidNtlmssp};
  EXPECT_EQ(to_hex(encode_mech_type_list(types)), "300c060a2b06010401823702020a");
}

TEST(Spnego, AcceptsAnOfferWithoutMechanisms) {
  // NegTokenInit {} and NegTokenInit { mechTypes = {} }
  EXPECT_TRUE(parse_neg_token_init(from_hex("600c06062b0601050502a0023000"))->mech_types.empty());
  EXPECT_TRUE(parse_neg_token_init(from_hex("601006062b0601050502a0063004a0023000"))->mech_types.empty());
}

TEST(Spnego, ReadsAMicInTheThirdOrFourthField) {
  EXPECT_EQ(to_hex(parse_neg_token_init(from_hex("601206062b0601050502a0083006a30404020102"))->mech_list_mic), "0102");
  EXPECT_EQ(to_hex(parse_neg_token_init(from_hex("601206062b0601050502a0083006a40404020102"))->mech_list_mic), "0102");
}

TEST(Spnego, RefusesEveryTruncation) {
  for (const Bytes& token : {windows_offer(), windows_init(), from_hex(kSambaOffer)}) {
    for (std::size_t size = 0; size < token.size(); ++size) {
      const ExactCopy cut(ByteView(token).first(size));
      EXPECT_EQ(parse_neg_token_init(cut.view()).error(), AuthError::malformed_spnego) << size;
    }
  }
  for (const Bytes& token : {windows_challenge(), windows_authenticate(), windows_last()}) {
    for (std::size_t size = 0; size < token.size(); ++size) {
      const ExactCopy cut(ByteView(token).first(size));
      EXPECT_EQ(parse_neg_token_resp(cut.view()).error(), AuthError::malformed_spnego) << size;
    }
  }
}

TEST(Spnego, SurvivesEveryWrongByte) {
  const Bytes challenge = windows_challenge();
  const Bytes offer = windows_offer();
  for (std::size_t at = 0; at < offer.size(); ++at) {
    for (const unsigned value : {0x00u, 0x7fu, 0x80u, 0x81u, 0x82u, 0x84u, 0xffu}) {
      Bytes wrong = offer;
      wrong[at] = static_cast<std::uint8_t>(value);
      (void)parse_neg_token_init(ExactCopy(wrong).view());
      if (at >= challenge.size()) continue;
      wrong = challenge;
      wrong[at] = static_cast<std::uint8_t>(value);
      (void)parse_neg_token_resp(ExactCopy(wrong).view());
    }
  }
}

TEST(Spnego, RefusesWhatIsNotStrictDer) {
  const char* const resps[] = {
      "a1073005a0030a010000",          // a byte behind the end
      "a181073005a0030a0100",          // a length that is longer than it need be
      "a182000730 05a0030a0100",       // the same
      "a1803005a0030a01000000",        // an indefinite length
      "a1840000000730 05a0030a0100",   // a length of four bytes
      "a1073005a0030a0104",            // no such NegState
      "a1083006a0040a020000",          // a NegState of two bytes
      "a1083006a0040a010000",          // a byte behind the NegState
      "a10b3009a2020400a0030a0100",    // fields out of order
      "a10c300aa0030a0100a0030a0100",  // a field twice
      "a10a3008a0030a0100a9010000",    // an unknown field
      "a1053003a001ff",                // an element that is no element
      "a1023001",                      // nothing where something is due
      "a00730 05a0030a0100",           // not a NegTokenResp
  };
  for (const char* hex : resps) {
    EXPECT_EQ(parse_neg_token_resp(ExactCopy(from_hex(hex)).view()).error(), AuthError::malformed_spnego) << hex;
  }
  const char* const inits[] = {
      "600c06062b0601050503a0023000",              // not SPNEGO's object identifier
      "600d06062b0601050502a002300000",            // a byte behind the sequence
      "601206062b0601050502a0083006a3040a020102",  // neither hints nor a MIC
      "601206062b0601050502a0083006a00430020500",  // a mechanism that is no object identifier
  };
  for (const char* hex : inits) {
    EXPECT_EQ(parse_neg_token_init(ExactCopy(from_hex(hex)).view()).error(), AuthError::malformed_spnego) << hex;
  }
}

TEST(Spnego, RefusesMoreMechanismsThanThereAre) {
  std::vector<ByteView> types(kMaxMechanisms, kOidNtlmssp);
  EXPECT_TRUE(parse_neg_token_init(encode_neg_token_init({.mech_types = types})).has_value());
  types.push_back(kOidNtlmssp);
  EXPECT_EQ(parse_neg_token_init(encode_neg_token_init({.mech_types = types})).error(), AuthError::malformed_spnego);
}

TEST(Spnego, ReadsWhatItWritesAtEveryLengthOfALength) {
  for (const std::size_t size : {1, 100, 127, 128, 200, 255, 256, 4000, 60000}) {
    const Bytes token(size, 0xab);
    const Bytes encoded = encode_neg_token_resp({.response_token = token, .mech_list_mic = token});
    const NegTokenResp parsed = size > 30000
                                    ? parse_neg_token_resp(encode_neg_token_resp({.response_token = token})).value()
                                    : parse_neg_token_resp(encoded).value();
    EXPECT_EQ(parsed.response_token.size(), size);
  }
}

}  // namespace
}  // namespace smb3fuse::auth
