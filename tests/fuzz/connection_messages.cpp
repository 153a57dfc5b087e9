// SPDX-License-Identifier: Apache-2.0
// Arbitrary messages for an established Connection with requests of several kinds outstanding.
//
// The first byte says what the session protects (bit 0: it signs; bit 1: it seals, and each message is sealed with the
// server's key, so that the bytes are reached) and in bit 2 that there is one credit only, so that the chain goes out
// in parts. Then messages, each behind two bytes of its length. Message ids of what is outstanding: 2 READ; 3, 4, 5
// CREATE, QUERY_INFO, CLOSE in one; 6 ECHO; 7 READ, cancelled; 8 READ.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "smb/smb2/connection.h"
#include "smb/smb2/negotiate.h"
#include "smb/wire/close.h"
#include "smb/wire/create.h"
#include "smb/wire/echo.h"
#include "smb/wire/query_info.h"
#include "smb/wire/read_write.h"
#include "smb/wire/session_setup.h"
#include "tests/support/scripted_server.h"

namespace {

using namespace smb3fuse;

void demand(bool condition) {
  if (!condition) std::abort();
}

class Fuzzed {
 public:
  Fuzzed(smb2::SessionPolicy policy, bool few_credits) : server_(options(few_credits)), connection_({}) {
    server_.send = [this](Bytes message) { give(message); };
    submit(wire::Command::negotiate, wire::encode(smb2::make_negotiate_request({})));
    const auto response = wire::decode<wire::NegotiateResponse>(ByteView(last_).subspan(wire::kSmb2HeaderSize));
    demand(response.has_value());
    const auto negotiated = smb2::accept_negotiate_response({}, *response);
    demand(negotiated.has_value());
    connection_.set_negotiated(*negotiated);
    submit(wire::Command::session_setup, wire::encode(wire::SessionSetupRequest{}));
    demand(connection_.establish_session(policy, server_.options.session_key, last_));
    server_.send = [](const Bytes&) {};
    for (const auto command : {wire::Command::read, wire::Command::create, wire::Command::query_info,
                               wire::Command::close, wire::Command::echo}) {
      server_.on(command, [](const test::ServerRequest&) { return std::nullopt; });
    }
    ask();
  }

  void give(const Bytes& message) {
    const std::unique_ptr<std::uint8_t[]> block(new std::uint8_t[message.size()]);
    std::copy(message.begin(), message.end(), block.get());
    connection_.handle_message(now_, {block.get(), message.size()});
    drain();
  }
  void give_sealed(const Bytes& message) { give(server_.seal(message)); }

  void end() {
    now_ += std::chrono::seconds(16);
    connection_.handle_timeout(now_);
    drain();
    connection_.handle_lost(make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED), "the end");
    drain();
    for (const auto& [id, missing] : missing_) demand(missing == 0);
    demand(lost_ == 1 && connection_.outstanding() == 0);
  }

 private:
  static test::ServerOptions options(bool few_credits) {
    test::ServerOptions options;
    options.session_key = Bytes(16, 0x4B);
    if (few_credits) options.max_credits = 1;
    return options;
  }
  static smb2::Outgoing outgoing(wire::Command command, Bytes body) {
    smb2::Outgoing request;
    request.command = command;
    request.body = std::move(body);
    return request;
  }
  template <class Request>
  static smb2::Outgoing of_previous() {
    Request request;
    request.file_id = wire::FileId::of_previous();
    smb2::Outgoing related = outgoing(Request::kCommand, wire::encode(request));
    related.file_id_at = wire::offset_of_nested(request, request.file_id);
    return related;
  }
  smb2::RequestId submit(std::vector<smb2::Outgoing> chain) {
    const std::size_t count = chain.size();
    const smb2::RequestId id = connection_.submit(now_, std::move(chain));
    missing_[id] = count;
    drain();
    return id;
  }
  smb2::RequestId submit(wire::Command command, Bytes body) {
    std::vector<smb2::Outgoing> chain;
    chain.push_back(outgoing(command, std::move(body)));
    return submit(std::move(chain));
  }
  void ask() {
    const Bytes read = wire::encode(wire::ReadRequest{});
    submit(wire::Command::read, read);
    std::vector<smb2::Outgoing> chain;
    chain.push_back(outgoing(wire::Command::create, wire::encode(wire::CreateRequest{})));
    chain.push_back(of_previous<wire::QueryInfoRequest>());
    chain.push_back(of_previous<wire::CloseRequest>());
    submit(std::move(chain));
    submit(wire::Command::echo, wire::encode(wire::EchoRequest{}));
    connection_.cancel(submit(wire::Command::read, read));
    drain();
    submit(wire::Command::read, read);
  }
  void drain() {
    for (bool quiet = false; !quiet;) {
      quiet = true;
      while (auto event = connection_.poll_event()) {
        quiet = false;
        if (const auto* reply = std::get_if<smb2::Reply>(&*event)) {
          demand(missing_[reply->id]-- > 0);
          demand(reply->local == reply->message.empty());
          last_.assign(reply->message.begin(), reply->message.end());
        } else if (std::holds_alternative<smb2::Lost>(*event)) {
          ++lost_;
        }
      }
      while (auto transmit = connection_.poll_transmit()) {
        quiet = false;
        Bytes message;
        for (const ByteView piece : transmit->pieces) message.insert(message.end(), piece.begin(), piece.end());
        server_.receive(std::move(message));
      }
    }
    demand(connection_.credits() <= smb2::CreditWindow::kMaximumCredits);
  }

  test::ScriptedServer server_;
  smb2::Connection connection_;
  smb2::TimePoint now_{std::chrono::hours(1)};
  std::map<smb2::RequestId, std::size_t> missing_;
  std::size_t lost_ = 0;
  Bytes last_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool sealed = (data[0] & 2) != 0;
  Fuzzed fuzzed({.sign = (data[0] & 1) != 0, .encrypt = sealed, .keyless = false}, (data[0] & 4) != 0);
  for (ByteView rest = ByteView(data, size).subspan(1); rest.size() >= 2;) {
    const std::size_t length = std::min<std::size_t>(wire::load_le<std::uint16_t>(rest.data()), rest.size() - 2);
    const Bytes message(rest.begin() + 2, rest.begin() + 2 + static_cast<std::ptrdiff_t>(length));
    sealed ? fuzzed.give_sealed(message) : fuzzed.give(message);
    rest = rest.subspan(2 + length);
  }
  fuzzed.end();
  return 0;
}
