// SPDX-License-Identifier: Apache-2.0
// The arithmetic of NTLMv2: hashes, responses, the MIC, signatures. [MS-NLMP] 3.3.2, 3.4 Nothing here judges a peer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "smb/auth/ntlm_messages.h"
#include "smb/crypto/legacy.h"
#include "smb/crypto/secret.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::auth {

using crypto::LegacyAlgorithms;
using NtlmKey = crypto::Secret;  // 16 bytes
using NtlmSignature = std::array<std::uint8_t, 16>;

// MD4 of the password in UTF-16LE.
NtlmKey nt_hash_of(const LegacyAlgorithms& algorithms, ByteView password_utf16);

// NTOWFv2, and LMOWFv2 which is the same. `user` in capitals.
NtlmKey ntowf_v2(const LegacyAlgorithms& algorithms, ByteView nt_hash, std::u16string_view upper_user,
                 std::u16string_view domain);

struct ResponseInput {
  NtlmChallenge server_challenge{};
  NtlmChallenge client_challenge{};
  std::uint64_t time = 0;
  ByteView target_info;  // AV pairs, MsvAvEOL included
};

struct NtlmV2Response {
  Bytes nt_challenge_response;
  NtlmKey session_base_key;
};

NtlmV2Response ntlm_v2_response(const LegacyAlgorithms& algorithms, ByteView response_key, const ResponseInput& input);
Bytes lm_v2_response(const LegacyAlgorithms& algorithms, ByteView response_key, const ResponseInput& input);

// RC4 with the session base key: EncryptedRandomSessionKey.
Bytes seal_session_key(const LegacyAlgorithms& algorithms, ByteView session_base_key, ByteView exported_session_key);

// Over the three messages; the MIC field of `authenticate` holds zeros.
crypto::Md5Digest ntlm_mic(const LegacyAlgorithms& algorithms, ByteView exported_session_key, ByteView negotiate,
                           ByteView challenge, ByteView authenticate);

// One direction of signing with extended session security and 128-bit keys. [MS-NLMP] 3.4.4.2
class NtlmSigner {
 public:
  enum class Side { client, server };

  // `key_exchange`: whether NTLMSSP_NEGOTIATE_KEY_EXCH holds, which has the checksum sealed as well.
  NtlmSigner(const LegacyAlgorithms& algorithms, ByteView exported_session_key, Side side, bool key_exchange);

  // Each call counts: the peer has to verify as many, in the same order.
  NtlmSignature sign(ByteView message);

 private:
  const LegacyAlgorithms* algorithms_;
  NtlmKey signing_key_;
  std::optional<crypto::Rc4> seal_;
  std::uint32_t sequence_ = 0;
};

}  // namespace smb3fuse::auth
