// SPDX-License-Identifier: Apache-2.0
// The tokens of RFC 4178 (SPNEGO) and [MS-SPNG], in strict DER: definite, minimal lengths, fields in order, nothing
// behind the end. Parsed tokens are views into the bytes that were parsed; an absent field is an empty view.
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

// The contents of the object identifiers.
inline constexpr std::array<std::uint8_t, 10> kOidNtlmssp = {0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x0a};
inline constexpr std::array<std::uint8_t, 9> kOidKerberos = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2};

enum class NegState : std::uint8_t { accept_completed = 0, accept_incomplete = 1, reject = 2, request_mic = 3 };

// NegTokenInit of RFC 4178 4.2.1 and NegTokenInit2 of [MS-SPNG] 2.2.1, whose negHints are skipped.
struct NegTokenInit {
  std::vector<ByteView> mech_types{};
  ByteView mech_token{};
  ByteView mech_list_mic{};

  bool offers(ByteView mechanism) const;
};

// RFC 4178 4.2.2
struct NegTokenResp {
  std::optional<NegState> neg_state{};
  ByteView supported_mech{};
  ByteView response_token{};
  ByteView mech_list_mic{};
};

// Windows names five; what has more is not a server's.
inline constexpr std::size_t kMaxMechanisms = 32;

tl::expected<NegTokenInit, std::error_code> parse_neg_token_init(ByteView token);
tl::expected<NegTokenResp, std::error_code> parse_neg_token_resp(ByteView token);

Bytes encode_neg_token_init(const NegTokenInit& token);
Bytes encode_neg_token_resp(const NegTokenResp& token);

// The DER of MechTypeList: what a mechListMIC is made over. RFC 4178 5
Bytes encode_mech_type_list(std::span<const ByteView> mech_types);

}  // namespace smb3fuse::auth
