// SPDX-License-Identifier: Apache-2.0
// MD4, MD5 and RC4: broken by today's measure, demanded by NTLM, used for nothing else.
//
// They come from OpenSSL's legacy and default providers, loaded once into a library context of our own, so that the
// rest of the process (and a FIPS configuration of the host) is not touched. Who holds a LegacyAlgorithms knows that
// they are there.
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

// A stream: each call goes on where the last one ended.
class Rc4 {
 public:
  void apply(std::span<std::uint8_t> bytes);

 private:
  friend class LegacyAlgorithms;
  explicit Rc4(OpensslPtr<EVP_CIPHER_CTX> context) : context_(std::move(context)) {}
  OpensslPtr<EVP_CIPHER_CTX> context_;
};

class LegacyAlgorithms {
 public:
  // Loaded at the first call, and for the life of the process. Fails with CryptoError::no_legacy_provider.
  static tl::expected<const LegacyAlgorithms*, std::error_code> load();

  // Over the pieces as if they were one.
  Md5Digest md4(std::span<const ByteView> pieces) const;
  Md5Digest md5(std::span<const ByteView> pieces) const;
  Md5Digest hmac_md5(ByteView key, std::span<const ByteView> pieces) const;

  Rc4 rc4(std::span<const std::uint8_t, 16> key) const;

 private:
  LegacyAlgorithms();
  bool complete() const { return md4_ && md5_ && hmac_ && rc4_; }

  // In this order: what was fetched goes before its provider, and that before its context.
  OpensslPtr<OSSL_LIB_CTX> context_;  // one made so reads no openssl.cnf
  OpensslPtr<OSSL_PROVIDER> default_;
  OpensslPtr<OSSL_PROVIDER> legacy_;
  OpensslPtr<EVP_MD> md4_;
  OpensslPtr<EVP_MD> md5_;
  OpensslPtr<EVP_MAC> hmac_;
  OpensslPtr<EVP_CIPHER> rc4_;
};

}  // namespace smb3fuse::crypto
