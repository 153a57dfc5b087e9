// SPDX-License-Identifier: Apache-2.0
// Golden values: [MS-NLMP] 4.2.1 and 4.2.4 (NTLMv2), and windows_session.h, a whole session of two Windows hosts.
#include "smb/auth/ntlm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "smb/auth/error.h"
#include "smb/auth/ntlm_keys.h"
#include "smb/auth/ntlm_messages.h"
#include "smb/wire/endian.h"
#include "smb/wire/utf16.h"
#include "tests/unit/auth/exact_copy.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/windows_session.h"

namespace smb3fuse::auth {
namespace {

using crypto::Secret;
using test::array_from_hex;
using test::bytes_of;
using test::ExactCopy;
using test::from_hex;
using test::to_hex;
namespace session = test::windows_session;

const LegacyAlgorithms& algorithms() { return **LegacyAlgorithms::load(); }

Bytes utf16(std::u16string_view text) { return wire::to_utf16le(text); }

Bytes part(std::string_view message_hex, std::size_t offset, std::size_t size) {
  const Bytes message = from_hex(message_hex);
  const ByteView bytes = ByteView(message).subspan(offset, size);
  return Bytes(bytes.begin(), bytes.end());
}

Bytes windows_negotiate() { return part(session::kSetupRequest1, 0x58 + 34, 40); }
Bytes windows_challenge() { return part(session::kSetupResponse1, 0x48 + 31, 0x94); }
Bytes windows_authenticate() { return part(session::kSetupRequest2, 0x58 + 21, 0x1a6); }

// What a Len, MaxLen, BufferOffset field at `at` points to.
ByteView payload(ByteView message, std::size_t at) {
  return message.subspan(wire::load_le<std::uint32_t>(message.data() + at + 4),
                         wire::load_le<std::uint16_t>(message.data() + at));
}

std::uint32_t flags_of(ByteView authenticate) { return wire::load_le<std::uint32_t>(authenticate.data() + 60); }

std::string text_of(ByteView utf16le) { return wire::to_utf8(wire::Utf16View{utf16le}).value(); }

// [MS-NLMP] 4.2.1 and 4.2.4
class SpecificationExample : public ::testing::Test {
 protected:
  NtlmKey response_key() const {
    return ntowf_v2(algorithms(), nt_hash_of(algorithms(), utf16(u"Password")).view(), u"USER", u"Domain");
  }

  Bytes target_info_ = from_hex("02000c0044006f006d00610069006e0001000c005300650072007600650072000000 0000");
  ResponseInput input_{.server_challenge = array_from_hex<8>("0123456789abcdef"),
                       .client_challenge = array_from_hex<8>("aaaaaaaaaaaaaaaa"),
                       .time = 0,
                       .target_info = target_info_};
};

TEST_F(SpecificationExample, HashesThePassword) {
  EXPECT_EQ(to_hex(nt_hash_of(algorithms(), utf16(u"Password")).view()), "a4f49c406510bdcab6824ee7c30fd852");
  EXPECT_EQ(to_hex(response_key().view()), "0c868a403bfd7a93a3001ef22ef02e3f");
}

TEST_F(SpecificationExample, Responds) {
  const NtlmV2Response response = ntlm_v2_response(algorithms(), response_key().view(), input_);
  EXPECT_EQ(to_hex(ByteView(response.nt_challenge_response).first(16)), "68cd0ab851e51c96aabc927bebef6a1c");
  EXPECT_EQ(to_hex(response.session_base_key.view()), "8de40ccadbc14a82f15cb0ad0de95ca3");
  EXPECT_EQ(to_hex(lm_v2_response(algorithms(), response_key().view(), input_)),
            "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa");
}

TEST_F(SpecificationExample, SealsTheSessionKey) {
  EXPECT_EQ(to_hex(seal_session_key(algorithms(), from_hex("8de40ccadbc14a82f15cb0ad0de95ca3"),
                                    from_hex("55555555555555555555555555555555"))),
            "c5dad2544fc9799094ce1ce90bc9d03e");
}

// 4.2.4.4: GSS_WrapEx seals the text, and then the checksum with the same stream. We only sign, so the stream is run
// here, under the example's client sealing key.
TEST_F(SpecificationExample, Signs) {
  const Bytes session_key = from_hex("55555555555555555555555555555555");
  const Bytes text = utf16(u"Plaintext");
  NtlmSigner unsealed(algorithms(), session_key, NtlmSigner::Side::client, false);
  Bytes expected = from_hex("7fb38ec5c55d4976");
  crypto::Rc4 stream = algorithms().rc4(array_from_hex<16>("59f600973cc4960a25480a7c196e4c58"));
  Bytes sealed = text;
  stream.apply(sealed);
  EXPECT_EQ(to_hex(sealed), "54e50165bf1936dc996020c1811b0f06fb5f");
  stream.apply(expected);
  const NtlmSignature signature = unsealed.sign(text);
  EXPECT_EQ(to_hex(signature), "01000000" + to_hex(expected) + "00000000");
}

TEST(NtlmKeys, AreThoseOfWindows) {
  const NtlmKey hash = nt_hash_of(algorithms(), utf16(u"Password01!"));
  EXPECT_EQ(to_hex(hash.view()), session::kNtHash);
  const NtlmKey key = ntowf_v2(algorithms(), hash.view(), u"ADMINISTRATOR", u"SUT311");
  EXPECT_EQ(to_hex(key.view()), session::kNtowfV2);

  const Bytes golden = windows_authenticate();
  const ByteView response = payload(golden, 20);
  // NTLMv2_CLIENT_CHALLENGE: the AV pairs begin at 28 and end before eight zero bytes.
  const NtlmV2Response ours =
      ntlm_v2_response(algorithms(), key.view(),
                       {.server_challenge = array_from_hex<8>("0d1d8ba31179d008"),
                        .client_challenge = array_from_hex<8>(session::kClientChallenge),
                        .time = wire::load_le<std::uint64_t>(response.data() + 16 + 8),
                        .target_info = response.subspan(16 + 28, response.size() - 16 - 28 - 4)});
  EXPECT_EQ(to_hex(ours.nt_challenge_response), to_hex(response));
  EXPECT_EQ(to_hex(ours.session_base_key.view()), session::kSessionBaseKey);
  EXPECT_EQ(to_hex(seal_session_key(algorithms(), ours.session_base_key.view(), from_hex(session::kSessionKey))),
            to_hex(payload(golden, 52)));
}

TEST(NtlmKeys, MakeTheMicOfWindows) {
  Bytes authenticate = windows_authenticate();
  const std::string mic = to_hex(ByteView(authenticate).subspan(kAuthenticateMicOffset, 16));
  std::fill_n(authenticate.begin() + kAuthenticateMicOffset, 16, std::uint8_t{0});
  EXPECT_EQ(to_hex(ntlm_mic(algorithms(), from_hex(session::kSessionKey), windows_negotiate(), windows_challenge(),
                            authenticate)),
            mic);
}

TEST(NtlmKeys, SignTheMechanismListAsWindowsDoes) {
  const Bytes list = from_hex("300c060a2b06010401823702020a");
  NtlmSigner client(algorithms(), from_hex(session::kSessionKey), NtlmSigner::Side::client, true);
  NtlmSigner server(algorithms(), from_hex(session::kSessionKey), NtlmSigner::Side::server, true);
  EXPECT_EQ(to_hex(client.sign(list)), "0100000063775a9a5fd97f0600000000");
  EXPECT_EQ(to_hex(server.sign(list)), "010000003b453cdc3524164200000000");
  EXPECT_EQ(to_hex(ByteView(server.sign(list)).subspan(12)), "01000000");
}

TEST(NtlmChallenge, OfWindowsIsRead) {
  const Bytes message = windows_challenge();
  const ChallengeMessage challenge = parse_challenge(message).value();
  EXPECT_EQ(challenge.negotiate_flags, 0xe28a8215u);
  EXPECT_EQ(to_hex(challenge.server_challenge), "0d1d8ba31179d008");
  EXPECT_EQ(challenge.target_info.size(), 5u);
  EXPECT_EQ(text_of(challenge.find(AvId::nb_domain_name)->value), "SUT311");
  EXPECT_EQ(challenge.timestamp(), 0x01d0aecbadf5a1a1u);
}

TEST(NtlmChallenge, IsRefusedAtEveryTruncation) {
  const Bytes message = windows_challenge();
  for (std::size_t size = 0; size < message.size(); ++size) {
    const ExactCopy cut(ByteView(message).first(size));
    EXPECT_EQ(parse_challenge(cut.view()).error(), AuthError::malformed_ntlm) << size;
  }
}

TEST(NtlmChallenge, SurvivesEveryWrongByte) {
  const Bytes message = windows_challenge();
  for (std::size_t at = 0; at < message.size(); ++at) {
    for (const unsigned value : {0x00u, 0x01u, 0x7fu, 0x80u, 0xffu}) {
      Bytes wrong = message;
      wrong[at] = static_cast<std::uint8_t>(value);
      (void)parse_challenge(ExactCopy(wrong).view());
    }
  }
}

TEST(NtlmChallenge, OfAnotherMessageTypeIsRefused) {
  for (const unsigned type : {0u, 1u, 3u}) {
    Bytes message = windows_challenge();
    message[8] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(parse_challenge(message).error(), AuthError::malformed_ntlm);
  }
  EXPECT_EQ(parse_challenge(windows_negotiate()).error(), AuthError::malformed_ntlm);
}

TEST(NtlmChallenge, WithoutWhatNtlmV2NeedsIsRefused) {
  for (const std::uint32_t flag :
       {ntlm_flag::kUnicode, ntlm_flag::kExtendedSessionSecurity, ntlm_flag::kTargetInfo, ntlm_flag::k128}) {
    Bytes message = windows_challenge();
    wire::store_le(message.data() + 20, wire::load_le<std::uint32_t>(message.data() + 20) & ~flag);
    EXPECT_EQ(parse_challenge(message).error(), AuthError::ntlmv2_not_offered) << flag;
  }
}

TEST(NtlmChallenge, OfZerosIsRefused) {
  Bytes message = windows_challenge();
  std::fill_n(message.begin() + 24, 8, std::uint8_t{0});
  EXPECT_EQ(parse_challenge(message).error(), AuthError::weak_challenge);
}

TEST(NtlmChallenge, PointingOutsideItselfIsRefused) {
  struct Case {
    std::size_t field;
    std::uint16_t length;
    std::uint32_t offset;
  };
  for (const std::size_t field : {12, 40}) {
    for (const Case bad : {Case{field, 8, 0}, Case{field, 8, 47}, Case{field, 8, 0x94 - 7}, Case{field, 8, 0x94},
                           Case{field, 8, 0x95}, Case{field, 8, 0xffffffff}, Case{field, 0xffff, 48}}) {
      Bytes message = windows_challenge();
      wire::store_le(message.data() + bad.field, bad.length);
      wire::store_le(message.data() + bad.field + 4, bad.offset);
      EXPECT_EQ(parse_challenge(ExactCopy(message).view()).error(), AuthError::malformed_ntlm) << bad.offset;
    }
  }
}

// A challenge with this target information.
Bytes challenge_with(ByteView target_info, std::uint32_t without_flags = 0) {
  Bytes message = windows_challenge();
  message.resize(56);
  wire::store_le(message.data() + 12, std::uint64_t{0});
  wire::store_le(message.data() + 20, wire::load_le<std::uint32_t>(message.data() + 20) & ~without_flags);
  wire::store_le(message.data() + 40, static_cast<std::uint16_t>(target_info.size()));
  wire::store_le(message.data() + 44, std::uint32_t{56});
  message.insert(message.end(), target_info.begin(), target_info.end());
  return message;
}

constexpr std::string_view kNames = "0200020044000100020053 00";  // domain "D", computer "S"

Bytes names_and(std::string_view hex) { return from_hex(std::string(kNames) + std::string(hex)); }

TEST(NtlmChallenge, WithBadAvPairsIsRefused) {
  EXPECT_TRUE(parse_challenge(challenge_with(names_and("00000000"))).has_value());
  const char* const bad[] = {
      "",                            // no end
      "000000",                      // an end cut short
      "00000100 ff",                 // an end with a value
      "0300ff00 4400 00000000",      // a value that leaves the list
      "07000400 01020304 00000000",  // a timestamp of four bytes
      "06000200 0102 00000000",      // flags of two bytes
      "0a000400 01020304 00000000",  // channel bindings of four bytes
      "09000300 630069 00000000",    // half a character
  };
  for (const char* hex : bad) {
    const Bytes message = challenge_with(names_and(hex));
    EXPECT_EQ(parse_challenge(ExactCopy(message).view()).error(), AuthError::malformed_target_info) << hex;
  }
}

TEST(NtlmChallenge, WithTooManyAvPairsIsRefused) {
  Bytes many = names_and("");
  for (std::size_t i = 0; i < kMaxAvPairs; ++i) many.insert(many.end(), {0x0b, 0, 0, 0});
  many.insert(many.end(), 4, std::uint8_t{0});
  EXPECT_EQ(parse_challenge(challenge_with(many)).error(), AuthError::malformed_target_info);
  EXPECT_EQ(parse_challenge(challenge_with(Bytes(kMaxTargetInfo + 2))).error(), AuthError::malformed_target_info);
}

TEST(NtlmChallenge, WithoutTheServersNamesIsRefused) {
  EXPECT_EQ(parse_challenge(challenge_with(from_hex("0200020044 0000000000"))).error(), AuthError::ntlmv2_not_offered);
  EXPECT_EQ(parse_challenge(challenge_with(from_hex("0100020053 0000000000"))).error(), AuthError::ntlmv2_not_offered);
}

// A client whose random bytes are all 0x42 and whose clock stands still.
NtlmClient client(Credentials credentials) {
  return NtlmClient(
      std::move(credentials), "nas", [] { return std::uint64_t{0x1122334455667788}; },
      [](std::span<std::uint8_t> out) { std::ranges::fill(out, std::uint8_t{0x42}); });
}

Credentials with_password(std::string user, std::string domain, std::string_view password) {
  Credentials credentials;
  credentials.user = std::move(user);
  credentials.domain = std::move(domain);
  credentials.secret = Secret(password);
  return credentials;
}

Credentials windows_user() { return with_password("administrator", "SUT311", "Password01!"); }

// The AV pairs of an AUTHENTICATE message, read by the same parser by way of a challenge.
struct Answer {
  explicit Answer(Bytes authenticate) : message(std::move(authenticate)) {
    const ByteView nt = payload(message, 20);
    carrier = challenge_with(nt.subspan(44));
    challenge = parse_challenge(carrier).value();
  }
  Bytes message;
  Bytes carrier;
  ChallengeMessage challenge;
};

TEST(NtlmClient, AnswersWithTheServersTimeAMicAndNoLmResponse) {
  NtlmClient ntlm = client(windows_user());
  const Bytes challenge = windows_challenge();
  const Answer answer(ntlm.authenticate(challenge).value());
  EXPECT_EQ(text_of(payload(answer.message, 28)), "SUT311");
  EXPECT_EQ(text_of(payload(answer.message, 36)), "administrator");
  EXPECT_EQ(text_of(payload(answer.message, 44)), "");
  EXPECT_EQ(to_hex(payload(answer.message, 12)), std::string(48, '0'));
  const ByteView nt = payload(answer.message, 20);
  EXPECT_EQ(to_hex(nt.subspan(24, 8)), "a1a1f5adcbaed001");
  EXPECT_EQ(answer.challenge.timestamp(), 0x01d0aecbadf5a1a1u);
  EXPECT_EQ(to_hex(answer.challenge.find(AvId::flags)->value), "02000000");
  EXPECT_EQ(to_hex(answer.challenge.find(AvId::channel_bindings)->value), std::string(32, '0'));
  EXPECT_EQ(text_of(answer.challenge.find(AvId::target_name)->value), "cifs/nas");
  EXPECT_EQ(to_hex(ntlm.session_key()), std::string("42424242424242424242424242424242"));

  // The proof, the sealed key and the MIC, by the parts that the golden values hold down.
  const NtlmV2Response expected = ntlm_v2_response(algorithms(), from_hex(session::kNtowfV2),
                                                   {.server_challenge = array_from_hex<8>("0d1d8ba31179d008"),
                                                    .client_challenge = array_from_hex<8>("4242424242424242"),
                                                    .time = 0x01d0aecbadf5a1a1,
                                                    .target_info = nt.subspan(44, nt.size() - 48)});
  EXPECT_EQ(to_hex(nt), to_hex(expected.nt_challenge_response));
  EXPECT_EQ(to_hex(payload(answer.message, 52)),
            to_hex(seal_session_key(algorithms(), expected.session_base_key.view(), ntlm.session_key())));
  Bytes unsealed = answer.message;
  std::fill_n(unsealed.begin() + kAuthenticateMicOffset, 16, std::uint8_t{0});
  EXPECT_EQ(to_hex(ByteView(answer.message).subspan(kAuthenticateMicOffset, 16)),
            to_hex(ntlm_mic(algorithms(), ntlm.session_key(), ntlm.negotiate_message(), challenge, unsealed)));
}

TEST(NtlmClient, AnswersAnOldServerWithItsOwnTimeAndLmV2) {
  NtlmClient ntlm = client(windows_user());
  const Bytes challenge = challenge_with(names_and("00000000"));
  const Answer answer(ntlm.authenticate(challenge).value());
  const ByteView nt = payload(answer.message, 20);
  EXPECT_EQ(wire::load_le<std::uint64_t>(nt.data() + 24), 0x1122334455667788u);
  EXPECT_EQ(answer.challenge.find(AvId::flags), nullptr);
  EXPECT_EQ(answer.challenge.timestamp(), std::nullopt);
  EXPECT_EQ(to_hex(payload(answer.message, 12)),
            to_hex(lm_v2_response(algorithms(), from_hex(session::kNtowfV2),
                                  {.server_challenge = array_from_hex<8>("0d1d8ba31179d008"),
                                   .client_challenge = array_from_hex<8>("4242424242424242"),
                                   .time = 0,
                                   .target_info = {}})));
  EXPECT_EQ(to_hex(ByteView(answer.message).subspan(kAuthenticateMicOffset, 16)), std::string(32, '0'));
}

TEST(NtlmClient, KeepsTheServersFlagsAndReplacesWhatIsOurs) {
  NtlmClient ntlm = client(windows_user());
  const Bytes challenge =
      challenge_with(names_and("06000400 01000000 0a001000 ffffffffffffffffffffffffffffffff 09000200 7800"
                               "07000800 0102030405060708 00000000"));
  const Answer answer(ntlm.authenticate(challenge).value());
  EXPECT_EQ(to_hex(answer.challenge.find(AvId::flags)->value), "03000000");
  EXPECT_EQ(to_hex(answer.challenge.find(AvId::channel_bindings)->value), std::string(32, '0'));
  EXPECT_EQ(text_of(answer.challenge.find(AvId::target_name)->value), "cifs/nas");
  EXPECT_EQ(std::ranges::count(answer.challenge.target_info, AvId::target_name, &AvPair::id), 1);
}

TEST(NtlmClient, UsesTheResponseKeyWhereKeysAreNotExchanged) {
  NtlmClient ntlm = client(windows_user());
  const Bytes message = ntlm.authenticate(challenge_with(names_and("00000000"), ntlm_flag::kKeyExchange)).value();
  EXPECT_TRUE(payload(message, 52).empty());
  EXPECT_EQ(flags_of(message) & ntlm_flag::kKeyExchange, 0u);
  EXPECT_EQ(ntlm.session_key().size(), 16u);
  EXPECT_NE(to_hex(ntlm.session_key()), "42424242424242424242424242424242");
}

TEST(NtlmClient, TakesAHashInPlaceOfThePassword) {
  Credentials credentials = windows_user();
  credentials.kind = Credentials::Kind::nt_hash;
  credentials.secret = Secret(from_hex(session::kNtHash));
  const Bytes challenge = windows_challenge();
  EXPECT_EQ(client(std::move(credentials)).authenticate(challenge), client(windows_user()).authenticate(challenge));
}

TEST(NtlmClient, RefusesAHashOfTheWrongSize) {
  Credentials credentials = windows_user();
  credentials.kind = Credentials::Kind::nt_hash;
  EXPECT_EQ(client(std::move(credentials)).authenticate(windows_challenge()).error(), AuthError::bad_credentials);
}

TEST(NtlmClient, ReadsTheThreeFormsOfAUser) {
  struct Case {
    const char* user;
    const char* domain;
    const char* sent_user;
    const char* sent_domain;
  };
  for (const Case& example :
       {Case{"jim", "CORP", "jim", "CORP"}, Case{"CORP\\jim", "", "jim", "CORP"},
        Case{"jim@corp.example", "", "jim@corp.example", ""}, Case{"jim", "", "jim", ""},
        Case{"jim@corp.example", "CORP", "jim@corp.example", ""}, Case{"a\\b", "CORP", "a\\b", "CORP"}}) {
    const Bytes message =
        client(with_password(example.user, example.domain, "x")).authenticate(windows_challenge()).value();
    EXPECT_EQ(text_of(payload(message, 36)), example.sent_user);
    EXPECT_EQ(text_of(payload(message, 28)), example.sent_domain);
  }
}

TEST(NtlmClient, PutsTheUserIntoCapitalsBeyondAscii) {
  // The name is sent as it is, but hashed in capitals: both spellings prove the same.
  const Bytes challenge = windows_challenge();
  const Bytes small = client(with_password("j\u00f6rg \u0436", "", "x")).authenticate(challenge).value();
  const Bytes large = client(with_password("J\u00d6RG \u0416", "", "x")).authenticate(challenge).value();
  EXPECT_NE(to_hex(payload(small, 36)), to_hex(payload(large, 36)));
  EXPECT_EQ(to_hex(payload(small, 20)), to_hex(payload(large, 20)));
}

TEST(NtlmClient, OfAGuestHasAnEmptyPassword) {
  Credentials credentials;
  credentials.kind = Credentials::Kind::guest;
  const Bytes challenge = windows_challenge();
  EXPECT_EQ(client(std::move(credentials)).authenticate(challenge),
            client(with_password("guest", "", "")).authenticate(challenge));
}

TEST(NtlmClient, OfNobodySendsNoProofAndHasNoKey) {
  Credentials credentials = windows_user();
  credentials.kind = Credentials::Kind::anonymous;
  NtlmClient ntlm = client(std::move(credentials));
  const Bytes message = ntlm.authenticate(windows_challenge()).value();
  EXPECT_TRUE(payload(message, 36).empty());
  EXPECT_TRUE(payload(message, 28).empty());
  EXPECT_TRUE(payload(message, 20).empty());
  EXPECT_EQ(to_hex(payload(message, 12)), "00");
  EXPECT_NE(flags_of(message) & ntlm_flag::kAnonymous, 0u);
  EXPECT_FALSE(ntlm.can_sign());
  EXPECT_TRUE(ntlm.session_key().empty());
}

TEST(NtlmClient, RefusesAChallengeThatIsItsOwn) {
  Bytes challenge = windows_challenge();
  std::fill_n(challenge.begin() + 24, 8, std::uint8_t{0x42});
  EXPECT_EQ(client(windows_user()).authenticate(challenge).error(), AuthError::weak_challenge);
}

TEST(NtlmClient, RefusesCredentialsItCannotSend) {
  const Bytes challenge = windows_challenge();
  for (Credentials* credentials :
       {new Credentials(with_password("\xff", "", "x")), new Credentials(with_password("x", "\xc0\x80", "x")),
        new Credentials(with_password("x", "", "\xff secret")),
        new Credentials(with_password(std::string(5000, 'x'), "", "x"))}) {
    const std::unique_ptr<Credentials> owned(credentials);
    const std::error_code error = client(std::move(*owned)).authenticate(challenge).error();
    EXPECT_EQ(error, AuthError::bad_credentials);
    EXPECT_EQ(error.message().find("secret"), std::string::npos);
  }
}

TEST(AuthError, EachHasItsSentence) {
  for (int value = 1; value <= static_cast<int>(AuthError::bad_credentials); ++value) {
    EXPECT_NE(make_error_code(static_cast<AuthError>(value)).message(), "unknown authentication error") << value;
  }
}

}  // namespace
}  // namespace smb3fuse::auth
