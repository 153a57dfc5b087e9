// SPDX-License-Identifier: Apache-2.0
// One session's keys and what is done with them: the pre-authentication hash, signing, sealing. [MS-SMB2] 3.2.1.3
//
// Before a session is established nothing is signed or sealed; afterwards `signs()` and `encrypts()` say what its
// policy demands. Loop thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "smb/crypto/hash.h"
#include "smb/crypto/sealing.h"
#include "smb/crypto/signing.h"
#include "smb/smb2/negotiated.h"
#include "smb/status.h"
#include "smb/wire/bytes.h"
#include "smb/wire/header.h"

namespace smb3fuse::smb2 {

struct SessionPolicy {
  bool sign = false;
  bool encrypt = false;
  bool keyless = false;  // guest or anonymous: there is no key to sign or seal with
};

class Session {
 public:
  // Dialect and algorithms come from here; before it, the connection is negotiating.
  void set_negotiated(const Negotiated& negotiated) { negotiated_ = negotiated; }

  // Every message in the order of the wire: NEGOTIATE and SESSION_SETUP feed the pre-authentication hash. 3.2.5.2,
  // 3.2.5.3. The session id is learnt from the first SESSION_SETUP response.
  void note_outgoing(wire::Command command, ByteView message);
  void note_incoming(const wire::Smb2Header& header, ByteView message);

  // Derives the keys and verifies `last_response`, the SESSION_SETUP response that brought STATUS_SUCCESS. False: its
  // signature is missing or wrong, or this host lacks the algorithm. A session that is authenticated again keeps its
  // keys. [MS-SMB2] 3.2.5.3.1, 3.2.5.3.2
  [[nodiscard]] bool establish(SessionPolicy policy, ByteView session_key, ByteView last_response);

  std::uint64_t id() const { return id_; }
  bool established() const { return established_; }
  bool signs() const { return established_ && policy_.sign; }
  bool encrypts() const { return established_ && policy_.encrypt; }
  bool can_sign() const { return signer_.has_value(); }
  bool can_encrypt() const { return sealer_.has_value(); }

  // Writes the signature of `head` followed by `rest` into `head`, which starts with the SMB2 header.
  void sign(std::span<std::uint8_t> head, std::span<const ByteView> rest);
  bool verify(ByteView message);

  // A whole TRANSFORM_HEADER message. [MS-SMB2] 3.1.4.3
  Bytes seal(const std::vector<ByteView>& pieces);
  // Decrypts in place and returns where the plain message lies; nothing for what was not sealed for us. 3.2.5.1.1
  std::optional<std::span<std::uint8_t>> open(std::span<std::uint8_t> sealed);

 private:
  Negotiated negotiated_;
  SessionPolicy policy_;
  std::uint64_t id_ = 0;
  bool established_ = false;
  crypto::PreauthHash connection_preauth_;
  std::optional<crypto::PreauthHash> session_preauth_;
  std::optional<crypto::Signer> signer_;
  std::optional<crypto::Sealer> sealer_;
  std::optional<crypto::Sealer> opener_;
  crypto::NonceCounter nonces_;
};

}  // namespace smb3fuse::smb2
