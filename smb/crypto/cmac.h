// SPDX-License-Identifier: Apache-2.0
// AES-128-CMAC, RFC 4493, built on AES-CBC: OpenSSL 3.0's own CMAC goes block by block and is less than half as fast.
// Used by one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <tl/expected.hpp>

#include "smb/crypto/openssl_ptr.h"
#include "smb/crypto/secret.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::crypto {

class Cmac {
 public:
  static constexpr std::size_t kBlock = 16;
  using Block = std::array<std::uint8_t, kBlock>;

  // `key` is 16 bytes.
  static tl::expected<Cmac, std::error_code> create(ByteView key);

  // Over the pieces as if they were one.
  Block mac(std::span<const ByteView> pieces);

 private:
  Cmac() = default;

  OpensslPtr<EVP_CIPHER_CTX> cbc_;
  Secret whole_;    // K1, for a last block that is whole
  Secret partial_;  // K2, for one that is padded
};

}  // namespace smb3fuse::crypto
