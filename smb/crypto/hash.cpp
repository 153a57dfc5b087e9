// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "smb/crypto/openssl_ptr.h"

namespace smb3fuse::crypto {

Sha512Digest sha512(std::span<const ByteView> pieces) {
  const OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  ensure(context && EVP_DigestInit_ex2(context.get(), EVP_sha512(), nullptr) == 1);
  for (const ByteView piece : pieces) ensure(EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1);
  Sha512Digest digest;
  ensure(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

Sha256Digest hmac_sha256(ByteView key, std::span<const ByteView> pieces) {
  const OpensslPtr<EVP_MAC> mac(EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
  const OpensslPtr<EVP_MAC_CTX> context(EVP_MAC_CTX_new(mac.get()));
  char digest_name[] = OSSL_DIGEST_NAME_SHA2_256;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
                               OSSL_PARAM_construct_end()};
  ensure(context && EVP_MAC_init(context.get(), key.data(), key.size(), params) == 1);
  for (const ByteView piece : pieces) ensure(EVP_MAC_update(context.get(), piece.data(), piece.size()) == 1);
  Sha256Digest digest;
  std::size_t size = 0;
  ensure(EVP_MAC_final(context.get(), digest.data(), &size, digest.size()) == 1 && size == digest.size());
  return digest;
}

void PreauthHash::update(ByteView message) {
  const ByteView pieces[] = {value_, message};
  value_ = sha512(pieces);
}

}  // namespace smb3fuse::crypto
