// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_handshake.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <utility>

#include "smb/auth/error.h"
#include "smb/auth/ntlm_plain.h"
#include "smb/auth/plaintext.h"
#include "smb/cifs/session.h"
#include "smb/client/refusals.h"
#include "smb/crypto/random.h"
#include "smb/smb1/negotiate.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::client {
namespace {

constexpr FileTime kClocksAgree = 2 * 10'000'000;  // two seconds
// Of a message from the server: as long as the field allows.
constexpr std::uint16_t kMaxBufferSize = 0xFFFF;
constexpr std::uint32_t kCapabilities = cifs::CAP_UNICODE | cifs::CAP_LARGE_FILES | cifs::CAP_NT_SMBS |
                                        cifs::CAP_STATUS32 | cifs::CAP_LEVEL_II_OPLOCKS | cifs::CAP_NT_FIND |
                                        cifs::CAP_LARGE_READX | cifs::CAP_LARGE_WRITEX;

tl::unexpected<ConnectError> failed(ConnectStep step, std::error_code error, std::string sentence) {
  return tl::make_unexpected(ConnectError{step, error, std::move(sentence)});
}

// [MS-SMB] 3.2.5.3: a guest or anonymous session is refused unless asked for by name, and has no key to sign with.
tl::expected<smb1::SessionPolicy, ConnectError> policy_for(const ConnectConfig& config,
                                                           const smb1::Negotiated& negotiated, std::uint16_t action) {
  using Kind = auth::Credentials::Kind;
  const bool is_guest = (action & cifs::SMB_SETUP_GUEST) != 0;
  const Kind kind = config.credentials.kind;
  if (is_guest && kind != Kind::guest && kind != Kind::anonymous) {
    return failed(ConnectStep::authenticate, make_error_code(NtStatus::STATUS_LOGON_FAILURE),
                  "the server does not know user '" + config.credentials.user +
                      "' and let us in as guest, which is refused: check the user name, or ask for it with the option "
                      "guest");
  }
  const bool keyless = is_guest || kind == Kind::anonymous;
  if (keyless && config.require_signing) {
    return failed(ConnectStep::authenticate, make_error_code(NtStatus::STATUS_ACCESS_DENIED),
                  "a guest or anonymous session has no key to sign with: log on as a user, or leave out sign");
  }
  smb1::SessionPolicy policy;
  policy.sign = !keyless && (config.require_signing || negotiated.server_requires_signing());
  return policy;
}

// The session that SESSION_SETUP_ANDX has made.
tl::expected<void, ConnectError> take_session(Smb1Channel& channel, const ConnectConfig& config,
                                              const Smb1Answer& answer, ByteView key) {
  const auto response = answer.block<cifs::SessionSetupResponse>();
  if (!response) {
    return failed(ConnectStep::authenticate, response.error(),
                  answer.whole.empty() ? describe(response.error(), channel) : logon_refusal(answer.status, config));
  }
  const auto policy = policy_for(config, channel.connection().negotiated(), response->action);
  if (!policy) return tl::make_unexpected(policy.error());
  if (!channel.connection().establish_session(*policy, key, answer.whole)) {
    return failed(ConnectStep::authenticate, make_error_code(NtStatus::STATUS_ACCESS_DENIED),
                  "the server's signature is missing or wrong: somebody may be tampering with the connection");
  }
  return {};
}

// The end of a sentence.
std::string not_in_code_page(const ConnectConfig& config) {
  return "cannot be said in code page " + config.code_page +
         ", and the server has no Unicode: name the server's own code page with codepage=";
}

std::uint64_t file_time_now() { return static_cast<std::uint64_t>(local_time_now()); }

// What both forms of SESSION_SETUP_ANDX say.
template <class Request>
Request setup_request(const smb1::Connection& connection) {
  const smb1::Negotiated& negotiated = connection.negotiated();
  Request request;
  request.max_buffer_size = kMaxBufferSize;
  request.max_mpx_count = negotiated.max_mpx_count;
  request.vc_number = 1;
  request.session_key = negotiated.session_key;
  request.capabilities = kCapabilities;
  if (!connection.is_unicode()) request.capabilities &= ~std::uint32_t{cifs::CAP_UNICODE};
  return request;
}

// The answer to the last SESSION_SETUP_ANDX, and the key of its session.
struct LoggedOn {
  Smb1Answer answer;
  crypto::Secret key;
};

// Adds what goes out in one message with the last SESSION_SETUP_ANDX: the server needs nothing more for it.
using AddNext = std::function<void(cifs::MessageBuilder&)>;

// [MS-SMB] 3.2.4.2.4.1
Task<tl::expected<LoggedOn, ConnectError>> log_on_extended(Smb1Channel& channel, const ConnectConfig& config,
                                                           Bytes offer, AddNext add_next) {
  constexpr auto kStep = ConnectStep::authenticate;
  const auto authenticator =
      auth::make_ntlm_authenticator(config.credentials.clone(), config.server, file_time_now, crypto::random_bytes);
  tl::expected<Bytes, std::error_code> token = authenticator->step(offer);
  // NTLM takes two legs; a server that asks for more than a few is not authenticating.
  for (int leg = 0; leg < 8; ++leg) {
    if (!token) co_return failed(kStep, token.error(), token.error().message());
    auto request = setup_request<cifs::SessionSetupExtendedRequest>(channel.connection());
    request.capabilities |= cifs::CAP_EXTENDED_SECURITY;
    request.security_blob = *token;
    request.native_os = request.native_lan_man = channel.connection().negotiated().character_set.text(u"");
    cifs::MessageBuilder builder;
    builder.add(request);
    if (authenticator->complete()) add_next(builder);
    Smb1Answer answer = co_await ask(channel, outgoing(std::move(builder)));
    const auto response = answer.block<cifs::SessionSetupExtendedResponse>();
    if (answer.status == NtStatus::STATUS_MORE_PROCESSING_REQUIRED && response) {
      token = authenticator->step(response->security_blob);
      continue;
    }
    if (response) {
      const auto error = authenticator->finish(response->security_blob);
      if (error) co_return failed(kStep, error, error.message());
    }
    LoggedOn done{std::move(answer), crypto::Secret(authenticator->session_key())};
    co_return done;
  }
  co_return failed(kStep, make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE),
                   "the server went on asking without an end");
}

tl::expected<void, ConnectError> add_names(cifs::SessionSetupRequest& request, const smb1::Connection& connection,
                                           const ConnectConfig& config, std::u16string_view user,
                                           std::u16string_view domain) {
  const cifs::CharacterSet& character_set = connection.negotiated().character_set;
  if (!character_set.fits(user) || !character_set.fits(domain)) {
    return failed(ConnectStep::authenticate, make_error_code(auth::AuthError::bad_credentials),
                  "the name of the user or of the domain " + not_in_code_page(config));
  }
  for (const std::u16string_view name : {user, domain, std::u16string_view(), std::u16string_view()}) {
    request.names.push_back(character_set.text(name));
  }
  return {};
}

// [MS-CIFS] 3.2.4.2.4: the answer to the challenge that came with the NEGOTIATE.
Task<tl::expected<LoggedOn, ConnectError>> log_on_plainly(Smb1Channel& channel, const ConnectConfig& config,
                                                          Bytes challenge, AddNext add_next) {
  constexpr auto kStep = ConnectStep::authenticate;
  const smb1::Connection& connection = channel.connection();
  auto response = auth::ntlm_plain_response(config.credentials, challenge, file_time_now, crypto::random_bytes);
  if (!response) co_return failed(kStep, response.error(), response.error().message());
  auto request = setup_request<cifs::SessionSetupRequest>(connection);
  request.oem_password = response->lm_response;
  request.unicode_password = response->nt_response;
  const auto named = add_names(request, connection, config, response->user, response->domain);
  if (!named) co_return tl::make_unexpected(named.error());
  cifs::MessageBuilder builder;
  builder.add(request);
  add_next(builder);
  LoggedOn done;
  done.answer = co_await ask(channel, outgoing(std::move(builder)));
  // [MS-CIFS] 3.1.4.1: it signs with the response to the challenge behind the key.
  const ByteView session_key = response->session_key.view();
  done.key = crypto::Secret(session_key.size() + response->nt_response.size());
  const auto behind = std::copy(session_key.begin(), session_key.end(), done.key.bytes().begin());
  std::copy(response->nt_response.begin(), response->nt_response.end(), behind);
  co_return done;
}

// May the password go to a server that wants it as it is? A guest has none.
tl::expected<void, ConnectError> allow_plaintext(const smb1::Negotiated& negotiated, const ConnectConfig& config) {
  const auto refused = [](std::string sentence) {
    return failed(ConnectStep::authenticate, make_error_code(NtStatus::STATUS_NOT_SUPPORTED), std::move(sentence));
  };
  if (!config.plaintext_password && config.credentials.kind != auth::Credentials::Kind::guest) {
    return refused(
        "the server wants the password as it is, for everybody on the way to read: if it has to be, ask for that with "
        "the option sec=plaintext");
  }
  if (config.require_signing || negotiated.server_requires_signing()) {
    return refused(
        "messages are to be signed, but the server wants the password as it is, from which no key can be made");
  }
  return {};
}

// [MS-CIFS] 3.2.4.2.4, where the server has no challenge. The session has no key.
Task<tl::expected<LoggedOn, ConnectError>> log_on_in_plaintext(Smb1Channel& channel, const ConnectConfig& config,
                                                               AddNext add_next) {
  const smb1::Connection& connection = channel.connection();
  const auto allowed = allow_plaintext(connection.negotiated(), config);
  if (!allowed) co_return tl::make_unexpected(allowed.error());
  const cifs::CharacterSet& character_set = connection.negotiated().character_set;
  const auto logon = auth::plaintext_logon(config.credentials, character_set.code_page());
  if (!logon) co_return failed(ConnectStep::authenticate, logon.error(), logon.error().message());
  auto request = setup_request<cifs::SessionSetupRequest>(connection);
  (character_set.is_unicode() ? request.unicode_password : request.oem_password) = logon->password.view();
  request.is_plaintext = true;
  const auto named = add_names(request, connection, config, logon->user, logon->domain);
  if (!named) co_return tl::make_unexpected(named.error());
  cifs::MessageBuilder builder;
  builder.reserve(kMaxBufferSize).add(request);
  add_next(builder);
  smb1::Outgoing message = outgoing(std::move(builder));
  message.is_secret = true;
  LoggedOn done;
  done.answer = co_await ask(channel, std::move(message));
  co_return done;
}

}  // namespace

smb1::Outgoing outgoing(cifs::MessageBuilder builder) {
  smb1::Outgoing request;
  request.command = builder.command();
  request.message = builder.take();
  request.tree_id = cifs::kNoId;
  return request;
}

Task<Smb1Answer> ask(Smb1Channel& channel, smb1::Outgoing request) {
  auto start = [&](auto done) { channel.exchange(std::move(request), std::move(done)); };
  Smb1Answer answer = co_await callback<Smb1Answer>(start);
  co_return answer;
}

std::string describe(const std::error_code& error, const Smb1Channel& channel) {
  if (!channel.lost_reason().empty()) return channel.lost_reason();
  if (error.category() == nt_status_category()) return name_of(nt_status_of(error));
  return error.message();
}

Task<tl::expected<Smb1Negotiation, ConnectError>> negotiate(Smb1Channel& channel, const ConnectConfig& config) {
  constexpr auto kStep = ConnectStep::negotiate;
  cifs::MessageBuilder builder;
  builder.add(smb1::make_negotiate_request());
  const Smb1Answer answer = co_await ask(channel, outgoing(std::move(builder)));
  if (is_error(answer.status)) {
    const auto error = make_error_code(answer.status);
    co_return failed(kStep, error, describe(error, channel));
  }
  const auto accepted = smb1::accept_negotiate_response(answer.whole);
  if (!accepted) co_return failed(kStep, make_error_code(NtStatus::STATUS_NOT_SUPPORTED), accepted.error().sentence);
  if (config.require_signing && !accepted->negotiated.server_can_sign()) {
    co_return failed(kStep, make_error_code(NtStatus::STATUS_NOT_SUPPORTED),
                     "sign is demanded, but the server does not sign in SMB1");
  }
  smb1::Negotiated negotiated = accepted->negotiated;
  if (!negotiated.has(cifs::CAP_UNICODE)) {
    auto code_page = wire::CodePage::find(config.code_page);
    if (code_page == nullptr) {
      co_return failed(kStep, make_error_code(NtStatus::STATUS_NOT_SUPPORTED),
                       "the server has no Unicode, and this system no code page " + config.code_page +
                           ": name another one with codepage=");
    }
    negotiated.character_set = cifs::CharacterSet(std::move(code_page));
  }
  channel.connection().set_negotiated(negotiated);
  Smb1Negotiation negotiation;
  // Some servers tell whole seconds, and some nothing: clocks that agree as well as that are taken to agree.
  const FileTime ahead = static_cast<FileTime>(accepted->system_time.value) - local_time_now();
  if (accepted->system_time.value != 0 && std::abs(ahead) > kClocksAgree) negotiation.clock_offset = ahead;
  negotiation.token.assign(accepted->token.begin(), accepted->token.end());
  negotiation.challenge.assign(accepted->challenge.begin(), accepted->challenge.end());
  co_return negotiation;
}

Task<tl::expected<Smb1Tree, ConnectError>> log_on(Smb1Channel& channel, const ConnectConfig& config,
                                                  std::u16string path, Smb1Negotiation negotiation,
                                                  std::string_view service) {
  const smb1::Connection& connection = channel.connection();
  const auto unc = wire::to_utf16("\\\\" + config.server + "\\" + config.share);
  if (!unc) {
    co_return failed(ConnectStep::tree_connect, make_error_code(NtStatus::STATUS_BAD_NETWORK_NAME),
                     "the name of the share cannot be sent to a server");
  }
  const cifs::CharacterSet& character_set = connection.negotiated().character_set;
  if (!character_set.fits(*unc) || !character_set.fits(path)) {
    co_return failed(ConnectStep::tree_connect, make_error_code(NtStatus::STATUS_BAD_NETWORK_NAME),
                     "the name of the share or of the folder " + not_in_code_page(config));
  }
  const AddNext add_tree = [&](cifs::MessageBuilder& builder) { add_tree_connect(builder, connection, *unc, path); };
  tl::expected<LoggedOn, ConnectError> logged_on;
  if (connection.negotiated().has(cifs::CAP_EXTENDED_SECURITY)) {
    logged_on = co_await log_on_extended(channel, config, std::move(negotiation.token), add_tree);
  } else if (negotiation.challenge.empty() && config.credentials.kind != auth::Credentials::Kind::anonymous) {
    logged_on = co_await log_on_in_plaintext(channel, config, add_tree);
  } else {
    logged_on = co_await log_on_plainly(channel, config, std::move(negotiation.challenge), add_tree);
  }
  if (!logged_on) co_return tl::make_unexpected(logged_on.error());
  const Smb1Answer& answer = logged_on->answer;
  const auto session = take_session(channel, config, answer, logged_on->key.view());
  if (!session) co_return tl::make_unexpected(session.error());
  if (!wants_tree_connect_alone(answer)) co_return take_tree(channel, config, answer, service);
  const Smb1Answer alone = co_await ask(channel, tree_connect_alone(connection, *unc));
  auto tree = take_tree(channel, config, alone, service);
  // Where it was no error that ended the chain, the server looks at the first of its commands alone.
  if (tree) tree->takes_chains = is_error(answer.status);
  co_return tree;
}

}  // namespace smb3fuse::client
