// SPDX-License-Identifier: Apache-2.0
// Owning pointers for OpenSSL's objects. The deleters live in openssl_ptr.cpp, so that a header that holds a context
// needs no OpenSSL header but the forward declarations.
#pragma once

#include <openssl/types.h>

#include <memory>

namespace smb3fuse::crypto {

struct OpensslDelete {
  void operator()(EVP_MD* object) const noexcept;
  void operator()(EVP_MD_CTX* object) const noexcept;
  void operator()(EVP_MAC* object) const noexcept;
  void operator()(EVP_MAC_CTX* object) const noexcept;
  void operator()(EVP_CIPHER* object) const noexcept;
  void operator()(EVP_CIPHER_CTX* object) const noexcept;
  void operator()(OSSL_LIB_CTX* object) const noexcept;
  void operator()(OSSL_PROVIDER* object) const noexcept;
};

template <class T>
using OpensslPtr = std::unique_ptr<T, OpensslDelete>;

// For what fails only when memory is out: an algorithm that was fetched and keyed before. It throws std::bad_alloc,
// as the allocation of any buffer beside it would.
void ensure(bool success);

}  // namespace smb3fuse::crypto
