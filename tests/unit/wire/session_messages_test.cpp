// SPDX-License-Identifier: Apache-2.0
// Headers, NEGOTIATE and its contexts, SESSION_SETUP, LOGOFF, TREE_CONNECT, TREE_DISCONNECT, ECHO, the transform
// header: what the fields of the golden messages mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smb/wire/echo.h"
#include "smb/wire/logoff.h"
#include "smb/wire/negotiate.h"
#include "smb/wire/session_setup.h"
#include "smb/wire/transform.h"
#include "smb/wire/tree.h"
#include "smb/wire/utf16.h"
#include "tests/unit/wire/golden.h"
#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::wire {
namespace {

using testing::ElementsAre;

template <class T>
T context_of(const std::vector<NegotiateContext>& contexts) {
  const auto found = find_context<T>(contexts);
  EXPECT_TRUE(found.has_value());
  EXPECT_TRUE(found && found->has_value());
  return found.value_or(std::nullopt).value_or(T{});
}

TEST(Smb2Header, OfARequestIsSync) {
  const Golden<EchoRequest> echo(golden::kEchoRequest);
  EXPECT_EQ(echo.header.command, Command::echo);
  EXPECT_FALSE(echo.header.is_response());
  EXPECT_FALSE(echo.header.is_async());
  EXPECT_EQ(echo.header.credit_charge, 1);
  EXPECT_EQ(echo.header.credit_request_response, 127);
  EXPECT_EQ(echo.header.flags, 0u);
  EXPECT_EQ(echo.header.next_command, 0u);
}

TEST(Smb2Header, OfASignedResponseHasItsSignatureAtTheKnownOffset) {
  const Golden<TreeConnectResponse> tree(golden::kTreeConnectResponse);
  EXPECT_TRUE(tree.header.is_response());
  EXPECT_TRUE(tree.header.is_signed());
  EXPECT_EQ(tree.header.status, NtStatus::STATUS_SUCCESS);
  EXPECT_NE(tree.header.tree_id, 0u);
  EXPECT_NE(tree.header.session_id, 0u);
  EXPECT_TRUE(std::equal(tree.header.signature.begin(), tree.header.signature.end(),
                         tree.bytes.begin() + kSmb2SignatureOffset));
}

// [MS-SMB2] 2.2.1: by the layout; request header of a WRITE replayed in channel sequence 2, second of a compound.
TEST(Smb2Header, FieldsStandWhereTheSpecificationPutsThem) {
  const Bytes bytes = from_hex(
      "fe534d42 4000 0300 02000000 0900 0700 0400003000000000 0807060504030201 00000000 44332211 8877665544332211"
      "000102030405060708090a0b0c0d0e0f");
  const auto header = decoded<Smb2Header>(bytes);
  EXPECT_EQ(header.credit_charge, 3);
  EXPECT_EQ(header.channel_sequence(), 2);
  EXPECT_EQ(header.command, Command::write);
  EXPECT_EQ(header.credit_request_response, 7);
  EXPECT_EQ(header.flags, SMB2_FLAGS_RELATED_OPERATIONS | SMB2_FLAGS_REPLAY_OPERATION | SMB2_FLAGS_DFS_OPERATIONS);
  EXPECT_TRUE(header.is_related());
  EXPECT_EQ(header.message_id, 0x0102030405060708u);
  EXPECT_EQ(header.tree_id, 0x11223344u);
  EXPECT_EQ(header.session_id, 0x1122334455667788u);
  EXPECT_EQ(header.signature[15], 15);
  Smb2Header again = header;
  again.set_channel_sequence(2);
  EXPECT_EQ(encode(again), bytes);
}

TEST(Smb2Header, RefusesAnotherProtocol) {
  Bytes bytes = from_hex(golden::kEchoRequest);
  bytes[0] = 0xFF;
  EXPECT_EQ(protocol_id_of(bytes), kSmb1ProtocolId);
  const auto header = decode<Smb2Header>(bytes);
  ASSERT_FALSE(header);
  EXPECT_EQ(to_string(header.error()), "Smb2Header.protocol_id at offset 0: not the protocol's identifier");
}

TEST(Smb2Header, NamesEveryCommandAndNoOther) {
  for (std::size_t i = 0; i < kCommandCount; ++i) EXPECT_FALSE(name_of(static_cast<Command>(i)).empty());
  EXPECT_EQ(name_of(Command::query_directory), "QUERY_DIRECTORY");
  EXPECT_TRUE(name_of(static_cast<Command>(kCommandCount)).empty());
}

TEST(Negotiate, RequestIn311OffersContexts) {
  const Golden<NegotiateRequest> request(golden::kNegotiateRequest311);
  EXPECT_EQ(request->security_mode, SMB2_NEGOTIATE_SIGNING_ENABLED);
  EXPECT_EQ(request->capabilities, 0x7Fu);
  EXPECT_EQ(to_string(request->client_guid), "fe21dcd7-b607-4b36-a312-050cd4744b73");
  EXPECT_THAT(request->dialects, ElementsAre(Dialect::smb_2_0_2, Dialect::smb_2_1, Dialect::smb_3_0, Dialect::smb_3_0_2,
                                             Dialect::smb_3_1_1));
  const auto& contexts = request->negotiate_contexts;
  ASSERT_EQ(contexts.size(), 4u);
  const auto preauth = context_of<PreauthIntegrityCapabilities>(contexts);
  EXPECT_THAT(preauth.hash_algorithms, ElementsAre(HashAlgorithm::sha512));
  EXPECT_EQ(preauth.salt, from_hex("6594ed1e3a11d1ce7612aeac3053a7ada3033ae3681eef1174730748325b9daa"));
  EXPECT_THAT(context_of<EncryptionCapabilities>(contexts).ciphers,
              ElementsAre(Cipher::aes_128_gcm, Cipher::aes_128_ccm, Cipher::aes_256_gcm, Cipher::aes_256_ccm));
  EXPECT_THAT(context_of<SigningCapabilities>(contexts).signing_algorithms,
              ElementsAre(SigningAlgorithm::aes_gmac, SigningAlgorithm::aes_cmac, SigningAlgorithm::hmac_sha256));
  EXPECT_EQ(context_of<NetnameNegotiateContextId>(contexts).net_name, u"127.0.0.1");
}

TEST(Negotiate, ResponseIn311ChoosesOneOfEach) {
  const Golden<NegotiateResponse> response(golden::kNegotiateResponse311);
  EXPECT_EQ(response->dialect_revision, Dialect::smb_3_1_1);
  EXPECT_EQ(response->security_mode, SMB2_NEGOTIATE_SIGNING_ENABLED);
  EXPECT_EQ(response->capabilities,
            SMB2_GLOBAL_CAP_LEASING | SMB2_GLOBAL_CAP_LARGE_MTU | SMB2_GLOBAL_CAP_MULTI_CHANNEL);
  EXPECT_EQ(to_string(response->server_guid), "2d767273-6c70-6961-6e00-000000000000");
  EXPECT_EQ(response->max_transact_size, 8388608u);
  EXPECT_EQ(response->max_read_size, 8388608u);
  EXPECT_EQ(response->max_write_size, 8388608u);
  EXPECT_EQ(to_timespec(response->system_time).tv_sec, 1795250264);  // 2026-11-21 08:37:44
  EXPECT_EQ(response->server_start_time.value, 0u);
  EXPECT_EQ(response->security_buffer.size(), 74u);
  EXPECT_EQ(response->security_buffer[0], 0x60);  // RFC 4178: the token's application tag
  EXPECT_EQ(context_of<PreauthIntegrityCapabilities>(response->negotiate_contexts).salt.size(), 32u);
  EXPECT_THAT(context_of<EncryptionCapabilities>(response->negotiate_contexts).ciphers,
              ElementsAre(Cipher::aes_128_gcm));
  EXPECT_THAT(context_of<SigningCapabilities>(response->negotiate_contexts).signing_algorithms,
              ElementsAre(SigningAlgorithm::aes_gmac));
}

TEST(Negotiate, BeforeThreeOneOneThereAreNoContexts) {
  const Golden<NegotiateRequest> request(golden::kNegotiateRequest302);
  EXPECT_EQ(request->dialects.size(), 4u);
  EXPECT_TRUE(request->negotiate_contexts.empty());
  const Golden<NegotiateResponse> response(golden::kNegotiateResponse302);
  EXPECT_EQ(response->dialect_revision, Dialect::smb_3_0_2);
  EXPECT_EQ(response->capabilities & SMB2_GLOBAL_CAP_ENCRYPTION, SMB2_GLOBAL_CAP_ENCRYPTION);
  EXPECT_TRUE(response->negotiate_contexts.empty());
}

TEST(Negotiate, IgnoresTheReservedContextFieldsOfAnOlderDialect) {
  Bytes bytes = from_hex(golden::kNegotiateResponse302);
  bytes[kSmb2HeaderSize + 6] = 0xFF;   // NegotiateContextCount, here reserved
  bytes[kSmb2HeaderSize + 60] = 0xFF;  // NegotiateContextOffset, here reserved
  const auto response = decode<NegotiateResponse>(ByteView(bytes).subspan(kSmb2HeaderSize));
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_EQ(response->security_buffer.size(), 74u);
}

TEST(Negotiate, RefusesMoreContextsThanThereAre) {
  Bytes bytes = from_hex(golden::kNegotiateResponse311);
  bytes[kSmb2HeaderSize + 6] = 0xFF;
  bytes[kSmb2HeaderSize + 7] = 0xFF;
  const auto response = decode<NegotiateResponse>(ByteView(bytes).subspan(kSmb2HeaderSize));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().problem, DecodeProblem::truncated);
}

TEST(Negotiate, RefusesContextsBeforeTheSecurityBuffer) {
  Bytes bytes = from_hex(golden::kNegotiateResponse311);
  bytes[kSmb2HeaderSize + 60] = 0x40;  // into the fixed part
  const auto response = decode<NegotiateResponse>(ByteView(bytes).subspan(kSmb2HeaderSize));
  ASSERT_FALSE(response);
  EXPECT_EQ(to_string(response.error()),
            "NegotiateResponse.negotiate_context_offset at offset 124: offset outside the data");
}

// [MS-SMB2] 2.2.3.1.3, 2.2.3.1.5, 2.2.3.1.6: by the layouts; neither Samba 4.17 nor its client sends them.
TEST(Negotiate, DecodesTheContextsThatItDoesNotOffer) {
  const auto compression = decoded<CompressionCapabilities>(from_hex("0200 0000 01000000 0100 0300"));
  EXPECT_EQ(compression.flags, 1u);
  EXPECT_THAT(compression.compression_algorithms, ElementsAre(1, 3));
  EXPECT_EQ(decoded<TransportCapabilities>(from_hex("01000000")).flags, SMB2_ACCEPT_TRANSPORT_LEVEL_SECURITY);
  const auto rdma = decoded<RdmaTransformCapabilities>(from_hex("0100 0000 00000000 0200"));
  EXPECT_THAT(rdma.rdma_transform_ids, ElementsAre(2));
}

TEST(Negotiate, PassesOverContextsItDoesNotKnow) {
  std::vector<NegotiateContext> contexts = {{static_cast<NegotiateContextType>(0x0100), from_hex("ffff")}};
  const auto none = find_context<SigningCapabilities>(contexts);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
  contexts.push_back(make_negotiate_context(SigningCapabilities{{SigningAlgorithm::aes_cmac}}));
  EXPECT_THAT(context_of<SigningCapabilities>(contexts).signing_algorithms, ElementsAre(SigningAlgorithm::aes_cmac));
}

TEST(Negotiate, ReportsAContextThatIsCutShort) {
  const std::vector<NegotiateContext> contexts = {{NegotiateContextType::signing_capabilities, from_hex("0200 0100")}};
  const auto broken = find_context<SigningCapabilities>(contexts);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().field, "signing_algorithms");
}

TEST(SessionSetup, CarriesTheSecurityToken) {
  const Golden<SessionSetupRequest> request(golden::kSessionSetupRequest);
  EXPECT_EQ(request->flags, 0);
  EXPECT_EQ(request->security_mode, SMB2_NEGOTIATE_SIGNING_ENABLED);
  EXPECT_EQ(request->capabilities, SMB2_GLOBAL_CAP_DFS);
  EXPECT_EQ(request->previous_session_id, 0u);
  EXPECT_EQ(request->security_buffer.size(), 74u);
  EXPECT_EQ(request->security_buffer.data(), request.bytes.data() + 0x58);  // a slice of the message
  const Golden<SessionSetupResponse> response(golden::kSessionSetupResponse);
  EXPECT_EQ(response.header.status, NtStatus::STATUS_MORE_PROCESSING_REQUIRED);
  EXPECT_EQ(response->session_flags, 0);
  EXPECT_EQ(response->security_buffer.size(), 177u);
}

TEST(TreeConnect, NamesTheShareAndLearnsWhatItIs) {
  const Golden<TreeConnectRequest> request(golden::kTreeConnectRequest);
  EXPECT_EQ(request->flags, 0);
  EXPECT_EQ(request->path, u"\\\\127.0.0.1\\share");
  const Golden<TreeConnectResponse> response(golden::kTreeConnectResponse);
  EXPECT_EQ(response->share_type, ShareType::disk);
  EXPECT_EQ(response->share_flags, SMB2_SHAREFLAG_MANUAL_CACHING);
  EXPECT_EQ(response->capabilities, 0u);
  EXPECT_EQ(response->maximal_access, 0x001F01FFu);
}

TEST(Transform, HeaderIsFollowedByTheSealedMessage) {
  const Bytes bytes = from_hex(golden::kTransformMessage);
  EXPECT_EQ(protocol_id_of(bytes), kTransformProtocolId);
  const auto header = decoded<TransformHeader>(bytes);
  EXPECT_EQ(header.original_message_size, bytes.size() - kTransformHeaderSize);
  EXPECT_EQ(header.flags, kTransformEncrypted);
  EXPECT_NE(header.session_id, 0u);
  const Bytes encoded = encode(header);
  EXPECT_EQ(encoded.size(), kTransformHeaderSize);
  EXPECT_TRUE(std::equal(encoded.begin(), encoded.end(), bytes.begin()));
  EXPECT_TRUE(std::equal(header.nonce.begin(), header.nonce.end(), bytes.begin() + kTransformAadOffset));
}

}  // namespace
}  // namespace smb3fuse::wire
