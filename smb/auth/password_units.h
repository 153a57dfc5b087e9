// SPDX-License-Identifier: Apache-2.0
// A password in UTF-16LE, as hashes are made of it and as servers take it that want it as it is.
#pragma once

#include <system_error>
#include <tl/expected.hpp>

#include "smb/crypto/secret.h"

namespace smb3fuse::auth {

// AuthError::bad_credentials for what is not UTF-8.
tl::expected<crypto::Secret, std::error_code> password_units(const crypto::Secret& utf8);

}  // namespace smb3fuse::auth
