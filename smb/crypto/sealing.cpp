// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/sealing.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cassert>

#include "smb/crypto/error.h"
#include "smb/wire/endian.h"

namespace smb3fuse::crypto {
namespace {

const char* openssl_name(Cipher cipher) {
  switch (cipher) {
    case Cipher::aes_128_ccm:
      return "AES-128-CCM";
    case Cipher::aes_128_gcm:
      return "AES-128-GCM";
    case Cipher::aes_256_ccm:
      return "AES-256-CCM";
    case Cipher::aes_256_gcm:
      return "AES-256-GCM";
  }
  return "";
}

// Appends `piece` to `out` at `at`, unless it lies there already.
void copy_into(std::span<std::uint8_t> out, std::size_t at, ByteView piece) {
  if (piece.data() != out.data() + at) std::copy(piece.begin(), piece.end(), out.begin() + static_cast<long>(at));
}

}  // namespace

Nonce NonceCounter::next() {
  Nonce nonce{};
  wire::store_le(nonce.data(), used_++);
  assert(used_ != 0);  // 2^64 messages
  return nonce;
}

tl::expected<Sealer, std::error_code> Sealer::create(Cipher cipher, ByteView key, Direction direction) {
  if (key.size() != key_size(cipher)) return tl::unexpected(make_error_code(CryptoError::bad_key_size));
  Sealer sealer(cipher, direction);
  const OpensslPtr<EVP_CIPHER> algorithm(EVP_CIPHER_fetch(nullptr, openssl_name(cipher), nullptr));
  sealer.context_.reset(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* context = sealer.context_.get();
  const int encrypt = direction == Direction::seal ? 1 : 0;
  // The sizes of nonce and tag first: they shape CCM's key schedule.
  const bool ready =
      context != nullptr && algorithm != nullptr &&
      EVP_CipherInit_ex2(context, algorithm.get(), nullptr, nullptr, encrypt, nullptr) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(nonce_size(cipher)), nullptr) == 1 &&
      (is_gcm(cipher) || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof(Tag), nullptr) == 1) &&
      EVP_CipherInit_ex2(context, nullptr, key.data(), nullptr, encrypt, nullptr) == 1;
  if (!ready) return tl::unexpected(make_error_code(CryptoError::no_algorithm));
  return sealer;
}

void Sealer::start(const Nonce& nonce, ByteView associated, std::size_t size) {
  EVP_CIPHER_CTX* context = context_.get();
  const int encrypt = direction_ == Direction::seal ? 1 : 0;
  ensure(EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), encrypt, nullptr) == 1);
  int done = 0;
  // CCM authenticates the length before the data.
  if (!is_gcm(cipher_)) ensure(EVP_CipherUpdate(context, nullptr, &done, nullptr, static_cast<int>(size)) == 1);
  ensure(EVP_CipherUpdate(context, nullptr, &done, associated.data(), static_cast<int>(associated.size())) == 1);
}

Tag Sealer::seal(const Nonce& nonce, ByteView associated, std::span<const ByteView> pieces,
                 std::span<std::uint8_t> out) {
  assert(direction_ == Direction::seal);
  start(nonce, associated, out.size());
  EVP_CIPHER_CTX* context = context_.get();
  int done = 0;
  std::size_t at = 0;
  for (const ByteView piece : pieces) {
    assert(piece.size() <= out.size() - at);
    if (is_gcm(cipher_)) {
      ensure(EVP_EncryptUpdate(context, out.data() + at, &done, piece.data(), static_cast<int>(piece.size())) == 1);
    } else {
      copy_into(out, at, piece);
    }
    at += piece.size();
  }
  assert(at == out.size());
  // OpenSSL's CCM takes its data in one call, so there the pieces are gathered first.
  if (!is_gcm(cipher_)) {
    ensure(EVP_EncryptUpdate(context, out.data(), &done, out.data(), static_cast<int>(out.size())) == 1);
  }
  Tag tag;
  ensure(EVP_EncryptFinal_ex(context, tag.data(), &done) == 1);
  ensure(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, sizeof(Tag), tag.data()) == 1);
  return tag;
}

bool Sealer::open(const Nonce& nonce, ByteView associated, std::span<std::uint8_t> bytes, const Tag& tag) {
  assert(direction_ == Direction::open);
  EVP_CIPHER_CTX* context = context_.get();
  Tag expected = tag;
  // CCM checks the tag within the update, and wants it before the length.
  ensure(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof(Tag), expected.data()) == 1);
  start(nonce, associated, bytes.size());
  int done = 0;
  if (EVP_DecryptUpdate(context, bytes.data(), &done, bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  if (!is_gcm(cipher_)) return true;
  Tag unused;
  return EVP_DecryptFinal_ex(context, unused.data(), &done) == 1;
}

}  // namespace smb3fuse::crypto
