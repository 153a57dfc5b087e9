// SPDX-License-Identifier: Apache-2.0
// Signatures of SMB1: the first eight bytes of an MD5 over the key and the message, in which a sequence number takes
// the place of the signature. [MS-CIFS] 3.1.4.1, 3.1.5.1
//
// Each request takes two numbers, its own and its answer's; NT_CANCEL, which has no answer, one. [MS-CIFS] 3.2.4.1.1
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <system_error>
#include <tl/expected.hpp>

#include "smb/cifs/header.h"
#include "smb/crypto/legacy.h"
#include "smb/crypto/secret.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::smb1 {

using Signature = std::array<std::uint8_t, 8>;

class Signer {
 public:
  // `key`: the session's, and behind it, without extended security, the response to the challenge.
  static tl::expected<Signer, std::error_code> create(ByteView key);

  // `message` in pieces, the first of which has the whole header; whatever its signature field holds.
  Signature sign(std::uint32_t sequence_number, std::span<const ByteView> message) const;
  bool verify(std::uint32_t sequence_number, ByteView message) const;

 private:
  Signer(const crypto::LegacyAlgorithms& algorithms, ByteView key) : algorithms_(&algorithms), key_(key) {}

  const crypto::LegacyAlgorithms* algorithms_;
  crypto::Secret key_;
};

}  // namespace smb3fuse::smb1
