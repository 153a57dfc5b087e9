// SPDX-License-Identifier: Apache-2.0
// A Connection and a ScriptedServer that talk until both are quiet, at a time that the test sets.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smb/smb2/connection.h"
#include "smb/smb2/negotiate.h"
#include "smb/wire/echo.h"
#include "smb/wire/read_write.h"
#include "smb/wire/session_setup.h"
#include "tests/support/scripted_server.h"

namespace smb3fuse::smb2 {

using namespace std::chrono_literals;

// A Reply whose bytes stay.
struct Answered {
  RequestId id{};
  std::size_t index = 0;
  NtStatus status{};
  bool local = false;
  Bytes message;
};

inline Outgoing request_of(wire::Command command, Bytes body) {
  Outgoing request;
  request.command = command;
  request.body = std::move(body);
  return request;
}
inline Outgoing echo_request() { return request_of(wire::Command::echo, wire::encode(wire::EchoRequest{})); }
inline Outgoing read_request(std::uint32_t length) {
  wire::ReadRequest read;
  read.length = length;
  Outgoing request = request_of(wire::Command::read, wire::encode(read));
  request.expected_response = length;
  return request;
}

class Conversation {
 public:
  static Bytes key() { return Bytes(16, 0x4B); }

  explicit Conversation(test::ServerOptions options = {}, ConnectionLimits limits = {})
      : server(with_key(std::move(options))), connection(limits) {
    server.send = [this](Bytes message) { to_client.push_back(std::move(message)); };
    server.on(wire::Command::read, [](const test::ServerRequest&) {
      wire::ReadResponse response;
      static constexpr std::uint8_t kData[] = {'d', 'a', 't', 'a'};
      response.data = wire::Payload::of(kData);
      return test::reply_with(response);
    });
  }
  ~Conversation() { check_complaints(); }

  // NEGOTIATE and SESSION_SETUP. False: the connection would not have it.
  [[nodiscard]] bool establish(SessionPolicy policy = {}) {
    negotiate_offer.require_signing = policy.sign;
    submit(request_of(wire::Command::negotiate, wire::encode(make_negotiate_request(negotiate_offer))));
    const auto response = wire::decode<wire::NegotiateResponse>(body_of(take()));
    if (!response) return false;
    const auto negotiated = accept_negotiate_response(negotiate_offer, *response);
    if (!negotiated) return false;
    connection.set_negotiated(*negotiated);
    wire::SessionSetupRequest setup;
    submit(request_of(wire::Command::session_setup, wire::encode(setup)));
    const Answered last = take();
    if (last.message.empty()) return false;
    server.demand_signatures = policy.sign && !policy.encrypt;
    return connection.establish_session(policy, key(), last.message);
  }

  RequestId submit(Outgoing request) {
    std::vector<Outgoing> chain;
    chain.push_back(std::move(request));
    return submit(std::move(chain));
  }
  RequestId submit(std::vector<Outgoing> chain) {
    const RequestId id = connection.submit(now, std::move(chain));
    pump();
    return id;
  }
  void cancel(RequestId id) {
    connection.cancel(id);
    pump();
  }
  void advance(std::chrono::steady_clock::duration step) {
    now += step;
    connection.handle_timeout(now);
    pump();
  }

  void pump() {
    for (bool quiet = false; !quiet;) {
      quiet = true;
      while (auto transmit = connection.poll_transmit()) {
        Bytes message;
        for (const ByteView piece : transmit->pieces) message.insert(message.end(), piece.begin(), piece.end());
        ++transmitted;
        if (edit_to_server) edit_to_server(message);
        server.receive(std::move(message));
        quiet = false;
      }
      while (!hold && !to_client.empty()) {
        deliver(std::exchange(to_client.front(), {}));
        to_client.pop_front();
        quiet = false;
      }
      drain();
    }
  }

  // In a block of the heap of exactly its size: AddressSanitizer sees each byte read too many.
  void deliver(const Bytes& message) {
    Bytes copy = message;
    if (edit_to_client) edit_to_client(copy);
    const std::unique_ptr<std::uint8_t[]> block(new std::uint8_t[copy.size()]);
    std::copy(copy.begin(), copy.end(), block.get());
    connection.handle_message(now, {block.get(), copy.size()});
    drain();
  }

  // The oldest answer that was not taken yet.
  Answered take() {
    if (answers.empty()) return {};
    Answered first = std::move(answers.front());
    answers.pop_front();
    return first;
  }
  static ByteView body_of(const Answered& answer) {
    return answer.message.empty() ? ByteView() : ByteView(answer.message).subspan(wire::kSmb2HeaderSize);
  }
  void expect_lost(const std::string& reason) {
    EXPECT_TRUE(connection.is_lost());
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_NE(lost[0].reason.find(reason), std::string::npos) << lost[0].reason;
  }
  // A header of an answer to the last request the server got.
  wire::Smb2Header answer_header() const {
    wire::Smb2Header header;
    header.command = server.requests.back().header.command;
    header.message_id = server.requests.back().header.message_id;
    header.session_id = test::ScriptedServer::kSessionId;
    header.flags = wire::SMB2_FLAGS_SERVER_TO_REDIR;
    header.credit_request_response = 1;
    return header;
  }

  test::ScriptedServer server;
  Connection connection;
  TimePoint now{1h};
  NegotiateOffer negotiate_offer;
  bool hold = false;  // the server's messages wait in to_client
  std::deque<Bytes> to_client;
  std::function<void(Bytes&)> edit_to_server;
  std::function<void(Bytes&)> edit_to_client;
  std::size_t transmitted = 0;
  std::deque<Answered> answers;
  std::vector<Lost> lost;
  std::vector<Bytes> breaks;
  std::size_t standing = 0;  // requests that the server has taken on for as long as it likes
  bool expect_complaints = false;

 private:
  static test::ServerOptions with_key(test::ServerOptions options) {
    options.session_key = key();
    return options;
  }
  void check_complaints() const {
    if (expect_complaints) return;
    for (const std::string& complaint : server.complaints) ADD_FAILURE() << "the server complains: " << complaint;
  }
  void drain() {
    while (auto event = connection.poll_event()) {
      if (const auto* reply = std::get_if<Reply>(&*event)) {
        answers.push_back({reply->id, reply->index, reply->status, reply->local,
                           Bytes(reply->message.begin(), reply->message.end())});
      } else if (const auto* broken = std::get_if<Break>(&*event)) {
        breaks.emplace_back(broken->body.begin(), broken->body.end());
      } else if (std::holds_alternative<Standing>(*event)) {
        ++standing;
      } else {
        lost.push_back(std::get<Lost>(*event));
      }
    }
  }
};

}  // namespace smb3fuse::smb2
