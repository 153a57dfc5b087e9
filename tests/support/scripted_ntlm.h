// SPDX-License-Identifier: Apache-2.0
// The server's side of NTLMv2 in SPNEGO for one user whose password it knows. [MS-NLMP] 3.2.5
//
// Written from the specification on the primitives of smb/crypto; of smb/auth it uses the arithmetic that golden values
// of the specification hold down, and the DER of SPNEGO.
#pragma once

#include <optional>
#include <string>

#include "smb/auth/ntlm_messages.h"
#include "smb/crypto/legacy.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::test {

class NtlmAcceptor {
 public:
  NtlmAcceptor(std::string user, std::string password) : user_(std::move(user)), password_(std::move(password)) {}

  // What the NEGOTIATE response offers.
  static Bytes offer();
  // The CHALLENGE, in answer to any first token.
  Bytes challenge();
  // The last token, if the AUTHENTICATE proves the password; anonymous is nobody's password and always lets in.
  std::optional<Bytes> accept(ByteView token);
  // Without NTLMSSP: the eight bytes of the challenge, and whether `nt_response` is the answer to it.
  static Bytes challenge_bytes();
  bool accept_plain(std::u16string_view user, std::u16string_view domain, ByteView nt_response);
  bool is_anonymous() const { return anonymous_; }
  ByteView session_key() const { return session_key_; }

 private:
  // The session base key, if `nt_response` proves the password to be known.
  std::optional<crypto::Md5Digest> prove(std::u16string_view domain, ByteView nt_response) const;

  std::string user_;
  std::string password_;
  bool anonymous_ = false;
  Bytes session_key_;
};

}  // namespace smb3fuse::test
