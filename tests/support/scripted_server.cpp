// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_server.h"

#include <algorithm>
#include <utility>

#include "smb/wire/close.h"
#include "smb/wire/echo.h"
#include "smb/wire/error.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/session_setup.h"
#include "smb/wire/transform.h"

namespace smb3fuse::test {
namespace {

using wire::Command;

constexpr std::array<std::uint8_t, 16> kServerGuid = {'s', 'c', 'r', 'i', 'p', 't', 'e', 'd'};

bool is_311(const ServerOptions& options) { return options.dialect == wire::Dialect::smb_3_1_1; }
bool is_30(const ServerOptions& options) { return options.dialect >= wire::Dialect::smb_3_0 && !is_311(options); }

crypto::SigningAlgorithm signing_of(const ServerOptions& options) {
  if (is_311(options)) return static_cast<crypto::SigningAlgorithm>(options.signing);
  return is_30(options) ? crypto::SigningAlgorithm::aes_cmac : crypto::SigningAlgorithm::hmac_sha256;
}

std::optional<crypto::Cipher> cipher_of(const ServerOptions& options) {
  if (is_311(options) && options.cipher != wire::Cipher::none) return static_cast<crypto::Cipher>(options.cipher);
  const bool capable = (options.capabilities & wire::SMB2_GLOBAL_CAP_ENCRYPTION) != 0;
  return is_30(options) && capable ? std::optional(crypto::Cipher::aes_128_ccm) : std::nullopt;
}

// [MS-SMB2] 3.3.5.15.12
std::optional<ServerReply> validate_negotiate(const ServerRequest& request, const ServerOptions& options) {
  const auto ioctl = request.as<wire::IoctlRequest>();
  if (ioctl.ctl_code != wire::FSCTL_VALIDATE_NEGOTIATE_INFO) return refuse(NtStatus::STATUS_INVALID_DEVICE_REQUEST);
  wire::ValidateNegotiateInfoResponse told;
  told.capabilities = options.capabilities;
  told.guid.bytes = kServerGuid;
  told.security_mode = options.security_mode;
  told.dialect = options.dialect;
  const Bytes output = wire::encode(told);
  wire::IoctlResponse response;
  response.ctl_code = ioctl.ctl_code;
  response.file_id = ioctl.file_id;
  response.output = output;
  return reply_with(response);
}

}  // namespace

ScriptedServer::ScriptedServer(ServerOptions given) : options(std::move(given)), ntlm_(options.user, options.password) {
  on(Command::negotiate, [this](const ServerRequest& request) { return negotiate(request); });
  on(Command::session_setup, [this](const ServerRequest& request) { return set_up_session(request); });
  on(Command::echo, [](const ServerRequest&) { return reply_with(wire::EchoResponse{}); });
  on(Command::ioctl, [this](const ServerRequest& request) { return validate_negotiate(request, options); });
  on(Command::tree_connect, [this](const ServerRequest&) {
    wire::TreeConnectResponse response;
    response.share_type = options.share_type;
    response.share_flags = options.share_flags;
    response.maximal_access = options.maximal_access;
    ServerReply reply = reply_with(response);
    reply.header = [](wire::Smb2Header& header) { header.tree_id = kTreeId; };
    return reply;
  });
}

std::size_t ScriptedServer::count(Command command) const {
  return static_cast<std::size_t>(std::count_if(requests.begin(), requests.end(), [&](const ServerRequest& request) {
    return request.header.command == command;
  }));
}

// ---- input

void ScriptedServer::receive(Bytes message) {
  bool encrypted = false;
  if (wire::protocol_id_of(message) == wire::kTransformProtocolId) {
    const auto transform = wire::decode<wire::TransformHeader>(message);
    const std::span<std::uint8_t> plain = std::span(message).subspan(wire::kTransformHeaderSize);
    const ByteView associated =
        ByteView(message).subspan(wire::kTransformAadOffset, wire::kTransformHeaderSize - wire::kTransformAadOffset);
    if (!opener_ || !transform || transform->session_id != kSessionId ||
        !opener_->open(transform->nonce, associated, plain, transform->signature)) {
      return complain("a sealed message that does not open");
    }
    message.erase(message.begin(), message.begin() + wire::kTransformHeaderSize);
    encrypted = true;
  }

  const std::size_t first = requests.size();
  for (ByteView rest = message;;) {
    const auto header = wire::decode<wire::Smb2Header>(rest);
    if (!header) return complain("a message that is not SMB2: " + wire::to_string(header.error()));
    const std::size_t next = header->next_command;
    if (next % 8 != 0 || next > rest.size()) return complain("NextCommand of " + std::to_string(next));
    const ByteView part = next == 0 ? rest : rest.first(next);
    ServerRequest request{*header, Bytes(part.begin(), part.end()), encrypted, {}};
    if (!check(*header, request, requests.size() - first)) return;
    requests.push_back(std::move(request));
    if (next == 0) break;
    rest = rest.subspan(next);
  }

  // Handlers may make the client send more, so that `requests` grows: work on copies.
  std::vector<ServerRequest> compound(requests.begin() + static_cast<std::ptrdiff_t>(first), requests.end());
  std::vector<Answered> answers;
  NtStatus failed{};
  wire::FileId file;
  for (ServerRequest& request : compound) {
    if (request.header.command == Command::cancel) continue;
    request.related_file = file;
    std::optional<ServerReply> reply;
    if (is_error(failed)) {
      reply = refuse(failed);
    } else {
      reply = handle(request);
    }
    if (!reply) continue;
    if (request.header.command == Command::create) file = reply->opened;
    // [MS-SMB2] 3.3.5.2.7.2: what is related to a CREATE that failed has no file.
    const bool cascades = request.header.command == Command::create || fail_whole_compounds;
    if (cascades && is_error(reply->status)) failed = reply->status;
    answers.push_back({&request, std::move(*reply)});
  }
  if (reverse_replies) std::reverse(answers.begin(), answers.end());
  if (!separate_replies && !reverse_replies) return transmit(answers);
  for (Answered& answer : answers) transmit({std::move(answer)});
}

bool ScriptedServer::check(const wire::Smb2Header& header, const ServerRequest& request, std::size_t index) {
  const std::string who = std::string(wire::name_of(header.command)) + " " + std::to_string(header.message_id);
  if (header.is_response()) complain(who + ": a response from the client");
  if (header.is_related() != (index > 0)) complain(who + ": the related flag is wrong");
  if (header.is_signed() && request.encrypted) complain(who + ": signed and sealed");
  if (header.is_signed() && !signature_fits(request.message)) {
    complain(who + ": its signature does not fit");
    return false;
  }
  if (established_ && header.session_id != kSessionId) complain(who + ": of another session");
  const bool free_of_session = header.command == Command::negotiate || header.command == Command::session_setup;
  if (established_ && !free_of_session) {
    const bool sealed_session = (options.session_flags & wire::SMB2_SESSION_FLAG_ENCRYPT_DATA) != 0;
    if (sealed_session && !request.encrypted) complain(who + ": not sealed");
    if (demand_signatures && !request.encrypted && !header.is_signed()) complain(who + ": not signed");
  }
  if (header.command == Command::cancel) return true;  // takes no message id and no credits

  if (header.message_id != next_message_id_) {
    complain(who + ": expected message id " + std::to_string(next_message_id_));
  }
  const bool multi_credit =
      options.dialect >= wire::Dialect::smb_2_1 && (options.capabilities & wire::SMB2_GLOBAL_CAP_LARGE_MTU) != 0;
  if (!multi_credit && header.credit_charge != 0) complain(who + ": a credit charge where it is reserved");
  const std::uint32_t charge = std::max<std::uint32_t>(header.credit_charge, 1);
  next_message_id_ += charge;
  if (charge > credits_) complain(who + ": costs more credits than were granted");
  credits_ -= std::min(charge, credits_);
  return true;
}

std::optional<ServerReply> ScriptedServer::handle(ServerRequest& request) {
  if (expired_ && request.header.command != Command::session_setup) {
    return refuse(NtStatus::STATUS_NETWORK_SESSION_EXPIRED);
  }
  if (before) {
    if (auto reply = before(request)) return reply;
  }
  auto& scripted = scripted_[request.header.command];
  if (!scripted.empty()) {
    const Handler handler = std::move(scripted.front());
    scripted.pop_front();
    return handler(request);
  }
  const auto handler = handlers_.find(request.header.command);
  if (handler == handlers_.end()) {
    complain("no answer for a " + std::string(wire::name_of(request.header.command)));
    return refuse(NtStatus::STATUS_NOT_SUPPORTED);
  }
  return handler->second(request);
}

// ---- what it does by itself

ServerReply ScriptedServer::negotiate(const ServerRequest& request) {
  const auto asked = request.as<wire::NegotiateRequest>();
  if (std::find(asked.dialects.begin(), asked.dialects.end(), options.dialect) == asked.dialects.end()) {
    return refuse(NtStatus::STATUS_NOT_SUPPORTED);
  }
  const Bytes offer = NtlmAcceptor::offer();
  wire::NegotiateResponse response;
  response.security_mode = options.security_mode;
  response.dialect_revision = options.dialect;
  response.server_guid.bytes = kServerGuid;
  response.capabilities = options.capabilities;
  response.max_transact_size = response.max_read_size = response.max_write_size = options.max_io;
  response.security_buffer = offer;
  if (is_311(options)) {
    wire::PreauthIntegrityCapabilities preauth;
    preauth.hash_algorithms = {wire::HashAlgorithm::sha512};
    preauth.salt = Bytes(32, 0x5A);
    wire::EncryptionCapabilities encryption;
    encryption.ciphers = {options.cipher};
    wire::SigningCapabilities signing;
    signing.signing_algorithms = {options.signing};
    response.negotiate_contexts = {wire::make_negotiate_context(preauth), wire::make_negotiate_context(encryption),
                                   wire::make_negotiate_context(signing)};
  }
  return reply_with(response);
}

ServerReply ScriptedServer::set_up_session(const ServerRequest& request) {
  const auto asked = request.as<wire::SessionSetupRequest>();
  const auto in_session = [](wire::Smb2Header& header) { header.session_id = kSessionId; };
  if (!established_) session_preauth_.update(request.message);
  wire::SessionSetupResponse response;
  response.session_flags = options.session_flags;
  if (options.session_key.empty() && !std::exchange(challenged_, true)) {
    const Bytes challenge = ntlm_.challenge();
    response.security_buffer = challenge;
    ServerReply reply = reply_with(response, NtStatus::STATUS_MORE_PROCESSING_REQUIRED);
    reply.header = in_session;
    return reply;
  }
  challenged_ = false;
  std::optional<Bytes> token = Bytes();
  if (options.session_key.empty()) token = ntlm_.accept(asked.security_buffer);
  if (!token) return refuse(NtStatus::STATUS_LOGON_FAILURE);
  expired_ = false;
  const bool first = !std::exchange(established_, true);
  constexpr std::uint16_t kKeyless = wire::SMB2_SESSION_FLAG_IS_GUEST | wire::SMB2_SESSION_FLAG_IS_NULL;
  const bool keyless = ntlm_.is_anonymous() || (options.session_flags & kKeyless) != 0;
  if (first && !keyless) establish(options.session_key.empty() ? ntlm_.session_key() : options.session_key);
  response.security_buffer = *token;
  ServerReply reply = reply_with(response);
  reply.header = [keyless, in_session](wire::Smb2Header& header) {
    in_session(header);
    if (!keyless) header.flags |= wire::SMB2_FLAGS_SIGNED;  // [MS-SMB2] 3.3.5.5.3
  };
  return reply;
}

void ScriptedServer::establish(ByteView session_key) {
  const auto cipher = cipher_of(options);
  const auto keys = [&] {
    if (is_311(options)) {
      return crypto::derive_keys_311(session_key, session_preauth_.value(),
                                     cipher.value_or(crypto::Cipher::aes_128_gcm));
    }
    return is_30(options) ? crypto::derive_keys_30(session_key) : crypto::derive_keys_2x(session_key);
  }();
  signer_ = *crypto::Signer::create(signing_of(options), keys.signing.view());
  if (!cipher) return;
  // The client's encryption key is the one that opens here.
  opener_ = *crypto::Sealer::create(*cipher, keys.encryption.view(), crypto::Sealer::Direction::open);
  sealer_ = *crypto::Sealer::create(*cipher, keys.decryption.view(), crypto::Sealer::Direction::seal);
}

// ---- output

void ScriptedServer::answer(const ServerRequest& request, ServerReply reply) {
  transmit({{&request, std::move(reply)}});
}

void ScriptedServer::pend(const ServerRequest& request) {
  const std::uint64_t async_id = 0xA5000000 + request.header.message_id;
  ServerReply interim = refuse(NtStatus::STATUS_PENDING);
  // [MS-SMB2] 3.3.4.2: an interim response is not signed.
  interim.header = [](wire::Smb2Header& header) { header.flags &= ~std::uint32_t{wire::SMB2_FLAGS_SIGNED}; };
  async_[request.header.message_id] = async_id;
  transmit({{&request, std::move(interim)}});
}

Bytes ScriptedServer::encode_reply(const ServerRequest& request, const ServerReply& reply, std::uint32_t padding) {
  wire::Smb2Header header;
  header.credit_charge = request.header.credit_charge;
  header.status = reply.status;
  header.command = request.header.command;
  header.flags = wire::SMB2_FLAGS_SERVER_TO_REDIR | (request.header.flags & wire::SMB2_FLAGS_RELATED_OPERATIONS);
  // [MS-SMB2] 3.3.4.1.1: what was signed is answered signed.
  if (signer_ && request.header.is_signed() && !request.encrypted) header.flags |= wire::SMB2_FLAGS_SIGNED;
  header.message_id = request.header.message_id;
  header.tree_id = request.header.tree_id;
  header.session_id = request.header.session_id;
  const auto pended = async_.find(request.header.message_id);
  const bool interim = reply.status == NtStatus::STATUS_PENDING;
  std::uint16_t granted = reply.credits.value_or(static_cast<std::uint16_t>(
      std::min<std::uint32_t>(request.header.credit_request_response, options.max_credits - credits_)));
  if (pended != async_.end()) {
    header.flags |= wire::SMB2_FLAGS_ASYNC_COMMAND;
    header.async_id = pended->second;
    if (!interim) {
      granted = reply.credits.value_or(std::uint16_t{0});  // the interim response brought them
      async_.erase(pended);
    }
  }
  header.credit_request_response = granted;
  if (reply.header) reply.header(header);
  credits_ += header.credit_request_response;
  if (request.encrypted) header.flags &= ~std::uint32_t{wire::SMB2_FLAGS_SIGNED};

  const Bytes body = reply.body.empty() ? wire::encode(wire::ErrorResponse{}) : reply.body;
  const std::size_t size = wire::kSmb2HeaderSize + body.size();
  const std::size_t padded = padding == 0 ? size : wire::aligned_up(size, padding);
  if (padding != 0) header.next_command = static_cast<std::uint32_t>(padded);
  Bytes message = wire::encode(header);
  message.insert(message.end(), body.begin(), body.end());
  message.resize(padded);
  if (header.is_signed()) sign(message);

  if (header.command == Command::negotiate) {
    connection_preauth_.update(request.message);
    connection_preauth_.update(message);
    session_preauth_ = connection_preauth_;
  }
  if (header.command == Command::session_setup && !established_) session_preauth_.update(message);
  return message;
}

Bytes ScriptedServer::message_of(wire::Smb2Header header, ByteView body) {
  Bytes message = wire::encode(header);
  message.insert(message.end(), body.begin(), body.end());
  if (header.is_signed()) sign(message);
  return message;
}

void ScriptedServer::transmit(const std::vector<Answered>& answers) {
  if (answers.empty()) return;
  Bytes message;
  for (const Answered& answer : answers) {
    const bool last = &answer == &answers.back();
    const Bytes part = encode_reply(*answer.request, answer.reply, last ? 0 : 8);
    message.insert(message.end(), part.begin(), part.end());
  }
  send(answers.front().request->encrypted ? seal(message) : std::move(message));
}

Bytes ScriptedServer::seal(const Bytes& message) {
  wire::TransformHeader header;
  header.session_id = kSessionId;
  header.nonce = nonces_.next();
  header.original_message_size = static_cast<std::uint32_t>(message.size());
  Bytes sealed = wire::encode(header);
  sealed.resize(wire::kTransformHeaderSize + message.size());
  const ByteView pieces[] = {message};
  const crypto::Tag tag = sealer_->seal(
      header.nonce,
      ByteView(sealed).subspan(wire::kTransformAadOffset, wire::kTransformHeaderSize - wire::kTransformAadOffset),
      pieces, std::span(sealed).subspan(wire::kTransformHeaderSize));
  std::copy(tag.begin(), tag.end(), sealed.begin() + 4);
  return sealed;
}

void ScriptedServer::sign(Bytes& message) {
  const auto header = wire::decode<wire::Smb2Header>(message);
  const ByteView pieces[] = {message};
  const auto signature = signer_->sign({header->message_id, true, false}, pieces);
  std::copy(signature.begin(), signature.end(), message.begin() + wire::kSmb2SignatureOffset);
}

bool ScriptedServer::signature_fits(ByteView message) {
  if (!signer_) return false;
  const auto header = wire::decode<wire::Smb2Header>(message);
  const ByteView pieces[] = {message.first(wire::kSmb2SignatureOffset), crypto::kZeroSignature,
                             message.subspan(wire::kSmb2SignatureOffset + header->signature.size())};
  return signer_->verify({header->message_id, false, header->command == Command::cancel}, pieces, header->signature);
}

}  // namespace smb3fuse::test
