// SPDX-License-Identifier: Apache-2.0
// What a share and everything opened on it have in common: the channel, the tree, the sizes that were settled and the
// naming; and the exchange that survives the expiry of the session. Loop thread. Held by shared_ptr: an open that
// outlives its share can still be closed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "smb/client/interrupt.h"
#include "smb/client/path.h"
#include "smb/client/share.h"
#include "smb/client/smb2_channel.h"
#include "smb/client/smb2_leases.h"
#include "smb/client/smb2_requests.h"

namespace smb3fuse::client {

struct Smb2Link {
  using Chain = Smb2Channel::Chain;
  using Answers = Smb2Channel::Answers;

  Runtime& runtime;
  std::unique_ptr<Smb2Channel> channel;
  Smb2Requests requests;
  Smb2Leases leases;
  // Bytes of one READ, one WRITE and any other answer, as they were settled at the beginning: see affordable().
  std::uint32_t read_size = 0;
  std::uint32_t write_size = 0;
  std::uint32_t transact_size = 0;
  NameMapping name_mapping = NameMapping::sfm;
  bool tells_changes = true;  // the server has not said that it knows no CHANGE_NOTIFY
  FileTime clock_offset = 0;  // how far the server's clock is ahead of ours
  // Sets up the session anew, on the same connection. [MS-SMB2] 3.2.5.1.6: after STATUS_NETWORK_SESSION_EXPIRED.
  std::function<Task<std::error_code>()> authenticate_again;

  // Each request is answered; `done` never runs inside the call. An expired session is renewed and the chain repeated,
  // once.
  void exchange(Chain chain, Smb2Channel::AnswersDone done, Smb2Channel::AnswerSeen seen = nullptr);
  // An interrupt of the task that awaits it sends CANCELs, and the server's answer is waited for as ever.
  Task<Answers> exchange(Chain chain);
  // As exchange, for a chain that opens a file first and closes it last: where a part between failed and took the CLOSE
  // with it (Samba 4.17 fails every related request behind one that failed), the file is closed here.
  void exchange_and_close(Chain chain, Smb2Channel::AnswersDone done);
  Task<Answers> exchange_and_close(Chain chain);
  // The same, where only the first error of the chain matters.
  Task<std::error_code> run(Chain chain);
  // `bytes`, or as many as may go in one request to a server that grants few credits: two such requests and another one
  // beside them fit into the window.
  std::uint32_t affordable(std::uint32_t bytes) const;
  void close_later(wire::FileId file) { channel->submit_close({requests.close(file)}); }

 private:
  struct Exchange {
    Chain chain;
    Smb2Channel::AnswersDone done;
    Interrupt* interrupt = nullptr;  // outlives the exchange
    bool is_repeated = false;
    Smb2Channel::AnswerSeen seen{};  // also of a session that has expired
  };

  void start(Exchange exchange);
  Task<void> renew_session();
  // Closes what the chain of `answers` opened, if its CLOSE failed with the rest.
  void close_remains(const Answers& answers);

  bool renewing_ = false;
  std::vector<Exchange> parked_;  // until the session is renewed

 public:
  Smb2Link(Runtime& loop, std::unique_ptr<Smb2Channel> link, Smb2Requests tree, LeaseKind kind);
};

// The first answer that is an error; success if there is none. Warnings (STATUS_BUFFER_OVERFLOW) are not errors.
std::error_code first_error(const Smb2Link::Answers& answers);

// The server answered something that cannot be decoded: an error of the peer, logged with what was wrong.
std::error_code malformed(const wire::DecodeError& error);

}  // namespace smb3fuse::client
