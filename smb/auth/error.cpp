// SPDX-License-Identifier: Apache-2.0
#include "smb/auth/error.h"

#include <string>

namespace smb3fuse::auth {
namespace {

class AuthCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "authentication"; }

  std::string message(int value) const override {
    switch (static_cast<AuthError>(value)) {
      case AuthError::malformed_spnego:
        return "the server sent a malformed SPNEGO token";
      case AuthError::malformed_ntlm:
        return "the server sent a malformed NTLM challenge";
      case AuthError::malformed_target_info:
        return "the server sent an NTLM challenge with malformed target information";
      case AuthError::no_common_mechanism:
        return "the server offers no authentication mechanism that this client has (it has NTLM)";
      case AuthError::rejected:
        return "the server rejected the authentication without saying why";
      case AuthError::ntlmv2_not_offered:
        return "the server's NTLM challenge does not allow NTLMv2, and nothing weaker is sent";
      case AuthError::weak_challenge:
        return "the server's NTLM challenge is all zeros or our own, as an attacker's would be";
      case AuthError::bad_mechanism_list_mic:
        return "the server's list of mechanisms was changed on its way here (its SPNEGO MIC does not fit)";
      case AuthError::unexpected_token:
        return "the server sent an authentication token where none is due";
      case AuthError::bad_credentials:
        return "the user name, domain or password is too long or is not valid UTF-8, or the NT hash is not 16 bytes";
      case AuthError::not_in_code_page:
        return "the password has characters that the server's code page lacks; see codepage=";
    }
    return "unknown authentication error";
  }
};

}  // namespace

const std::error_category& auth_category() noexcept {
  static const AuthCategory category;
  return category;
}

}  // namespace smb3fuse::auth
