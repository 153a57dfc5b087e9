// SPDX-License-Identifier: Apache-2.0
// Encrypts and decrypts messages, AES-CCM and AES-GCM. [MS-SMB2] 3.1.4.3, 3.2.5.1.1
//
// One Sealer serves one key in one direction and keeps its key schedule. It is used by one thread at a time; threads
// that share a key each make a Sealer of their own, but share the one NonceCounter of that key.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <system_error>
#include <tl/expected.hpp>

#include "smb/crypto/algorithms.h"
#include "smb/crypto/openssl_ptr.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::crypto {

// The Nonce and Signature fields of the transform header.
using Nonce = std::array<std::uint8_t, 16>;
using Tag = std::array<std::uint8_t, 16>;

// Never gives a value twice. A key has exactly one counter for as long as it lives: a nonce used again under one key
// gives away both messages and, with GCM, the key of the tag.
class NonceCounter {
 public:
  NonceCounter() = default;
  NonceCounter(const NonceCounter&) = delete;
  NonceCounter& operator=(const NonceCounter&) = delete;
  NonceCounter(NonceCounter&&) = default;
  NonceCounter& operator=(NonceCounter&&) = default;

  Nonce next();

 private:
  std::uint64_t used_ = 0;
};

class Sealer {
 public:
  enum class Direction { seal, open };

  // `key` is SessionKeys::encryption to seal and SessionKeys::decryption to open.
  static tl::expected<Sealer, std::error_code> create(Cipher cipher, ByteView key, Direction direction);

  // Encrypts `pieces`, as if they were one, into `out`, which is exactly as long as they are together. No piece may
  // overlap `out`, except that a single piece may be `out` itself.
  Tag seal(const Nonce& nonce, ByteView associated, std::span<const ByteView> pieces, std::span<std::uint8_t> out);

  // Decrypts in place. False: the tag does not fit, and `bytes` must not be used.
  [[nodiscard]] bool open(const Nonce& nonce, ByteView associated, std::span<std::uint8_t> bytes, const Tag& tag);

  Cipher cipher() const { return cipher_; }

 private:
  Sealer(Cipher cipher, Direction direction) : cipher_(cipher), direction_(direction) {}
  void start(const Nonce& nonce, ByteView associated, std::size_t size);

  Cipher cipher_;
  Direction direction_;
  OpensslPtr<EVP_CIPHER_CTX> context_;
};

}  // namespace smb3fuse::crypto
