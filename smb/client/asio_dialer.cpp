// SPDX-License-Identifier: Apache-2.0
#include "smb/client/asio_dialer.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nbt/session.h"
#include "smb/client/asio_netbios.h"
#include "smb/client/asio_resolver.h"
#include "smb/client/asio_transport.h"
#include "smb/client/race.h"

namespace smb3fuse::client {
namespace {

using boost::asio::ip::tcp;
using Done = std::function<void(Dialled)>;

constexpr std::chrono::milliseconds kNextAddress{250};  // RFC 8305 5: "Connection Attempt Delay"
constexpr std::chrono::milliseconds kNextDoor{500};     // port 445 is the better one of two that are open

// A connection to one address and port, on which, if `session` is there, a NetBIOS session is opened. Kept by the
// operations in flight.
class Attempt : public std::enable_shared_from_this<Attempt> {
  // A handler that does nothing once the attempt is over.
  template <class Call>
  auto guarded(Call call) {
    return [self = shared_from_this(), call](auto error, auto...) {
      if (self->done_) call(*self, error);
    };
  }

 public:
  Attempt(boost::asio::io_context& context, cache::BufferPool& pool, const DialPolicy& policy, tcp::endpoint server,
          std::optional<nbt::SessionOpening> session, Done done)
      : context_(context),
        pool_(pool),
        policy_(policy),
        server_(std::move(server)),
        session_(std::move(session)),
        socket_(context),
        done_(std::move(done)) {}

  void connect() {
    const auto target = session_ ? session_->target() : std::nullopt;
    const auto endpoint = target ? tcp::endpoint(boost::asio::ip::address_v4(target->address), target->port) : server_;
    close();
    socket_.async_connect(endpoint, guarded([](Attempt& self, auto error) {
                            if (error) return self.fail(error);
                            if (!self.session_) return self.succeed(nbt::kMaximumFrameLength);
                            self.request_session();
                          }));
  }

  void abandon() {
    done_ = nullptr;
    status_ = nullptr;
    close();
  }

 private:
  void request_session() {
    bytes_ = session_->handle_connected();
    boost::asio::async_write(socket_, boost::asio::buffer(bytes_), guarded([](Attempt& self, auto error) {
                               if (error) self.session_->handle_end();
                               self.go_on();
                             }));
  }

  void go_on() {
    switch (session_->want()) {
      case nbt::SessionOpening::Want::connection:
        return connect();
      case nbt::SessionOpening::Want::bytes:
        bytes_.resize(session_->missing());
        return boost::asio::async_read(socket_, boost::asio::buffer(bytes_), guarded([](Attempt& self, auto error) {
                                         error ? self.session_->handle_end() : self.session_->handle_bytes(self.bytes_);
                                         self.go_on();
                                       }));
      case nbt::SessionOpening::Want::node_status:
        return ask_status();
      case nbt::SessionOpening::Want::nothing:
        if (session_->error()) return fail(session_->error());
        return succeed(nbt::kMaximumSessionLength);
    }
  }

  // The name service has IPv4 alone.
  void ask_status() {
    const auto address = server_.address();
    if (!address.is_v4()) {
      session_->handle_node_status(std::nullopt);
      return go_on();
    }
    status_ = start_status_request(
        context_, address.to_v4().to_bytes(), node_config(policy_, nbt::NodeType::p),
        [weak = weak_from_this()](const std::vector<nbt::NameAnswer>& answers) {
          const auto self = weak.lock();
          if (!self || !self->done_) return;
          self->session_->handle_node_status(answers.empty() ? std::nullopt : answers.front().status);
          self->go_on();
        });
  }

  void succeed(std::uint32_t largest_frame) {
    auto tell = std::exchange(done_, nullptr);
    tell(make_asio_transport(std::move(socket_), pool_, largest_frame));
  }
  void fail(std::error_code error) {
    close();
    auto tell = std::exchange(done_, nullptr);
    tell(tl::make_unexpected(DialError{false, error}));
  }
  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  boost::asio::io_context& context_;
  cache::BufferPool& pool_;
  const DialPolicy& policy_;  // the dialer's
  tcp::endpoint server_;
  std::optional<nbt::SessionOpening> session_;
  tcp::socket socket_;
  nbt::Bytes bytes_;
  std::shared_ptr<void> status_;
  Done done_;
};

// RFC 8305 4: the families take turns, the resolver's first choice first.
Addresses interleaved(const Addresses& addresses) {
  Addresses result;
  Addresses rest = addresses;
  while (!rest.empty()) {
    const bool want_v6 = result.empty() ? rest.front().is_v6() : !result.back().is_v6();
    auto next = std::find_if(rest.begin(), rest.end(), [&](const auto& each) { return each.is_v6() == want_v6; });
    if (next == rest.end()) next = rest.begin();
    if (std::find(result.begin(), result.end(), *next) == result.end()) result.push_back(*next);
    rest.erase(next);
  }
  return result;
}

}  // namespace

Task<Dialled> AsioDialer::dial(std::string host, std::optional<std::uint16_t> port, std::chrono::seconds timeout) {
  const TimePoint until = Clock::now() + timeout;
  const auto found = co_await resolve(context_, policy_, host, until);
  if (!found) {
    const DialError unknown{true, found.error()};
    co_return tl::make_unexpected(unknown);
  }
  std::vector<Contender> contenders;
  const auto add = [&](std::uint16_t number, bool session, Duration first_head_start) {
    const auto given =
        policy_.called_name ? nbt::make_name(*policy_.called_name, nbt::suffix::file_server) : std::nullopt;
    Duration head_start = first_head_start;
    for (const auto& address : interleaved(*found)) {
      contenders.push_back(
          {head_start, [this, host, given, session, endpoint = tcp::endpoint(address, number)](Done done) {
             std::optional<nbt::SessionOpening> opening;
             if (session) opening.emplace(nbt::called_names(host, given, calling_name(policy_)));
             const auto attempt =
                 std::make_shared<Attempt>(context_, pool_, policy_, endpoint, std::move(opening), std::move(done));
             attempt->connect();
             return std::shared_ptr<void>(attempt.get(), [attempt](void*) { attempt->abandon(); });
           }});
      head_start = kNextAddress;
    }
  };
  if (port) {
    add(*port, policy_.session.value_or(*port == policy_.session_port), kNextAddress);
  } else {
    if (!policy_.session.value_or(false)) add(policy_.direct_port, false, kNextAddress);
    if (policy_.session.value_or(true)) add(policy_.session_port, true, kNextDoor);
  }
  Dialled outcome = co_await race(runtime_, std::move(contenders), until - Clock::now());
  co_return outcome;
}

}  // namespace smb3fuse::client
