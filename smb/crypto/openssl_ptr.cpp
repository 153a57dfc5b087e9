// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/openssl_ptr.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <new>

namespace smb3fuse::crypto {

void OpensslDelete::operator()(EVP_MD* object) const noexcept { EVP_MD_free(object); }
void OpensslDelete::operator()(EVP_MD_CTX* object) const noexcept { EVP_MD_CTX_free(object); }
void OpensslDelete::operator()(EVP_MAC* object) const noexcept { EVP_MAC_free(object); }
void OpensslDelete::operator()(EVP_MAC_CTX* object) const noexcept { EVP_MAC_CTX_free(object); }
void OpensslDelete::operator()(EVP_CIPHER* object) const noexcept { EVP_CIPHER_free(object); }
void OpensslDelete::operator()(EVP_CIPHER_CTX* object) const noexcept { EVP_CIPHER_CTX_free(object); }
void OpensslDelete::operator()(OSSL_LIB_CTX* object) const noexcept { OSSL_LIB_CTX_free(object); }
void OpensslDelete::operator()(OSSL_PROVIDER* object) const noexcept { OSSL_PROVIDER_unload(object); }

void ensure(bool success) {
  if (!success) throw std::bad_alloc();
}

}  // namespace smb3fuse::crypto
