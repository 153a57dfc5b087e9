// SPDX-License-Identifier: Apache-2.0
#include "smb/client/asio_name_holder.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <vector>

#include "smb/client/asio_netbios.h"
#include "smb/crypto/random.h"

namespace smb3fuse::client {
namespace {

using boost::asio::ip::udp;
using State = nbt::OwnName::State;
using Held = tl::expected<State, std::error_code>;

constexpr std::uint32_t kTimeToLive = 3 * 24 * 3600;  // seconds that a name server is asked for, as nmbd does
constexpr std::size_t kLargestPacket = 8 * 1024;

bool is_over(State state) { return state != State::claiming && state != State::owned && state != State::releasing; }

class NameHolder : public std::enable_shared_from_this<NameHolder> {
 public:
  NameHolder(boost::asio::io_context& context, std::function<void()> owned, std::function<void(Held)> done)
      : socket_(context), timer_(context), signals_(context), owned_(std::move(owned)), done_(std::move(done)) {}

  void start(const nbt::Name& name, const DialPolicy& policy) {
    boost::system::error_code error;
    socket_.open(udp::v4(), error);
    if (!error) socket_.set_option(boost::asio::socket_base::broadcast(true), error);
    if (!error) socket_.bind(udp::endpoint(udp::v4(), policy.name_port), error);
    if (error) return finish(tl::make_unexpected(std::error_code(error)));
    networks_ = networks();
    if (networks_.empty()) return finish(tl::make_unexpected(std::make_error_code(std::errc::network_down)));
    const auto type = policy.wins.empty() ? nbt::NodeType::b : nbt::NodeType::m;
    const auto id = crypto::random_array<2>();
    for (const Network& network : networks_) {
      nbt::NodeConfig config = node_config(policy, type);
      config.broadcasts = {network.broadcast};
      names_.emplace_back(name, nbt::NameOwner{network.address}, std::move(config), kTimeToLive,
                          static_cast<std::uint16_t>(id[0] << 8 | id[1]), std::chrono::steady_clock::now());
    }
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([self = shared_from_this()](auto failed, int) {
      if (failed || !self->done_) return;
      self->release();
      self->go_on();
    });
    receive();
    go_on();
  }

 private:
  void receive() {
    socket_.async_receive_from(boost::asio::buffer(packet_), from_, [self = shared_from_this()](auto error, auto size) {
      if (!self->done_) return;
      if (!error && self->from_.address().is_v4()) self->handle_packet(size);
      self->go_on();
      if (self->done_) self->receive();
    });
  }

  // The name of the network that the packet comes from hears it; of another one, as a name server is, all do.
  void handle_packet(std::size_t size) {
    const nbt::Endpoint from{from_.address().to_v4().to_bytes(), from_.port()};
    const auto ours = [&](const Network& each) { return each.holds(from.address); };
    const bool near = std::any_of(networks_.begin(), networks_.end(), ours);
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (near && !networks_[i].holds(from.address)) continue;
      names_[i].handle_packet(from, {packet_.data(), size}, std::chrono::steady_clock::now());
    }
  }

  void release() {
    for (nbt::OwnName& name : names_) {
      if (name.state() != State::releasing && !is_over(name.state())) name.release(std::chrono::steady_clock::now());
    }
  }

  // Sends what is to be sent and waits for what comes first.
  void go_on() {
    if (!done_) return;
    for (nbt::OwnName& name : names_) {
      if (is_over(name.state()) && name.state() != State::released && !end_) end_ = name.state();
    }
    if (end_) release();
    std::optional<nbt::Time> next;
    for (nbt::OwnName& name : names_) {
      for (const nbt::OutgoingPacket& packet : name.take_outgoing()) {
        boost::system::error_code ignored;  // it is sent again, or the name is not ours
        const udp::endpoint to(boost::asio::ip::address_v4(packet.to.address), packet.to.port);
        socket_.send_to(boost::asio::buffer(packet.bytes), to, 0, ignored);
      }
      if (name.deadline() && (!next || *name.deadline() < *next)) next = name.deadline();
    }
    const auto all = [&](auto holds) { return std::all_of(names_.begin(), names_.end(), holds); };
    if (all([](const nbt::OwnName& name) { return is_over(name.state()); }))
      return finish(end_.value_or(State::released));
    if (owned_ && all([](const nbt::OwnName& name) { return name.state() == State::owned; })) {
      std::exchange(owned_, nullptr)();
    }
    if (!next) return;
    timer_.expires_at(*next);
    timer_.async_wait([self = shared_from_this()](auto error) {
      if (error || !self->done_) return;
      for (nbt::OwnName& name : self->names_) name.handle_time(std::chrono::steady_clock::now());
      self->go_on();
    });
  }

  void finish(Held held) {
    boost::system::error_code ignored;
    socket_.close(ignored);
    timer_.cancel(ignored);
    signals_.cancel(ignored);
    if (auto tell = std::exchange(done_, nullptr)) tell(std::move(held));
  }

  udp::socket socket_;
  boost::asio::steady_timer timer_;
  boost::asio::signal_set signals_;
  std::vector<Network> networks_;
  std::vector<nbt::OwnName> names_;  // one for each network
  std::optional<State> end_;
  std::array<std::uint8_t, kLargestPacket> packet_{};
  udp::endpoint from_;
  std::function<void()> owned_;
  std::function<void(Held)> done_;
};

}  // namespace

Task<Held> hold_name(boost::asio::io_context& context, nbt::Name name, const DialPolicy& policy,
                     std::function<void()> owned) {
  auto begin = [&](auto done) {
    const auto tell = [done](Held held) mutable { done(std::move(held)); };
    std::make_shared<NameHolder>(context, std::move(owned), tell)->start(name, policy);
  };
  Held held = co_await callback<Held>(begin);
  co_return held;
}

}  // namespace smb3fuse::client
