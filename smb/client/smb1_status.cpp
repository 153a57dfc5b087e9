// SPDX-License-Identifier: Apache-2.0
// Smb1Share: what its connection has come to, in words.
#include "smb/client/smb1_share.h"

namespace smb3fuse::client {

ShareStatus Smb1Share::status() const {
  const Smb1Channel& channel = *link_->channel;
  const smb1::Connection& connection = channel.connection();
  const smb1::Traffic& traffic = connection.traffic();

  ShareStatus status;
  status.server = traits_.server;
  status.address = channel.peer_address();
  status.port = traits_.port;
  status.share = traits_.name;
  status.connected = !connection.is_lost();
  status.lost_reason = channel.lost_reason();
  status.since = link_->runtime.now() - channel.since();

  status.dialect = "SMB 1 (NT LM 0.12)";
  status.signing = "MD5";
  status.is_signed = connection.signs();

  // Not credits, but what comes nearest to them.
  status.credits_granted = connection.negotiated().max_mpx_count;
  status.credits_in_use = static_cast<std::uint32_t>(connection.outstanding());
  status.requests_in_flight = connection.outstanding();
  status.requests_queued = connection.queued();
  status.round_trip_smoothed = connection.round_trip_time().smoothed();
  status.round_trip_least = connection.round_trip_time().least();

  status.messages_sent = traffic.messages_sent;
  status.compounds_sent = traffic.batches_sent;
  status.bytes_sent = traffic.bytes_sent;
  status.bytes_received = traffic.bytes_received;
  for (const auto& [command, counted] : traffic.commands) {
    if (counted.requests == 0) continue;
    status.commands.push_back({cifs::name_of(command), counted.requests, counted.round_trips, counted.errors});
  }

  status.leases = link_->leases.held();
  status.breaks = link_->leases.breaks();
  return status;
}

}  // namespace smb3fuse::client
