// SPDX-License-Identifier: Apache-2.0
#include "smb/auth/ntlm_messages.h"

#include <algorithm>
#include <cassert>

#include "smb/auth/error.h"
#include "smb/wire/endian.h"

namespace smb3fuse::auth {
namespace {

using wire::load_le;
using wire::store_le;

constexpr std::array<std::uint8_t, 8> kSignature = {'N', 'T', 'L', 'M', 'S', 'S', 'P', 0};

enum class MessageType : std::uint32_t { negotiate = 1, challenge = 2, authenticate = 3 };

constexpr std::size_t kChallengeSize = 48;  // without Version, which old servers leave out
constexpr std::size_t kNegotiateSize = 40;
constexpr std::size_t kAuthenticateSize = 88;

// [MS-NLMP] 2.2.2.10. For debugging only, says the specification; servers are known to want the revision, 15.
constexpr std::array<std::uint8_t, 8> kVersion = {6, 1, 0, 0, 0, 0, 0, 15};

constexpr std::uint32_t kNeededFlags =
    ntlm_flag::kUnicode | ntlm_flag::kExtendedSessionSecurity | ntlm_flag::kTargetInfo | ntlm_flag::k128;

tl::unexpected<std::error_code> failure(AuthError error) { return tl::unexpected(make_error_code(error)); }

// A (Len, MaxLen, BufferOffset) field at `at`, and what it points to.
std::optional<ByteView> payload(ByteView message, std::size_t at) {
  const std::size_t length = load_le<std::uint16_t>(message.data() + at);
  const std::size_t offset = load_le<std::uint32_t>(message.data() + at + 4);
  if (length == 0) return ByteView();
  if (offset < kChallengeSize || offset > message.size() || length > message.size() - offset) return std::nullopt;
  return message.subspan(offset, length);
}

// The length that the specification gives a value; text has an even one.
bool is_right_length(const AvPair& pair) {
  switch (pair.id) {
    case AvId::flags:
      return pair.value.size() == 4;
    case AvId::timestamp:
      return pair.value.size() == 8;
    case AvId::channel_bindings:
      return pair.value.size() == 16;
    case AvId::nb_computer_name:
    case AvId::nb_domain_name:
    case AvId::target_name:
      return pair.value.size() % 2 == 0;
    default:
      return true;
  }
}

tl::expected<std::vector<AvPair>, std::error_code> parse_av_pairs(ByteView bytes) {
  std::vector<AvPair> pairs;
  while (bytes.size() >= 4) {
    const auto id = load_le<AvId>(bytes.data());
    const std::size_t length = load_le<std::uint16_t>(bytes.data() + 2);
    bytes = bytes.subspan(4);
    if (id == AvId::eol && length == 0) return pairs;
    if (id == AvId::eol || length > bytes.size() || pairs.size() == kMaxAvPairs) break;
    pairs.push_back({id, bytes.first(length)});
    if (!is_right_length(pairs.back())) break;
    bytes = bytes.subspan(length);
  }
  return failure(AuthError::malformed_target_info);
}

Bytes message_of(MessageType type, std::size_t size) {
  Bytes message(size);
  std::ranges::copy(kSignature, message.begin());
  store_le(message.data() + 8, type);
  return message;
}

void append_payload(Bytes& message, std::size_t at, ByteView part) {
  assert(part.size() < 0x8000);
  const auto length = static_cast<std::uint16_t>(part.size());
  store_le(message.data() + at, length);
  store_le(message.data() + at + 2, length);
  store_le(message.data() + at + 4, static_cast<std::uint32_t>(message.size()));
  message.insert(message.end(), part.begin(), part.end());
}

}  // namespace

const AvPair* ChallengeMessage::find(AvId id) const {
  const auto found = std::ranges::find(target_info, id, &AvPair::id);
  return found == target_info.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> ChallengeMessage::timestamp() const {
  const AvPair* pair = find(AvId::timestamp);
  if (pair == nullptr) return std::nullopt;
  return load_le<std::uint64_t>(pair->value.data());
}

bool is_ntlmssp(ByteView token) {
  return token.size() >= kSignature.size() && std::ranges::equal(token.first(kSignature.size()), kSignature);
}

tl::expected<ChallengeMessage, std::error_code> parse_challenge(ByteView message) {
  if (!is_ntlmssp(message) || message.size() < kChallengeSize ||
      load_le<MessageType>(message.data() + 8) != MessageType::challenge || !payload(message, 12)) {
    return failure(AuthError::malformed_ntlm);
  }
  ChallengeMessage challenge;
  challenge.negotiate_flags = load_le<std::uint32_t>(message.data() + 20);
  std::ranges::copy(message.subspan(24, challenge.server_challenge.size()), challenge.server_challenge.begin());
  if ((challenge.negotiate_flags & kNeededFlags) != kNeededFlags) return failure(AuthError::ntlmv2_not_offered);
  if (challenge.server_challenge == NtlmChallenge{}) return failure(AuthError::weak_challenge);

  const std::optional<ByteView> target_info = payload(message, 40);
  if (!target_info) return failure(AuthError::malformed_ntlm);
  if (target_info->size() > kMaxTargetInfo) return failure(AuthError::malformed_target_info);
  tl::expected<std::vector<AvPair>, std::error_code> pairs = parse_av_pairs(*target_info);
  if (!pairs) return tl::unexpected(pairs.error());
  challenge.target_info = *std::move(pairs);
  // [MS-NLMP] 3.1.5.1.2: without both names, integrity is not to be had from NTLMv2.
  if (challenge.find(AvId::nb_computer_name) == nullptr || challenge.find(AvId::nb_domain_name) == nullptr) {
    return failure(AuthError::ntlmv2_not_offered);
  }
  return challenge;
}

Bytes encode_av_pairs(std::span<const AvPair> pairs) {
  Bytes bytes;
  const auto append = [&bytes](AvId id, ByteView value) {
    const std::size_t at = bytes.size();
    bytes.resize(at + 4);
    store_le(bytes.data() + at, id);
    store_le(bytes.data() + at + 2, static_cast<std::uint16_t>(value.size()));
    bytes.insert(bytes.end(), value.begin(), value.end());
  };
  for (const AvPair& pair : pairs) append(pair.id, pair.value);
  append(AvId::eol, {});
  return bytes;
}

Bytes encode_negotiate(std::uint32_t negotiate_flags) {
  Bytes message = message_of(MessageType::negotiate, kNegotiateSize);
  store_le(message.data() + 12, negotiate_flags);
  std::ranges::copy(kVersion, message.begin() + 32);
  return message;
}

Bytes encode_authenticate(const AuthenticateMessage& parts) {
  Bytes message = message_of(MessageType::authenticate, kAuthenticateSize);
  // The names first, as Windows has them: they need an even offset.
  append_payload(message, 28, parts.domain_name);
  append_payload(message, 36, parts.user_name);
  append_payload(message, 44, parts.workstation);
  append_payload(message, 12, parts.lm_challenge_response);
  append_payload(message, 20, parts.nt_challenge_response);
  append_payload(message, 52, parts.encrypted_random_session_key);
  store_le(message.data() + 60, parts.negotiate_flags);
  std::ranges::copy(kVersion, message.begin() + 64);
  return message;
}

}  // namespace smb3fuse::auth
