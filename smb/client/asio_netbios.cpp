// SPDX-License-Identifier: Apache-2.0
#include "smb/client/asio_netbios.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>

#include "smb/crypto/random.h"

namespace smb3fuse::client {
namespace {

using boost::asio::ip::udp;
using Answers = std::vector<nbt::NameAnswer>;

constexpr std::size_t kLargestPacket = 8 * 1024;  // a status of 255 names has less

udp::endpoint to_asio(const nbt::Endpoint& endpoint) {
  return {boost::asio::ip::address_v4(endpoint.address), endpoint.port};
}

std::uint16_t random_id() {
  const auto bytes = crypto::random_array<2>();
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

// One query and its socket, kept by what is in flight until it is answered or abandoned.
class Query : public std::enable_shared_from_this<Query> {
 public:
  Query(boost::asio::io_context& context, nbt::NameQuery query, std::function<void(Answers)> done)
      : query_(std::move(query)), socket_(context), timer_(context), done_(std::move(done)) {}

  void start() {
    boost::system::error_code error;
    socket_.open(udp::v4(), error);
    if (!error) socket_.set_option(boost::asio::socket_base::broadcast(true), error);
    if (!error) socket_.bind(udp::endpoint(udp::v4(), 0), error);
    if (error) return finish();
    receive();
    go_on();
  }
  void abandon() {
    done_ = nullptr;
    finish();
  }

 private:
  void receive() {
    socket_.async_receive_from(boost::asio::buffer(packet_), from_, [self = shared_from_this()](auto error, auto size) {
      if (error == boost::asio::error::operation_aborted || !self->socket_.is_open()) return;
      // An error is about something that we sent: a port that is closed, as soon as somebody says so.
      if (!error && self->from_.address().is_v4()) {
        const nbt::Endpoint from{self->from_.address().to_v4().to_bytes(), self->from_.port()};
        self->query_.handle_packet(from, {self->packet_.data(), size}, std::chrono::steady_clock::now());
      }
      if (self->go_on()) self->receive();
    });
  }

  // False: it is over.
  bool go_on() {
    for (const nbt::OutgoingPacket& packet : query_.take_outgoing()) {
      boost::system::error_code ignored;  // it is asked again, and then given up
      socket_.send_to(boost::asio::buffer(packet.bytes), to_asio(packet.to), 0, ignored);
    }
    const auto deadline = query_.deadline();
    if (!deadline) {
      finish();
      return false;
    }
    timer_.expires_at(*deadline);
    timer_.async_wait([self = shared_from_this()](auto error) {
      if (error || !self->socket_.is_open()) return;
      self->query_.handle_time(std::chrono::steady_clock::now());
      self->go_on();
    });
    return true;
  }

  void finish() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    timer_.cancel(ignored);
    if (auto tell = std::exchange(done_, nullptr)) tell(query_.answers());
  }

  nbt::NameQuery query_;
  udp::socket socket_;
  boost::asio::steady_timer timer_;
  std::array<std::uint8_t, kLargestPacket> packet_{};
  udp::endpoint from_;
  std::function<void(Answers)> done_;
};

// Zeros where there is none.
nbt::Ipv4 ipv4_of(const sockaddr* address) {
  nbt::Ipv4 result{};
  if (address == nullptr) return result;
  sockaddr_in internet{};
  std::memcpy(&internet, address, sizeof internet);
  std::memcpy(result.data(), &internet.sin_addr, result.size());
  return result;
}

Task<Answers> run(boost::asio::io_context& context, nbt::NameQuery query) {
  auto begin = [&](auto done) {
    std::make_shared<Query>(context, std::move(query), [done](Answers answers) mutable {
      done(std::move(answers));
    })->start();
  };
  Answers answers = co_await callback<Answers>(begin);
  co_return answers;
}

}  // namespace

bool Network::holds(const nbt::Ipv4& other) const {
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (((address[i] ^ other[i]) & mask[i]) != 0) return false;
  }
  return true;
}

std::vector<Network> networks() {
  std::vector<Network> found;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return found;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, freeifaddrs);
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    const bool usable = (each->ifa_flags & IFF_UP) != 0 && (each->ifa_flags & IFF_BROADCAST) != 0;
    if (!usable || each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    const Network network{ipv4_of(each->ifa_addr), ipv4_of(each->ifa_netmask), ipv4_of(each->ifa_broadaddr)};
    if (network.broadcast != nbt::Ipv4{}) found.push_back(network);
  }
  return found;
}

nbt::Name calling_name(const DialPolicy& policy) {
  if (policy.calling_name) {
    if (const auto given = nbt::make_name(*policy.calling_name, nbt::suffix::workstation)) return *given;
  }
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const auto name = nbt::name_of_host(host.data(), nbt::suffix::workstation);
  return name.value_or(*nbt::make_name("SMB3FUSE", nbt::suffix::workstation));
}

nbt::NodeConfig node_config(const DialPolicy& policy, nbt::NodeType type) {
  nbt::NodeConfig config;
  config.type = type;
  if (policy.broadcasts) {
    config.broadcasts = *policy.broadcasts;
  } else {
    for (const Network& network : networks()) config.broadcasts.push_back(network.broadcast);
  }
  config.name_servers = policy.wins;
  config.port = policy.name_port;
  return config;
}

Task<Answers> ask_for_name(boost::asio::io_context& context, nbt::Name name, nbt::NodeConfig config, bool all) {
  nbt::NameQuery query(std::move(name), config, random_id(), std::chrono::steady_clock::now(), all);
  Answers answers = co_await run(context, std::move(query));
  co_return answers;
}

Task<Answers> ask_for_status(boost::asio::io_context& context, nbt::Ipv4 node, nbt::NodeConfig config) {
  nbt::NameQuery query(nbt::any_name(), node, config, random_id(), std::chrono::steady_clock::now());
  Answers answers = co_await run(context, std::move(query));
  co_return answers;
}

Task<std::vector<Neighbour>> find_neighbours(boost::asio::io_context& context, nbt::NodeConfig config) {
  constexpr bool kAll = true;
  const Answers present = co_await ask_for_name(context, nbt::any_name(), config, kAll);
  std::vector<Neighbour> neighbours;
  std::vector<std::shared_ptr<void>> requests;
  auto ask_each = [&](auto done) {
    auto missing = std::make_shared<std::size_t>(present.size());
    if (present.empty()) return done(true);
    for (const nbt::NameAnswer& each : present) {
      const auto tell = [&neighbours, missing, done, address = each.from.address](Answers answers) mutable {
        if (!answers.empty()) neighbours.push_back({address, std::move(*answers.front().status)});
        if (--*missing == 0) done(true);
      };
      requests.push_back(start_status_request(context, each.from.address, config, tell));
    }
  };
  co_await callback<bool>(ask_each);
  co_return neighbours;
}

std::shared_ptr<void> start_status_request(boost::asio::io_context& context, nbt::Ipv4 node, nbt::NodeConfig config,
                                           std::function<void(Answers)> done) {
  nbt::NameQuery query(nbt::any_name(), node, config, random_id(), std::chrono::steady_clock::now());
  const auto request = std::make_shared<Query>(context, std::move(query), std::move(done));
  request->start();
  return {request.get(), [request](void*) { request->abandon(); }};
}

}  // namespace smb3fuse::client
