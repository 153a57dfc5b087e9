// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_rap.h"

#include <algorithm>
#include <utility>

#include "smb/cifs/transaction.h"
#include "smb/client/smb1_handshake.h"
#include "smb/client/smb2_session.h"
#include "smb/rap/rap.h"
#include "smb/wire/code_page.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::client {
namespace {

template <class T>
using Outcome = tl::expected<T, ConnectError>;

constexpr std::uint32_t kFrameLimit = 256 * 1024;

tl::unexpected<ConnectError> failed(std::error_code error, std::string sentence) {
  return tl::make_unexpected(
      ConnectError{ConnectStep::tree_connect, error, "the server does not tell what it knows: " + std::move(sentence)});
}

struct RapAnswer {
  Bytes parameters;
  Bytes data;
};

Task<Outcome<RapAnswer>> ask_by_rap(Runtime& runtime, Dialer& dialer, ConnectConfig config, Bytes parameters) {
  config.share = "IPC$";
  auto transport = co_await dialer.dial(config.address.value_or(config.server), config.port, config.call_timeout);
  if (!transport) co_return tl::make_unexpected(dial_failure(config, transport.error()));
  smb1::ConnectionLimits limits;
  limits.call_timeout = config.call_timeout;
  limits.require_signing = config.require_signing;
  Smb1Channel channel(runtime, std::move(*transport), limits);
  channel.limit_frames(kFrameLimit);
  auto negotiation = co_await negotiate(channel, config);
  if (!negotiation) co_return tl::make_unexpected(negotiation.error());
  std::u16string no_folder;
  const auto tree = co_await log_on(channel, config, std::move(no_folder), std::move(*negotiation), kPipeService);
  if (!tree) co_return tl::make_unexpected(tree.error());

  cifs::TransactionRequest request;
  request.total_parameter_count = static_cast<std::uint16_t>(parameters.size());
  request.max_parameter_count = rap::kParameterRoom;
  request.max_data_count = rap::kRoom;
  const std::u16string pipe(rap::kPipe.begin(), rap::kPipe.end());
  request.name = channel.connection().negotiated().character_set.text(pipe);
  request.parameters = parameters;
  cifs::MessageBuilder builder;
  builder.add(request);
  smb1::Outgoing message = outgoing(std::move(builder));
  message.tree_id = tree->tree_id;
  const Smb1Answer answer = co_await ask(channel, std::move(message));
  if (is_error(answer.status)) {
    const auto error = make_error_code(answer.status);
    co_return failed(error, describe(error, channel));
  }
  RapAnswer told;
  told.parameters.assign(answer.parameters.begin(), answer.parameters.end());
  told.data.assign(answer.data.begin(), answer.data.end());
  co_return told;
}

// For people, of what is in the server's code page: what is no text there, or in none that this system knows, is '?'.
std::string shown(const wire::CodePage* code_page, const std::string& text) {
  const Bytes bytes(text.begin(), text.end());
  const auto read = code_page != nullptr ? code_page->decode(bytes) : std::nullopt;
  auto utf8 = read ? wire::to_utf8(*read) : tl::make_unexpected(wire::Utf16Error{});
  if (utf8) return std::move(*utf8);
  std::string ascii = text;
  std::replace_if(
      ascii.begin(), ascii.end(), [](char c) { return (c & 0x80) != 0; }, '?');
  return ascii;
}

// A list that is longer than an answer is told as far as it goes.
template <class Info>
Outcome<std::vector<Info>> entries_of(std::optional<rap::Enumeration<Info>> told) {
  if (!told) {
    return failed(make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE), "its answer makes no sense");
  }
  if (told->status != 0 && told->status != rap::kMoreData) {
    return failed(make_error_code(NtStatus::STATUS_ACCESS_DENIED), "Win32 error " + std::to_string(told->status));
  }
  return std::move(told->entries);
}

}  // namespace

Task<Outcome<std::vector<ListedShare>>> list_shares_by_rap(Runtime& runtime, Dialer& dialer, ConnectConfig config) {
  const auto code_page = wire::CodePage::find(config.code_page);
  Bytes question = rap::encode_share_enum();
  const auto answer = co_await ask_by_rap(runtime, dialer, std::move(config), std::move(question));
  if (!answer) co_return tl::make_unexpected(answer.error());
  const auto shares = entries_of(rap::decode_share_enum(answer->parameters, answer->data));
  if (!shares) co_return tl::make_unexpected(shares.error());
  std::vector<ListedShare> listed;
  for (const rap::ShareInfo& share : *shares) {
    constexpr std::uint16_t kKinds = 3;  // [MS-RAP] 2.5.6.5.2: what is special is not told
    const auto kind = static_cast<ShareKind>(std::min(share.type, kKinds));
    const bool special = kind == ShareKind::pipe;
    if (!share.name.empty())
      listed.push_back({shown(code_page.get(), share.name), kind, special, shown(code_page.get(), share.comment)});
  }
  co_return listed;
}

Task<Outcome<std::vector<ListedServer>>> list_servers(Runtime& runtime, Dialer& dialer, ConnectConfig master,
                                                      std::string group) {
  const auto code_page = wire::CodePage::find(master.code_page);
  const auto wire_group = wire::to_utf16(group);
  const auto oem_group = code_page != nullptr && wire_group ? code_page->encode(*wire_group) : std::nullopt;
  if (!oem_group) {
    co_return failed(make_error_code(NtStatus::STATUS_OBJECT_NAME_INVALID),
                     "the group's name cannot be said in code page " + master.code_page + ", see codepage=");
  }
  Bytes question = rap::encode_server_enum(rap::kAllTypes, std::string(oem_group->begin(), oem_group->end()));
  const auto answer = co_await ask_by_rap(runtime, dialer, std::move(master), std::move(question));
  if (!answer) co_return tl::make_unexpected(answer.error());
  const auto servers = entries_of(rap::decode_server_enum(answer->parameters, answer->data));
  if (!servers) co_return tl::make_unexpected(servers.error());
  std::vector<ListedServer> listed;
  for (const rap::ServerInfo& server : *servers) {
    listed.push_back({shown(code_page.get(), server.name), shown(code_page.get(), server.comment)});
  }
  co_return listed;
}

}  // namespace smb3fuse::client
