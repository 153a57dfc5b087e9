// SPDX-License-Identifier: Apache-2.0
// What a share's connection has come to and what it has done, for people to look at: a snapshot that costs no request.
// What is counted is counted from when the connection was made; the rest is as it is at the moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smb/client/runtime.h"

namespace smb3fuse::client {

struct CommandStatus {
  std::string_view name;  // "CREATE"
  std::uint64_t requests = 0;
  std::uint64_t round_trips = 0;  // messages that began with it and whose answer somebody here waited for
  std::uint64_t errors = 0;       // answers with an error status
};

// Files for which each is held.
struct LeaseStatus {
  std::size_t read = 0;
  std::size_t read_handle = 0;
  std::size_t read_write = 0;
  std::size_t read_write_handle = 0;
  std::size_t level_ii_oplock = 0;
  std::size_t exclusive_oplock = 0;
  std::size_t batch_oplock = 0;
};

struct BreakStatus {
  std::uint64_t received = 0;
  std::uint64_t acknowledged = 0;  // by an acknowledgment or by a CLOSE in its place
  Duration longest{};              // until then
};

struct ShareStatus {
  std::string server;
  std::string address;  // empty where the transport has none
  std::uint16_t port = 0;
  std::string share;
  bool connected = false;
  std::string lost_reason;
  Duration since{};               // so long it is connected, or lost
  std::uint64_t connections = 1;  // so far: each was lost but the last

  std::string dialect;  // "SMB 3.1.1"
  std::string cipher;   // "AES-128-GCM": agreed on, used where `encrypted`; empty: none
  bool encrypted = false;
  std::string signing;  // "AES-GMAC"
  bool is_signed = false;

  std::uint32_t credits_granted = 0;
  std::uint32_t credits_in_use = 0;
  std::size_t requests_in_flight = 0;
  std::size_t requests_queued = 0;  // chains that wait for credits
  std::optional<Duration> round_trip_smoothed;
  std::optional<Duration> round_trip_least;

  std::uint64_t messages_sent = 0;
  std::uint64_t compounds_sent = 0;  // of these
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::vector<CommandStatus> commands;  // those that were sent

  LeaseStatus leases;
  BreakStatus breaks;
};

}  // namespace smb3fuse::client
