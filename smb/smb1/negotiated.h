// SPDX-License-Identifier: Apache-2.0
// What a NEGOTIATE settled for an SMB1 connection. [MS-CIFS] 3.2.1.1
#pragma once

#include <cstddef>
#include <cstdint>

#include "smb/cifs/session.h"
#include "smb/cifs/text.h"

namespace smb3fuse::smb1 {

struct Negotiated {
  std::uint8_t security_mode = 0;
  std::uint16_t max_mpx_count = 1;
  std::uint32_t max_buffer_size = 0;  // of a message from us, but for large writes
  std::uint32_t session_key = 0;
  std::uint32_t capabilities = 0;
  // Without CAP_UNICODE it is the user who says which.
  cifs::CharacterSet character_set{};

  bool has(cifs::Capabilities capability) const { return (capabilities & capability) != 0; }
  bool server_requires_signing() const { return (security_mode & cifs::NEGOTIATE_SECURITY_SIGNATURES_REQUIRED) != 0; }
  bool server_can_sign() const {
    return server_requires_signing() || (security_mode & cifs::NEGOTIATE_SECURITY_SIGNATURES_ENABLED) != 0;
  }
};

}  // namespace smb3fuse::smb1
