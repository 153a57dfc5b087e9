// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.5, 2.2.6: SESSION_SETUP. The security buffer is a view: of the input when decoded, of the token's
// owner when encoded.
#pragma once

#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

enum SessionSetupFlags : std::uint8_t { SMB2_SESSION_FLAG_BINDING = 0x01 };

// [MS-SMB2] 2.2.5. SecurityMode has one byte here and two in NEGOTIATE; the bits are the same.
struct SessionSetupRequest {
  static constexpr Command kCommand = Command::session_setup;
  std::uint8_t flags = 0;
  std::uint8_t security_mode = 0;
  std::uint32_t capabilities = 0;
  std::uint32_t channel = 0;
  ByteView security_buffer;
  std::uint64_t previous_session_id = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<25>();
    a.field("flags", m.flags);
    a.field("security_mode", m.security_mode);
    a.field("capabilities", m.capabilities);
    a.field("channel", m.channel);
    a.template offset_of<std::uint16_t>("security_buffer_offset", m.security_buffer);
    a.template length_of<std::uint16_t>("security_buffer_length", m.security_buffer);
    a.field("previous_session_id", m.previous_session_id);
    a.data("security_buffer", m.security_buffer);
  }
};

enum SessionFlags : std::uint16_t {
  SMB2_SESSION_FLAG_IS_GUEST = 0x0001,
  SMB2_SESSION_FLAG_IS_NULL = 0x0002,
  SMB2_SESSION_FLAG_ENCRYPT_DATA = 0x0004,
};

// [MS-SMB2] 2.2.6
struct SessionSetupResponse {
  static constexpr Command kCommand = Command::session_setup;
  std::uint16_t session_flags = 0;
  ByteView security_buffer;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<9>();
    a.field("session_flags", m.session_flags);
    a.template offset_of<std::uint16_t>("security_buffer_offset", m.security_buffer);
    a.template length_of<std::uint16_t>("security_buffer_length", m.security_buffer);
    a.data("security_buffer", m.security_buffer);
  }
};

}  // namespace smb3fuse::wire
