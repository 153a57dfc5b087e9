// SPDX-License-Identifier: Apache-2.0
// What can go wrong in cryptography before a byte is processed: this host's OpenSSL cannot do it.
#pragma once

#include <system_error>

namespace smb3fuse::crypto {

enum class CryptoError {
  no_legacy_provider = 1,  // MD4 and RC4, which NTLM needs, cannot be loaded
  no_algorithm,            // an algorithm of OpenSSL's default provider is missing or disabled
  bad_key_size,            // a key that does not fit the algorithm
};

const std::error_category& crypto_category() noexcept;

inline std::error_code make_error_code(CryptoError error) noexcept {
  return {static_cast<int>(error), crypto_category()};
}

}  // namespace smb3fuse::crypto

template <>
struct std::is_error_code_enum<smb3fuse::crypto::CryptoError> : std::true_type {};
