// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_tree.h"

#include <algorithm>
#include <utility>

#include "smb/cifs/session.h"
#include "smb/client/refusals.h"
#include "smb/client/smb1_handshake.h"
#include "smb/client/smb1_link.h"

namespace smb3fuse::client {
namespace {

constexpr auto kStep = ConnectStep::tree_connect;
constexpr std::uint8_t kNoPassword[] = {0};
constexpr std::string_view kAnyService = "?????";

tl::unexpected<ConnectError> failed(std::error_code error, std::string sentence) {
  return tl::make_unexpected(ConnectError{kStep, error, std::move(sentence)});
}

cifs::TreeConnectRequest tree_connect(const smb1::Connection& connection, std::u16string_view unc) {
  cifs::TreeConnectRequest request;
  request.flags = cifs::TREE_CONNECT_ANDX_EXTENDED_RESPONSE;
  request.password = kNoPassword;
  request.path = connection.negotiated().character_set.text(unc);
  request.service = cifs::make_oem(kAnyService);
  return request;
}

std::string_view service_of(const cifs::Block& block) {
  const auto end = std::find(block.bytes.begin(), block.bytes.end(), 0);
  return {reinterpret_cast<const char*>(block.bytes.data()), static_cast<std::size_t>(end - block.bytes.begin())};
}

// What is neither is taken for a folder, as which it is then looked at: impacket 0.10 tells a folder's name.
std::string_view kind_of(std::string_view service) {
  if (service.starts_with("LPT")) return "printer";
  return service == kPipeService || service == "COMM" ? "pipe" : "folder";
}

}  // namespace

void add_tree_connect(cifs::MessageBuilder& builder, const smb1::Connection& connection, std::u16string_view unc,
                      const std::u16string& path) {
  builder.add(tree_connect(connection, unc));
  // The tree's id is that of the chain.
  Smb1Requests(cifs::kNoId, connection.negotiated()).add_look(builder, path);
}

smb1::Outgoing tree_connect_alone(const smb1::Connection& connection, std::u16string_view unc) {
  cifs::MessageBuilder builder;
  builder.add(tree_connect(connection, unc));
  return outgoing(std::move(builder));
}

bool wants_tree_connect_alone(const Smb1Answer& answer) {
  if (answer.whole.empty() || answer.find(cifs::Command::tree_connect_andx)) return false;
  switch (answer.status) {
    case NtStatus::STATUS_UNSUCCESSFUL:  // what has no better name, as a chain that Windows does not take
    case NtStatus::STATUS_INVALID_PARAMETER:
    case NtStatus::STATUS_NOT_IMPLEMENTED:
    case NtStatus::STATUS_NOT_SUPPORTED:
      return true;
    default:
      return !is_error(answer.status);  // impacket 0.10 looks at the first block alone
  }
}

tl::expected<Smb1Tree, ConnectError> take_tree(const Smb1Channel& channel, const ConnectConfig& config,
                                               const Smb1Answer& answer, std::string_view expected) {
  const std::string share = "share '" + config.share + "'";
  const auto block = answer.find(cifs::Command::tree_connect_andx);
  if (!block) {
    if (const auto sentence = share_refusal(answer.status, config)) return failed(block.error(), *sentence);
    return failed(block.error(), "cannot connect to " + share + ": " + describe(block.error(), channel));
  }
  const std::string_view service = service_of(*block);
  if (const std::string_view kind = kind_of(service); kind != kind_of(expected)) {
    return failed(
        make_error_code(NtStatus::STATUS_BAD_DEVICE_TYPE),
        share + " is a " + std::string(kind) + (expected == kDiskService ? ", not a folder that can be mounted" : ""));
  }
  Smb1Tree tree;
  tree.tree_id = wire::load_le<std::uint16_t>(answer.whole.data() + cifs::kTidOffset);
  if (const auto extended = cifs::decode<cifs::TreeConnectExtendedResponse>(*block)) {
    constexpr std::uint32_t kWriting = wire::FILE_WRITE_DATA | wire::FILE_APPEND_DATA;
    tree.read_only = (extended->maximal_share_access_rights & kWriting) == 0;
  }
  if (!answer.find(cifs::Command::nt_create_andx)) return tree;
  if (const auto created = answer.block<cifs::NtCreateResponse>()) tree.root = attributes_of(*created);
  tree.left_open = left_open(answer);
  return tree;
}

}  // namespace smb3fuse::client
