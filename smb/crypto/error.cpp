// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/error.h"

#include <string>

namespace smb3fuse::crypto {
namespace {

class CryptoCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "crypto"; }

  std::string message(int value) const override {
    switch (static_cast<CryptoError>(value)) {
      case CryptoError::no_legacy_provider:
        return "NTLM needs MD4 and RC4, and this host's OpenSSL cannot load its legacy provider (the module legacy.so "
               "is missing, or the host allows FIPS algorithms only)";
      case CryptoError::no_algorithm:
        return "this host's OpenSSL lacks an algorithm that the session needs";
      case CryptoError::bad_key_size:
        return "a key has the wrong size for its algorithm";
    }
    return "unknown cryptographic error";
  }
};

}  // namespace

const std::error_category& crypto_category() noexcept {
  static const CryptoCategory category;
  return category;
}

}  // namespace smb3fuse::crypto
