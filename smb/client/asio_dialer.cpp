// SPDX-License-Identifier: Apache-2.0
#include "smb/client/asio_dialer.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "smb/client/asio_transport.h"

namespace smb3fuse::client {
namespace {

using boost::asio::ip::tcp;
using Dialled = tl::expected<std::unique_ptr<Transport>, DialError>;

// One attempt: resolver, socket and deadline, kept by the operations in flight. Whoever is first tells the outcome.
struct Attempt : std::enable_shared_from_this<Attempt> {
  Attempt(boost::asio::io_context& context, cache::BufferPool& buffers)
      : resolver(context), socket(context), deadline(context), pool(buffers) {}

  void start(const std::string& host, std::uint16_t port, std::chrono::seconds timeout) {
    deadline.expires_after(timeout);
    deadline.async_wait([self = shared_from_this()](auto error) {
      if (!error) self->finish(std::make_error_code(std::errc::timed_out));
    });
    resolver.async_resolve(host, std::to_string(port), tcp::resolver::numeric_service,
                           [self = shared_from_this()](auto error, const auto& endpoints) {
                             if (error) return self->finish(std::error_code(error));
                             self->resolving = false;
                             boost::asio::async_connect(self->socket, endpoints, [self](auto failed, const auto&) {
                               self->finish(std::error_code(failed));
                             });
                           });
  }

  void finish(std::error_code error) {
    if (!done) return;
    boost::system::error_code ignored;
    deadline.cancel(ignored);
    resolver.cancel();
    auto tell = std::exchange(done, nullptr);
    if (error) {
      socket.close(ignored);
      return tell(tl::make_unexpected(DialError{resolving, error}));
    }
    tell(make_asio_transport(std::move(socket), pool));
  }

  tcp::resolver resolver;
  tcp::socket socket;
  boost::asio::steady_timer deadline;
  cache::BufferPool& pool;
  bool resolving = true;
  std::function<void(Dialled)> done;
};

}  // namespace

Task<Dialled> AsioDialer::dial(std::string host, std::uint16_t port, std::chrono::seconds timeout) {
  auto attempt = std::make_shared<Attempt>(context_, pool_);
  auto start = [&](auto done) {
    attempt->done = [done](Dialled outcome) mutable { done(std::move(outcome)); };
    attempt->start(host, port, timeout);
  };
  Dialled outcome = co_await callback<Dialled>(start);
  co_return outcome;
}

}  // namespace smb3fuse::client
