// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/legacy.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "smb/crypto/error.h"

namespace smb3fuse::crypto {
namespace {

Md5Digest digest_of(const EVP_MD* algorithm, std::span<const ByteView> pieces) {
  const OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  ensure(context && EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1);
  for (const ByteView piece : pieces) ensure(EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1);
  Md5Digest digest;
  ensure(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

}  // namespace

LegacyAlgorithms::LegacyAlgorithms()
    : context_(OSSL_LIB_CTX_new()),
      default_(context_ ? OSSL_PROVIDER_load(context_.get(), "default") : nullptr),
      legacy_(context_ ? OSSL_PROVIDER_load(context_.get(), "legacy") : nullptr) {
  if (!default_ || !legacy_) return;
  md4_.reset(EVP_MD_fetch(context_.get(), "MD4", nullptr));
  md5_.reset(EVP_MD_fetch(context_.get(), "MD5", nullptr));
  hmac_.reset(EVP_MAC_fetch(context_.get(), OSSL_MAC_NAME_HMAC, nullptr));
  rc4_.reset(EVP_CIPHER_fetch(context_.get(), "RC4", nullptr));
}

tl::expected<const LegacyAlgorithms*, std::error_code> LegacyAlgorithms::load() {
  static const LegacyAlgorithms instance;
  if (!instance.complete()) return tl::unexpected(make_error_code(CryptoError::no_legacy_provider));
  return &instance;
}

Md5Digest LegacyAlgorithms::md4(std::span<const ByteView> pieces) const { return digest_of(md4_.get(), pieces); }

Md5Digest LegacyAlgorithms::md5(std::span<const ByteView> pieces) const { return digest_of(md5_.get(), pieces); }

Md5Digest LegacyAlgorithms::hmac_md5(ByteView key, std::span<const ByteView> pieces) const {
  const OpensslPtr<EVP_MAC_CTX> context(EVP_MAC_CTX_new(hmac_.get()));
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

Rc4 LegacyAlgorithms::rc4(std::span<const std::uint8_t, 16> key) const {
  OpensslPtr<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  ensure(context && EVP_EncryptInit_ex2(context.get(), rc4_.get(), key.data(), nullptr, nullptr) == 1);
  return Rc4(std::move(context));
}

void Rc4::apply(std::span<std::uint8_t> bytes) {
  int done = 0;
  ensure(EVP_EncryptUpdate(context_.get(), bytes.data(), &done, bytes.data(), static_cast<int>(bytes.size())) == 1);
}

}  // namespace smb3fuse::crypto
