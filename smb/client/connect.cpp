// SPDX-License-Identifier: Apache-2.0
#include "smb/client/connect.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "nbt/session.h"
#include "smb/client/smb1_connect.h"
#include "smb/client/smb1_probe.h"
#include "smb/client/smb2_convert.h"
#include "smb/client/smb2_directory.h"
#include "smb/client/smb2_handshake.h"
#include "smb/client/smb2_open.h"
#include "smb/client/smb2_session.h"
#include "smb/client/smb2_share.h"
#include "smb/wire/codec.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/query_info.h"

namespace smb3fuse::client {
namespace {

constexpr std::uint32_t kFileSystemAttributesBuffer = 512;
constexpr std::uint32_t kLargestHandshake = 256 * 1024;  // no token is longer than 64 KiB
constexpr std::uint32_t kFrameOverhead = 64 * 1024;      // headers, contexts, and what else is in a compound
// In a NetBIOS session a message has less than 128 KiB, and two pages of a directory come in one.
constexpr std::uint32_t kSessionIo = 64 * 1024;
constexpr std::uint32_t kSessionTransact = 56 * 1024;

tl::unexpected<ConnectError> failed(ConnectStep step, std::error_code error, std::string sentence) {
  return tl::make_unexpected(ConnectError{step, error, std::move(sentence)});
}

std::string endpoint_of(const ConnectConfig& config) {
  const std::string port = config.port ? "port " + std::to_string(*config.port) : "ports 445 and 139";
  return "'" + config.address.value_or(config.server) + "' " + port;
}

// What a server does not say when it hangs up on an SMB2 NEGOTIATE, answers in another tongue, or not at all.
Task<ConnectError> explain(Runtime& runtime, Dialer& dialer, const ConnectConfig& config, ConnectError error) {
  if (error.error == NtStatus::STATUS_IO_TIMEOUT) {
    error.sentence = "the server at " + endpoint_of(config) + " does not answer";
  } else if (error.error == NtStatus::STATUS_INVALID_NETWORK_RESPONSE) {
    error.sentence = "what answers at " + endpoint_of(config) + " is not an SMB server: check server and port=";
  } else if (nt_status_of(error.error) == NtStatus::STATUS_UNSUCCESSFUL ||
             error.error == NtStatus::STATUS_CONNECTION_DISCONNECTED) {
    const bool speaks_smb1 =
        co_await answers_smb1(runtime, dialer, config.address.value_or(config.server), config.port);
    error.sentence = speaks_smb1
                         ? "the server speaks only SMB1 (CIFS), which is old and insecure: enable SMB2 or SMB3 on "
                           "it, or ask for SMB1 with the option vers=1.0"
                         : "the server at " + endpoint_of(config) +
                               " hung up: it is not an SMB server, or allows none of the dialects of vers=";
  }
  co_return error;
}

// [MS-SMB2] 3.2.5.5: for 3.0 and 3.0.2. Whatever goes wrong here may be somebody who edits the negotiation.
smb2::Outgoing validate_negotiate(const Smb2Requests& requests, const smb2::NegotiateOffer& offer) {
  const Bytes input = wire::encode(smb2::make_validate_negotiate(offer));
  smb2::Outgoing request =
      requests.control(wire::FileId::of_previous(), wire::FSCTL_VALIDATE_NEGOTIATE_INFO, input, 24);
  request.sign = true;
  return request;
}

bool is_validated(const Answer& answer, const smb2::Negotiated& negotiated, bool encrypted) {
  // Older servers know no such control code, and are told apart from a tamperer by the signature of their refusal.
  const auto header = wire::decode<wire::Smb2Header>(answer.whole);
  if (!header || (!header->is_signed() && !encrypted)) return false;
  if (answer.status == NtStatus::STATUS_FILE_CLOSED || answer.status == NtStatus::STATUS_INVALID_DEVICE_REQUEST ||
      answer.status == NtStatus::STATUS_NOT_SUPPORTED) {
    return true;
  }
  if (is_error(answer.status)) return false;
  const auto response = wire::decode<wire::IoctlResponse>(answer.body);
  if (!response) return false;
  const auto told = wire::decode<wire::ValidateNegotiateInfoResponse>(response->output);
  return told && smb2::confirms(*told, negotiated);
}

Smb2Link::Chain look_at_root(const Smb2Requests& requests, const std::u16string& prefix) {
  const wire::FileId previous = wire::FileId::of_previous();
  CreateParameters parameters;
  parameters.path = prefix;
  parameters.desired_access = wire::FILE_READ_ATTRIBUTES;
  parameters.create_options = wire::FILE_DIRECTORY_FILE;
  parameters.ask_file_id = true;
  Smb2Link::Chain chain;
  chain.push_back(requests.create(parameters));
  chain.push_back(requests.query(previous, wire::FileInformationClass::standard, kFixedInformationBuffer));
  chain.push_back(requests.query(previous, wire::FsInformationClass::attribute, kFileSystemAttributesBuffer));
  chain.push_back(requests.close(previous));
  return chain;
}

tl::expected<ShareTraits, ConnectError> traits_of(const Smb2Link::Answers& answers, const ConnectConfig& config,
                                                  const Smb2Channel& channel) {
  if (is_error(answers[0].status)) {
    const auto error = make_error_code(answers[0].status);
    const std::string what = config.prefix.empty() ? "share '" + config.share + "'"
                                                   : "folder '" + config.prefix + "' of share '" + config.share + "'";
    std::string sentence = "cannot open " + what + ": " + describe(error, channel);
    if (error == NtStatus::STATUS_PATH_NOT_COVERED) sentence += "; DFS links are not supported yet: mount their target";
    return failed(ConnectStep::tree_connect, error, std::move(sentence));
  }
  const auto root = attributes_of(answers[0], answers[1]);
  if (!root) {
    return failed(ConnectStep::tree_connect, root.error(),
                  "the server does not tell the share's attributes: " + describe(root.error(), channel));
  }
  ShareTraits traits;
  traits.root = *root;
  // Not every server tells what its file system can do.
  if (!is_error(answers[2].status)) {
    if (const auto response = wire::decode<wire::QueryInfoResponse>(answers[2].body)) {
      if (const auto system = wire::decode<wire::FileFsAttributeInformation>(response->output_buffer)) {
        traits.case_sensitive = (system->file_system_attributes & wire::FILE_CASE_SENSITIVE_SEARCH) != 0;
        traits.read_only = (system->file_system_attributes & wire::FILE_READ_ONLY_VOLUME) != 0;
      }
    }
  }
  return traits;
}

}  // namespace

const char* name_of(ConnectStep step) {
  switch (step) {
    case ConnectStep::resolve:
      return "resolve";
    case ConnectStep::connect:
      return "connect";
    case ConnectStep::negotiate:
      return "negotiate";
    case ConnectStep::authenticate:
      return "authenticate";
    case ConnectStep::tree_connect:
      return "tree connect";
  }
  return "";
}

ConnectError dial_failure(const ConnectConfig& config, const DialError& error) {
  if (error.resolving) {
    return {ConnectStep::resolve, error.error,
            "no address is known for '" + config.address.value_or(config.server) + "': " + error.error.message() +
                "; check the name, or give the address with ip="};
  }
  if (error.error.category() == nbt::session_category()) {
    return {ConnectStep::connect, error.error,
            "no NetBIOS session with " + endpoint_of(config) + ": " + error.error.message() +
                "; give the name that the server has for itself with servern="};
  }
  std::string advice = "; check that the server is on and reachable";
  if (error.error == std::errc::connection_refused) advice = "; no SMB server listens there: check server and port=";
  return {ConnectStep::connect, error.error,
          "no connection to " + endpoint_of(config) + ": " + error.error.message() + advice};
}

Task<tl::expected<Smb2Session, ConnectError>> open_session(Runtime& runtime, Dialer& dialer,
                                                           std::unique_ptr<Transport> transport,
                                                           std::shared_ptr<const ConnectConfig> config) {
  Smb2Session session;
  session.narrow = transport->largest_frame() < nbt::kMaximumFrameLength;
  session.peer_port = transport->peer_port();
  smb2::ConnectionLimits limits;
  limits.credits = config->max_credits;
  limits.call_timeout = config->call_timeout;
  limits.echo_interval = config->echo_interval;
  session.channel = std::make_unique<Smb2Channel>(runtime, std::move(transport), limits);
  Smb2Channel* const channel = session.channel.get();
  channel->limit_frames(kLargestHandshake);

  auto agreed = co_await negotiate(*channel, *config);
  if (!agreed) {
    ConnectError error = agreed.error();
    const bool answered = !channel->connection().is_lost() && error.error != NtStatus::STATUS_IO_TIMEOUT;
    if (!answered) error = co_await explain(runtime, dialer, *config, error);
    co_return tl::make_unexpected(std::move(error));
  }
  const StepResult authenticated = co_await authenticate(*channel, *config, agreed->first_token);
  if (!authenticated) co_return tl::make_unexpected(authenticated.error());
  session.agreed = std::move(*agreed);
  co_return session;
}

Task<tl::expected<std::unique_ptr<Share>, ConnectError>> connect(Runtime& runtime, Dialer& dialer,
                                                                 std::shared_ptr<const ConnectConfig> config) {
  const auto prefix = to_wire_path(config->prefix, config->name_mapping);
  if (!prefix)
    co_return failed(ConnectStep::tree_connect, prefix.error(), "the folder's name cannot be sent to a server");

  auto transport = co_await dialer.dial(config->address.value_or(config->server), config->port, config->call_timeout);
  if (!transport) co_return tl::make_unexpected(dial_failure(*config, transport.error()));
  if (config->max_dialect == kSmb1Dialect) {
    auto share = co_await connect_smb1(runtime, std::move(*transport), config, *prefix);
    co_return share;
  }

  auto session = co_await open_session(runtime, dialer, std::move(*transport), config);
  if (!session) co_return tl::make_unexpected(session.error());
  std::unique_ptr<Smb2Channel> channel = std::move(session->channel);
  const auto tree = co_await connect_tree(*channel, *config);
  if (!tree) co_return tl::make_unexpected(tree.error());

  const smb2::Negotiated negotiated = channel->connection().negotiated();
  auto link = std::make_shared<Smb2Link>(runtime, std::move(channel), Smb2Requests(tree->tree_id, tree->encrypt),
                                         config->caching ? lease_kind_of(negotiated) : LeaseKind::none);
  link->read_size = std::min(negotiated.max_read_size, config->read_size.value_or(smb2::kMaximumIo));
  link->write_size = std::min(negotiated.max_write_size, config->write_size.value_or(smb2::kMaximumIo));
  link->transact_size = negotiated.max_transact_size;
  if (session->narrow) {
    link->read_size = std::min(link->read_size, kSessionIo);
    link->write_size = std::min(link->write_size, kSessionIo);
    link->transact_size = std::min(link->transact_size, kSessionTransact);
  }
  link->name_mapping = config->name_mapping;
  link->clock_offset = session->agreed.clock_offset;
  link->channel->limit_frames(std::max(link->read_size, kFirstPages * Smb2Directory::largest_page(*link)) +
                              kFrameOverhead);

  // Validation, where it is due, goes along with the first look at the root; nothing is used before both are there.
  const bool validate =
      negotiated.dialect >= 0x0300 && negotiated.dialect < 0x0311 && link->channel->connection().session().can_sign();
  bool validated = !validate;
  Smb2Link::Answers answers;
  auto look = [&](auto done) {
    // A server may answer the two in any order.
    auto missing = std::make_shared<int>(validate ? 2 : 1);
    if (validate) {
      const bool encrypted = link->channel->connection().session().encrypts() || tree->encrypt;
      Smb2Link::Chain chain;
      chain.push_back(validate_negotiate(link->requests, session->agreed.offer));
      link->exchange(std::move(chain), [&validated, &negotiated, encrypted, missing, done](Smb2Link::Answers told) {
        validated = is_validated(told.front(), negotiated, encrypted);
        if (--*missing == 0) done(true);
      });
    }
    link->exchange_and_close(look_at_root(link->requests, *prefix), [&answers, missing, done](Smb2Link::Answers told) {
      answers = std::move(told);
      if (--*missing == 0) done(true);
    });
  };
  co_await callback<bool>(look);
  if (!validated) {
    co_return failed(ConnectStep::tree_connect, make_error_code(NtStatus::STATUS_ACCESS_DENIED),
                     "the server does not confirm what was negotiated: somebody may be tampering with the connection");
  }
  auto traits = traits_of(answers, *config, *link->channel);
  if (!traits) co_return tl::make_unexpected(traits.error());
  traits->server = config->server;
  traits->port = config->port.value_or(session->peer_port);
  traits->name = config->share;
  traits->prefix = *prefix;
  traits->encrypted = tree->encrypt;
  traits->read_only = traits->read_only || tree->read_only;

  Smb2Channel* const lasting = link->channel.get();
  link->authenticate_again = [lasting, config]() -> Task<std::error_code> {
    Bytes no_token;
    const StepResult again = co_await authenticate(*lasting, *config, std::move(no_token));
    co_return again ? std::error_code() : again.error().error;
  };
  spdlog::info("connected to //{}/{}: {}, {}{}", config->server, config->share,
               smb2::name_of_dialect(negotiated.dialect),
               link->channel->connection().session().encrypts() || tree->encrypt ? "encrypted"
               : link->channel->connection().session().signs()                   ? "signed"
                                                                                 : "not signed",
               traits->read_only ? ", read-only" : "");
  co_return std::unique_ptr<Share>(std::make_unique<Smb2Share>(link, std::move(*traits)));
}

}  // namespace smb3fuse::client
