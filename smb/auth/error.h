// SPDX-License-Identifier: Apache-2.0
// Why authentication cannot go on. What the server itself says (a wrong password, a locked account) is an NTSTATUS
// and not here; these are the cases in which we are the ones who stop. No text holds a name, a password or a hash.
#pragma once

#include <system_error>

namespace smb3fuse::auth {

enum class AuthError {
  malformed_spnego = 1,    // not the DER of RFC 4178
  malformed_ntlm,          // not an NTLM CHALLENGE, or lengths that leave it
  malformed_target_info,   // AV pairs with bad lengths, or without an end
  no_common_mechanism,     // the server offers nothing we speak
  rejected,                // SPNEGO's own reject
  ntlmv2_not_offered,      // a challenge without what NTLMv2 needs
  weak_challenge,          // a challenge that is all zeros, or our own
  bad_mechanism_list_mic,  // the mechanisms were tampered with on the way
  unexpected_token,        // a token where none is due
  bad_credentials,         // a user name or password that is not UTF-8, an NT hash that is not 16 bytes
  not_in_code_page,        // a password that a server without Unicode cannot be told as it is
};

const std::error_category& auth_category() noexcept;

inline std::error_code make_error_code(AuthError error) noexcept { return {static_cast<int>(error), auth_category()}; }

}  // namespace smb3fuse::auth

template <>
struct std::is_error_code_enum<smb3fuse::auth::AuthError> : std::true_type {};
