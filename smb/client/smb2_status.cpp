// SPDX-License-Identifier: Apache-2.0
// Smb2Share: what its connection has come to, in words.
#include "smb/client/smb2_share.h"
#include "smb/smb2/negotiate.h"

namespace smb3fuse::client {
namespace {

std::string name_of(crypto::Cipher cipher) {
  switch (cipher) {
    case crypto::Cipher::aes_128_ccm:
      return "AES-128-CCM";
    case crypto::Cipher::aes_128_gcm:
      return "AES-128-GCM";
    case crypto::Cipher::aes_256_ccm:
      return "AES-256-CCM";
    case crypto::Cipher::aes_256_gcm:
      return "AES-256-GCM";
  }
  return {};
}

std::string name_of(crypto::SigningAlgorithm algorithm) {
  switch (algorithm) {
    case crypto::SigningAlgorithm::hmac_sha256:
      return "HMAC-SHA256";
    case crypto::SigningAlgorithm::aes_cmac:
      return "AES-CMAC";
    case crypto::SigningAlgorithm::aes_gmac:
      return "AES-GMAC";
  }
  return {};
}

}  // namespace

ShareStatus Smb2Share::status() const {
  const Smb2Channel& channel = *link_->channel;
  const smb2::Connection& connection = channel.connection();
  const smb2::Negotiated& negotiated = connection.negotiated();
  const smb2::Traffic& traffic = connection.traffic();

  ShareStatus status;
  status.server = traits_.server;
  status.address = channel.peer_address();
  status.port = traits_.port;
  status.share = traits_.name;
  status.connected = !connection.is_lost();
  status.lost_reason = channel.lost_reason();
  status.since = link_->runtime.now() - channel.since();

  status.dialect = smb2::name_of_dialect(negotiated.dialect);
  if (negotiated.cipher) status.cipher = name_of(*negotiated.cipher);
  status.encrypted = connection.session().encrypts() || traits_.encrypted;
  status.signing = name_of(negotiated.signing);
  status.is_signed = connection.session().signs() && !status.encrypted;

  status.credits_granted = connection.owned_credits();
  status.credits_in_use = connection.credits_in_flight();
  status.requests_in_flight = connection.outstanding();
  status.requests_queued = connection.queued();
  status.round_trip_smoothed = connection.round_trip_time().smoothed();
  status.round_trip_least = connection.round_trip_time().least();

  status.messages_sent = traffic.messages_sent;
  status.compounds_sent = traffic.compounds_sent;
  status.bytes_sent = traffic.bytes_sent;
  status.bytes_received = traffic.bytes_received;
  for (std::size_t i = 0; i < traffic.commands.size(); ++i) {
    const smb2::CommandTraffic& counted = traffic.commands[i];
    if (counted.requests == 0) continue;
    const auto command = static_cast<wire::Command>(i);
    status.commands.push_back({wire::name_of(command), counted.requests, counted.round_trips, counted.errors});
  }

  status.leases = link_->leases.held();
  status.breaks = link_->leases.breaks();
  return status;
}

}  // namespace smb3fuse::client
