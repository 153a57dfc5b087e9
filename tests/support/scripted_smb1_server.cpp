// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_smb1_server.h"

#include <algorithm>

#include "smb/cifs/file.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::test {
namespace {

using cifs::Command;

constexpr wire::FileTime kTime{133'000'000'000'000'000};  // in 2022
constexpr std::size_t kBlocksAt = cifs::kHeaderSize;

bool goes_on(NtStatus status) {
  return status == NtStatus::STATUS_SUCCESS || status == NtStatus::STATUS_MORE_PROCESSING_REQUIRED;
}

void append(Bytes& bytes, ByteView more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

template <class Value>
void append_le(Bytes& bytes, Value value) {
  bytes.resize(bytes.size() + sizeof(Value));
  wire::store_le(bytes.data() + bytes.size() - sizeof(Value), value);
}

// [MS-CIFS] 2.2.3.4: blocks behind the header, each but the last with the place of the next.
class ChainWriter {
 public:
  void add(Command command, const Smb1Reply& reply) {
    if (andx_at_ != 0) {
      message_[andx_at_] = static_cast<std::uint8_t>(command);
      wire::store_le(message_.data() + andx_at_ + 2, static_cast<std::uint16_t>(message_.size()));
    }
    andx_at_ = 0;
    const bool failed = reply.words.empty() && reply.bytes.empty() && !goes_on(reply.status);
    const bool chains = cifs::is_andx(command) && !failed;
    const std::size_t words = reply.words.size() + (chains ? cifs::kAndXSize : 0);
    message_.push_back(static_cast<std::uint8_t>(words / 2));
    if (chains) {
      andx_at_ = message_.size();
      append(message_, Bytes{static_cast<std::uint8_t>(Command::none), 0, 0, 0});
    }
    const std::size_t words_at = message_.size();
    append(message_, reply.words);
    append_le(message_, static_cast<std::uint16_t>(reply.bytes.size()));
    if (reply.data_offset_at) {
      wire::store_le(message_.data() + words_at + *reply.data_offset_at, static_cast<std::uint16_t>(message_.size()));
    }
    append(message_, reply.bytes);
  }
  Bytes take(const cifs::Header& header) {
    const Bytes head = wire::encode(header);
    std::copy(head.begin(), head.end(), message_.begin());
    return std::move(message_);
  }

 private:
  Bytes message_ = Bytes(cifs::kHeaderSize);
  std::size_t andx_at_ = 0;
};

// An oplock's acknowledgment alone has no answer.
bool is_acknowledgment(const cifs::Block& block) {
  if (block.command != Command::locking_andx) return false;
  const auto locking = cifs::decode<cifs::LockingRequest>(block);
  return locking && (locking->type_of_lock & cifs::OPLOCK_RELEASE) != 0 && locking->locks.empty() &&
         locking->unlocks.empty();
}

// In any of its blocks. A LOCKING_ANDX tells by its TypeOfLock, behind the AndX fields and the FID.
bool has_wide_offsets(const Smb1Request& request) {
  const auto blocks = cifs::split_blocks(request.message);
  return std::any_of(blocks->begin(), blocks->end(), [](const cifs::Block& block) {
    constexpr std::size_t kTypeOfLockAt = 6;
    if (block.command == Command::locking_andx) return (block.rest[kTypeOfLockAt] & cifs::LARGE_FILES) != 0;
    return (block.command == Command::read_andx && block.word_count != cifs::ReadRequest32::kWords) ||
           (block.command == Command::write_andx && block.word_count != cifs::WriteRequest32::kWords);
  });
}

}  // namespace

std::u16string Smb1Request::text_at(std::size_t& at) const {
  const ByteView bytes = block().bytes;
  const bool is_unicode = (header.flags2 & cifs::SMB_FLAGS2_UNICODE) != 0;
  if (is_unicode) at += static_cast<std::size_t>(bytes.data() - message.data() + static_cast<std::ptrdiff_t>(at)) % 2;
  const std::size_t width = is_unicode ? 2 : 1;
  std::u16string text;
  for (; at + width <= bytes.size(); at += width) {
    const char16_t unit =
        is_unicode ? static_cast<char16_t>(wire::load_le<std::uint16_t>(bytes.data() + at)) : char16_t{bytes[at]};
    if (unit == 0) break;
    text += unit;
  }
  at += width;
  return text;
}

Smb1Reply reply_to_transaction(ByteView parameters, ByteView data, NtStatus status) {
  return reply_to_transaction_part({parameters.size(), data.size(), 0, 0, parameters, data}, status);
}

Smb1Reply reply_to_transaction_part(const cifs::TransactionPart& part, NtStatus status) {
  constexpr std::size_t kBytesAt = kBlocksAt + 1 + 20 + 2;
  const std::size_t parameters_at = wire::aligned_up(kBytesAt, 4);
  const std::size_t data_at = wire::aligned_up(parameters_at + part.parameters.size(), 4);
  Smb1Reply reply;
  reply.status = status;
  for (const std::size_t word :
       {part.total_parameters, part.total_data, std::size_t{0}, part.parameters.size(), parameters_at,
        part.parameters_at, part.data.size(), data_at, part.data_at, std::size_t{0}}) {
    append_le(reply.words, static_cast<std::uint16_t>(word));
  }
  reply.bytes.resize(parameters_at - kBytesAt);
  append(reply.bytes, part.parameters);
  reply.bytes.resize(data_at - kBytesAt);
  append(reply.bytes, part.data);
  return reply;
}

Smb1Reply reply_to_nt_transact(ByteView parameters, NtStatus status) {
  constexpr std::size_t kBytesAt = kBlocksAt + 1 + 36 + 2;
  const std::size_t parameters_at = wire::aligned_up(kBytesAt, 4);
  const std::size_t size = parameters.size();
  Smb1Reply reply;
  reply.status = status;
  reply.words.resize(3);
  for (const std::size_t word :
       {size, std::size_t{0}, size, parameters_at, std::size_t{0}, std::size_t{0}, std::size_t{0}, std::size_t{0}}) {
    append_le(reply.words, static_cast<std::uint32_t>(word));
  }
  reply.words.push_back(0);  // SetupCount
  reply.bytes.resize(parameters_at - kBytesAt);
  append(reply.bytes, parameters);
  return reply;
}

ScriptedSmb1Server::ScriptedSmb1Server(Smb1ServerOptions given)
    : options(std::move(given)), ntlm_(options.user, options.password) {
  on(Command::negotiate, [this](const Smb1Request& request) { return negotiate(request); });
  on(Command::session_setup_andx, [this](const Smb1Request& request) {
    return options.extended_security ? set_up_session(request) : set_up_plain_session(request);
  });
  on(Command::tree_connect_andx, [this](const Smb1Request&) { return connect_tree(); });
  on(Command::tree_disconnect, [this](const Smb1Request&) {
    connected_ = false;
    return Smb1Reply{};
  });
  on(Command::logoff_andx, [](const Smb1Request&) { return Smb1Reply{}; });
  on(Command::echo, [](const Smb1Request&) { return Smb1Reply{{}, Bytes{1, 0}, {}}; });
}

std::vector<std::vector<Command>> ScriptedSmb1Server::messages() const {
  std::vector<std::vector<Command>> told;
  for (const Smb1Request& request : requests) {
    std::vector<Command>& commands = told.emplace_back();
    const auto blocks = cifs::split_blocks(request.message);
    for (const cifs::Block& block : *blocks) commands.push_back(block.command);
  }
  return told;
}

std::size_t ScriptedSmb1Server::count(Command command) const {
  return static_cast<std::size_t>(std::count_if(
      requests.begin(), requests.end(), [&](const Smb1Request& each) { return each.header.command == command; }));
}

void ScriptedSmb1Server::check(const Smb1Request& request) {
  const cifs::Header& header = request.header;
  const Command command = header.command;
  if (signer_ && !(header.is_signed() && signer_->verify(request.sequence_number, request.message))) {
    complain("a request that is not signed, or wrongly");
  }
  const bool begins = command == Command::negotiate || command == Command::session_setup_andx;
  if (has_wide_offsets(request) && (options.capabilities & cifs::CAP_LARGE_FILES) == 0) {
    complain("offsets of 64 bits, which were not offered");
  }
  if (established_ && header.uid != kUserId) complain("a request of another user");
  const bool needs_tree =
      !begins && command != Command::tree_connect_andx && command != Command::echo && command != Command::logoff_andx;
  if (needs_tree && (!connected_ || header.tid != kTreeId)) complain("a request to no tree");
  if (command == Command::transaction2_secondary && !outstanding_.contains(header.mid)) {
    complain("more of a request that is not under way");
  }
  // The answer to what is cancelled may be on its way.
  if (command == Command::transaction2_secondary || command == Command::nt_cancel) return;
  if (is_acknowledgment(request.block())) return;
  if (header.mid == cifs::kUnsolicitedMid) complain("a MID that is the server's");
  if (outstanding_.size() >= options.max_mpx_count) complain("more requests than MaxMpxCount");
  if (!outstanding_.emplace(header.mid, request.sequence_number).second) complain("a MID that is in use");
}

void ScriptedSmb1Server::receive(Bytes message) {
  const auto header = wire::decode<cifs::Header>(message);
  const auto blocks = cifs::split_blocks(message);
  if (!header || !blocks) return complain("a message that does not decode");
  Smb1Request request;
  request.header = *header;
  request.message = message;
  const bool secondary = header->command == Command::transaction2_secondary;
  const auto first = outstanding_.find(header->mid);
  request.sequence_number = secondary && first != outstanding_.end() ? first->second : next_sequence_number_;
  if (signer_ && !secondary) next_sequence_number_ += header->command == Command::nt_cancel ? 1 : 2;
  const bool answered = header->command != Command::nt_cancel && !secondary && !is_acknowledgment(blocks->front());
  requests.push_back(request);
  check(request);

  std::vector<Answered> answers;
  for (; request.index < std::min(blocks->size(), options.blocks_taken); ++request.index) {
    const Command command = (*blocks)[request.index].command;
    const std::optional<Smb1Reply> reply = handle(request, command);
    if (!answered || (!reply && answers.empty())) return;
    if (!reply) break;
    answers.push_back({command, *reply});
    if (reply->opened != cifs::kNoId) request.chained_fid = reply->opened;
    if (!goes_on(reply->status)) break;
  }
  outstanding_.erase(header->mid);
  transmit(request, answers);
}

std::optional<Smb1Reply> ScriptedSmb1Server::handle(const Smb1Request& request, Command command) {
  if (auto& scripted = scripted_[command]; !scripted.empty()) {
    const Handler handler = std::move(scripted.front());
    scripted.pop_front();
    return handler(request);
  }
  if (const auto known = handlers_.find(command); known != handlers_.end()) return known->second(request);
  if (command != Command::nt_cancel && command != Command::locking_andx) {
    complain("a request that nothing was said about: " + std::string(cifs::name_of(command)));
  }
  return refuse_in_smb1(NtStatus::STATUS_NOT_IMPLEMENTED);
}

Smb1Reply ScriptedSmb1Server::negotiate(const Smb1Request& request) {
  const cifs::Block offered = request.block();
  const auto dialects = std::count(offered.bytes.begin(), offered.bytes.end(), cifs::Dialect::kBufferFormat);
  cifs::NegotiateResponse response;
  response.dialect_index = static_cast<std::uint16_t>(dialects - 1);  // the last one is NT LM 0.12
  response.security_mode = options.security_mode;
  response.max_mpx_count = options.max_mpx_count;
  response.max_number_vcs = 1;
  response.max_buffer_size = options.max_buffer_size;
  response.capabilities = options.capabilities;
  if (options.unicode) response.capabilities |= cifs::CAP_UNICODE;
  if (options.nt_status) response.capabilities |= cifs::CAP_STATUS32;
  response.system_time = kTime;
  Bytes bytes;
  if (options.extended_security) {
    response.capabilities |= cifs::CAP_EXTENDED_SECURITY;
    bytes.resize(16);
    append(bytes, NtlmAcceptor::offer());
  } else if ((options.security_mode & cifs::NEGOTIATE_ENCRYPT_PASSWORDS) != 0) {
    bytes = NtlmAcceptor::challenge_bytes();
    response.challenge_length = static_cast<std::uint8_t>(bytes.size());
  }
  response.bytes = bytes;
  return reply_in_smb1(response);
}

Smb1Reply ScriptedSmb1Server::set_up_session(const Smb1Request& request) {
  const auto asked = request.as<cifs::SessionSetupExtendedRequest>();
  cifs::SessionSetupExtendedResponse response;
  response.action = options.action;
  const bool is_first = request.header.uid == 0;
  const std::optional<Bytes> token = is_first ? ntlm_.challenge() : ntlm_.accept(asked.security_blob);
  if (!token) return refuse_in_smb1(NtStatus::STATUS_LOGON_FAILURE);
  response.security_blob = *token;
  if (is_first) return reply_in_smb1(response, NtStatus::STATUS_MORE_PROCESSING_REQUIRED);
  establish(ntlm_.session_key());
  return reply_in_smb1(response);
}

Smb1Reply ScriptedSmb1Server::set_up_plain_session(const Smb1Request& request) {
  const auto asked = request.as<cifs::SessionSetupRequest>();
  std::size_t names_at = asked.oem_password.size() + asked.unicode_password.size();
  const std::u16string user = request.text_at(names_at);
  const std::u16string domain = request.text_at(names_at);
  cifs::SessionSetupResponse response;
  response.action = options.action;
  if ((options.security_mode & cifs::NEGOTIATE_ENCRYPT_PASSWORDS) == 0) {
    // In Unicode it stands at a multiple of two, as text does; its length is that without the padding.
    const ByteView bytes = request.block().bytes;
    const auto offset = static_cast<std::size_t>(bytes.data() - request.message.data());
    const ByteView password =
        options.unicode ? bytes.subspan(offset % 2, asked.unicode_password.size()) : asked.oem_password;
    plain_password.assign(password.begin(), password.end());
  } else if (!ntlm_.accept_plain(user, domain, asked.unicode_password)) {
    return refuse_in_smb1(NtStatus::STATUS_LOGON_FAILURE);
  }
  // [MS-CIFS] 3.1.4.1: behind the key stands the response to the challenge.
  Bytes key(ntlm_.session_key().begin(), ntlm_.session_key().end());
  append(key, asked.unicode_password);
  establish(key);
  return reply_in_smb1(response);
}

void ScriptedSmb1Server::establish(ByteView key) {
  established_ = true;
  if ((options.security_mode & cifs::NEGOTIATE_SECURITY_SIGNATURES_REQUIRED) == 0) return;
  signer_.emplace(*smb1::Signer::create(key));
  next_sequence_number_ = 2;  // the exchange that brings the key has the first two
}

Smb1Reply ScriptedSmb1Server::connect_tree() {
  connected_ = true;
  cifs::TreeConnectExtendedResponse response;
  response.maximal_share_access_rights = 0x001F01FF;
  Smb1Reply reply = reply_in_smb1(response);
  reply.bytes.assign(options.service.begin(), options.service.end());
  reply.bytes.push_back(0);
  return reply;
}

void ScriptedSmb1Server::transmit(const Smb1Request& request, const std::vector<Answered>& answers) {
  ChainWriter writer;
  cifs::Header header = request.header;
  header.flags |= cifs::SMB_FLAGS_REPLY;
  if (options.nt_status) header.flags2 |= cifs::SMB_FLAGS2_NT_STATUS;
  if (established_ || header.command == Command::session_setup_andx) header.uid = kUserId;
  if (connected_) header.tid = kTreeId;
  for (const Answered& each : answers) {
    writer.add(each.command, each.reply);
    header.status = static_cast<std::uint32_t>(each.reply.status);
    if (each.reply.header) each.reply.header(header);
  }
  if (signer_) header.flags2 |= cifs::SMB_FLAGS2_SMB_SECURITY_SIGNATURE;
  Bytes message = writer.take(header);
  if (signer_) {
    const ByteView pieces[] = {message};
    const smb1::Signature signature = signer_->sign(request.sequence_number + 1, pieces);
    std::copy(signature.begin(), signature.end(), message.begin() + cifs::kSecurityFeaturesOffset);
  }
  send(std::move(message));
}

void ScriptedSmb1Server::answer(const Smb1Request& request, const Smb1Reply& reply, bool is_last) {
  if (is_last) outstanding_.erase(request.header.mid);
  transmit(request, {{request.block().command, reply}});
}

void ScriptedSmb1Server::take_oplock(std::uint16_t fid, bool leaves_level_ii) {
  cifs::LockingRequest request;
  request.fid = fid;
  request.type_of_lock = cifs::OPLOCK_RELEASE;
  request.new_oplock_level = leaves_level_ii ? 1 : 0;
  Bytes message = cifs::MessageBuilder().add(request).take();
  cifs::Header header;
  header.command = Command::locking_andx;
  header.tid = kTreeId;
  header.pid_low = 0xFFFF;
  header.mid = cifs::kUnsolicitedMid;
  const Bytes head = wire::encode(header);
  std::copy(head.begin(), head.end(), message.begin());
  send(std::move(message));
}

}  // namespace smb3fuse::test
