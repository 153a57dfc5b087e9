// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_ntlm.h"

#include <algorithm>
#include <array>

#include "smb/auth/ntlm_keys.h"
#include "smb/auth/spnego.h"
#include "smb/wire/endian.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::test {
namespace {

namespace flag = auth::ntlm_flag;

constexpr auth::NtlmChallenge kChallenge = {1, 2, 3, 4, 5, 6, 7, 8};
constexpr std::uint32_t kFlags = flag::kUnicode | flag::kRequestTarget | flag::kSign | flag::kNtlm | flag::kAlwaysSign |
                                 flag::kExtendedSessionSecurity | flag::kTargetInfo | flag::k128 | flag::kKeyExchange;

Bytes utf16le(const std::string& text) { return wire::to_utf16le(*wire::to_utf16(text)); }

// A (Len, MaxLen, BufferOffset) field; empty where it does not fit.
ByteView part(ByteView message, std::size_t at) {
  const std::size_t length = wire::load_le<std::uint16_t>(message.data() + at);
  const std::size_t offset = wire::load_le<std::uint32_t>(message.data() + at + 4);
  if (offset > message.size() || length > message.size() - offset) return {};
  return message.subspan(offset, length);
}

Bytes mech_types() {
  const ByteView types[] = {auth::kOidNtlmssp};
  return auth::encode_mech_type_list(types);
}

}  // namespace

Bytes NtlmAcceptor::offer() { return auth::encode_neg_token_init({.mech_types = {auth::kOidNtlmssp}}); }

// [MS-NLMP] 2.2.1.2
Bytes NtlmAcceptor::challenge() {
  constexpr std::size_t kFixed = 56;
  const Bytes computer = utf16le("PEER");
  const Bytes domain = utf16le("TESTS");
  const auth::AvPair pairs[] = {{auth::AvId::nb_domain_name, domain}, {auth::AvId::nb_computer_name, computer}};
  const Bytes info = auth::encode_av_pairs(pairs);

  Bytes message(kFixed);
  constexpr std::uint8_t signature[] = {'N', 'T', 'L', 'M', 'S', 'S', 'P', 0};
  std::copy(std::begin(signature), std::end(signature), message.begin());
  wire::store_le(message.data() + 8, std::uint32_t{2});
  wire::store_le(message.data() + 20, kFlags);
  std::copy(kChallenge.begin(), kChallenge.end(), message.begin() + 24);
  wire::store_le(message.data() + 40, static_cast<std::uint16_t>(info.size()));
  wire::store_le(message.data() + 42, static_cast<std::uint16_t>(info.size()));
  wire::store_le(message.data() + 44, static_cast<std::uint32_t>(kFixed));
  message.insert(message.end(), info.begin(), info.end());
  return auth::encode_neg_token_resp(
      {.neg_state = auth::NegState::accept_incomplete, .supported_mech = auth::kOidNtlmssp, .response_token = message});
}

Bytes NtlmAcceptor::challenge_bytes() { return Bytes(kChallenge.begin(), kChallenge.end()); }

bool NtlmAcceptor::accept_plain(std::u16string_view user, std::u16string_view domain, ByteView nt_response) {
  if (nt_response.size() < 16 || user != *wire::to_utf16(user_)) return false;
  const auto base_key = prove(domain, nt_response);
  if (!base_key) return false;
  session_key_.assign(base_key->begin(), base_key->end());
  return true;
}

std::optional<crypto::Md5Digest> NtlmAcceptor::prove(std::u16string_view domain, ByteView nt_response) const {
  const auto& algorithms = **crypto::LegacyAlgorithms::load();
  std::string upper = user_;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  const auto hash = auth::nt_hash_of(algorithms, utf16le(password_));
  const auto key = auth::ntowf_v2(algorithms, hash.view(), *wire::to_utf16(upper), domain);
  // [MS-NLMP] 3.3.2: NTProofStr over the server's challenge and what the client sent behind it.
  const ByteView proved[] = {kChallenge, nt_response.subspan(16)};
  const crypto::Md5Digest proof = algorithms.hmac_md5(key.view(), proved);
  if (!std::equal(proof.begin(), proof.end(), nt_response.begin())) return std::nullopt;
  const ByteView proof_view[] = {proof};
  return algorithms.hmac_md5(key.view(), proof_view);
}

std::optional<Bytes> NtlmAcceptor::accept(ByteView token) {
  const auto resp = auth::parse_neg_token_resp(token);
  if (!resp || resp->response_token.size() < 88) return std::nullopt;
  const ByteView message = resp->response_token;
  const ByteView answer = part(message, 20);
  if (answer.size() < 16) {
    anonymous_ = true;
    return auth::encode_neg_token_resp({.neg_state = auth::NegState::accept_completed});
  }
  const Bytes domain(part(message, 28).begin(), part(message, 28).end());
  const auto base_key = prove(wire::to_u16string(wire::Utf16View{ByteView(domain)}), answer);
  if (!base_key) return std::nullopt;
  const auto& algorithms = **crypto::LegacyAlgorithms::load();
  const ByteView sealed = part(message, 52);
  if (sealed.size() != 16) return std::nullopt;
  session_key_.assign(sealed.begin(), sealed.end());
  algorithms.rc4(*base_key).apply(session_key_);

  auth::NtlmSigner signer(algorithms, session_key_, auth::NtlmSigner::Side::server, true);
  const auth::NtlmSignature mic = signer.sign(mech_types());
  return auth::encode_neg_token_resp({.neg_state = auth::NegState::accept_completed, .mech_list_mic = mic});
}

}  // namespace smb3fuse::test
