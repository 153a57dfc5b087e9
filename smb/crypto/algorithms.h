// SPDX-License-Identifier: Apache-2.0
// The algorithms that SMB negotiates, under their numbers on the wire.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smb3fuse::crypto {

// [MS-SMB2] 2.2.3.1.2
enum class Cipher : std::uint16_t {
  aes_128_ccm = 0x0001,
  aes_128_gcm = 0x0002,
  aes_256_ccm = 0x0003,
  aes_256_gcm = 0x0004,
};

// [MS-SMB2] 2.2.3.1.7
enum class SigningAlgorithm : std::uint16_t {
  hmac_sha256 = 0x0000,
  aes_cmac = 0x0001,
  aes_gmac = 0x0002,
};

constexpr bool is_gcm(Cipher cipher) { return cipher == Cipher::aes_128_gcm || cipher == Cipher::aes_256_gcm; }

constexpr std::size_t key_size(Cipher cipher) {
  return cipher == Cipher::aes_256_ccm || cipher == Cipher::aes_256_gcm ? 32 : 16;
}

// [MS-SMB2] 2.2.41: how much of the 16-byte Nonce field the cipher uses; the rest is zero.
constexpr std::size_t nonce_size(Cipher cipher) { return is_gcm(cipher) ? 12 : 11; }

}  // namespace smb3fuse::crypto
