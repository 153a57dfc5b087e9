// SPDX-License-Identifier: Apache-2.0
// The account of Credentials in the terms of NTLMv2: names in UTF-16, and the key that its responses are made with.
// [MS-NLMP] 3.3.2
#pragma once

#include <string>
#include <system_error>
#include <tl/expected.hpp>

#include "smb/auth/credentials.h"
#include "smb/auth/ntlm_keys.h"

namespace smb3fuse::auth {

// AuthError::bad_credentials for what is not UTF-8, or longer than any name that a directory can hold.
tl::expected<std::u16string, std::error_code> ntlm_name(const std::string& name);

struct NtlmAccount {
  std::u16string user;
  std::u16string domain;
  std::u16string workstation;

  static tl::expected<NtlmAccount, std::error_code> of(const Credentials& credentials);
  // The key of its responses.
  tl::expected<NtlmKey, std::error_code> response_key(const LegacyAlgorithms& algorithms,
                                                      const Credentials& credentials) const;
};

}  // namespace smb3fuse::auth
