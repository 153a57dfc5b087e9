// SPDX-License-Identifier: Apache-2.0
// What a NEGOTIATE settled for the connection. [MS-SMB2] 3.2.1.2
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "smb/crypto/algorithms.h"

namespace smb3fuse::smb2 {

// No single transfer of ours is larger: Windows' and Samba's own ceiling. And none that a server allows is smaller.
inline constexpr std::uint32_t kMaximumIo = 8u << 20;
inline constexpr std::uint32_t kMinimumIo = 4096;

struct Negotiated {
  std::uint16_t dialect = 0;  // 0: not negotiated yet
  std::array<std::uint8_t, 16> server_guid{};
  std::uint16_t security_mode = 0;
  std::uint32_t capabilities = 0;
  std::uint32_t max_transact_size = 65536;
  std::uint32_t max_read_size = 65536;
  std::uint32_t max_write_size = 65536;
  crypto::SigningAlgorithm signing = crypto::SigningAlgorithm::hmac_sha256;
  std::optional<crypto::Cipher> cipher;  // nothing: this connection cannot encrypt
  bool server_requires_signing = false;

  // Requests of more than one credit: not in SMB 2.0.2, nor where the server does not say LARGE_MTU. 3.2.4.1.5
  bool multi_credit = false;
};

}  // namespace smb3fuse::smb2
