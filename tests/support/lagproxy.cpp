// SPDX-License-Identifier: Apache-2.0
// lagproxy: a relay between an SMB client and its server that delays, holds or cuts what passes, and counts it.
//
//   lagproxy --to 127.0.0.1:445 --delay-ms 10     # 20 ms round trip, no limit of bandwidth
//
// It prints the ports it listens on ("listen 40001", "control 40002") and serves until it is killed. The control port
// takes one command a line and answers each with one line: `stats` (one JSON object), `reset`, `delay MS`,
// `stall on|off`, `cut` (closes every connection). See lagproxy_traffic.h for what is counted.
//
// One thread. Bytes keep their order and are read ahead of their delivery up to kBuffer in each direction, which is
// bandwidth x delay for any link worth testing. The closing of a connection is not delayed.
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <boost/asio.hpp>
#include <deque>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tests/support/lagproxy_traffic.h"

namespace smb3fuse::lagproxy {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kBuffer = 256U << 20U;  // of one direction of one connection; untouched memory costs nothing
constexpr std::size_t kStep = 1U << 20U;      // read or written at once: stays in the CPU's cache
constexpr std::size_t kLongestCommand = 256;

struct Link {
  Clock::duration delay{};  // one way
  bool stalled = false;
};

unsigned milliseconds_in(std::string_view text) {
  unsigned value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    throw std::invalid_argument("'" + std::string(text) + "' is no number of milliseconds");
  }
  return value;
}

struct Unmap {
  void operator()(std::uint8_t* memory) const { ::munmap(memory, kBuffer); }
};

std::unique_ptr<std::uint8_t[], Unmap> map_buffer() {
  void* memory = ::mmap(nullptr, kBuffer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  return std::unique_ptr<std::uint8_t[], Unmap>(static_cast<std::uint8_t*>(memory));
}

// One direction of a connection: a ring of bytes, and when each batch of them is due at the other end. Its handlers
// hold the connection that owns it (`keep`).
class Pipe {
 public:
  using Observer = std::function<void(Bytes)>;
  using Over = std::function<void(error_code)>;  // no error: everything up to the source's end was delivered
  struct Observers {
    Observer arrived;    // right after bytes were read
    Observer delivered;  // right after bytes were written
  };

  Pipe(const Link& link, tcp::socket& from, tcp::socket& to, Observers observers, Over over)
      : link_(link),
        from_(from),
        to_(to),
        observers_(std::move(observers)),
        over_(std::move(over)),
        timer_(from.get_executor()) {}

  void start(std::shared_ptr<void> keep) {
    keep_ = std::move(keep);
    await_readable();
  }
  void stop() {
    timer_.cancel();
    keep_.reset();
  }
  bool finished() const { return finished_; }

  // Sends what is due; called when something may have become so.
  void drain() {
    while (keep_ && !awaiting_writable_) {
      if (link_.stalled) return;
      const Clock::time_point now = Clock::now();
      while (!batches_.empty() && batches_.front().due <= now) {
        ready_ += batches_.front().size;
        batches_.pop_front();
      }
      if (ready_ == 0) return finish_or_await_due();
      error_code error;
      const std::size_t piece = std::min({ready_, kStep, kBuffer - head_});
      const std::size_t sent = to_.write_some(asio::buffer(&ring_[head_], piece), error);
      if (error == asio::error::would_block) return await_writable();
      if (error) return over_(error);
      observers_.delivered({&ring_[head_], sent});
      head_ = (head_ + sent) % kBuffer;
      ready_ -= sent;
      held_ -= sent;
      if (held_ == 0) head_ = 0;  // the same memory again, still in the CPU's cache
      if (!reading_ && !ended_) await_readable();
    }
  }

 private:
  struct Batch {
    std::size_t size;
    Clock::time_point due;
  };

  void await_readable() {
    reading_ = held_ < kBuffer;
    if (!reading_) return;
    from_.async_wait(tcp::socket::wait_read, [this, keep = keep_](error_code error) {
      if (keep_ && !error) fill();
    });
  }

  void fill() {
    error_code error;
    const std::size_t tail = (head_ + held_) % kBuffer;
    const std::size_t room = std::min({kBuffer - held_, kBuffer - tail, kStep});
    const std::size_t got = from_.read_some(asio::buffer(&ring_[tail], room), error);
    if (error == asio::error::eof) {
      ended_ = true;
      return drain();
    }
    if (error && error != asio::error::would_block) return over_(error);
    if (got > 0) {
      observers_.arrived({&ring_[tail], got});
      held_ += got;
      last_due_ = std::max(last_due_, Clock::now() + link_.delay);
      batches_.push_back({got, last_due_});
      drain();
    }
    if (keep_) await_readable();
  }

  void finish_or_await_due() {
    if (!batches_.empty()) {
      if (std::exchange(awaiting_due_, true)) return;
      timer_.expires_at(batches_.front().due);
      timer_.async_wait([this, keep = keep_](error_code error) {
        awaiting_due_ = false;
        if (!error) drain();
      });
    } else if (ended_ && !finished_) {
      finished_ = true;
      error_code ignored;
      to_.shutdown(tcp::socket::shutdown_send, ignored);
      over_(error_code{});
    }
  }

  void await_writable() {
    awaiting_writable_ = true;
    to_.async_wait(tcp::socket::wait_write, [this, keep = keep_](error_code error) {
      awaiting_writable_ = false;
      if (!error) drain();
    });
  }

  const Link& link_;
  tcp::socket& from_;
  tcp::socket& to_;
  Observers observers_;
  Over over_;
  asio::steady_timer timer_;
  std::shared_ptr<void> keep_;
  std::unique_ptr<std::uint8_t[], Unmap> ring_ = map_buffer();
  std::size_t head_ = 0;       // where the oldest byte lies
  std::size_t held_ = 0;       // bytes in the ring
  std::size_t ready_ = 0;      // of them, due already
  std::deque<Batch> batches_;  // of them, not due when last looked at
  Clock::time_point last_due_{};
  bool reading_ = false;
  bool awaiting_due_ = false;
  bool awaiting_writable_ = false;
  bool ended_ = false;     // the source has sent its last byte
  bool finished_ = false;  // and it has been delivered
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket client, const Link& link, Counters& counters)
      : client_(std::move(client)),
        server_(client_.get_executor()),
        conversation_(counters),
        up_(link, client_, server_, {[this](Bytes bytes) { conversation_.from_client(bytes); }, [](Bytes) {}},
            [this](error_code error) { handle_over(error); }),
        down_(link, server_, client_, {[](Bytes) {}, [this](Bytes bytes) { conversation_.to_client(bytes); }},
              [this](error_code error) { handle_over(error); }) {}

  void start(const tcp::endpoint& server, std::function<void()> closed) {
    closed_ = std::move(closed);
    server_.async_connect(server, [this, keep = shared_from_this()](error_code error) {
      if (error) return close();
      for (tcp::socket* socket : {&client_, &server_}) {
        socket->non_blocking(true);
        socket->set_option(tcp::no_delay(true));
      }
      up_.start(keep);
      down_.start(keep);
    });
  }

  void drain() {
    up_.drain();
    down_.drain();
  }

  void close() {
    up_.stop();
    down_.stop();
    error_code ignored;
    client_.close(ignored);
    server_.close(ignored);
    if (closed_) std::exchange(closed_, nullptr)();
  }

 private:
  void handle_over(error_code error) {
    if (error || (up_.finished() && down_.finished())) close();
  }

  tcp::socket client_;
  tcp::socket server_;
  Conversation conversation_;
  Pipe up_;
  Pipe down_;
  std::function<void()> closed_;
};

class Proxy {
 public:
  Proxy(asio::io_context& loop, const tcp::endpoint& listen, tcp::endpoint server, Clock::duration delay)
      : acceptor_(loop, listen), server_(std::move(server)), link_{delay} {
    accept();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  const Counters& counters() const { return counters_; }

  std::string handle_command(std::string_view line) {
    const std::string_view verb = line.substr(0, line.find(' '));
    const std::string_view argument = verb.size() < line.size() ? line.substr(verb.size() + 1) : std::string_view();
    if (verb == "stats") return counters_.json();
    if (verb == "reset") {
      counters_ = Counters();
    } else if (verb == "delay") {
      try {
        link_.delay = std::chrono::milliseconds(milliseconds_in(argument));
      } catch (const std::invalid_argument& error) {
        return std::string("error: ") + error.what();
      }
    } else if (verb == "stall" && (argument == "on" || argument == "off")) {
      link_.stalled = argument == "on";
      for (const auto& connection : connections()) connection->drain();
    } else if (verb == "cut") {
      for (const auto& connection : connections()) connection->close();
    } else {
      return "error: the commands are stats, reset, delay MS, stall on|off, cut";
    }
    return "ok";
  }

 private:
  using Connections = std::set<std::shared_ptr<Connection>>;
  Connections connections() const { return connections_; }  // a copy: closing one takes it out

  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket client) {
      if (error) throw boost::system::system_error(error, "accept");
      ++counters_.connections;
      const auto connection = std::make_shared<Connection>(std::move(client), link_, counters_);
      connections_.insert(connection);
      connection->start(server_, [this, key = std::weak_ptr(connection)] { connections_.erase(key.lock()); });
      accept();
    });
  }

  tcp::acceptor acceptor_;
  tcp::endpoint server_;
  Link link_;
  Counters counters_;
  Connections connections_;
};

// One client of the control port.
class Control : public std::enable_shared_from_this<Control> {
 public:
  Control(tcp::socket socket, Proxy& proxy) : socket_(std::move(socket)), proxy_(proxy) {}

  void read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, kLongestCommand), '\n',
                           [this, keep = shared_from_this()](error_code error, std::size_t size) {
                             if (error) return;
                             reply_ = proxy_.handle_command(std::string_view(input_).substr(0, size - 1)) + '\n';
                             input_.erase(0, size);
                             asio::async_write(socket_, asio::buffer(reply_),
                                               [this, keep](error_code failed, std::size_t) {
                                                 if (!failed) read();
                                               });
                           });
  }

 private:
  tcp::socket socket_;
  Proxy& proxy_;
  std::string input_;
  std::string reply_;
};

void accept_controls(tcp::acceptor& acceptor, Proxy& proxy) {
  acceptor.async_accept([&acceptor, &proxy](error_code error, tcp::socket socket) {
    if (error) throw boost::system::system_error(error, "accept");
    std::make_shared<Control>(std::move(socket), proxy)->read();
    accept_controls(acceptor, proxy);
  });
}

tcp::endpoint resolve(asio::io_context& loop, const std::string& host_and_port) {
  const std::size_t colon = host_and_port.rfind(':');
  if (colon == std::string::npos) throw std::invalid_argument("'" + host_and_port + "' is not HOST:PORT");
  tcp::resolver resolver(loop);
  return resolver.resolve(host_and_port.substr(0, colon), host_and_port.substr(colon + 1))->endpoint();
}

constexpr const char* kUsage =
    "Usage: lagproxy --to HOST:PORT [--listen HOST:PORT] [--delay-ms N] [--count]\n"
    "  --to        the server\n"
    "  --listen    where to serve; 127.0.0.1:0, any free port, if not given\n"
    "  --delay-ms  of each direction: half the round trip\n"
    "  --count     print the counts at the end (SIGINT, SIGTERM)\n";

int run(int argc, char** argv) {
  std::string listen = "127.0.0.1:0";
  std::string server;
  unsigned delay_ms = 0;
  bool count = false;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    const bool has_value = std::next(argument) != arguments.end();
    if (*argument == "--count") {
      count = true;
    } else if (*argument == "--listen" && has_value) {
      listen = *++argument;
    } else if (*argument == "--to" && has_value) {
      server = *++argument;
    } else if (*argument == "--delay-ms" && has_value) {
      delay_ms = milliseconds_in(*++argument);
    } else {
      std::cerr << kUsage;
      return 2;
    }
  }

  asio::io_context loop(1);
  Proxy proxy(loop, resolve(loop, listen), resolve(loop, server), std::chrono::milliseconds(delay_ms));
  tcp::acceptor control(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  accept_controls(control, proxy);
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  signals.async_wait([&loop](error_code, int) { loop.stop(); });

  std::cout << "listen " << proxy.port() << "\ncontrol " << control.local_endpoint().port() << std::endl;
  loop.run();
  if (count) std::cout << proxy.counters().json() << std::endl;
  return 0;
}

}  // namespace
}  // namespace smb3fuse::lagproxy

int main(int argc, char** argv) {
  try {
    return smb3fuse::lagproxy::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "lagproxy: " << error.what() << '\n';
    return 1;
  }
}
