// SPDX-License-Identifier: Apache-2.0
#include "smb/auth/ntlm_keys.h"

#include <algorithm>

#include "smb/wire/endian.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::auth {
namespace {

// Moves a digest into a key.
NtlmKey key_from(crypto::Md5Digest digest) {
  NtlmKey key{ByteView(digest)};
  crypto::wipe(digest);
  return key;
}

// [MS-NLMP] 3.4.5.2, 3.4.5.3: the strings count their terminating zero.
template <std::size_t Size>
NtlmKey magic_key(const LegacyAlgorithms& algorithms, ByteView session_key, const char (&magic)[Size]) {
  const ByteView pieces[] = {session_key, {reinterpret_cast<const std::uint8_t*>(magic), Size}};
  return key_from(algorithms.md5(pieces));
}

NtlmKey signing_key(const LegacyAlgorithms& algorithms, ByteView session_key, NtlmSigner::Side side) {
  return side == NtlmSigner::Side::client
             ? magic_key(algorithms, session_key, "session key to client-to-server signing key magic constant")
             : magic_key(algorithms, session_key, "session key to server-to-client signing key magic constant");
}

NtlmKey sealing_key(const LegacyAlgorithms& algorithms, ByteView session_key, NtlmSigner::Side side) {
  return side == NtlmSigner::Side::client
             ? magic_key(algorithms, session_key, "session key to client-to-server sealing key magic constant")
             : magic_key(algorithms, session_key, "session key to server-to-client sealing key magic constant");
}

}  // namespace

NtlmKey nt_hash_of(const LegacyAlgorithms& algorithms, ByteView password_utf16) {
  const ByteView pieces[] = {password_utf16};
  return key_from(algorithms.md4(pieces));
}

NtlmKey ntowf_v2(const LegacyAlgorithms& algorithms, ByteView nt_hash, std::u16string_view upper_user,
                 std::u16string_view domain) {
  const Bytes user_bytes = wire::to_utf16le(upper_user);
  const Bytes domain_bytes = wire::to_utf16le(domain);
  const ByteView pieces[] = {user_bytes, domain_bytes};
  return key_from(algorithms.hmac_md5(nt_hash, pieces));
}

NtlmV2Response ntlm_v2_response(const LegacyAlgorithms& algorithms, ByteView response_key, const ResponseInput& input) {
  // [MS-NLMP] 2.2.2.7: NTLMv2_CLIENT_CHALLENGE, with four zero bytes behind the AV pairs.
  Bytes temp(28);
  temp[0] = 1;
  temp[1] = 1;
  wire::store_le(temp.data() + 8, input.time);
  std::ranges::copy(input.client_challenge, temp.begin() + 16);
  temp.insert(temp.end(), input.target_info.begin(), input.target_info.end());
  temp.resize(temp.size() + 4);

  const ByteView proven[] = {input.server_challenge, temp};
  const crypto::Md5Digest nt_proof = algorithms.hmac_md5(response_key, proven);
  const ByteView base[] = {nt_proof};
  NtlmV2Response response{Bytes(nt_proof.begin(), nt_proof.end()), key_from(algorithms.hmac_md5(response_key, base))};
  response.nt_challenge_response.insert(response.nt_challenge_response.end(), temp.begin(), temp.end());
  return response;
}

Bytes lm_v2_response(const LegacyAlgorithms& algorithms, ByteView response_key, const ResponseInput& input) {
  const ByteView pieces[] = {input.server_challenge, input.client_challenge};
  const crypto::Md5Digest proof = algorithms.hmac_md5(response_key, pieces);
  Bytes response(proof.begin(), proof.end());
  response.insert(response.end(), input.client_challenge.begin(), input.client_challenge.end());
  return response;
}

Bytes seal_session_key(const LegacyAlgorithms& algorithms, ByteView session_base_key, ByteView exported_session_key) {
  Bytes sealed(exported_session_key.begin(), exported_session_key.end());
  algorithms.rc4(session_base_key.first<16>()).apply(sealed);
  return sealed;
}

crypto::Md5Digest ntlm_mic(const LegacyAlgorithms& algorithms, ByteView exported_session_key, ByteView negotiate,
                           ByteView challenge, ByteView authenticate) {
  const ByteView messages[] = {negotiate, challenge, authenticate};
  return algorithms.hmac_md5(exported_session_key, messages);
}

NtlmSigner::NtlmSigner(const LegacyAlgorithms& algorithms, ByteView exported_session_key, Side side, bool key_exchange)
    : algorithms_(&algorithms), signing_key_(signing_key(algorithms, exported_session_key, side)) {
  if (key_exchange) seal_ = algorithms.rc4(sealing_key(algorithms, exported_session_key, side).view().first<16>());
}

NtlmSignature NtlmSigner::sign(ByteView message) {
  std::array<std::uint8_t, 4> sequence;
  wire::store_le(sequence.data(), sequence_++);
  const ByteView pieces[] = {sequence, message};
  crypto::Md5Digest checksum = algorithms_->hmac_md5(signing_key_.view(), pieces);
  const auto half = std::span(checksum).first<8>();
  if (seal_) seal_->apply(half);

  NtlmSignature signature{1};  // Version
  std::ranges::copy(half, signature.begin() + 4);
  std::ranges::copy(sequence, signature.begin() + 12);
  return signature;
}

}  // namespace smb3fuse::auth
