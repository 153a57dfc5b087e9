// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_handshake.h"

#include <cstdlib>
#include <utility>

#include "smb/auth/error.h"
#include "smb/client/refusals.h"
#include "smb/crypto/random.h"
#include "smb/wire/codec.h"
#include "smb/wire/session_setup.h"
#include "smb/wire/tree.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::client {
namespace {

tl::unexpected<ConnectError> failed(ConnectStep step, std::error_code error, std::string sentence) {
  return tl::make_unexpected(ConnectError{step, error, std::move(sentence)});
}

tl::unexpected<ConnectError> malformed_answer(ConnectStep step, const wire::DecodeError& error) {
  return failed(step, make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE),
                "the server's answer is malformed (" + wire::to_string(error) + ")");
}

constexpr FileTime kClocksAgree = 2 * 10'000'000;  // two seconds

smb2::Outgoing outgoing(wire::Command command, Bytes body) {
  smb2::Outgoing request;
  request.command = command;
  request.body = std::move(body);
  return request;
}

Task<Answer> ask(Smb2Channel& channel, smb2::Outgoing request) {
  auto start = [&](auto done) {
    Smb2Channel::Chain chain;
    chain.push_back(std::move(request));
    channel.exchange(std::move(chain), std::move(done));
  };
  Smb2Channel::Answers answers = co_await callback<Smb2Channel::Answers>(start);
  co_return std::move(answers.front());
}

// [MS-SMB2] 3.2.5.3.1: what the session may be used for, or why not at all.
tl::expected<smb2::SessionPolicy, ConnectError> policy_for(const ConnectConfig& config,
                                                           const smb2::Negotiated& negotiated,
                                                           std::uint16_t session_flags) {
  using Kind = auth::Credentials::Kind;
  const bool is_guest = (session_flags & wire::SMB2_SESSION_FLAG_IS_GUEST) != 0;
  const bool is_null = (session_flags & wire::SMB2_SESSION_FLAG_IS_NULL) != 0;
  const Kind kind = config.credentials.kind;
  const auto refused = make_error_code(NtStatus::STATUS_LOGON_FAILURE);
  if (is_guest && kind != Kind::guest && kind != Kind::anonymous) {
    return failed(
        ConnectStep::authenticate, refused,
        "the server does not know user '" + config.credentials.user +
            "' and let us in as guest, which is refused: check the user name, or ask for it with the option guest");
  }
  if (is_null && kind != Kind::anonymous && kind != Kind::guest) {
    return failed(ConnectStep::authenticate, refused,
                  "the server made an anonymous session although a user was given, which is refused");
  }
  smb2::SessionPolicy policy;
  policy.keyless = is_guest || is_null || kind == Kind::anonymous;
  policy.encrypt = config.require_sealing || (session_flags & wire::SMB2_SESSION_FLAG_ENCRYPT_DATA) != 0;
  policy.sign = config.require_signing || negotiated.server_requires_signing;
  if (policy.keyless && (config.require_signing || policy.encrypt)) {
    return failed(ConnectStep::authenticate, make_error_code(NtStatus::STATUS_ACCESS_DENIED),
                  "a guest or anonymous session has no key to sign or encrypt with: log on as a user, or leave out "
                  "sign and seal");
  }
  if (policy.keyless) policy.sign = false;
  if (policy.encrypt && !negotiated.cipher) {
    return failed(
        ConnectStep::authenticate, make_error_code(NtStatus::STATUS_NOT_SUPPORTED),
        "encryption is demanded, and " + smb2::name_of_dialect(negotiated.dialect) + " with this server has none");
  }
  return policy;
}

const char* kind_of(wire::ShareType type) {
  if (type == wire::ShareType::disk) return "folder";
  return type == wire::ShareType::print ? "printer" : "pipe";
}

}  // namespace

std::string describe(const std::error_code& error, const Smb2Channel& channel) {
  if (!channel.lost_reason().empty()) return channel.lost_reason();
  if (error.category() == nt_status_category()) return name_of(nt_status_of(error));
  return error.message();
}

Task<tl::expected<NegotiateOutcome, ConnectError>> negotiate(Smb2Channel& channel, const ConnectConfig& config) {
  constexpr auto kStep = ConnectStep::negotiate;
  NegotiateOutcome outcome;
  outcome.offer.min_dialect = config.min_dialect;
  outcome.offer.max_dialect = config.max_dialect;
  outcome.offer.require_signing = config.require_signing;
  outcome.offer.client_guid = crypto::random_array<16>();
  outcome.offer.preauth_salt = crypto::random_array<32>();
  outcome.offer.server_name = config.server;

  const Answer answer = co_await ask(
      channel, outgoing(wire::Command::negotiate, wire::encode(smb2::make_negotiate_request(outcome.offer))));
  if (answer.status == NtStatus::STATUS_NOT_SUPPORTED) {
    co_return failed(kStep, make_error_code(answer.status),
                     with_status("the server speaks none of the dialects that vers= allows", answer.status));
  }
  if (is_error(answer.status)) {
    const auto error = make_error_code(answer.status);
    co_return failed(kStep, error, describe(error, channel));
  }
  const auto response = wire::decode<wire::NegotiateResponse>(answer.body);
  if (!response) co_return malformed_answer(kStep, response.error());
  auto negotiated = smb2::accept_negotiate_response(outcome.offer, *response);
  if (!negotiated) {
    co_return failed(kStep, make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE), negotiated.error().sentence);
  }
  if (config.require_sealing && !negotiated->cipher) {
    co_return failed(kStep, make_error_code(NtStatus::STATUS_NOT_SUPPORTED),
                     "seal is demanded, but the server speaks " + smb2::name_of_dialect(negotiated->dialect) +
                         " without encryption");
  }
  channel.connection().set_negotiated(*negotiated);
  // Some servers tell whole seconds, and some nothing: clocks that agree as well as that are taken to agree.
  const FileTime ahead = static_cast<FileTime>(response->system_time.value) - local_time_now();
  if (response->system_time.value != 0 && std::abs(ahead) > kClocksAgree) outcome.clock_offset = ahead;
  outcome.first_token.assign(response->security_buffer.begin(), response->security_buffer.end());
  co_return outcome;
}

Task<StepResult> authenticate(Smb2Channel& channel, const ConnectConfig& config, Bytes first_token) {
  constexpr auto kStep = ConnectStep::authenticate;
  const auto authenticator = auth::make_ntlm_authenticator(
      config.credentials.clone(), config.server, [] { return static_cast<std::uint64_t>(local_time_now()); },
      [](std::span<std::uint8_t> out) { crypto::random_bytes(out); });
  tl::expected<Bytes, std::error_code> token = authenticator->step(first_token);
  // NTLM takes two legs; a server that asks for more than a few is not authenticating.
  for (int leg = 0; leg < 8; ++leg) {
    if (!token) co_return failed(kStep, token.error(), token.error().message());
    wire::SessionSetupRequest request;
    request.security_mode = static_cast<std::uint8_t>(
        wire::SMB2_NEGOTIATE_SIGNING_ENABLED | (config.require_signing ? wire::SMB2_NEGOTIATE_SIGNING_REQUIRED : 0));
    request.security_buffer = *token;
    const Answer answer = co_await ask(channel, outgoing(wire::Command::session_setup, wire::encode(request)));
    const bool more = answer.status == NtStatus::STATUS_MORE_PROCESSING_REQUIRED;
    if (is_error(answer.status) && !more) {
      const auto error = make_error_code(answer.status);
      co_return failed(kStep, error,
                       answer.message.empty() ? describe(error, channel) : logon_refusal(answer.status, config));
    }
    const auto response = wire::decode<wire::SessionSetupResponse>(answer.body);
    if (!response) co_return malformed_answer(kStep, response.error());
    if (more) {
      token = authenticator->step(response->security_buffer);
      continue;
    }
    if (const auto error = authenticator->finish(response->security_buffer)) {
      co_return failed(kStep, error, error.message());
    }
    const auto policy = policy_for(config, channel.connection().negotiated(), response->session_flags);
    if (!policy) co_return tl::make_unexpected(policy.error());
    if (!channel.connection().establish_session(*policy, authenticator->session_key(), answer.whole)) {
      co_return failed(kStep, make_error_code(NtStatus::STATUS_ACCESS_DENIED),
                       "the server's signature is missing or wrong: somebody may be tampering with the connection");
    }
    co_return StepResult();
  }
  co_return failed(kStep, make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE),
                   "the server went on asking without an end");
}

Task<tl::expected<Tree, ConnectError>> connect_tree(Smb2Channel& channel, const ConnectConfig& config,
                                                    wire::ShareType expected) {
  constexpr auto kStep = ConnectStep::tree_connect;
  const auto unc = wire::to_utf16("\\\\" + config.server + "\\" + config.share);
  if (!unc) {
    co_return failed(kStep, make_error_code(NtStatus::STATUS_BAD_NETWORK_NAME), "the share's name is not valid UTF-8");
  }
  wire::TreeConnectRequest request;
  request.path = *unc;
  smb2::Outgoing message = outgoing(wire::Command::tree_connect, wire::encode(request));
  message.sign = true;  // [MS-SMB2] 3.2.4.1.1: always, in 3.1.1
  const Answer answer = co_await ask(channel, std::move(message));
  const std::string share = "share '" + config.share + "'";
  if (const auto sentence = share_refusal(answer.status, config)) {
    co_return failed(kStep, make_error_code(answer.status), *sentence);
  }
  if (is_error(answer.status)) {
    const auto error = make_error_code(answer.status);
    co_return failed(kStep, error, "cannot connect to " + share + ": " + describe(error, channel));
  }
  const auto response = wire::decode<wire::TreeConnectResponse>(answer.body);
  const auto header = wire::decode<wire::Smb2Header>(answer.whole);
  if (!response) co_return malformed_answer(kStep, response.error());
  if (!header) co_return malformed_answer(kStep, header.error());
  if (response->share_type != expected) {
    co_return failed(kStep, make_error_code(NtStatus::STATUS_BAD_DEVICE_TYPE),
                     share + " is a " + kind_of(response->share_type) +
                         (expected == wire::ShareType::disk ? ", not a folder that can be mounted" : ""));
  }
  Tree tree;
  tree.tree_id = header->tree_id;
  tree.encrypt = (response->share_flags & wire::SMB2_SHAREFLAG_ENCRYPT_DATA) != 0;
  tree.read_only = (response->maximal_access & (wire::FILE_WRITE_DATA | wire::FILE_APPEND_DATA)) == 0;
  if (tree.encrypt && !channel.connection().session().can_encrypt()) {
    co_return failed(
        kStep, make_error_code(NtStatus::STATUS_NOT_SUPPORTED),
        share + " demands encryption, and this session has none: allow SMB 3.0 or later and log on as a user");
  }
  co_return tree;
}

}  // namespace smb3fuse::client
