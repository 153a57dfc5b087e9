// SPDX-License-Identifier: Apache-2.0
// An SMB1 server for tests, sans-io: messages in, messages out; the sibling of ScriptedServer. It holds the requests
// against the rules that a client has to keep (MIDs, MaxMpxCount, UID and TID, signatures with their sequence numbers),
// and what it finds wrong stands in `complaints`.
//
// By itself it negotiates, authenticates, connects trees and takes their end. What else is asked is answered block by
// block by handlers, which a test replaces for one request (once) or for all of a command (on): they answer, refuse, or
// keep silent and answer later (answer). A chain ends at the first block that is refused or not answered.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "smb/cifs/block.h"
#include "smb/cifs/session.h"
#include "smb/cifs/transaction.h"
#include "smb/smb1/signing.h"
#include "smb/status.h"
#include "tests/support/scripted_ntlm.h"

namespace smb3fuse::test {

// One block of a request. A copy of its own: it may be answered whenever the test likes.
struct Smb1Request {
  cifs::Header header;
  Bytes message;  // from the header on
  std::size_t index = 0;
  std::uint32_t sequence_number = 0;
  std::uint16_t chained_fid = cifs::kNoId;  // that a block before it has opened

  cifs::Block block() const { return cifs::split_blocks(message)->at(index); }
  // What does not decode comes back empty: `complaints` has told of it already.
  template <class T>
  T as() const {
    return cifs::decode<T>(block()).value_or(T{});
  }
  // The text that begins at `at` in the block's bytes; `at` goes behind it.
  std::u16string text_at(std::size_t& at) const;
};

// What a block of an answer says: its words, without those of AndX, and its bytes.
struct Smb1Reply {
  NtStatus status{};
  Bytes words;
  Bytes bytes;
  std::optional<std::size_t> data_offset_at{};  // where in the words the offset of the bytes belongs
  std::uint16_t opened = cifs::kNoId;           // the FID for what follows in the chain
  std::function<void(cifs::Header&)> header{};  // has the last word before signing
};

template <class T>
Smb1Reply reply_in_smb1(const T& block, NtStatus status = NtStatus{}) {
  Smb1Reply reply;
  reply.status = status;
  reply.words = wire::encode(block);
  if constexpr (requires { T::kWords; }) {
    constexpr std::size_t kSize = std::size_t{T::kWords} * 2 - (cifs::is_andx(T::kCode) ? cifs::kAndXSize : 0);
    reply.bytes.assign(reply.words.begin() + kSize + 2, reply.words.end());
    reply.words.resize(kSize);
  } else {
    reply.words.resize(std::size_t{T::kMinimumWords} * 2 - (cifs::is_andx(T::kCode) ? cifs::kAndXSize : 0));
  }
  return reply;
}
inline Smb1Reply refuse_in_smb1(NtStatus status) { return {status, {}, {}}; }
// An error class and its code, for a server without NTSTATUS.
inline Smb1Reply refuse_in_dos(std::uint8_t error_class, std::uint16_t code) {
  return {static_cast<NtStatus>(error_class | std::uint32_t{code} << 16), {}, {}};
}
// Of TRANSACTION2, whole or one message of several; of NT_TRANSACT.
Smb1Reply reply_to_transaction(ByteView parameters, ByteView data, NtStatus status = NtStatus{});
Smb1Reply reply_to_transaction_part(const cifs::TransactionPart& part, NtStatus status = NtStatus{});
Smb1Reply reply_to_nt_transact(ByteView parameters, NtStatus status = NtStatus{});

struct Smb1ServerOptions {
  bool unicode = true;
  bool extended_security = true;
  bool nt_status = true;  // else its handlers refuse_in_dos()
  std::uint8_t security_mode = cifs::NEGOTIATE_USER_SECURITY | cifs::NEGOTIATE_ENCRYPT_PASSWORDS;
  std::uint16_t max_mpx_count = 50;
  std::uint32_t max_buffer_size = 16644;
  std::uint32_t capabilities = cifs::CAP_LARGE_FILES | cifs::CAP_NT_SMBS | cifs::CAP_LEVEL_II_OPLOCKS |
                               cifs::CAP_NT_FIND | cifs::CAP_LARGE_READX | cifs::CAP_LARGE_WRITEX |
                               cifs::CAP_INFOLEVEL_PASSTHRU;
  std::string user = "alice";
  std::string password = "open sesame";
  std::uint16_t action = 0;
  std::string service = "A:";                       // of the tree
  std::size_t blocks_taken = cifs::kMaximumBlocks;  // of a chain; impacket 0.10 takes one
};

class ScriptedSmb1Server {
 public:
  static constexpr std::uint16_t kUserId = 0x5E55;
  static constexpr std::uint16_t kTreeId = 0x7EE;

  // Nothing: no answer, for now.
  using Handler = std::function<std::optional<Smb1Reply>(const Smb1Request&)>;

  explicit ScriptedSmb1Server(Smb1ServerOptions options);

  std::function<void(Bytes)> send;  // a message to the client

  void receive(Bytes message);

  void on(cifs::Command command, Handler handler) { handlers_[command] = std::move(handler); }
  // For the next block of the command that nothing else was said about; several are taken in their order.
  void once(cifs::Command command, Handler handler) { scripted_[command].push_back(std::move(handler)); }
  void once(cifs::Command command, Smb1Reply reply) {
    once(command, [reply = std::move(reply)](const Smb1Request&) { return reply; });
  }

  // The answer to a request that was left without one. `is_last`: false for a part of a transaction's.
  void answer(const Smb1Request& request, const Smb1Reply& reply, bool is_last = true);
  // LOCKING_ANDX from the server.
  void take_oplock(std::uint16_t fid, bool leaves_level_ii);

  Smb1ServerOptions options;
  Bytes plain_password;  // that a client has sent as it is
  std::vector<std::string> complaints;
  std::vector<Smb1Request> requests;  // the first block of everything received, NT_CANCEL included
  // The commands of each message, in order.
  std::vector<std::vector<cifs::Command>> messages() const;
  std::size_t count(cifs::Command command) const;  // of messages that begin with it
  bool established() const { return established_; }

 private:
  struct Answered {
    cifs::Command command;
    Smb1Reply reply;
  };

  void check(const Smb1Request& request);
  std::optional<Smb1Reply> handle(const Smb1Request& request, cifs::Command command);
  Smb1Reply negotiate(const Smb1Request& request);
  Smb1Reply set_up_session(const Smb1Request& request);
  Smb1Reply set_up_plain_session(const Smb1Request& request);
  Smb1Reply connect_tree();
  void establish(ByteView key);
  void transmit(const Smb1Request& request, const std::vector<Answered>& answers);
  void complain(std::string what) { complaints.push_back(std::move(what)); }

  std::map<cifs::Command, Handler> handlers_;
  std::map<cifs::Command, std::deque<Handler>> scripted_;
  std::map<std::uint16_t, std::uint32_t> outstanding_;  // MIDs, and their sequence numbers
  NtlmAcceptor ntlm_;
  bool established_ = false;
  bool connected_ = false;
  std::optional<smb1::Signer> signer_;
  std::uint32_t next_sequence_number_ = 0;
};

}  // namespace smb3fuse::test
