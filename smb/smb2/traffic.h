// SPDX-License-Identifier: Apache-2.0
// What has passed over a connection, as plain numbers that only grow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "smb/wire/header.h"

namespace smb3fuse::smb2 {

struct CommandTraffic {
  std::uint64_t requests = 0;
  std::uint64_t round_trips = 0;  // messages that began with it and whose answer somebody here waited for
  std::uint64_t errors = 0;       // answers of the server with an error status
};

struct Traffic {
  std::array<CommandTraffic, wire::kCommandCount> commands{};
  std::uint64_t messages_sent = 0;
  std::uint64_t compounds_sent = 0;  // of these
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;

  CommandTraffic& of(wire::Command command) { return commands[static_cast<std::size_t>(command)]; }
};

}  // namespace smb3fuse::smb2
