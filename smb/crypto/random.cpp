// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/random.h"

#include <openssl/rand.h>

#include <stdexcept>

#include "smb/crypto/openssl_ptr.h"

namespace smb3fuse::crypto {

void random_bytes(std::span<std::uint8_t> out) {
  // The private generator is for what stays secret; a key may be among it.
  if (RAND_priv_bytes_ex(nullptr, out.data(), out.size(), 0) != 1) {
    throw std::runtime_error("OpenSSL's random generator cannot be seeded");
  }
}

}  // namespace smb3fuse::crypto
