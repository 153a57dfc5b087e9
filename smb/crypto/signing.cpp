// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/signing.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <utility>

#include "smb/crypto/error.h"
#include "smb/crypto/secret.h"
#include "smb/wire/endian.h"

namespace smb3fuse::crypto {
namespace {

constexpr std::size_t kKeySize = 16;

OpensslPtr<EVP_MAC_CTX> keyed_hmac(ByteView key) {
  const OpensslPtr<EVP_MAC> mac(EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
  OpensslPtr<EVP_MAC_CTX> context(EVP_MAC_CTX_new(mac.get()));
  char digest[] = OSSL_DIGEST_NAME_SHA2_256;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  if (!context || EVP_MAC_init(context.get(), key.data(), key.size(), params) != 1) context.reset();
  return context;
}

OpensslPtr<EVP_CIPHER_CTX> keyed_gcm(ByteView key) {
  const OpensslPtr<EVP_CIPHER> cipher(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr));
  OpensslPtr<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  if (!context || EVP_EncryptInit_ex2(context.get(), cipher.get(), key.data(), nullptr, nullptr) != 1) context.reset();
  return context;
}

Signature hmac_of(EVP_MAC_CTX* context, std::span<const ByteView> pieces) {
  // Without a key this rewinds the context and keeps the key it has.
  ensure(EVP_MAC_init(context, nullptr, 0, nullptr) == 1);
  for (const ByteView piece : pieces) ensure(EVP_MAC_update(context, piece.data(), piece.size()) == 1);
  std::array<std::uint8_t, 32> mac;  // cut to its first half
  std::size_t size = 0;
  ensure(EVP_MAC_final(context, mac.data(), &size, mac.size()) == 1);
  Signature signature;
  std::copy_n(mac.begin(), signature.size(), signature.begin());
  return signature;
}

// [MS-SMB2] 3.1.4.1: MessageId, then a bit for the role and one for CANCEL, then zeros.
std::array<std::uint8_t, 12> gmac_nonce(const SignedMessage& message) {
  std::array<std::uint8_t, 12> nonce{};
  wire::store_le(nonce.data(), message.message_id);
  nonce[8] = static_cast<std::uint8_t>((message.from_server ? 1 : 0) | (message.cancel ? 2 : 0));
  return nonce;
}

Signature gmac_of(EVP_CIPHER_CTX* context, const SignedMessage& message, std::span<const ByteView> pieces) {
  ensure(EVP_EncryptInit_ex2(context, nullptr, nullptr, gmac_nonce(message).data(), nullptr) == 1);
  int size = 0;
  for (const ByteView piece : pieces) {
    if (piece.empty()) continue;
    ensure(EVP_EncryptUpdate(context, nullptr, &size, piece.data(), static_cast<int>(piece.size())) == 1);
  }
  Signature signature;
  ensure(EVP_EncryptFinal_ex(context, signature.data(), &size) == 1);
  ensure(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(signature.size()), signature.data()) ==
         1);
  return signature;
}

}  // namespace

tl::expected<Signer, std::error_code> Signer::create(SigningAlgorithm algorithm, ByteView key) {
  if (key.size() != kKeySize) return tl::unexpected(make_error_code(CryptoError::bad_key_size));
  Signer signer(algorithm);
  bool ready = false;
  switch (algorithm) {
    case SigningAlgorithm::hmac_sha256:
      signer.hmac_ = keyed_hmac(key);
      ready = signer.hmac_ != nullptr;
      break;
    case SigningAlgorithm::aes_cmac:
      if (auto cmac = Cmac::create(key)) signer.cmac_ = *std::move(cmac);
      ready = signer.cmac_.has_value();
      break;
    case SigningAlgorithm::aes_gmac:
      signer.gcm_ = keyed_gcm(key);
      ready = signer.gcm_ != nullptr;
      break;
  }
  if (!ready) return tl::unexpected(make_error_code(CryptoError::no_algorithm));
  return signer;
}

Signature Signer::sign(const SignedMessage& message, std::span<const ByteView> pieces) {
  if (cmac_) return cmac_->mac(pieces);
  return gcm_ ? gmac_of(gcm_.get(), message, pieces) : hmac_of(hmac_.get(), pieces);
}

bool Signer::verify(const SignedMessage& message, std::span<const ByteView> pieces, const Signature& signature) {
  return equal_in_constant_time(sign(message, pieces), signature);
}

}  // namespace smb3fuse::crypto
