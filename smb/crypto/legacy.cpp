// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/legacy.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "smb/crypto/error.h"

namespace smb3fuse::crypto {
namespace {

// Loaded at the first use, and for the life of the process.
struct LegacyLibrary {
  OpensslPtr<OSSL_LIB_CTX> context;
  OpensslPtr<EVP_MD> md4;
  OpensslPtr<EVP_MD> md5;
  OpensslPtr<EVP_MAC> hmac;
  OpensslPtr<EVP_CIPHER> rc4;

  LegacyLibrary() : context(OSSL_LIB_CTX_new()) {
    // The providers are unloaded with their context. A context made so reads no openssl.cnf.
    if (!context || OSSL_PROVIDER_load(context.get(), "default") == nullptr ||
        OSSL_PROVIDER_load(context.get(), "legacy") == nullptr) {
      return;
    }
    md4.reset(EVP_MD_fetch(context.get(), "MD4", nullptr));
    md5.reset(EVP_MD_fetch(context.get(), "MD5", nullptr));
    hmac.reset(EVP_MAC_fetch(context.get(), OSSL_MAC_NAME_HMAC, nullptr));
    rc4.reset(EVP_CIPHER_fetch(context.get(), "RC4", nullptr));
  }

  bool complete() const { return md4 && md5 && hmac && rc4; }
};

// Null where it cannot be had.
const LegacyLibrary* library() {
  static const LegacyLibrary instance;
  return instance.complete() ? &instance : nullptr;
}

tl::unexpected<std::error_code> unavailable() {
  return tl::unexpected(make_error_code(CryptoError::no_legacy_provider));
}

Md5Digest digest_of(const EVP_MD* algorithm, std::span<const ByteView> pieces) {
  const OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  ensure(context && EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1);
  for (const ByteView piece : pieces) ensure(EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1);
  Md5Digest digest;
  ensure(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

}  // namespace

Legacy<Md5Digest> md4(std::span<const ByteView> pieces) {
  const LegacyLibrary* legacy = library();
  if (legacy == nullptr) return unavailable();
  return digest_of(legacy->md4.get(), pieces);
}

Legacy<Md5Digest> md5(std::span<const ByteView> pieces) {
  const LegacyLibrary* legacy = library();
  if (legacy == nullptr) return unavailable();
  return digest_of(legacy->md5.get(), pieces);
}

Legacy<Md5Digest> hmac_md5(ByteView key, std::span<const ByteView> pieces) {
  const LegacyLibrary* legacy = library();
  if (legacy == nullptr) return unavailable();
  const OpensslPtr<EVP_MAC_CTX> context(EVP_MAC_CTX_new(legacy->hmac.get()));
  char digest_name[] = OSSL_DIGEST_NAME_MD5;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
                               OSSL_PARAM_construct_end()};
  ensure(context && EVP_MAC_init(context.get(), key.data(), key.size(), params) == 1);
  for (const ByteView piece : pieces) ensure(EVP_MAC_update(context.get(), piece.data(), piece.size()) == 1);
  Md5Digest digest;
  std::size_t size = 0;
  ensure(EVP_MAC_final(context.get(), digest.data(), &size, digest.size()) == 1 && size == digest.size());
  return digest;
}

Legacy<Rc4> Rc4::create(ByteView key) {
  const LegacyLibrary* legacy = library();
  if (legacy == nullptr) return unavailable();
  if (key.size() != 16) return tl::unexpected(make_error_code(CryptoError::bad_key_size));
  OpensslPtr<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  ensure(context && EVP_EncryptInit_ex2(context.get(), legacy->rc4.get(), key.data(), nullptr, nullptr) == 1);
  return Rc4(std::move(context));
}

void Rc4::apply(std::span<std::uint8_t> bytes) {
  int done = 0;
  ensure(EVP_EncryptUpdate(context_.get(), bytes.data(), &done, bytes.data(), static_cast<int>(bytes.size())) == 1);
}

}  // namespace smb3fuse::crypto
