// SPDX-License-Identifier: Apache-2.0
// Who we say we are.
#pragma once

#include <string>

#include "smb/crypto/secret.h"

namespace smb3fuse::auth {

struct Credentials {
  enum class Kind {
    password,   // `secret` is the password in UTF-8
    nt_hash,    // `secret` is the 16 bytes of its NT hash
    guest,      // `user` or "guest", with an empty password
    anonymous,  // the null session: no name, no key
  };

  Kind kind = Kind::password;
  // "user", "DOMAIN\user" (where `domain` is empty) or "user@realm" (sent whole, with an empty domain).
  std::string user;
  std::string domain;
  crypto::Secret secret;
  std::string workstation;  // our NetBIOS name; may be empty

  Credentials clone() const { return {kind, user, domain, secret.clone(), workstation}; }
};

}  // namespace smb3fuse::auth
