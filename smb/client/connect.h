// SPDX-License-Identifier: Apache-2.0
// From a name to a connected Share: resolve, connect, negotiate, authenticate, tree connect. Five round trips with NTLM
// (the last one brings the root's attributes), beside what name resolution takes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "smb/auth/authenticator.h"
#include "smb/client/code_page.h"
#include "smb/client/dialer.h"
#include "smb/client/path.h"
#include "smb/client/runtime.h"
#include "smb/client/share.h"
#include "smb/client/task.h"

namespace smb3fuse::client {

struct ConnectConfig {
  std::string server;                  // as the user wrote it: a DNS name or an address, without brackets
  std::optional<std::uint16_t> port;   // nothing: those that SMB has
  std::optional<std::string> address;  // connect here, but speak to `server`
  std::string share;
  std::string prefix;  // folder of the share to mount, '/'-separated; "" its root
  auth::Credentials credentials;
  bool plaintext_password = false;  // to SMB1 servers that take it in no other form

  // [MS-SMB2] 2.2.3 DialectRevision
  std::uint16_t min_dialect = 0x0202;
  std::uint16_t max_dialect = 0x0311;
  bool require_signing = false;
  bool require_sealing = false;
  std::uint16_t max_credits = 8192;
  std::optional<std::uint32_t> read_size;  // bytes; nothing given: as large as pays
  std::optional<std::uint32_t> write_size;
  NameMapping name_mapping = NameMapping::sfm;
  bool caching = true;                    // leases and oplocks are asked for
  bool unix_extensions = true;            // of SMB1, where the server has them
  std::string code_page{kUsualCodePage};  // of SMB1, where the server has no Unicode

  std::chrono::seconds call_timeout{30};   // each request is answered within this, or fails with STATUS_IO_TIMEOUT
  std::chrono::seconds echo_interval{60};  // silence after which the server is asked whether it is there
};

enum class ConnectStep : std::uint8_t { resolve, connect, negotiate, authenticate, tree_connect };

// "resolve", "connect", "negotiate", "authenticate", "tree connect": the words of the messages and of the man page.
const char* name_of(ConnectStep step);

struct ConnectError {
  ConnectStep step;
  std::error_code error;
  std::string
      sentence;  // what failed and what to do, with the NTSTATUS name where the server gave one; no step, no stop
};

// `runtime` and `dialer` outlive the share.
Task<tl::expected<std::unique_ptr<Share>, ConnectError>> connect(Runtime& runtime, Dialer& dialer,
                                                                 std::shared_ptr<const ConnectConfig> config);

}  // namespace smb3fuse::client
