// SPDX-License-Identifier: Apache-2.0
// The three messages of NTLM, as a client reads and writes them. [MS-NLMP] 2.2
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <tl/expected.hpp>
#include <vector>

#include "smb/wire/bytes.h"

namespace smb3fuse::auth {

using NtlmChallenge = std::array<std::uint8_t, 8>;

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
  flags = 6,
  timestamp = 7,
  target_name = 9,
  channel_bindings = 10,
};

inline constexpr std::uint32_t kAvFlagMic = 0x00000002;

struct AvPair {
  AvId id{};
  ByteView value;
};

// Ten kinds are known, and a server's names are short; what goes beyond is not a server's.
inline constexpr std::size_t kMaxAvPairs = 64;
inline constexpr std::size_t kMaxTargetInfo = 8 * 1024;

// [MS-NLMP] 2.2.1.2. Views into the message.
struct ChallengeMessage {
  std::uint32_t negotiate_flags = 0;
  NtlmChallenge server_challenge{};
  std::vector<AvPair> target_info;  // without MsvAvEOL

  const AvPair* find(AvId id) const;
  std::optional<std::uint64_t> timestamp() const;
};

// Refuses what is no challenge, and a challenge that NTLMv2 cannot answer or should not.
tl::expected<ChallengeMessage, std::error_code> parse_challenge(ByteView message);

// Bare NTLM, without SPNEGO around it.
bool is_ntlmssp(ByteView token);

// With MsvAvEOL at the end.
Bytes encode_av_pairs(std::span<const AvPair> pairs);

// [MS-NLMP] 2.2.1.1, without names: they would only tell an eavesdropper.
Bytes encode_negotiate(std::uint32_t negotiate_flags);

// [MS-NLMP] 2.2.1.3. Names are UTF-16LE. Each part is shorter than 32 KiB.
struct AuthenticateMessage {
  std::uint32_t negotiate_flags = 0;
  ByteView domain_name{};
  ByteView user_name{};
  ByteView workstation{};
  ByteView lm_challenge_response{};
  ByteView nt_challenge_response{};
  ByteView encrypted_random_session_key{};
};

inline constexpr std::size_t kAuthenticateMicOffset = 72;

// With zeros for the MIC.
Bytes encode_authenticate(const AuthenticateMessage& message);

}  // namespace smb3fuse::auth
