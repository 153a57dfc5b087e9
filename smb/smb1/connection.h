// SPDX-License-Identifier: Apache-2.0
// One SMB1 connection with one session on it, sans-io: commands, messages and time in; messages and events out. No
// sockets, clocks, threads or coroutines. [MS-CIFS] 3.2
//
// Call order: any command or input, then poll_transmit() and poll_event() until both are empty. Views in an event lie
// in the message last given to handle_message(), or in what the event owns.
//
// Inbound messages pass these steps: header, break?, match by MID and command, verify the signature, put transactions
// together, event. The first step that fails gives the connection up: the peer is broken or hostile, and nothing it
// says later can be trusted.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include "smb/cifs/header.h"
#include "smb/cifs/transaction.h"
#include "smb/round_trip_time.h"
#include "smb/smb1/negotiated.h"
#include "smb/smb1/signing.h"
#include "smb/status.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::smb1 {

using TimePoint = std::chrono::steady_clock::time_point;

// Names one submitted message for as long as the connection lives.
enum class RequestId : std::uint64_t {};

// One message, a chain of AndX blocks or one block; the header is the connection's affair.
struct Outgoing {
  cifs::Command command{};                    // of the first block
  Bytes message;                              // with room for the header in front: as cifs::MessageBuilder makes it
  std::vector<ByteView> payload;              // follows it: the data of a WRITE_ANDX
  std::shared_ptr<const void> payload_owner;  // keeps `payload` alive until it has been sent
  std::vector<Bytes> secondaries;             // of a transaction, sent when the server has asked for them
  std::uint16_t tree_id = 0;
  bool is_answered = true;  // the acknowledgment of an oplock break is not
  bool open_ended = false;  // the server may take as long as it likes
  bool is_secret = false;   // `message` is wiped when it has been sent
};

// A message on its way out: send the pieces one behind the other. `owners` keep their bytes alive.
struct Transmit {
  std::vector<ByteView> pieces;
  std::vector<std::shared_ptr<const void>> owners;
};

// The answer to message `id`; each is answered exactly once.
struct Reply {
  RequestId id{};
  NtStatus status{};
  ByteView message;     // from the header on; empty when `local`; the last one of a transaction that came in parts
  ByteView parameters;  // of a transaction, whole
  ByteView data;
  std::shared_ptr<const Bytes> assembled;  // owns the two where they came in parts
  bool local = false;  // not from the server: a deadline, cancelled before it was sent, the loss of the connection
};

// LOCKING_ANDX from the server, [MS-CIFS] 3.2.5.42: an oplock break.
struct Break {
  ByteView message;
};

// The connection is over: the last event but for the local answers to all that was outstanding. `reason`: for people.
struct Lost {
  std::error_code error;
  std::string reason;
};

using Event = std::variant<Reply, Break, Lost>;

struct CommandTraffic {
  std::uint64_t requests = 0;
  std::uint64_t round_trips = 0;  // messages that began with it and whose answer somebody here waited for
  std::uint64_t errors = 0;       // answers of the server with an error status
};

struct Traffic {
  std::map<cifs::Command, CommandTraffic> commands;
  std::uint64_t messages_sent = 0;
  std::uint64_t batches_sent = 0;  // of these, chains of several blocks
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
};

struct SessionPolicy {
  bool sign = false;
};

struct ConnectionLimits {
  std::chrono::steady_clock::duration call_timeout{std::chrono::seconds(30)};
  std::chrono::steady_clock::duration echo_interval{std::chrono::seconds(60)};
  bool require_signing = false;
  std::size_t queued = 65536;  // messages waiting for room in the window; beyond it our own bug
};

class Connection {
 public:
  explicit Connection(ConnectionLimits limits) : limits_(limits) {}

  // Commands.

  // Sent when fewer than MaxMpxCount messages are under way, in the order of submission. `awaited`: for somebody here,
  // so that it counts as a round trip.
  RequestId submit(TimePoint now, Outgoing request, bool awaited = true);
  // Asks the server to hurry with `id`, [MS-CIFS] 3.2.4.20; its answer counts. What it has not been sent yet is
  // answered STATUS_CANCELLED here.
  void cancel(RequestId id);
  // After the NEGOTIATE response was accepted.
  void set_negotiated(const Negotiated& negotiated) { negotiated_ = negotiated; }
  // After the last SESSION_SETUP_ANDX response, whose `message` is verified here: false means its signature was missing
  // or wrong. [MS-CIFS] 3.2.5.3
  [[nodiscard]] bool establish_session(SessionPolicy policy, ByteView key, ByteView message);

  const Negotiated& negotiated() const { return negotiated_; }
  bool is_unicode() const { return negotiated_.has(cifs::CAP_UNICODE); }
  bool established() const { return established_; }
  bool signs() const { return signer_.has_value(); }

  // Input.
  void handle_message(TimePoint now, ByteView message);
  void handle_timeout(TimePoint now);
  // The stream below has ended.
  void handle_lost(std::error_code error, std::string reason);

  // Output.
  std::optional<Transmit> poll_transmit();
  std::optional<Event> poll_event();
  std::optional<TimePoint> next_timeout() const;

  bool is_lost() const { return lost_; }
  std::size_t outstanding() const { return outstanding_.size(); }
  std::size_t queued() const { return queued_.size(); }
  const Traffic& traffic() const { return traffic_; }
  const RoundTripTime& round_trip_time() const { return round_trip_time_; }

 private:
  struct Queued {
    RequestId id{};
    Outgoing request;
    TimePoint deadline;
    bool awaited = false;
  };
  struct Outstanding {
    RequestId id{};
    cifs::Command command{};
    std::uint16_t tree_id = 0;
    std::uint32_t sequence_number = 0;
    TimePoint deadline;
    bool answered = false;   // locally; the server's answer will only free the MID
    bool cancelled = false;  // the server has been told
    bool is_signed = false;
    bool open_ended = false;
    std::vector<Bytes> secondaries;
    std::optional<cifs::TransactionAssembly> assembly;
    std::optional<TimePoint> timed_from;  // its answer tells the round trip time
  };

  bool is_owed_answers() const { return outstanding_.size() > open_ended_; }
  void send_queued(TimePoint now);
  void send(TimePoint now, Queued queued);
  void send_cancel(std::uint16_t mid, Outstanding& request);
  void send_secondaries(std::uint16_t mid, Outstanding& request);
  void send_echo(TimePoint now);
  void transmit(cifs::Header header, std::uint32_t sequence_number, std::shared_ptr<Bytes> message,
                std::vector<ByteView> payload, std::shared_ptr<const void> payload_owner);
  cifs::Header make_header(cifs::Command command, std::uint16_t tree_id, std::uint16_t mid) const;
  std::uint32_t take_sequence_numbers(std::uint32_t count);
  std::uint16_t free_mid();
  std::optional<TimePoint> next_echo() const;
  void count(const Outgoing& request, bool awaited);
  void answer_locally(Outstanding& request, NtStatus status);
  void answer_locally(RequestId id, NtStatus status);
  void give_up(std::string reason);
  // The answer to a transaction: false while parts of it are missing, or when the connection was given up.
  bool put_together(Outstanding& request, std::uint16_t mid, Reply& reply);

  ConnectionLimits limits_;
  Negotiated negotiated_;
  bool established_ = false;
  std::optional<Signer> signer_;
  std::uint32_t next_sequence_number_ = 0;
  std::uint16_t uid_ = 0;

  std::uint64_t next_request_ = 1;
  std::uint16_t next_mid_ = 1;
  std::deque<Queued> queued_;
  std::map<std::uint16_t, Outstanding> outstanding_;  // by MID
  std::size_t open_ended_ = 0;                        // of them
  std::deque<Transmit> transmits_;
  std::deque<Event> events_;
  TimePoint last_heard_;
  TimePoint last_sent_;
  bool echoing_ = false;  // an ECHO of ours is not answered yet
  Traffic traffic_;
  RoundTripTime round_trip_time_;
  bool lost_ = false;
};

}  // namespace smb3fuse::smb1
