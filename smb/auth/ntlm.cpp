// SPDX-License-Identifier: Apache-2.0
#include "smb/auth/ntlm.h"

#include <algorithm>
#include <utility>

#include "smb/auth/error.h"
#include "smb/auth/ntlm_account.h"
#include "smb/wire/endian.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::auth {
namespace {

constexpr std::uint32_t kOurFlags = ntlm_flag::kUnicode | ntlm_flag::kRequestTarget | ntlm_flag::kSign |
                                    ntlm_flag::kNtlm | ntlm_flag::kAlwaysSign | ntlm_flag::kExtendedSessionSecurity |
                                    ntlm_flag::kTargetInfo | ntlm_flag::kVersion | ntlm_flag::k128 |
                                    ntlm_flag::kKeyExchange;

constexpr std::size_t kKeySize = 16;
constexpr std::size_t kLmResponseSize = 24;

// What the peer did not refuse. Signing stays: impacket 0.10's server does not repeat the flag, but signs.
std::uint32_t agreed_flags(const ChallengeMessage& challenge) {
  return kOurFlags & (challenge.negotiate_flags | ~ntlm_flag::kKeyExchange);
}

// The server's AV pairs with ours in place of what it may have said on the same matters.
Bytes answered_target_info(const ChallengeMessage& challenge, ByteView target_name, bool with_mic) {
  std::uint32_t flags = with_mic ? kAvFlagMic : 0;
  std::vector<AvPair> pairs;
  for (const AvPair& pair : challenge.target_info) {
    if (pair.id == AvId::flags) flags |= wire::load_le<std::uint32_t>(pair.value.data());
    if (pair.id == AvId::flags || pair.id == AvId::channel_bindings || pair.id == AvId::target_name) continue;
    pairs.push_back(pair);
  }
  std::array<std::uint8_t, 4> flag_bytes;
  wire::store_le(flag_bytes.data(), flags);
  if (flags != 0) pairs.push_back({AvId::flags, flag_bytes});
  const std::array<std::uint8_t, 16> unbound{};  // SMB binds NTLM to no channel
  pairs.push_back({AvId::channel_bindings, unbound});
  pairs.push_back({AvId::target_name, target_name});
  return encode_av_pairs(pairs);
}

}  // namespace

NtlmClient::NtlmClient(Credentials credentials, std::string server_name, FileTimeClock clock, RandomSource random)
    : credentials_(std::move(credentials)),
      server_name_(std::move(server_name)),
      clock_(std::move(clock)),
      random_(std::move(random)),
      negotiate_(encode_negotiate(kOurFlags)) {}

tl::expected<Bytes, std::error_code> NtlmClient::authenticate(ByteView challenge_message) {
  const auto algorithms = LegacyAlgorithms::load();
  if (!algorithms) return tl::unexpected(algorithms.error());
  const tl::expected<ChallengeMessage, std::error_code> challenge = parse_challenge(challenge_message);
  if (!challenge) return tl::unexpected(challenge.error());
  if (credentials_.kind == Credentials::Kind::anonymous) return authenticate_anonymously(**algorithms, *challenge);
  auto message = authenticate_user(**algorithms, challenge_message, *challenge);
  credentials_.secret = crypto::Secret();
  return message;
}

tl::expected<Bytes, std::error_code> NtlmClient::authenticate_user(const LegacyAlgorithms& algorithms,
                                                                   ByteView challenge_message,
                                                                   const ChallengeMessage& challenge) {
  const auto account = NtlmAccount::of(credentials_);
  if (!account) return tl::unexpected(account.error());
  const auto target = ntlm_name("cifs/" + server_name_);
  if (!target) return tl::unexpected(target.error());
  const auto response_key = account->response_key(algorithms, credentials_);
  if (!response_key) return tl::unexpected(response_key.error());

  ResponseInput input;
  input.server_challenge = challenge.server_challenge;
  random_(input.client_challenge);
  if (input.client_challenge == input.server_challenge) {
    return tl::unexpected(make_error_code(AuthError::weak_challenge));
  }
  // [MS-NLMP] 3.1.5.1.2: a server that tells its time checks the MIC and wants no LM response.
  const std::optional<std::uint64_t> timestamp = challenge.timestamp();
  input.time = timestamp ? *timestamp : clock_();
  const Bytes target_info = answered_target_info(challenge, wire::to_utf16le(*target), timestamp.has_value());
  input.target_info = target_info;
  const NtlmV2Response response = ntlm_v2_response(algorithms, response_key->view(), input);

  const std::uint32_t flags = agreed_flags(challenge);
  const bool key_exchange = (flags & ntlm_flag::kKeyExchange) != 0;
  Bytes encrypted_key;
  if (key_exchange) {
    exported_session_key_ = NtlmKey(kKeySize);
    random_(exported_session_key_.bytes());
    encrypted_key = seal_session_key(algorithms, response.session_base_key.view(), exported_session_key_.view());
  } else {
    exported_session_key_ = response.session_base_key.clone();
  }

  const Bytes user = wire::to_utf16le(account->user);
  const Bytes domain = wire::to_utf16le(account->domain);
  const Bytes workstation = wire::to_utf16le(account->workstation);
  const Bytes lm_response =
      timestamp ? Bytes(kLmResponseSize) : lm_v2_response(algorithms, response_key->view(), input);
  Bytes message = encode_authenticate({
      .negotiate_flags = flags,
      .domain_name = domain,
      .user_name = user,
      .workstation = workstation,
      .lm_challenge_response = lm_response,
      .nt_challenge_response = response.nt_challenge_response,
      .encrypted_random_session_key = encrypted_key,
  });
  if (timestamp) {
    const crypto::Md5Digest mic =
        ntlm_mic(algorithms, exported_session_key_.view(), negotiate_, challenge_message, message);
    std::ranges::copy(mic, message.begin() + kAuthenticateMicOffset);
  }
  client_signer_.emplace(algorithms, exported_session_key_.view(), NtlmSigner::Side::client, key_exchange);
  server_signer_.emplace(algorithms, exported_session_key_.view(), NtlmSigner::Side::server, key_exchange);
  return message;
}

// [MS-NLMP] 3.3.2: no NT response, one zero byte for the LM response, and a session base key of zeros. The key that
// is sent under it protects nothing; Samba 4.17 wants one all the same where key exchange was agreed.
Bytes NtlmClient::authenticate_anonymously(const LegacyAlgorithms& algorithms, const ChallengeMessage& challenge) {
  const std::uint32_t flags = agreed_flags(challenge) | ntlm_flag::kAnonymous;
  const std::array<std::uint8_t, 1> lm_response{};
  const std::array<std::uint8_t, kKeySize> zeros{};
  std::array<std::uint8_t, kKeySize> random_key;
  random_(random_key);
  Bytes encrypted_key;
  if ((flags & ntlm_flag::kKeyExchange) != 0) encrypted_key = seal_session_key(algorithms, zeros, random_key);
  return encode_authenticate({
      .negotiate_flags = flags,
      .lm_challenge_response = lm_response,
      .encrypted_random_session_key = encrypted_key,
  });
}

bool NtlmClient::verify(ByteView message, ByteView signature) {
  return crypto::equal_in_constant_time(server_signer_->sign(message), signature);
}

}  // namespace smb3fuse::auth
