// SPDX-License-Identifier: Apache-2.0
// Signing, sealing and pre-authentication integrity, with a server that keeps the same rules from its side, and with
// somebody on the way who does not.
#include <gtest/gtest.h>

#include "tests/unit/smb2/conversation.h"

namespace smb3fuse::smb2 {
namespace {

using test::ServerOptions;
using test::ServerRequest;
using wire::Command;
using wire::Smb2Header;

constexpr SessionPolicy kSign{.sign = true, .encrypt = false, .keyless = false};
constexpr SessionPolicy kSeal{.sign = false, .encrypt = true, .keyless = false};

ServerOptions with_dialect(wire::Dialect dialect) {
  ServerOptions options;
  options.dialect = dialect;
  options.capabilities = wire::SMB2_GLOBAL_CAP_LARGE_MTU;
  if (dialect == wire::Dialect::smb_3_0 || dialect == wire::Dialect::smb_3_0_2) {
    options.capabilities |= wire::SMB2_GLOBAL_CAP_ENCRYPTION;
  }
  if (dialect == wire::Dialect::smb_2_0_2) options.capabilities = 0;
  return options;
}

// ---- both sides agree, in every dialect and with every algorithm

class EveryDialect : public testing::TestWithParam<wire::Dialect> {};

TEST_P(EveryDialect, Signs) {
  Conversation talk(with_dialect(GetParam()));
  ASSERT_TRUE(talk.establish(kSign));
  for (int i = 0; i < 3; ++i) talk.submit(read_request(4));
  EXPECT_EQ(talk.answers.size(), 3u);
  EXPECT_FALSE(talk.connection.is_lost());
}

TEST_P(EveryDialect, SealsFrom30On) {
  if (GetParam() < wire::Dialect::smb_3_0) return;
  Conversation talk(with_dialect(GetParam()));
  ASSERT_TRUE(talk.establish(kSeal));
  for (int i = 0; i < 3; ++i) {
    talk.submit(read_request(4));
    EXPECT_TRUE(talk.server.requests.back().encrypted);
  }
  EXPECT_EQ(talk.answers.size(), 3u);
}

TEST_P(EveryDialect, SignsOneRequestWhereItIsAskedTo) {
  Conversation talk(with_dialect(GetParam()));
  ASSERT_TRUE(talk.establish());
  Outgoing request = echo_request();
  request.sign = true;
  talk.submit(std::move(request));
  EXPECT_TRUE(talk.server.requests.back().header.is_signed());
  talk.submit(echo_request());
  EXPECT_FALSE(talk.server.requests.back().header.is_signed());
}

INSTANTIATE_TEST_SUITE_P(All, EveryDialect,
                         testing::Values(wire::Dialect::smb_2_0_2, wire::Dialect::smb_2_1, wire::Dialect::smb_3_0,
                                         wire::Dialect::smb_3_0_2, wire::Dialect::smb_3_1_1));

TEST(Session, SealsWithEveryCipherOf311) {
  for (const wire::Cipher cipher :
       {wire::Cipher::aes_128_ccm, wire::Cipher::aes_128_gcm, wire::Cipher::aes_256_ccm, wire::Cipher::aes_256_gcm}) {
    ServerOptions options;
    options.cipher = cipher;
    Conversation talk(options);
    ASSERT_TRUE(talk.establish(kSeal));
    talk.submit(read_request(4));
    EXPECT_EQ(talk.answers.size(), 1u);
  }
}

TEST(Session, SignsWithEveryAlgorithmOf311) {
  for (const wire::SigningAlgorithm algorithm :
       {wire::SigningAlgorithm::aes_gmac, wire::SigningAlgorithm::aes_cmac, wire::SigningAlgorithm::hmac_sha256}) {
    ServerOptions options;
    options.signing = algorithm;
    Conversation talk(options);
    ASSERT_TRUE(talk.establish(kSign));
    talk.submit(read_request(4));
    EXPECT_EQ(talk.answers.size(), 1u);
  }
}

TEST(Session, WithoutAKeySignsNothing) {
  ServerOptions options;
  options.session_flags = wire::SMB2_SESSION_FLAG_IS_GUEST;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish({.sign = false, .encrypt = false, .keyless = true}));
  Outgoing request = echo_request();
  request.sign = true;
  talk.submit(std::move(request));
  EXPECT_FALSE(talk.server.requests.back().header.is_signed());
  EXPECT_FALSE(talk.connection.session().can_sign());
}

TEST(Session, SealsForAShareThatDemandsIt) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  Outgoing request = read_request(4);
  request.encrypt = true;
  talk.submit(std::move(request));
  EXPECT_TRUE(talk.server.requests.back().encrypted);
  talk.submit(echo_request());
  EXPECT_FALSE(talk.server.requests.back().encrypted);
  EXPECT_EQ(talk.answers.size(), 2u);
}

// ---- somebody on the way

TEST(Tampering, WithTheNegotiationOf311IsFoundAtTheLastSessionSetup) {
  // Each byte of either NEGOTIATE that its reader takes as it is: the salts will do.
  for (const bool to_server : {true, false}) {
    Conversation talk;
    talk.expect_complaints = true;
    bool first = true;
    const auto edit = [&](Bytes& message) {
      if (std::exchange(first, false)) {
        const auto header = wire::decode<Smb2Header>(message);
        const std::size_t at = to_server ? 68 : 66;  // SecurityMode
        EXPECT_EQ(header->command, Command::negotiate);
        message[at] ^= 0x02;
      }
    };
    (to_server ? talk.edit_to_server : talk.edit_to_client) = edit;
    EXPECT_FALSE(talk.establish());
  }
}

TEST(Tampering, WithTheOfferedDialectsIsFoundAtTheLastSessionSetup) {
  Conversation talk;
  talk.expect_complaints = true;
  talk.edit_to_server = [](Bytes& message) {
    if (message[12] != 0) return;  // not NEGOTIATE
    message[64 + 36] = 0x22;       // 2.0.2 taken out of the list
  };
  EXPECT_FALSE(talk.establish());
}

TEST(Tampering, WithTheLastSessionSetupIsFound) {
  for (const wire::Dialect dialect : {wire::Dialect::smb_2_1, wire::Dialect::smb_3_0, wire::Dialect::smb_3_1_1}) {
    Conversation talk(with_dialect(dialect));
    talk.edit_to_client = [](Bytes& message) {
      if (message[12] == 1) message[66] |= wire::SMB2_SESSION_FLAG_IS_GUEST;
    };
    EXPECT_FALSE(talk.establish());
  }
}

TEST(Tampering, StripsTheSignatureOfTheLastSessionSetup) {
  for (const wire::Dialect dialect : {wire::Dialect::smb_2_1, wire::Dialect::smb_3_0, wire::Dialect::smb_3_1_1}) {
    Conversation talk(with_dialect(dialect));
    talk.edit_to_client = [](Bytes& message) {
      if (message[12] == 1) message[16] &= static_cast<std::uint8_t>(~wire::SMB2_FLAGS_SIGNED);
    };
    EXPECT_FALSE(talk.establish(kSign));
  }
}

struct Edit {
  const char* name;
  void (*apply)(Bytes&);
};
void PrintTo(const Edit& edit, std::ostream* out) { *out << edit.name; }

class EditedAnswer : public testing::TestWithParam<Edit> {};

TEST_P(EditedAnswer, IsNotBelievedInASignedSession) {
  Conversation talk;
  ASSERT_TRUE(talk.establish(kSign));
  talk.edit_to_client = GetParam().apply;
  talk.submit(read_request(4));
  talk.expect_lost("signature");
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_TRUE(talk.answers[0].local);
}

INSTANTIATE_TEST_SUITE_P(
    All, EditedAnswer,
    testing::Values(Edit{"Stripped", [](Bytes& m) { m[16] &= static_cast<std::uint8_t>(~wire::SMB2_FLAGS_SIGNED); }},
                    Edit{"StrippedError",
                         [](Bytes& m) {
                           m[16] &= static_cast<std::uint8_t>(~wire::SMB2_FLAGS_SIGNED);
                           wire::store_le(m.data() + 8, NtStatus::STATUS_ACCESS_DENIED);
                         }},
                    Edit{"Data", [](Bytes& m) { m.back() ^= 1; }}, Edit{"Signature", [](Bytes& m) { m[63] ^= 1; }},
                    Edit{"Status", [](Bytes& m) { m[8] ^= 1; }}, Edit{"Credits", [](Bytes& m) { m[14] ^= 1; }},
                    Edit{"SessionId", [](Bytes& m) { m[40] ^= 1; }}, Edit{"TreeId", [](Bytes& m) { m[36] ^= 1; }},
                    Edit{"Longer", [](Bytes& m) { m.push_back(0); }}, Edit{"Shorter", [](Bytes& m) { m.pop_back(); }}),
    [](const auto& edit) { return std::string(edit.param.name); });

TEST(Tampering, ReflectsOurOwnRequest) {
  for (const SessionPolicy policy : {kSign, kSeal}) {
    Conversation talk;
    ASSERT_TRUE(talk.establish(policy));
    Bytes ours;
    talk.edit_to_server = [&](Bytes& message) { ours = message; };
    talk.hold = true;
    talk.submit(echo_request());
    talk.deliver(ours);
    EXPECT_TRUE(talk.connection.is_lost());

    Conversation flagged;
    ASSERT_TRUE(flagged.establish(kSign));
    flagged.edit_to_server = [&](Bytes& message) { ours = message; };
    flagged.hold = true;
    flagged.submit(echo_request());
    ours[16] |= wire::SMB2_FLAGS_SERVER_TO_REDIR;
    flagged.deliver(ours);
    flagged.expect_lost("signature");
  }
}

TEST(Tampering, ReplaysAnAnswerToAnotherRequest) {
  Conversation talk;
  ASSERT_TRUE(talk.establish(kSign));
  Bytes old;
  talk.edit_to_client = [&](Bytes& message) { old = message; };
  talk.submit(echo_request());
  talk.edit_to_client = nullptr;
  talk.hold = true;
  talk.submit(echo_request());
  wire::store_le(old.data() + 24, talk.server.requests.back().header.message_id);
  talk.deliver(old);
  talk.expect_lost("signature");
}

TEST(SealedSession, DoesNotBelieveAPlainAnswer) {
  for (const NtStatus status : {NtStatus{}, NtStatus::STATUS_ACCESS_DENIED, NtStatus::STATUS_PENDING}) {
    Conversation talk;
    ASSERT_TRUE(talk.establish(kSeal));
    talk.hold = true;
    talk.submit(echo_request());
    Smb2Header header = talk.answer_header();
    header.status = status;
    if (status == NtStatus::STATUS_PENDING) header.flags |= wire::SMB2_FLAGS_ASYNC_COMMAND;
    talk.deliver(talk.server.message_of(header, wire::encode(wire::EchoResponse{})));
    EXPECT_TRUE(talk.connection.is_lost()) << name_of(status);
  }
}

TEST(SealedSession, DoesNotBelieveASignedPlainAnswerEither) {
  Conversation talk;
  ASSERT_TRUE(talk.establish(kSeal));
  talk.hold = true;
  talk.submit(echo_request());
  Smb2Header header = talk.answer_header();
  header.flags |= wire::SMB2_FLAGS_SIGNED;
  talk.deliver(talk.server.message_of(header, wire::encode(wire::EchoResponse{})));
  EXPECT_TRUE(talk.connection.is_lost());
}

TEST(SealedSession, RefusesEachEditedByteOfAMessage) {
  Conversation sample;
  ASSERT_TRUE(sample.establish(kSeal));
  sample.hold = true;
  sample.submit(echo_request());
  const std::size_t size = sample.to_client.front().size();
  for (std::size_t at = 0; at < size; ++at) {
    Conversation talk;
    ASSERT_TRUE(talk.establish(kSeal));
    talk.edit_to_client = [at](Bytes& message) { message[at] ^= 0x20; };
    talk.submit(echo_request());
    EXPECT_TRUE(talk.connection.is_lost()) << "byte " << at;
    EXPECT_EQ(talk.answers.size(), 1u);
  }
}

TEST(SealedSession, RefusesAMessageCutShortAnywhere) {
  Conversation sample;
  ASSERT_TRUE(sample.establish(kSeal));
  sample.hold = true;
  sample.submit(echo_request());
  const std::size_t size = sample.to_client.front().size();
  for (std::size_t length = 0; length < size; ++length) {
    Conversation talk;
    ASSERT_TRUE(talk.establish(kSeal));
    talk.edit_to_client = [length](Bytes& message) { message.resize(length); };
    talk.submit(echo_request());
    EXPECT_TRUE(talk.connection.is_lost()) << length;
  }
}

TEST(SealedSession, RefusesASealedMessageInASealedMessage) {
  Conversation talk;
  ASSERT_TRUE(talk.establish(kSeal));
  talk.hold = true;
  talk.submit(echo_request());
  talk.deliver(talk.server.seal(talk.to_client.front()));
  talk.expect_lost("not SMB2");
}

TEST(SealedSession, BelievesInPlainOnlyThatTheSessionIsGone) {
  Conversation talk;
  ASSERT_TRUE(talk.establish(kSeal));
  talk.hold = true;
  talk.submit(echo_request());
  Smb2Header header = talk.answer_header();
  header.status = NtStatus::STATUS_USER_SESSION_DELETED;
  talk.deliver(talk.server.message_of(header, wire::encode(wire::EchoResponse{})));
  EXPECT_FALSE(talk.connection.is_lost());
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.answers[0].status, NtStatus::STATUS_USER_SESSION_DELETED);
}

TEST(SealedSession, MayAnswerSealedWhatWasAskedInPlain) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  talk.hold = true;
  talk.submit(echo_request());
  talk.deliver(talk.server.seal(talk.to_client.front()));
  EXPECT_FALSE(talk.connection.is_lost());
  EXPECT_EQ(talk.answers.size(), 1u);
}

}  // namespace
}  // namespace smb3fuse::smb2
