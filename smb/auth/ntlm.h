// SPDX-License-Identifier: Apache-2.0
// The client of NTLMv2: NEGOTIATE, then AUTHENTICATE in answer to CHALLENGE, then signatures for SPNEGO's mechListMIC.
// NTLMv1 and LM responses are never made. [MS-NLMP] 3.1.5
#pragma once

#include <optional>
#include <string>
#include <system_error>
#include <tl/expected.hpp>

#include "smb/auth/authenticator.h"
#include "smb/auth/credentials.h"
#include "smb/auth/ntlm_keys.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::auth {

class NtlmClient {
 public:
  NtlmClient(Credentials credentials, std::string server_name, FileTimeClock clock, RandomSource random);

  const Bytes& negotiate_message() const { return negotiate_; }

  // Once. The password or hash is wiped with it.
  tl::expected<Bytes, std::error_code> authenticate(ByteView challenge_message);

  // After authenticate(), except in an anonymous session, which has no key.
  bool can_sign() const { return client_signer_.has_value(); }
  NtlmSignature sign(ByteView message) { return client_signer_->sign(message); }
  bool verify(ByteView message, ByteView signature);

  // Empty before authenticate() and in an anonymous session.
  ByteView session_key() const { return exported_session_key_.view(); }

 private:
  tl::expected<Bytes, std::error_code> authenticate_user(const LegacyAlgorithms& algorithms, ByteView challenge_message,
                                                         const ChallengeMessage& challenge);
  Bytes authenticate_anonymously(const LegacyAlgorithms& algorithms, const ChallengeMessage& challenge);

  Credentials credentials_;
  std::string server_name_;
  FileTimeClock clock_;
  RandomSource random_;
  Bytes negotiate_;
  NtlmKey exported_session_key_;
  std::optional<NtlmSigner> client_signer_;
  std::optional<NtlmSigner> server_signer_;
};

}  // namespace smb3fuse::auth
