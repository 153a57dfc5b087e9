// SPDX-License-Identifier: Apache-2.0
// NTLMv2 without NTLMSSP around it, as SESSION_SETUP_ANDX carries it where a server has no extended security.
// [MS-NLMP] 3.3.2, [MS-CIFS] 3.2.4.2.4
#pragma once

#include <string>
#include <system_error>
#include <tl/expected.hpp>

#include "smb/auth/authenticator.h"
#include "smb/auth/credentials.h"
#include "smb/auth/ntlm_keys.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::auth {

// Of an anonymous user everything is empty.
struct NtlmPlainResponse {
  std::u16string user;
  std::u16string domain;
  Bytes lm_response;  // LMv2
  Bytes nt_response;
  NtlmKey session_key;
};

// `challenge`: the eight bytes of the NEGOTIATE response.
tl::expected<NtlmPlainResponse, std::error_code> ntlm_plain_response(const Credentials& credentials, ByteView challenge,
                                                                     const FileTimeClock& clock,
                                                                     const RandomSource& random);

}  // namespace smb3fuse::auth
