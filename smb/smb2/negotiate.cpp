// SPDX-License-Identifier: Apache-2.0
#include "smb/smb2/negotiate.h"

#include <algorithm>
#include <cstdio>

#include "smb/smb2/credits.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::smb2 {
namespace {

using wire::Dialect;

// Strongest last in the specification's table, but what costs least comes first here: the server takes the first it
// knows. One core does five times as much AES-GMAC as AES-CMAC.
const std::vector<wire::Cipher> kCiphers = {wire::Cipher::aes_128_gcm, wire::Cipher::aes_128_ccm,
                                            wire::Cipher::aes_256_gcm, wire::Cipher::aes_256_ccm};
const std::vector<wire::SigningAlgorithm> kSigning = {
    wire::SigningAlgorithm::aes_gmac, wire::SigningAlgorithm::aes_cmac, wire::SigningAlgorithm::hmac_sha256};

constexpr std::uint32_t kCapabilities = wire::SMB2_GLOBAL_CAP_LEASING | wire::SMB2_GLOBAL_CAP_LARGE_MTU |
                                        wire::SMB2_GLOBAL_CAP_DIRECTORY_LEASING | wire::SMB2_GLOBAL_CAP_ENCRYPTION;

std::vector<Dialect> dialects_of(const NegotiateOffer& offer) {
  std::vector<Dialect> dialects;
  for (const Dialect dialect :
       {Dialect::smb_2_0_2, Dialect::smb_2_1, Dialect::smb_3_0, Dialect::smb_3_0_2, Dialect::smb_3_1_1}) {
    const auto number = static_cast<std::uint16_t>(dialect);
    if (number >= offer.min_dialect && number <= offer.max_dialect) dialects.push_back(dialect);
  }
  return dialects;
}

std::uint16_t security_mode_of(const NegotiateOffer& offer) {
  return offer.require_signing ? wire::SMB2_NEGOTIATE_SIGNING_ENABLED | wire::SMB2_NEGOTIATE_SIGNING_REQUIRED
                               : wire::SMB2_NEGOTIATE_SIGNING_ENABLED;
}

// [MS-SMB2] 3.2.4.2.2.2: Capabilities and ClientGuid only mean something to servers of later dialects than 2.0.2.
std::uint32_t capabilities_of(const NegotiateOffer& offer) { return offer.max_dialect >= 0x0300 ? kCapabilities : 0; }

wire::Guid client_guid_of(const NegotiateOffer& offer) {
  return offer.max_dialect > 0x0202 ? wire::Guid{offer.client_guid} : wire::Guid{};
}

tl::unexpected<NegotiateRefusal> refuse(std::string sentence) {
  return tl::make_unexpected(NegotiateRefusal{std::move(sentence)});
}

// [MS-SMB2] 3.2.5.2, dialect 3.1.1: what the contexts chose must be among what was offered.
tl::expected<void, NegotiateRefusal> take_contexts(const wire::NegotiateResponse& response, Negotiated& negotiated) {
  const auto preauth = wire::find_context<wire::PreauthIntegrityCapabilities>(response.negotiate_contexts);
  if (!preauth || !*preauth || (*preauth)->hash_algorithms != std::vector{wire::HashAlgorithm::sha512}) {
    return refuse("the server's answer has no pre-authentication integrity, which SMB 3.1.1 demands");
  }
  const auto encryption = wire::find_context<wire::EncryptionCapabilities>(response.negotiate_contexts);
  if (!encryption) return refuse("the server's answer is malformed (" + wire::to_string(encryption.error()) + ")");
  if (*encryption && !(*encryption)->ciphers.empty() && (*encryption)->ciphers[0] != wire::Cipher::none) {
    const wire::Cipher cipher = (*encryption)->ciphers[0];
    if (std::find(kCiphers.begin(), kCiphers.end(), cipher) == kCiphers.end()) {
      return refuse("the server chose a cipher that was not offered");
    }
    negotiated.cipher = static_cast<crypto::Cipher>(cipher);
  }
  const auto signing = wire::find_context<wire::SigningCapabilities>(response.negotiate_contexts);
  if (!signing) return refuse("the server's answer is malformed (" + wire::to_string(signing.error()) + ")");
  if (*signing && !(*signing)->signing_algorithms.empty()) {
    const wire::SigningAlgorithm algorithm = (*signing)->signing_algorithms[0];
    if (std::find(kSigning.begin(), kSigning.end(), algorithm) == kSigning.end()) {
      return refuse("the server chose a signing algorithm that was not offered");
    }
    negotiated.signing = static_cast<crypto::SigningAlgorithm>(algorithm);
  }
  return {};
}

}  // namespace

wire::NegotiateRequest make_negotiate_request(const NegotiateOffer& offer) {
  wire::NegotiateRequest request;
  request.security_mode = security_mode_of(offer);
  request.capabilities = capabilities_of(offer);
  request.client_guid = client_guid_of(offer);
  request.dialects = dialects_of(offer);
  if (offer.max_dialect < 0x0311) return request;

  wire::PreauthIntegrityCapabilities preauth;
  preauth.hash_algorithms = {wire::HashAlgorithm::sha512};
  preauth.salt.assign(offer.preauth_salt.begin(), offer.preauth_salt.end());
  wire::EncryptionCapabilities encryption;
  encryption.ciphers = kCiphers;
  wire::SigningCapabilities signing;
  signing.signing_algorithms = kSigning;
  request.negotiate_contexts = {wire::make_negotiate_context(preauth), wire::make_negotiate_context(encryption),
                                wire::make_negotiate_context(signing)};
  if (auto name = wire::to_utf16(offer.server_name); name && !name->empty()) {
    wire::NetnameNegotiateContextId netname;
    netname.net_name = std::move(*name);
    request.negotiate_contexts.push_back(wire::make_negotiate_context(netname));
  }
  return request;
}

tl::expected<Negotiated, NegotiateRefusal> accept_negotiate_response(const NegotiateOffer& offer,
                                                                     const wire::NegotiateResponse& response) {
  const auto offered = dialects_of(offer);
  if (std::find(offered.begin(), offered.end(), response.dialect_revision) == offered.end()) {
    return refuse("the server chose a dialect that was not offered");
  }
  Negotiated negotiated;
  negotiated.dialect = static_cast<std::uint16_t>(response.dialect_revision);
  negotiated.server_guid = response.server_guid.bytes;
  negotiated.security_mode = response.security_mode;
  negotiated.capabilities = response.capabilities;
  negotiated.server_requires_signing = (response.security_mode & wire::SMB2_NEGOTIATE_SIGNING_REQUIRED) != 0;
  negotiated.multi_credit =
      negotiated.dialect >= 0x0210 && (response.capabilities & wire::SMB2_GLOBAL_CAP_LARGE_MTU) != 0;
  negotiated.signing =
      negotiated.dialect >= 0x0300 ? crypto::SigningAlgorithm::aes_cmac : crypto::SigningAlgorithm::hmac_sha256;
  // [MS-SMB2] 2.2.4: in 3.0 and 3.0.2 the capability says it all; in 3.1.1 the context does.
  if (negotiated.dialect >= 0x0300 && negotiated.dialect < 0x0311 &&
      (response.capabilities & wire::SMB2_GLOBAL_CAP_ENCRYPTION) != 0) {
    negotiated.cipher = crypto::Cipher::aes_128_ccm;
  }
  if (negotiated.dialect >= 0x0311) {
    if (auto taken = take_contexts(response, negotiated); !taken) return tl::make_unexpected(taken.error());
  }
  // Without multi-credit requests nothing larger than one credit pays for goes over the wire. 3.2.4.1.5
  const std::uint32_t ceiling = negotiated.multi_credit ? kMaximumIo : kBytesPerCredit;
  const auto size = [&](std::uint32_t told) { return std::min(told, ceiling); };
  if (std::min({response.max_transact_size, response.max_read_size, response.max_write_size}) < kMinimumIo) {
    return refuse("the server allows transfers of less than 4 KiB, which no server should");
  }
  negotiated.max_transact_size = size(response.max_transact_size);
  negotiated.max_read_size = size(response.max_read_size);
  negotiated.max_write_size = size(response.max_write_size);
  return negotiated;
}

std::string name_of_dialect(std::uint16_t dialect) {
  switch (static_cast<Dialect>(dialect)) {
    case Dialect::smb_2_0_2:
      return "SMB 2.0.2";
    case Dialect::smb_2_1:
      return "SMB 2.1";
    case Dialect::smb_3_0:
      return "SMB 3.0";
    case Dialect::smb_3_0_2:
      return "SMB 3.0.2";
    case Dialect::smb_3_1_1:
      return "SMB 3.1.1";
    case Dialect::wildcard:
      break;
  }
  char text[16];
  std::snprintf(text, sizeof text, "SMB 0x%04X", dialect);
  return text;
}

wire::ValidateNegotiateInfoRequest make_validate_negotiate(const NegotiateOffer& offer) {
  wire::ValidateNegotiateInfoRequest request;
  request.capabilities = capabilities_of(offer);
  request.guid = client_guid_of(offer);
  request.security_mode = security_mode_of(offer);
  request.dialects = dialects_of(offer);
  return request;
}

bool confirms(const wire::ValidateNegotiateInfoResponse& answer, const Negotiated& negotiated) {
  return answer.capabilities == negotiated.capabilities && answer.guid.bytes == negotiated.server_guid &&
         answer.security_mode == negotiated.security_mode &&
         static_cast<std::uint16_t>(answer.dialect) == negotiated.dialect;
}

}  // namespace smb3fuse::smb2
