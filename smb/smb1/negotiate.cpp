// SPDX-License-Identifier: Apache-2.0
#include "smb/smb1/negotiate.h"

#include <algorithm>
#include <array>

namespace smb3fuse::smb1 {
namespace {

// [MS-CIFS] 1.7
constexpr std::array kDialects = {"PC NETWORK PROGRAM 1.0", "LANMAN1.0", "LM1.2X002", "LANMAN2.1", "NT LM 0.12"};
constexpr std::size_t kSpoken = kDialects.size() - 1;

constexpr std::size_t kGuidSize = 16;
constexpr std::size_t kChallengeSize = 8;
// [MS-CIFS] 2.2.4.52.2: no server may offer less. A path of ours fits in.
constexpr std::uint32_t kLeastBuffer = 1024;
// More requests than anybody has under way at a time.
constexpr std::uint16_t kMostMpx = 1024;

tl::unexpected<NegotiateRefusal> refuse(std::string sentence) {
  return tl::make_unexpected(NegotiateRefusal{std::move(sentence)});
}

tl::unexpected<NegotiateRefusal> malformed(const wire::DecodeError& error) {
  return refuse("the server's answer is malformed (" + wire::to_string(error) + ")");
}

}  // namespace

cifs::NegotiateRequest make_negotiate_request() {
  cifs::NegotiateRequest request;
  for (const char* name : kDialects) request.dialects.push_back({cifs::make_oem(name)});
  return request;
}

tl::expected<Accepted, NegotiateRefusal> accept_negotiate_response(ByteView message) {
  const auto blocks = cifs::split_blocks(message);
  if (!blocks) return malformed(blocks.error());
  const auto chosen = cifs::decode<cifs::NegotiatedDialect>(blocks->front());
  if (!chosen) return malformed(chosen.error());
  if (chosen->dialect_index == cifs::kNoDialect) return refuse("the server speaks no dialect of SMB1 that we know");
  if (chosen->dialect_index >= kDialects.size()) return refuse("the server chose a dialect that was not offered");
  if (chosen->dialect_index != kSpoken) {
    return refuse("the server speaks only " + std::string(kDialects[chosen->dialect_index]) +
                  ", which is older than NT LM 0.12 and not supported");
  }
  const auto response = cifs::decode<cifs::NegotiateResponse>(blocks->front());
  if (!response) return malformed(response.error());
  if ((response->security_mode & cifs::NEGOTIATE_USER_SECURITY) == 0) {
    return refuse("the server asks for a password of each share instead of a user's, which is not supported");
  }
  if ((response->capabilities & cifs::CAP_NT_SMBS) == 0) {
    return refuse("the server lacks the commands of Windows NT, and is not supported");
  }
  if (response->max_buffer_size < kLeastBuffer || response->max_mpx_count == 0) {
    return refuse("the server's limits are smaller than any server may have");
  }
  Accepted accepted;
  accepted.negotiated.security_mode = response->security_mode;
  accepted.negotiated.max_mpx_count = std::min(response->max_mpx_count, kMostMpx);
  accepted.negotiated.max_buffer_size = response->max_buffer_size;
  accepted.negotiated.session_key = response->session_key;
  accepted.negotiated.capabilities = response->capabilities;
  accepted.system_time = response->system_time;
  if (accepted.negotiated.has(cifs::CAP_EXTENDED_SECURITY)) {
    if (response->bytes.size() < kGuidSize) return refuse("the server's answer is cut short");
    accepted.token = response->bytes.subspan(kGuidSize);
    return accepted;
  }
  if ((response->security_mode & cifs::NEGOTIATE_ENCRYPT_PASSWORDS) == 0) return accepted;
  if (response->challenge_length != kChallengeSize || response->bytes.size() < kChallengeSize) {
    return refuse("the server's challenge does not have eight bytes");
  }
  accepted.challenge = response->bytes.first(kChallengeSize);
  return accepted;
}

}  // namespace smb3fuse::smb1
