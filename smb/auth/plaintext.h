// SPDX-License-Identifier: Apache-2.0
// A password as it is, for SMB1 servers that take it in no other form. Everybody on the way reads it: it takes a user
// who has asked for that by name, or a guest, who has none. [MS-CIFS] 2.2.4.53.1
#pragma once

#include <string>
#include <system_error>
#include <tl/expected.hpp>

#include "smb/auth/credentials.h"
#include "smb/wire/code_page.h"

namespace smb3fuse::auth {

struct PlaintextLogon {
  std::u16string user;
  std::u16string domain;
  crypto::Secret password;  // with a null character behind it
};

// In UTF-16LE, or in `code_page` if there is one. AuthError::bad_credentials for a password of which only the hash is
// known, and for one that is not UTF-8; not_in_code_page for one with characters that take other than one byte there.
tl::expected<PlaintextLogon, std::error_code> plaintext_logon(const Credentials& credentials,
                                                              const wire::CodePage* code_page);

}  // namespace smb3fuse::auth
