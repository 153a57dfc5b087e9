// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/cmac.h"

#include <openssl/evp.h>

#include <algorithm>

#include "smb/crypto/error.h"

namespace smb3fuse::crypto {
namespace {

constexpr Cmac::Block kZeros{};

// Ciphertext that nobody reads, but its last block, is written over and over into a piece of the CPU's cache.
constexpr std::size_t kScratch = 4096;

void start(EVP_CIPHER_CTX* cbc) { ensure(EVP_EncryptInit_ex2(cbc, nullptr, nullptr, kZeros.data(), nullptr) == 1); }

Cmac::Block encrypt_block(EVP_CIPHER_CTX* cbc, const Cmac::Block& block) {
  Cmac::Block out;
  int done = 0;
  ensure(EVP_EncryptUpdate(cbc, out.data(), &done, block.data(), static_cast<int>(block.size())) == 1);
  return out;
}

void absorb(EVP_CIPHER_CTX* cbc, ByteView blocks) {
  std::array<std::uint8_t, kScratch> scratch;
  while (!blocks.empty()) {
    const std::size_t size = std::min(blocks.size(), kScratch);
    int done = 0;
    ensure(EVP_EncryptUpdate(cbc, scratch.data(), &done, blocks.data(), static_cast<int>(size)) == 1);
    blocks = blocks.subspan(size);
  }
}

// RFC 4493 2.3: twice the value in GF(2^128).
Secret doubled(ByteView value) {
  Secret twice(value.size());
  unsigned carry = 0;
  for (std::size_t i = value.size(); i-- > 0;) {
    const unsigned shifted = value[i] * 2u + carry;
    twice.bytes()[i] = static_cast<std::uint8_t>(shifted);
    carry = shifted >> 8;
  }
  twice.bytes().back() ^= static_cast<std::uint8_t>(carry * 0x87);
  return twice;
}

}  // namespace

tl::expected<Cmac, std::error_code> Cmac::create(ByteView key) {
  if (key.size() != kBlock) return tl::unexpected(make_error_code(CryptoError::bad_key_size));
  Cmac cmac;
  const OpensslPtr<EVP_CIPHER> cipher(EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr));
  cmac.cbc_.reset(EVP_CIPHER_CTX_new());
  if (!cipher || !cmac.cbc_ ||
      EVP_EncryptInit_ex2(cmac.cbc_.get(), cipher.get(), key.data(), kZeros.data(), nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(cmac.cbc_.get(), 0) != 1) {
    return tl::unexpected(make_error_code(CryptoError::no_algorithm));
  }
  Block encrypted_zeros = encrypt_block(cmac.cbc_.get(), kZeros);
  cmac.whole_ = doubled(encrypted_zeros);
  cmac.partial_ = doubled(cmac.whole_.view());
  wipe(encrypted_zeros);
  return cmac;
}

Cmac::Block Cmac::mac(std::span<const ByteView> pieces) {
  start(cbc_.get());
  // The last block is treated apart, so up to one block always waits until more is known to follow.
  Block waiting{};
  std::size_t waits = 0;
  for (ByteView piece : pieces) {
    if (waits != 0 || piece.size() <= kBlock) {
      const std::size_t fits = std::min(kBlock - waits, piece.size());
      std::copy_n(piece.begin(), fits, waiting.begin() + static_cast<std::ptrdiff_t>(waits));
      waits += fits;
      piece = piece.subspan(fits);
    }
    if (piece.empty()) continue;
    absorb(cbc_.get(), ByteView(waiting).first(waits));
    const std::size_t blocks = (piece.size() - 1) / kBlock * kBlock;
    absorb(cbc_.get(), piece.first(blocks));
    waits = piece.size() - blocks;
    std::copy_n(piece.begin() + static_cast<std::ptrdiff_t>(blocks), waits, waiting.begin());
  }
  const ByteView subkey = waits == kBlock ? whole_.view() : partial_.view();
  if (waits < kBlock) {
    waiting[waits] = 0x80;
    std::fill(waiting.begin() + static_cast<std::ptrdiff_t>(waits) + 1, waiting.end(), std::uint8_t{0});
  }
  for (std::size_t i = 0; i < kBlock; ++i) waiting[i] ^= subkey[i];
  return encrypt_block(cbc_.get(), waiting);
}

}  // namespace smb3fuse::crypto
