// SPDX-License-Identifier: Apache-2.0
// SHA-512 and HMAC-SHA256 in one call, and the pre-authentication integrity hash of SMB 3.1.1.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "smb/wire/bytes.h"

namespace smb3fuse::crypto {

using Sha256Digest = std::array<std::uint8_t, 32>;
using Sha512Digest = std::array<std::uint8_t, 64>;

// Over the pieces as if they were one.
Sha512Digest sha512(std::span<const ByteView> pieces);
Sha256Digest hmac_sha256(ByteView key, std::span<const ByteView> pieces);

// [MS-SMB2] 3.2.5.2: value = SHA-512(value + message), from 64 zero bytes, over each NEGOTIATE and SESSION_SETUP
// message as it is on the wire, without its transport header. A copy forks the chain: the connection's value after
// NEGOTIATE is where each session's chain begins.
class PreauthHash {
 public:
  void update(ByteView message);
  const Sha512Digest& value() const { return value_; }

 private:
  Sha512Digest value_{};
};

}  // namespace smb3fuse::crypto
