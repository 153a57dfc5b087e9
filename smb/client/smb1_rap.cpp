// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_rap.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <set>
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
constexpr int kMaximumCalls = 1000;  // of a server that always has more

tl::unexpected<ConnectError> failed(std::error_code error, std::string sentence) {
  return tl::make_unexpected(
      ConnectError{ConnectStep::tree_connect, error, "the server does not tell what it knows: " + std::move(sentence)});
}

// A session for IPC$.
struct Rap {
  std::unique_ptr<Smb1Channel> channel;
  std::uint16_t tree_id = 0;
};

Task<Outcome<Rap>> open_rap(Runtime& runtime, Dialer& dialer, ConnectConfig config) {
  config.share = "IPC$";
  auto transport = co_await dialer.dial(config.address.value_or(config.server), config.port, config.call_timeout);
  if (!transport) co_return tl::make_unexpected(dial_failure(config, transport.error()));
  smb1::ConnectionLimits limits;
  limits.call_timeout = config.call_timeout;
  limits.require_signing = config.require_signing;
  Rap rap;
  rap.channel = std::make_unique<Smb1Channel>(runtime, std::move(*transport), limits);
  rap.channel->limit_frames(kFrameLimit);
  auto negotiation = co_await negotiate(*rap.channel, config);
  if (!negotiation) co_return tl::make_unexpected(negotiation.error());
  std::u16string no_folder;
  const auto tree = co_await log_on(*rap.channel, config, std::move(no_folder), std::move(*negotiation), kPipeService);
  if (!tree) co_return tl::make_unexpected(tree.error());
  rap.tree_id = tree->tree_id;
  co_return rap;
}

struct RapAnswer {
  Bytes parameters;
  Bytes data;
};

Task<Outcome<RapAnswer>> call(const Rap& rap, Bytes parameters) {
  cifs::TransactionRequest request;
  request.total_parameter_count = static_cast<std::uint16_t>(parameters.size());
  request.max_parameter_count = rap::kParameterRoom;
  request.max_data_count = rap::kRoom;
  const std::u16string pipe(rap::kPipe.begin(), rap::kPipe.end());
  request.name = rap.channel->connection().negotiated().character_set.text(pipe);
  request.parameters = parameters;
  cifs::MessageBuilder builder;
  builder.add(request);
  smb1::Outgoing message = outgoing(std::move(builder));
  message.tree_id = rap.tree_id;
  const Smb1Answer answer = co_await ask(*rap.channel, std::move(message));
  if (is_error(answer.status)) {
    const auto error = make_error_code(answer.status);
    co_return failed(error, describe(error, *rap.channel));
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

// What the server says to one question of a list. That there is more of it than fits into an answer is no error.
template <class Info>
Outcome<rap::Enumeration<Info>> checked(std::optional<rap::Enumeration<Info>> told) {
  if (!told) {
    return failed(make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE), "its answer makes no sense");
  }
  if (told->status != 0 && told->status != rap::kMoreData) {
    return failed(make_error_code(NtStatus::STATUS_ACCESS_DENIED), "Win32 error " + std::to_string(told->status));
  }
  return std::move(*told);
}

Task<Outcome<rap::Enumeration<rap::ServerInfo>>> ask_for_servers(const Rap& rap, Bytes question) {
  const auto answer = co_await call(rap, std::move(question));
  if (!answer) co_return tl::make_unexpected(answer.error());
  co_return checked(rap::decode_server_enum(answer->parameters, answer->data));
}

void warn_of_more(const char* what, std::size_t told, std::size_t available) {
  spdlog::warn("the server has more {} than it tells in SMB1: {} of {}", what, told, std::max(told + 1, available));
}

// A list that is longer than an answer goes on at the last name that was told, and its answer begins with that. What a
// server does not go on with is told as far as it went.
Task<Outcome<std::vector<rap::ServerInfo>>> ask_for_all_servers(const Rap& rap, std::string group) {
  std::vector<rap::ServerInfo> servers;
  std::set<std::string> known;
  Bytes question = rap::encode_server_enum(rap::kAllTypes, group);
  for (int calls = 1;; ++calls) {
    auto told = co_await ask_for_servers(rap, std::move(question));
    if (!told && servers.empty()) co_return tl::make_unexpected(told.error());
    const std::size_t before = servers.size();
    const std::size_t available = told ? before + told->available : 0;
    const bool is_all = told && told->status == 0;
    if (told) {
      for (rap::ServerInfo& server : told->entries) {
        if (known.insert(server.name).second) servers.push_back(std::move(server));
      }
    }
    if (!is_all && told && servers.size() > before && calls < kMaximumCalls) {
      question = rap::encode_server_enum_from(rap::kAllTypes, group, servers.back().name);
      continue;
    }
    if (!is_all) warn_of_more("servers", servers.size(), available);
    co_return servers;
  }
}

}  // namespace

Task<Outcome<std::vector<ListedShare>>> list_shares_by_rap(Runtime& runtime, Dialer& dialer, ConnectConfig config) {
  const auto code_page = wire::CodePage::find(config.code_page);
  const auto rap = co_await open_rap(runtime, dialer, std::move(config));
  if (!rap) co_return tl::make_unexpected(rap.error());
  Bytes question = rap::encode_share_enum();
  const auto answer = co_await call(*rap, std::move(question));
  if (!answer) co_return tl::make_unexpected(answer.error());
  const auto told = checked(rap::decode_share_enum(answer->parameters, answer->data));
  if (!told) co_return tl::make_unexpected(told.error());
  // [MS-RAP] 2.5.6.2.1 has no way to ask for the rest.
  if (told->status == rap::kMoreData) warn_of_more("shares", told->entries.size(), told->available);
  std::vector<ListedShare> listed;
  for (const rap::ShareInfo& share : told->entries) {
    constexpr std::uint16_t kKinds = 3;  // [MS-RAP] 2.5.6.5.2: what is special is not told
    const auto kind = static_cast<ShareKind>(std::min(share.type, kKinds));
    const bool special = kind == ShareKind::pipe;
    if (share.name.empty()) continue;
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
  const auto rap = co_await open_rap(runtime, dialer, std::move(master));
  if (!rap) co_return tl::make_unexpected(rap.error());
  std::string asked(oem_group->begin(), oem_group->end());
  const auto servers = co_await ask_for_all_servers(*rap, std::move(asked));
  if (!servers) co_return tl::make_unexpected(servers.error());
  std::vector<ListedServer> listed;
  for (const rap::ServerInfo& server : *servers) {
    listed.push_back({shown(code_page.get(), server.name), shown(code_page.get(), server.comment)});
  }
  co_return listed;
}

}  // namespace smb3fuse::client
