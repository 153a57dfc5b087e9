// SPDX-License-Identifier: Apache-2.0
// A connection with a session, before any tree: what mounting a share and asking a server for its shares have in
// common. In connect.cpp. Loop thread.
#pragma once

#include <cstdint>
#include <memory>
#include <tl/expected.hpp>

#include "smb/client/connect.h"
#include "smb/client/smb2_channel.h"
#include "smb/client/smb2_handshake.h"

namespace smb3fuse::client {

// Why there is no stream, for people.
ConnectError dial_failure(const ConnectConfig& config, const DialError& error);

struct Smb2Session {
  std::unique_ptr<Smb2Channel> channel;
  NegotiateOutcome agreed;
  std::uint16_t peer_port = 0;
  bool narrow = false;  // a NetBIOS session: messages have less than 128 KiB
};

// Negotiates and logs on.
Task<tl::expected<Smb2Session, ConnectError>> open_session(Runtime& runtime, Dialer& dialer,
                                                           std::unique_ptr<Transport> transport,
                                                           std::shared_ptr<const ConnectConfig> config);

}  // namespace smb3fuse::client
