// SPDX-License-Identifier: Apache-2.0
// What we offer, and which answers we accept. [MS-SMB2] 3.2.4.2.2, 3.2.5.2, 3.2.5.5
#include <gtest/gtest.h>

#include <algorithm>

#include "smb/smb2/credits.h"
#include "smb/smb2/negotiate.h"
#include "smb/wire/codec.h"

namespace smb3fuse::smb2 {
namespace {

using wire::Dialect;

NegotiateOffer offer_of(std::uint16_t min, std::uint16_t max) {
  NegotiateOffer offer;
  offer.min_dialect = min;
  offer.max_dialect = max;
  offer.client_guid.fill(0xC1);
  offer.preauth_salt.fill(0x5A);
  offer.server_name = "nas";
  return offer;
}

wire::NegotiateResponse answer_of(Dialect dialect) {
  wire::NegotiateResponse response;
  response.security_mode = wire::SMB2_NEGOTIATE_SIGNING_ENABLED;
  response.dialect_revision = dialect;
  response.capabilities = wire::SMB2_GLOBAL_CAP_LARGE_MTU;
  response.max_transact_size = response.max_read_size = response.max_write_size = 1u << 20;
  if (dialect == Dialect::smb_3_1_1) {
    wire::PreauthIntegrityCapabilities preauth;
    preauth.hash_algorithms = {wire::HashAlgorithm::sha512};
    preauth.salt = Bytes(32);
    response.negotiate_contexts = {wire::make_negotiate_context(preauth)};
  }
  return response;
}

wire::NegotiateResponse with_context(wire::NegotiateContext context) {
  wire::NegotiateResponse response = answer_of(Dialect::smb_3_1_1);
  response.negotiate_contexts.push_back(std::move(context));
  return response;
}

std::string refusal_of(const wire::NegotiateResponse& response,
                       const NegotiateOffer& offer = offer_of(0x0202, 0x0311)) {
  const auto negotiated = accept_negotiate_response(offer, response);
  return negotiated ? "" : negotiated.error().sentence;
}

// [MS-SMB2] 2.2.3, written down by hand: 36 bytes, four dialects, no contexts.
TEST(NegotiateRequest, UpTo302HasTheseBytes) {
  const Bytes expected = {
      0x24, 0x00, 0x04, 0x00,  // StructureSize, DialectCount
      0x01, 0x00, 0x00, 0x00,  // SecurityMode: signing enabled; Reserved
      0x66, 0x00, 0x00, 0x00,  // Capabilities: LEASING, LARGE_MTU, DIRECTORY_LEASING, ENCRYPTION
      0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1, 0xC1,  // ClientGuid
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // ClientStartTime
      0x02, 0x02, 0x10, 0x02, 0x00, 0x03, 0x02, 0x03,  // Dialects
  };
  EXPECT_EQ(wire::encode(make_negotiate_request(offer_of(0x0202, 0x0302))), expected);
}

TEST(NegotiateRequest, Of202AloneSaysNothingThatOnlyLaterDialectsKnow) {
  const auto request = make_negotiate_request(offer_of(0x0202, 0x0202));
  EXPECT_EQ(request.dialects, std::vector{Dialect::smb_2_0_2});
  EXPECT_EQ(request.capabilities, 0u);
  EXPECT_EQ(request.client_guid, wire::Guid{});
  EXPECT_TRUE(request.negotiate_contexts.empty());
}

TEST(NegotiateRequest, DemandsSigningWhenWeDo) {
  NegotiateOffer offer = offer_of(0x0202, 0x0311);
  offer.require_signing = true;
  EXPECT_EQ(make_negotiate_request(offer).security_mode,
            wire::SMB2_NEGOTIATE_SIGNING_ENABLED | wire::SMB2_NEGOTIATE_SIGNING_REQUIRED);
}

TEST(NegotiateRequest, Of311OffersTheCheapestAlgorithmsFirst) {
  const auto request = make_negotiate_request(offer_of(0x0311, 0x0311));
  const auto ciphers = wire::find_context<wire::EncryptionCapabilities>(request.negotiate_contexts);
  ASSERT_TRUE(ciphers && *ciphers);
  EXPECT_EQ((*ciphers)->ciphers.front(), wire::Cipher::aes_128_gcm);
  EXPECT_EQ((*ciphers)->ciphers.size(), 4u);
  const auto signing = wire::find_context<wire::SigningCapabilities>(request.negotiate_contexts);
  ASSERT_TRUE(signing && *signing);
  EXPECT_EQ((*signing)->signing_algorithms.front(), wire::SigningAlgorithm::aes_gmac);
  const auto preauth = wire::find_context<wire::PreauthIntegrityCapabilities>(request.negotiate_contexts);
  ASSERT_TRUE(preauth && *preauth);
  EXPECT_EQ((*preauth)->salt, Bytes(32, 0x5A));
  const auto name = wire::find_context<wire::NetnameNegotiateContextId>(request.negotiate_contexts);
  ASSERT_TRUE(name && *name);
  EXPECT_EQ((*name)->net_name, u"nas");
}

TEST(NegotiateResponse, OfADialectThatWasNotOfferedIsRefused) {
  EXPECT_EQ(refusal_of(answer_of(Dialect::smb_2_0_2), offer_of(0x0300, 0x0311)),
            "the server chose a dialect that was not offered");
  EXPECT_NE(refusal_of(answer_of(Dialect::wildcard)), "");
  EXPECT_NE(refusal_of(answer_of(Dialect{0x0312})), "");
}

TEST(NegotiateResponse, Of311WithoutPreauthIntegrityIsRefused) {
  wire::NegotiateResponse response = answer_of(Dialect::smb_3_1_1);
  response.negotiate_contexts.clear();
  EXPECT_NE(refusal_of(response).find("pre-authentication"), std::string::npos);
  wire::PreauthIntegrityCapabilities preauth;
  preauth.hash_algorithms = {wire::HashAlgorithm{2}};
  response.negotiate_contexts = {wire::make_negotiate_context(preauth)};
  EXPECT_NE(refusal_of(response).find("pre-authentication"), std::string::npos);
}

TEST(NegotiateResponse, WithWhatWasNotOfferedIsRefused) {
  wire::EncryptionCapabilities cipher;
  cipher.ciphers = {wire::Cipher{0x77}};
  EXPECT_EQ(refusal_of(with_context(wire::make_negotiate_context(cipher))),
            "the server chose a cipher that was not offered");
  wire::SigningCapabilities signing;
  signing.signing_algorithms = {wire::SigningAlgorithm{0x77}};
  EXPECT_EQ(refusal_of(with_context(wire::make_negotiate_context(signing))),
            "the server chose a signing algorithm that was not offered");
}

TEST(NegotiateResponse, WithAContextCutShortIsRefused) {
  wire::NegotiateContext context{wire::NegotiateContextType::encryption_capabilities, {0x02, 0x00, 0x01}};
  EXPECT_NE(refusal_of(with_context(context)).find("malformed"), std::string::npos);
}

TEST(NegotiateResponse, WithoutACipherInCommonCannotEncrypt) {
  wire::EncryptionCapabilities cipher;
  cipher.ciphers = {wire::Cipher::none};
  const auto negotiated =
      accept_negotiate_response(offer_of(0x0202, 0x0311), with_context(wire::make_negotiate_context(cipher)));
  ASSERT_TRUE(negotiated);
  EXPECT_FALSE(negotiated->cipher);
}

TEST(NegotiateResponse, SettlesAlgorithmsByDialect) {
  const NegotiateOffer offer = offer_of(0x0202, 0x0311);
  const auto old = accept_negotiate_response(offer, answer_of(Dialect::smb_2_1));
  ASSERT_TRUE(old);
  EXPECT_EQ(old->signing, crypto::SigningAlgorithm::hmac_sha256);
  EXPECT_FALSE(old->cipher);
  EXPECT_TRUE(old->multi_credit);
  wire::NegotiateResponse answer = answer_of(Dialect::smb_3_0);
  answer.capabilities |= wire::SMB2_GLOBAL_CAP_ENCRYPTION;
  const auto middle = accept_negotiate_response(offer, answer);
  ASSERT_TRUE(middle);
  EXPECT_EQ(middle->signing, crypto::SigningAlgorithm::aes_cmac);
  EXPECT_EQ(middle->cipher, crypto::Cipher::aes_128_ccm);
}

TEST(NegotiateResponse, KeepsTransfersToWhatOneCreditPaysWithoutLargeMtu) {
  wire::NegotiateResponse response = answer_of(Dialect::smb_2_1);
  response.capabilities = 0;
  const auto negotiated = accept_negotiate_response(offer_of(0x0202, 0x0311), response);
  ASSERT_TRUE(negotiated);
  EXPECT_FALSE(negotiated->multi_credit);
  EXPECT_EQ(negotiated->max_read_size, kBytesPerCredit);
}

TEST(NegotiateResponse, IsHeldToOurOwnCeilingAndToAFloor) {
  wire::NegotiateResponse response = answer_of(Dialect::smb_3_1_1);
  response.max_read_size = 0xFFFFFFFF;
  const auto negotiated = accept_negotiate_response(offer_of(0x0202, 0x0311), response);
  ASSERT_TRUE(negotiated);
  EXPECT_EQ(negotiated->max_read_size, kMaximumIo);
  response.max_write_size = 0;
  EXPECT_NE(refusal_of(response), "");
}

TEST(ValidateNegotiate, RepeatsTheOfferAndConfirmsOnlyTheSameAnswer) {
  const NegotiateOffer offer = offer_of(0x0202, 0x0302);
  const auto request = make_validate_negotiate(offer);
  const auto said = make_negotiate_request(offer);
  EXPECT_EQ(request.dialects, said.dialects);
  EXPECT_EQ(request.capabilities, said.capabilities);
  EXPECT_EQ(request.guid, said.client_guid);
  EXPECT_EQ(request.security_mode, said.security_mode);

  Negotiated negotiated;
  negotiated.dialect = 0x0300;
  negotiated.capabilities = 0x44;
  negotiated.security_mode = 1;
  wire::ValidateNegotiateInfoResponse answer;
  answer.dialect = Dialect::smb_3_0;
  answer.capabilities = 0x44;
  answer.security_mode = 1;
  EXPECT_TRUE(confirms(answer, negotiated));
  auto edited = answer;
  edited.capabilities = 0x04;
  EXPECT_FALSE(confirms(edited, negotiated));
  edited = answer;
  edited.dialect = Dialect::smb_3_0_2;
  EXPECT_FALSE(confirms(edited, negotiated));
  edited = answer;
  edited.security_mode = 3;
  EXPECT_FALSE(confirms(edited, negotiated));
  edited = answer;
  edited.guid.bytes[0] = 1;
  EXPECT_FALSE(confirms(edited, negotiated));
}

TEST(NameOfDialect, IsWhatPeopleCallIt) {
  EXPECT_EQ(name_of_dialect(0x0202), "SMB 2.0.2");
  EXPECT_EQ(name_of_dialect(0x0311), "SMB 3.1.1");
  EXPECT_EQ(name_of_dialect(0x1234), "SMB 0x1234");
}

}  // namespace
}  // namespace smb3fuse::smb2
