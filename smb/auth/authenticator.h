// SPDX-License-Identifier: Apache-2.0
// The client's side of an authentication, as the session-setup procedure drives it. Sans-io: tokens in, tokens out.
//
//   token = step(security buffer of the NEGOTIATE response)     may be empty
//   while the server answers STATUS_MORE_PROCESSING_REQUIRED:   token = step(its security buffer)
//   when it answers STATUS_SUCCESS:                             finish(its security buffer), then session_key()
//
// One object makes one session; a re-authentication takes a new one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <tl/expected.hpp>

#include "smb/auth/credentials.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::auth {

class Authenticator {
 public:
  virtual ~Authenticator() = default;

  // The next token for the server.
  virtual tl::expected<Bytes, std::error_code> step(ByteView server_token) = 0;

  // Takes what came with STATUS_SUCCESS (which may be nothing) and verifies the server's mechListMIC where it sent
  // one. An error here means that the session must not be used.
  virtual std::error_code finish(ByteView last_token) = 0;

  // We have sent our last token, or need none: a further STATUS_MORE_PROCESSING_REQUIRED is an error.
  virtual bool complete() const = 0;

  // The key that authentication agreed on; empty until complete(), and for ever in an anonymous session.
  virtual ByteView session_key() const = 0;
};

using FileTimeClock = std::function<std::uint64_t()>;  // 100 ns since 1601-01-01
using RandomSource = std::function<void(std::span<std::uint8_t>)>;

// NTLMv2 inside SPNEGO (or bare, with servers that speak it bare). `server_name` is the name the user gave: it goes
// into the target name that a server may check.
std::unique_ptr<Authenticator> make_ntlm_authenticator(Credentials credentials, std::string server_name,
                                                       FileTimeClock clock, RandomSource random);

}  // namespace smb3fuse::auth
