// SPDX-License-Identifier: Apache-2.0
#include "smb/auth/ntlm.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <utility>

#include "smb/auth/error.h"
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

// Longer than any name a directory can hold, and what keeps every part of AUTHENTICATE below its 16-bit length.
constexpr std::size_t kMaxNameUnits = 1024;

// What the peer did not refuse. Signing stays: impacket 0.10's server does not repeat the flag, but signs.
std::uint32_t agreed_flags(const ChallengeMessage& challenge) {
  return kOurFlags & (challenge.negotiate_flags | ~ntlm_flag::kKeyExchange);
}

tl::expected<std::u16string, std::error_code> name_in_utf16(const std::string& name) {
  tl::expected<std::u16string, wire::Utf16Error> text = wire::to_utf16(name);
  if (!text || text->size() > kMaxNameUnits) return tl::unexpected(make_error_code(AuthError::bad_credentials));
  return *std::move(text);
}

// As a server does it, unit by unit, in no language. glibc's simple mapping is close to that of Windows.
std::u16string in_capitals(std::u16string text) {
  static const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  for (char16_t& unit : text) {
    const wint_t upper = unicode != nullptr ? towupper_l(unit, unicode) : towupper(unit);
    if (upper <= 0xffff) unit = static_cast<char16_t>(upper);
  }
  return text;
}

tl::expected<NtlmKey, std::error_code> nt_hash_from(const LegacyAlgorithms& algorithms,
                                                    const Credentials& credentials) {
  if (credentials.kind == Credentials::Kind::nt_hash) {
    if (credentials.secret.size() != kKeySize) return tl::unexpected(make_error_code(AuthError::bad_credentials));
    return credentials.secret.clone();
  }
  // A guest has no password.
  if (credentials.kind == Credentials::Kind::guest) return nt_hash_of(algorithms, ByteView());
  tl::expected<std::u16string, wire::Utf16Error> text = wire::to_utf16(credentials.secret.text());
  if (!text) return tl::unexpected(make_error_code(AuthError::bad_credentials));
  Bytes bytes = wire::to_utf16le(*text);
  NtlmKey hash = nt_hash_of(algorithms, bytes);
  crypto::wipe(bytes);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text->data()), text->size() * sizeof(char16_t)});
  return hash;
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

struct NtlmClient::Names {
  std::u16string user;
  std::u16string domain;
  std::u16string workstation;
  std::u16string target;

  static tl::expected<Names, std::error_code> of(const Credentials& credentials, const std::string& server_name) {
    std::string user = credentials.user;
    std::string domain = credentials.domain;
    const std::size_t backslash = user.find('\\');
    if (domain.empty() && backslash != std::string::npos) {
      domain = user.substr(0, backslash);
      user.erase(0, backslash + 1);
    } else if (user.find('@') != std::string::npos) {
      domain.clear();  // a user principal name says its realm itself
    }
    if (user.empty() && credentials.kind == Credentials::Kind::guest) user = "guest";

    auto user16 = name_in_utf16(user);
    auto domain16 = name_in_utf16(domain);
    auto workstation16 = name_in_utf16(credentials.workstation);
    auto target16 = name_in_utf16("cifs/" + server_name);
    for (const auto* name : {&user16, &domain16, &workstation16, &target16}) {
      if (!*name) return tl::unexpected(name->error());
    }
    return Names{*std::move(user16), *std::move(domain16), *std::move(workstation16), *std::move(target16)};
  }
};

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
  const tl::expected<Names, std::error_code> names = Names::of(credentials_, server_name_);
  if (!names) return tl::unexpected(names.error());
  const tl::expected<NtlmKey, std::error_code> nt_hash = nt_hash_from(algorithms, credentials_);
  if (!nt_hash) return tl::unexpected(nt_hash.error());
  const NtlmKey response_key = ntowf_v2(algorithms, nt_hash->view(), in_capitals(names->user), names->domain);

  ResponseInput input;
  input.server_challenge = challenge.server_challenge;
  random_(input.client_challenge);
  if (input.client_challenge == input.server_challenge) {
    return tl::unexpected(make_error_code(AuthError::weak_challenge));
  }
  // [MS-NLMP] 3.1.5.1.2: a server that tells its time checks the MIC and wants no LM response.
  const std::optional<std::uint64_t> timestamp = challenge.timestamp();
  input.time = timestamp ? *timestamp : clock_();
  const Bytes target_info = answered_target_info(challenge, wire::to_utf16le(names->target), timestamp.has_value());
  input.target_info = target_info;
  const NtlmV2Response response = ntlm_v2_response(algorithms, response_key.view(), input);

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

  const Bytes user = wire::to_utf16le(names->user);
  const Bytes domain = wire::to_utf16le(names->domain);
  const Bytes workstation = wire::to_utf16le(names->workstation);
  const Bytes lm_response = timestamp ? Bytes(kLmResponseSize) : lm_v2_response(algorithms, response_key.view(), input);
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
