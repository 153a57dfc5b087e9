// SPDX-License-Identifier: Apache-2.0
// An SMB2 server for tests, sans-io: messages in, messages out. It reads and writes with the wire structures, used in
// the server's direction; holds keys of its own, derived on its own; and judges each request by the rules that a client
// has to keep (order of message ids, credits, compounds, signatures, sealing). What it finds wrong stands in
// `complaints`, which a test expects to be empty at its end.
//
// By itself it negotiates, authenticates and connects trees. What else is asked is answered by handlers, which a test
// replaces for one request (once) or for all of a command (on): they may answer, refuse, keep silent and answer later
// (answer), say STATUS_PENDING first (pend), or edit their answer's header, to lie.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "smb/crypto/hash.h"
#include "smb/crypto/keys.h"
#include "smb/crypto/sealing.h"
#include "smb/crypto/signing.h"
#include "smb/status.h"
#include "smb/wire/codec.h"
#include "smb/wire/header.h"
#include "smb/wire/negotiate.h"
#include "smb/wire/tree.h"
#include "tests/support/scripted_ntlm.h"

namespace smb3fuse::test {

// One request as the server got it. A copy of its own: it may be answered whenever the test likes.
struct ServerRequest {
  wire::Smb2Header header;
  Bytes message;  // from the header on
  bool encrypted = false;
  wire::FileId related_file;  // what FileId::of_previous() stands for here

  ByteView body() const { return ByteView(message).subspan(wire::kSmb2HeaderSize); }
  // What does not decode comes back empty: `complaints` has told of it already.
  template <class T>
  T as() const {
    return wire::decode<T>(body()).value_or(T{});
  }
};

struct ServerReply {
  NtStatus status{};
  Bytes body;                                       // empty: an ERROR response
  std::optional<std::uint16_t> credits{};           // nothing: as many as were asked for, within the server's limit
  std::function<void(wire::Smb2Header&)> header{};  // has the last word before signing
  wire::FileId opened{};                            // the file that this opened, for what is related to it
};

template <class T>
ServerReply reply_with(const T& body, NtStatus status = NtStatus{}) {
  return {status, wire::encode(body)};
}
inline ServerReply refuse(NtStatus status) { return {status, {}}; }

struct ServerOptions {
  wire::Dialect dialect = wire::Dialect::smb_3_1_1;
  std::uint16_t security_mode = wire::SMB2_NEGOTIATE_SIGNING_ENABLED;
  std::uint32_t capabilities = wire::SMB2_GLOBAL_CAP_LARGE_MTU;
  std::uint32_t max_io = 1u << 20;
  wire::Cipher cipher = wire::Cipher::aes_128_gcm;  // 3.1.1; none: the server cannot encrypt
  wire::SigningAlgorithm signing = wire::SigningAlgorithm::aes_gmac;
  std::uint32_t max_credits = 8192;

  std::string user = "alice";
  std::string password = "open sesame";
  Bytes session_key;  // not empty: no NTLM, the first SESSION_SETUP succeeds and both sides know this key
  std::uint16_t session_flags = 0;

  wire::ShareType share_type = wire::ShareType::disk;
  std::uint32_t share_flags = 0;
  std::uint32_t maximal_access = 0x001F01FF;
};

class ScriptedServer {
 public:
  static constexpr std::uint64_t kSessionId = 0x5E551001;
  static constexpr std::uint32_t kTreeId = 0x7EE;

  // Nothing: no answer, for now.
  using Handler = std::function<std::optional<ServerReply>(const ServerRequest&)>;

  explicit ScriptedServer(ServerOptions options);

  std::function<void(Bytes)> send;  // a message to the client

  void receive(Bytes message);

  void on(wire::Command command, Handler handler) { handlers_[command] = std::move(handler); }
  // For the next request of the command that nothing else was said about; several are taken in their order.
  void once(wire::Command command, Handler handler) { scripted_[command].push_back(std::move(handler)); }
  void once(wire::Command command, ServerReply reply) {
    once(command, [reply = std::move(reply)](const ServerRequest&) { return reply; });
  }
  // Sees each request before its handler; what it returns is the answer.
  Handler before;

  // The answer to a request that was left without one.
  void answer(const ServerRequest& request, ServerReply reply);
  // STATUS_PENDING now; answer() will say the rest.
  void pend(const ServerRequest& request);
  // The message that `body` makes, with a header of the test's; signed if the flag is set in it.
  Bytes message_of(wire::Smb2Header header, ByteView body);
  Bytes seal(const Bytes& message);
  // The server restarts the session of the client: SESSION_SETUP begins anew under the old id and keys.
  void expire_session() { expired_ = true; }

  ServerOptions options;
  bool separate_replies = false;      // the parts of a compound are answered in messages of their own
  bool reverse_replies = false;       // and the last one first
  bool fail_whole_compounds = false;  // Samba 4.17: everything behind a part that failed fails likewise
  bool demand_signatures = false;     // complains about what is neither signed nor sealed once there is a session

  std::vector<std::string> complaints;
  std::vector<ServerRequest> requests;  // everything received, CANCELs included
  std::size_t count(wire::Command command) const;
  std::uint32_t client_credits() const { return credits_; }
  bool established() const { return established_; }

 private:
  struct Answered {
    const ServerRequest* request;
    ServerReply reply;
  };

  bool check(const wire::Smb2Header& header, const ServerRequest& request, std::size_t index);
  std::optional<ServerReply> handle(ServerRequest& request);
  ServerReply negotiate(const ServerRequest& request);
  ServerReply set_up_session(const ServerRequest& request);
  void establish(ByteView session_key);
  Bytes encode_reply(const ServerRequest& request, const ServerReply& reply, std::uint32_t padding);
  void transmit(const std::vector<Answered>& answers);
  void complain(std::string what) { complaints.push_back(std::move(what)); }
  bool signature_fits(ByteView message);
  void sign(Bytes& message);

  std::map<wire::Command, Handler> handlers_;
  std::map<wire::Command, std::deque<Handler>> scripted_;
  std::uint64_t next_message_id_ = 0;
  std::uint32_t credits_ = 1;
  std::map<std::uint64_t, std::uint64_t> async_;  // message id to async id, after pend()

  NtlmAcceptor ntlm_;
  bool challenged_ = false;
  bool established_ = false;
  bool expired_ = false;
  crypto::PreauthHash connection_preauth_;
  crypto::PreauthHash session_preauth_;
  std::optional<crypto::Signer> signer_;
  std::optional<crypto::Sealer> sealer_;
  std::optional<crypto::Sealer> opener_;
  crypto::NonceCounter nonces_;
};

}  // namespace smb3fuse::test
