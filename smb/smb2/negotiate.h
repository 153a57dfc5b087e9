// SPDX-License-Identifier: Apache-2.0
// The NEGOTIATE exchange as two pure functions, and the check that it was not tampered with. [MS-SMB2] 3.2.4.2.2,
// 3.2.5.2, 3.2.5.5
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "smb/smb2/negotiated.h"
#include "smb/wire/bytes.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/negotiate.h"

namespace smb3fuse::smb2 {

// What we offer. Random values come from outside, so that a test knows the bytes.
struct NegotiateOffer {
  std::uint16_t min_dialect = 0x0202;
  std::uint16_t max_dialect = 0x0311;
  bool require_signing = false;
  std::array<std::uint8_t, 16> client_guid{};
  std::array<std::uint8_t, 32> preauth_salt{};
  std::string server_name;  // for the netname context, UTF-8
};

wire::NegotiateRequest make_negotiate_request(const NegotiateOffer& offer);

// Why the server's answer is not acceptable; one sentence for the user.
struct NegotiateRefusal {
  std::string sentence;
};

// `body` is the NEGOTIATE response from StructureSize on.
tl::expected<Negotiated, NegotiateRefusal> accept_negotiate_response(const NegotiateOffer& offer,
                                                                     const wire::NegotiateResponse& response);

// "SMB 3.1.1"
std::string name_of_dialect(std::uint16_t dialect);

// FSCTL_VALIDATE_NEGOTIATE_INFO: what we sent, told again over the signed session, and whether the server's answer
// agrees with what it said before. Only for 3.0 and 3.0.2: 3.1.1 has the pre-authentication hash. 3.2.5.5
wire::ValidateNegotiateInfoRequest make_validate_negotiate(const NegotiateOffer& offer);
bool confirms(const wire::ValidateNegotiateInfoResponse& answer, const Negotiated& negotiated);

}  // namespace smb3fuse::smb2
