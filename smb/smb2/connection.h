// SPDX-License-Identifier: Apache-2.0
// One SMB 2/3 connection with one session on it, sans-io: commands, messages and time in; messages and events out.
// No sockets, clocks, threads or coroutines. [MS-SMB2] 3.2
//
// Call order: any command or input, then poll_transmit() and poll_event() until both are empty. Views in an event lie
// in the message last given to handle_message() and are valid until the next call of it.
//
// Inbound messages pass the steps of [MS-SMB2] 3.2.5.1 in their order: decrypt, split the compound, break?, match,
// verify the signature, grant credits, STATUS_PENDING, event. The first step that fails gives the connection up: the
// peer is broken or hostile, and nothing it says later can be trusted.
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
#include <unordered_map>
#include <variant>
#include <vector>

#include "smb/round_trip_time.h"
#include "smb/smb2/credits.h"
#include "smb/smb2/negotiated.h"
#include "smb/smb2/session.h"
#include "smb/smb2/traffic.h"
#include "smb/status.h"
#include "smb/wire/bytes.h"
#include "smb/wire/header.h"

namespace smb3fuse::smb2 {

using TimePoint = std::chrono::steady_clock::time_point;

// Names one submitted chain of requests for as long as the connection lives.
enum class RequestId : std::uint64_t {};

// One request; the header is the connection's affair.
struct Outgoing {
  wire::Command command{};
  Bytes body;                                 // from StructureSize on
  std::vector<ByteView> payload;              // follows the body: the data of a WRITE
  std::shared_ptr<const void> payload_owner;  // keeps `payload` alive until it has been sent
  std::uint32_t expected_response = 0;        // bytes of data the answer may carry: decides the credit charge
  std::uint32_t tree_id = 0;
  std::size_t file_id_at = 0;  // where `body` has FileId::of_previous(); 0: nowhere
  bool encrypt = false;        // the share demands it, though the session does not
  bool sign = false;           // where the session can sign, though it need not
  bool open_ended = false;     // once the server has said STATUS_PENDING, it may take as long as it likes
};

// A message on its way out: send the pieces one behind the other. `owners` keep their bytes alive.
struct Transmit {
  std::vector<ByteView> pieces;
  std::vector<std::shared_ptr<const void>> owners;
};

// The answer to request `index` of chain `id`; each is answered exactly once.
struct Reply {
  RequestId id{};
  std::size_t index = 0;
  NtStatus status{};
  ByteView message;  // from the SMB2 header on; empty when `local`
  ByteView body;
  bool local = false;  // not from the server: a deadline, cancelled before it was sent, the loss of the connection
};

// An OPLOCK_BREAK notification, [MS-SMB2] 2.2.23.
struct Break {
  ByteView body;
};

// The connection is over: the last event but for the local answers to all that was outstanding. `reason`: for people.
struct Lost {
  std::error_code error;
  std::string reason;
};

// The server has taken on an open-ended request, and will answer when it likes.
struct Standing {
  RequestId id{};
  std::size_t index = 0;
};

using Event = std::variant<Reply, Standing, Break, Lost>;

struct ConnectionLimits {
  std::uint16_t credits = 8192;  // the window we try to own
  std::chrono::steady_clock::duration call_timeout{std::chrono::seconds(30)};
  std::chrono::steady_clock::duration echo_interval{std::chrono::seconds(60)};
  std::size_t queued = 65536;  // chains waiting for credits; beyond it our own bug
};

class Connection {
 public:
  explicit Connection(ConnectionLimits limits);

  // Commands.

  // Sends `chain` as one message, related if it is longer than one, when there are credits for it, in the order of
  // submission. Related requests name the file of the one before by the FileId of all ones. [MS-SMB2] 3.2.4.1.4
  // Where all credits that we own are too few for it, it goes out in several messages, one after the other.
  // `awaited`: for somebody here, so that it counts as a round trip.
  RequestId submit(TimePoint now, std::vector<Outgoing> chain, bool awaited = true);
  // Asks the server to hurry with what is outstanding of `id`, by STATUS_CANCELLED or as it likes: its answers count.
  // [MS-SMB2] 3.2.4.24. What it has not been sent yet is answered STATUS_CANCELLED here.
  void cancel(RequestId id);
  // After the NEGOTIATE response was accepted. [MS-SMB2] 3.2.5.2
  void set_negotiated(const Negotiated& negotiated);
  // After the last SESSION_SETUP response, whose `message` is verified here before the keys count: false means its
  // signature was missing or wrong. [MS-SMB2] 3.2.5.3.1
  [[nodiscard]] bool establish_session(SessionPolicy policy, ByteView session_key, ByteView message);
  // A session of an expired ticket is set up anew under the same id: its SESSION_SETUPs go through again.
  const Negotiated& negotiated() const { return negotiated_; }
  const Session& session() const { return session_; }

  // Input.
  void handle_message(TimePoint now, std::span<std::uint8_t> message);  // decrypted in place
  void handle_timeout(TimePoint now);
  // The stream below has ended.
  void handle_lost(std::error_code error, std::string reason);

  // Output.
  std::optional<Transmit> poll_transmit();
  std::optional<Event> poll_event();
  std::optional<TimePoint> next_timeout() const;

  bool is_lost() const { return lost_; }
  std::uint32_t credits() const { return window_.available(); }
  // In hand and on their way back: no request that costs more can be sent, unless the server grants more.
  std::uint32_t owned_credits() const { return window_.owned(); }
  std::uint32_t credits_in_flight() const { return window_.in_flight(); }
  std::size_t outstanding() const { return outstanding_.size(); }
  std::size_t queued() const { return queued_.size(); }  // chains
  const Traffic& traffic() const { return traffic_; }
  const RoundTripTime& round_trip_time() const { return round_trip_time_; }

 private:
  struct Chain {
    RequestId id{};
    std::vector<Outgoing> requests;
    TimePoint deadline;
    bool awaited = false;
    std::size_t first = 0;  // the index of requests[0] in what was submitted: the ones before it have been answered
  };
  // What is left of a chain until the part of it that is on its way has been answered.
  struct Rest {
    Chain chain;
    std::size_t missing = 0;  // answers
    NtStatus failed{};        // why it cannot be sent any more
  };
  struct Outstanding {
    RequestId chain{};
    std::size_t index = 0;
    wire::Command command{};
    std::uint16_t charge = 0;    // not yet settled
    std::uint64_t async_id = 0;  // 0: no interim response yet
    TimePoint deadline;
    bool answered = false;   // locally; the server's answer will only bring credits
    bool cancelled = false;  // the server has been told
    bool encrypted = false;
    bool is_signed = false;
    bool open_ended = false;
    std::optional<TimePoint> timed_from;  // its answer tells the round trip time

    // The server owes no answer: it may never have one.
    bool is_standing() const { return open_ended && async_id != 0; }
  };

  std::uint16_t charge_of(const Outgoing& request) const;
  bool is_owed_answers() const { return outstanding_.size() > standing_; }
  void send_queued(TimePoint now);
  // Sends as much of the first queued chain as there are credits for. False: none of it.
  bool send_some(TimePoint now);
  void note_answer(const Outstanding& request, NtStatus status, ByteView body);
  void send_echo(TimePoint now);
  // When an ECHO is due: after an idle time, or because the server has been silent while it owes us an answer.
  std::optional<TimePoint> next_echo() const;
  void send(TimePoint now, Chain chain);
  void send_cancel(std::uint64_t message_id, Outstanding& request);
  void count(const Chain& chain, const Transmit& transmit);
  void answer_locally(Outstanding& request, NtStatus status);
  void answer_locally(const Chain& chain, NtStatus status);
  void give_up(NtStatus status, std::string reason);

  // The inbound steps; a false return has given the connection up.
  bool decrypt(std::span<std::uint8_t>& message, bool& encrypted);
  bool handle_element(TimePoint now, ByteView element, bool encrypted);
  bool verify(const wire::Smb2Header& header, ByteView element, bool encrypted, const Outstanding& request);

  ConnectionLimits limits_;
  CreditWindow window_;
  Negotiated negotiated_;
  Session session_;

  std::uint64_t next_request_ = 1;
  std::deque<Chain> queued_;  // waiting for credits
  std::unordered_map<RequestId, Rest> rests_;
  std::map<std::uint64_t, Outstanding> outstanding_;  // by message id, so the oldest is first
  std::size_t standing_ = 0;                          // of them
  std::deque<Transmit> transmits_;
  std::deque<Event> events_;
  TimePoint last_heard_;
  TimePoint last_sent_;
  bool echoing_ = false;  // an ECHO of ours is not answered yet
  // What is queued costs more than we have: when to ask again if asking does not help, and what we had at the last one.
  std::optional<TimePoint> next_credit_echo_;
  std::uint32_t asked_with_ = 0;
  Traffic traffic_;
  RoundTripTime round_trip_time_;
  bool lost_ = false;
};

}  // namespace smb3fuse::smb2
