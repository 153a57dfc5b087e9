// SPDX-License-Identifier: Apache-2.0
// MD4, MD5 and RC4: broken by today's measure, demanded by NTLM, used for nothing else.
//
// They come from OpenSSL's legacy and default providers, loaded once into a library context of our own, so that the
// rest of the process (and a FIPS configuration of the host) is not touched. Where the legacy provider cannot be
// loaded every function here fails with CryptoError::no_legacy_provider.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

#include "smb/crypto/openssl_ptr.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::crypto {

using Md5Digest = std::array<std::uint8_t, 16>;

template <class T>
using Legacy = tl::expected<T, std::error_code>;

// Over the pieces as if they were one.
Legacy<Md5Digest> md4(std::span<const ByteView> pieces);
Legacy<Md5Digest> md5(std::span<const ByteView> pieces);
Legacy<Md5Digest> hmac_md5(ByteView key, std::span<const ByteView> pieces);

// A stream: each call goes on where the last one ended.
class Rc4 {
 public:
  static Legacy<Rc4> create(ByteView key);
  void apply(std::span<std::uint8_t> bytes);

 private:
  explicit Rc4(OpensslPtr<EVP_CIPHER_CTX> context) : context_(std::move(context)) {}
  OpensslPtr<EVP_CIPHER_CTX> context_;
};

}  // namespace smb3fuse::crypto
