// SPDX-License-Identifier: Apache-2.0
// The client of NTLMv2. [MS-NLMP] NTLMv1 and LM responses are never made.
//
// NtlmClient makes NEGOTIATE, reads CHALLENGE, makes AUTHENTICATE, and then signs and verifies small messages (for
// SPNEGO's mechListMIC). The free functions are its parts, open to the specification's examples.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tl/expected.hpp>
#include <vector>

#include "smb/auth/authenticator.h"
#include "smb/auth/credentials.h"
#include "smb/crypto/legacy.h"
#include "smb/crypto/secret.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::auth {

using NtlmKey = crypto::Secret;  // 16 bytes
using NtlmChallenge = std::array<std::uint8_t, 8>;
using NtlmSignature = std::array<std::uint8_t, 16>;

template <class T>
using NtlmResult = tl::expected<T, std::error_code>;

// [MS-NLMP] 2.2.2.5: those that we speak of.
namespace ntlm_flag {
inline constexpr std::uint32_t kUnicode = 0x00000001;
inline constexpr std::uint32_t kRequestTarget = 0x00000004;
inline constexpr std::uint32_t kSign = 0x00000010;
inline constexpr std::uint32_t kNtlm = 0x00000200;
inline constexpr std::uint32_t kAnonymous = 0x00000800;
inline constexpr std::uint32_t kAlwaysSign = 0x00008000;
inline constexpr std::uint32_t kExtendedSessionSecurity = 0x00080000;
inline constexpr std::uint32_t kTargetInfo = 0x00800000;
inline constexpr std::uint32_t kVersion = 0x02000000;
inline constexpr std::uint32_t k128 = 0x20000000;
inline constexpr std::uint32_t kKeyExchange = 0x40000000;
}  // namespace ntlm_flag

// [MS-NLMP] 2.2.2.1
enum class AvId : std::uint16_t {
  eol = 0,
  nb_computer_name = 1,
  nb_domain_name = 2,
  dns_computer_name = 3,
  dns_domain_name = 4,
  dns_tree_name = 5,
  flags = 6,
  timestamp = 7,
  single_host = 8,
  target_name = 9,
  channel_bindings = 10,
};

struct AvPair {
  AvId id;
  ByteView value;
};

// More pairs than there are kinds, by a margin.
inline constexpr std::size_t kMaxAvPairs = 64;

// Views into the message.
struct NtlmChallengeMessage {
  std::uint32_t negotiate_flags = 0;
  NtlmChallenge server_challenge{};
  std::vector<AvPair> target_info;  // without MsvAvEOL
};

// [MS-NLMP] 2.2.1.2. Refuses what is not a challenge fit for NTLMv2.
NtlmResult<NtlmChallengeMessage> parse_ntlm_challenge(ByteView message);

bool is_ntlmssp(ByteView token);

// [MS-NLMP] 3.3.1, 3.3.2
NtlmResult<NtlmKey> nt_hash_of(std::string_view password);
NtlmResult<NtlmKey> ntowf_v2(ByteView nt_hash, std::string_view user, std::string_view domain);

struct NtlmV2Response {
  Bytes nt_challenge_response;
  NtlmKey session_base_key;
};

// `target_info` is a list of AV pairs in bytes, MsvAvEOL included.
NtlmResult<NtlmV2Response> ntlm_v2_response(ByteView response_key, const NtlmChallenge& server_challenge,
                                            const NtlmChallenge& client_challenge, std::uint64_t time,
                                            ByteView target_info);
NtlmResult<Bytes> lm_v2_response(ByteView response_key, const NtlmChallenge& server_challenge,
                                 const NtlmChallenge& client_challenge);

// [MS-NLMP] 3.1.5.1.2: HMAC-MD5 over the three messages, AUTHENTICATE's own MIC field being zero.
NtlmResult<crypto::Md5Digest> ntlm_mic(ByteView exported_session_key, ByteView negotiate, ByteView challenge,
                                       ByteView authenticate);

// One direction of [MS-NLMP] 3.4.4.2: signatures with extended session security. Each call counts.
class NtlmSigner {
 public:
  enum class Side { client, server };
  static NtlmResult<NtlmSigner> create(ByteView exported_session_key, Side side, bool key_exchange);
  NtlmResult<NtlmSignature> sign(ByteView message);

 private:
  NtlmSigner(NtlmKey signing_key, std::optional<crypto::Rc4> seal)
      : signing_key_(std::move(signing_key)), seal_(std::move(seal)) {}

  NtlmKey signing_key_;
  std::optional<crypto::Rc4> seal_;  // with NTLMSSP_NEGOTIATE_KEY_EXCH the checksum is sealed too
  std::uint32_t sequence_ = 0;
};

class NtlmClient {
 public:
  NtlmClient(Credentials credentials, std::string server_name, FileTimeClock clock, RandomSource random);

  const Bytes& negotiate_message() const { return negotiate_; }
  NtlmResult<Bytes> authenticate(ByteView challenge);

  // After authenticate(), and not in an anonymous session.
  bool can_sign() const { return client_signer_.has_value(); }
  NtlmResult<NtlmSignature> sign(ByteView message);
  NtlmResult<bool> verify(ByteView message, ByteView signature);

  ByteView session_key() const { return exported_session_key_.view(); }

 private:
  Credentials credentials_;
  std::string server_name_;
  FileTimeClock clock_;
  RandomSource random_;
  Bytes negotiate_;
  NtlmKey exported_session_key_;
  std::optional<NtlmSigner> client_signer_;
  std::optional<NtlmSigner> server_signer_;
};

}  // namespace smb3fuse::auth
