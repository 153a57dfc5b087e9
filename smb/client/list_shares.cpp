// SPDX-License-Identifier: Apache-2.0
#include "smb/client/list_shares.h"

#include <algorithm>
#include <utility>

#include "smb/client/smb1_connect.h"
#include "smb/client/smb1_rap.h"
#include "smb/client/smb2_link.h"
#include "smb/client/smb2_session.h"
#include "smb/rpc/srvsvc.h"
#include "smb/wire/codec.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/read_write.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::client {
namespace {

using Listed = std::vector<ListedShare>;
template <class T>
using Outcome = tl::expected<T, ConnectError>;

constexpr std::uint32_t kPipeRead = 32 * 1024;
constexpr std::uint32_t kFrameLimit = 256 * 1024;
constexpr int kMaximumCalls = 1000;  // of a server that always has more

tl::unexpected<ConnectError> failed(std::error_code error, std::string sentence) {
  return tl::make_unexpected(
      ConnectError{ConnectStep::tree_connect, error, "the server does not tell its shares: " + std::move(sentence)});
}
tl::unexpected<ConnectError> failed(NtStatus status, const rpc::RpcError& error) {
  return failed(make_error_code(status), error.sentence);
}

// An open pipe, and what of its answers has not been looked at.
struct Pipe {
  std::shared_ptr<Smb2Link> link;
  wire::FileId file;
};

Task<Answer> ask(Smb2Link& link, smb2::Outgoing request) {
  Smb2Link::Chain chain;
  chain.push_back(std::move(request));
  Smb2Link::Answers answers = co_await link.exchange(std::move(chain));
  co_return std::move(answers.front());
}

Task<Outcome<Pipe>> open_pipe(std::shared_ptr<Smb2Link> link) {
  CreateParameters parameters;
  parameters.path = u"srvsvc";
  parameters.desired_access = wire::FILE_READ_DATA | wire::FILE_WRITE_DATA;
  const Answer answer = co_await ask(*link, link->requests.create(parameters));
  const auto error = make_error_code(answer.status);
  if (is_error(answer.status)) co_return failed(error, describe(error, *link->channel));
  const auto response = wire::decode<wire::CreateResponse>(answer.body);
  if (!response) co_return failed(malformed(response.error()), "its answer is malformed");
  Pipe pipe{std::move(link), response->file_id};
  co_return pipe;
}

// [MS-SMB2] 3.3.5.15.10: what is written to the pipe, and the first piece of what it says to that.
Task<Outcome<Bytes>> transceive(const Pipe& pipe, Bytes message) {
  const Answer answer =
      co_await ask(*pipe.link, pipe.link->requests.control(pipe.file, wire::FSCTL_PIPE_TRANSCEIVE, message, kPipeRead));
  const auto error = make_error_code(answer.status);
  if (is_error(answer.status)) co_return failed(error, describe(error, *pipe.link->channel));
  const auto response = wire::decode<wire::IoctlResponse>(answer.body);
  if (!response) co_return failed(malformed(response.error()), "its answer is malformed");
  co_return Bytes(response->output.begin(), response->output.end());
}

Task<Outcome<Bytes>> read(const Pipe& pipe) {
  const Answer answer = co_await ask(*pipe.link, pipe.link->requests.read(pipe.file, 0, kPipeRead));
  const auto error = make_error_code(answer.status);
  if (is_error(answer.status)) co_return failed(error, describe(error, *pipe.link->channel));
  const auto response = wire::decode<wire::ReadResponse>(answer.body);
  if (!response) co_return failed(malformed(response.error()), "its answer is malformed");
  const rpc::RpcError nothing{"it stopped in the midst of it"};
  if (response->data.bytes.empty()) co_return failed(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, nothing);
  co_return Bytes(response->data.bytes.begin(), response->data.bytes.end());
}

Task<Outcome<void>> bind(const Pipe& pipe) {
  constexpr std::uint32_t kCall = 1;
  Bytes message = rpc::encode_bind(kCall, rpc::kSrvsvc);
  Outcome<Bytes> answer = co_await transceive(pipe, std::move(message));
  if (!answer) co_return tl::make_unexpected(answer.error());
  while (!rpc::ResponseReader::whole_pdu(*answer)) {
    const Outcome<Bytes> more = co_await read(pipe);
    if (!more) co_return tl::make_unexpected(more.error());
    answer->insert(answer->end(), more->begin(), more->end());
  }
  const auto bound = rpc::accept_bind_ack(kCall, *answer);
  if (!bound) co_return failed(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, bound.error());
  co_return Outcome<void>();
}

Task<Outcome<rpc::ShareEnumeration>> enumerate(const Pipe& pipe, std::u16string server, std::uint32_t call,
                                               std::uint32_t resume) {
  Bytes message = rpc::encode_request(call, rpc::kNetrShareEnum, rpc::encode_share_enum(server, resume));
  rpc::ResponseReader reader(call);
  Outcome<Bytes> piece = co_await transceive(pipe, std::move(message));
  for (;;) {
    if (!piece) co_return tl::make_unexpected(piece.error());
    const auto complete = reader.handle_bytes(*piece);
    if (!complete) co_return failed(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, complete.error());
    if (*complete) break;
    piece = co_await read(pipe);
  }
  auto told = rpc::decode_share_enum(reader.stub());
  const rpc::RpcError nonsense{"its answer makes no sense"};
  if (!told) co_return failed(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, nonsense);
  co_return std::move(*told);
}

void append(Listed& listed, const std::vector<rpc::ShareInfo>& shares) {
  for (const rpc::ShareInfo& share : shares) {
    const auto name = wire::to_utf8(share.name);
    if (!name || name->empty()) continue;
    const auto kind = static_cast<ShareKind>(std::min(share.kind, rpc::ShareKind::pipe));
    listed.push_back({*name, kind, share.special, wire::to_utf8(share.comment).value_or("")});
  }
}

Task<Outcome<Listed>> ask_for_all(const Pipe& pipe, std::u16string server) {
  const Outcome<void> bound = co_await bind(pipe);
  if (!bound) co_return tl::make_unexpected(bound.error());
  Listed listed;
  std::uint32_t resume = 0;
  for (std::uint32_t call = 2; call < kMaximumCalls; ++call) {
    const Outcome<rpc::ShareEnumeration> told = co_await enumerate(pipe, server, call, resume);
    if (!told) co_return tl::make_unexpected(told.error());
    append(listed, told->shares);
    if (told->status == 0) co_return listed;
    const rpc::RpcError refusal{told->status == 5 ? "this user may not ask for them"
                                                  : "Win32 error " + std::to_string(told->status)};
    if (told->status != rpc::kMoreData || told->shares.empty()) {
      co_return failed(NtStatus::STATUS_ACCESS_DENIED, refusal);
    }
    resume = told->resume;
  }
  const rpc::RpcError endless{"it has more of them without an end"};
  co_return failed(NtStatus::STATUS_INVALID_NETWORK_RESPONSE, endless);
}

}  // namespace

Task<tl::expected<std::vector<ListedShare>, ConnectError>> list_shares(Runtime& runtime, Dialer& dialer,
                                                                       ConnectConfig given) {
  if (given.max_dialect == kSmb1Dialect) {
    Outcome<Listed> listed = co_await list_shares_by_rap(runtime, dialer, std::move(given));
    co_return listed;
  }
  given.share = "IPC$";
  given.prefix.clear();
  const auto config = std::make_shared<const ConnectConfig>(std::move(given));
  auto transport = co_await dialer.dial(config->address.value_or(config->server), config->port, config->call_timeout);
  if (!transport) co_return tl::make_unexpected(dial_failure(*config, transport.error()));
  auto session = co_await open_session(runtime, dialer, std::move(*transport), config);
  if (!session) co_return tl::make_unexpected(session.error());
  const auto tree = co_await connect_tree(*session->channel, *config, wire::ShareType::pipe);
  if (!tree) co_return tl::make_unexpected(tree.error());
  auto link = std::make_shared<Smb2Link>(runtime, std::move(session->channel),
                                         Smb2Requests(tree->tree_id, tree->encrypt), LeaseKind::none);
  link->channel->limit_frames(kFrameLimit);
  const Outcome<Pipe> pipe = co_await open_pipe(link);
  if (!pipe) co_return tl::make_unexpected(pipe.error());
  // The name that srvsvc is asked by is not looked at by servers that have one name. [MS-SRVS] 3.1.4.8
  const auto server = wire::to_utf16("\\\\" + config->server);
  Outcome<Listed> listed = co_await ask_for_all(*pipe, server.value_or(std::u16string()));
  const Answer closed = co_await ask(*link, link->requests.close(pipe->file));
  static_cast<void>(closed);  // the connection ends with it
  co_return listed;
}

}  // namespace smb3fuse::client
