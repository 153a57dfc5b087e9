// SPDX-License-Identifier: Apache-2.0
// Signs and verifies messages. [MS-SMB2] 3.1.4.1, 3.1.5.1
//
// One Signer holds one keyed context that is rewound for each message: nothing is fetched, allocated or expanded on
// the way. It is used by one thread at a time; threads that share a key each make a Signer of their own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <tl/expected.hpp>

#include "smb/crypto/algorithms.h"
#include "smb/crypto/cmac.h"
#include "smb/crypto/openssl_ptr.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::crypto {

using Signature = std::array<std::uint8_t, 16>;

// Stands in for the Signature field of a message that is signed or verified where it lies.
inline constexpr Signature kZeroSignature{};

// What AES-GMAC makes its nonce from; the other algorithms ignore it.
struct SignedMessage {
  std::uint64_t message_id = 0;
  bool from_server = false;  // SMB2_FLAGS_SERVER_TO_REDIR
  bool cancel = false;       // SMB2 CANCEL, which shares the message id of what it cancels
};

class Signer {
 public:
  // `key` is SessionKeys::signing, 16 bytes.
  static tl::expected<Signer, std::error_code> create(SigningAlgorithm algorithm, ByteView key);

  // The message in pieces, as if they were one; its Signature field holds zeros.
  Signature sign(const SignedMessage& message, std::span<const ByteView> pieces);

  // In a time that does not depend on where the signatures differ.
  bool verify(const SignedMessage& message, std::span<const ByteView> pieces, const Signature& signature);

  SigningAlgorithm algorithm() const { return algorithm_; }

 private:
  explicit Signer(SigningAlgorithm algorithm) : algorithm_(algorithm) {}

  SigningAlgorithm algorithm_;
  OpensslPtr<EVP_MAC_CTX> hmac_;  // one of these three
  std::optional<Cmac> cmac_;
  OpensslPtr<EVP_CIPHER_CTX> gcm_;
};

}  // namespace smb3fuse::crypto
