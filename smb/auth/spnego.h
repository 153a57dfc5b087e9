// SPDX-License-Identifier: Apache-2.0
// The tokens of RFC 4178 (SPNEGO) and [MS-SPNG], in strict DER: definite, minimal lengths, fields in order, nothing
// behind the end. Parsed tokens are views into the bytes that were parsed.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <system_error>
#include <tl/expected.hpp>
#include <vector>

#include "smb/wire/bytes.h"

namespace smb3fuse::auth {

// The contents octets of the object identifiers.
extern const ByteView kOidNtlmssp;            // 1.3.6.1.4.1.311.2.2.10
extern const ByteView kOidKerberos;           // 1.2.840.113554.1.2.2
extern const ByteView kOidKerberosMicrosoft;  // 1.2.840.48018.1.2.2, as old Windows spells it

bool same_bytes(ByteView a, ByteView b);

enum class NegState : std::uint8_t { accept_completed = 0, accept_incomplete = 1, reject = 2, request_mic = 3 };

// NegTokenInit of RFC 4178 and NegTokenInit2 of [MS-SPNG] 2.2.1; its negHints are skipped.
struct NegTokenInit {
  std::vector<ByteView> mech_types;
  ByteView mech_token;
  ByteView mech_list_mic;

  bool offers(ByteView mechanism) const;
};

struct NegTokenResp {
  std::optional<NegState> neg_state;
  ByteView supported_mech;  // empty where absent, as the others
  ByteView response_token;
  ByteView mech_list_mic;
};

// More mechanisms than any server names; Windows names five.
inline constexpr std::size_t kMaxMechanisms = 16;

tl::expected<NegTokenInit, std::error_code> parse_neg_token_init(ByteView token);
tl::expected<NegTokenResp, std::error_code> parse_neg_token_resp(ByteView token);

Bytes encode_neg_token_init(const NegTokenInit& token);
Bytes encode_neg_token_resp(const NegTokenResp& token);

// The DER of MechTypeList: what a mechListMIC is made over. RFC 4178 5
Bytes encode_mech_type_list(std::span<const ByteView> mech_types);

}  // namespace smb3fuse::auth
