// SPDX-License-Identifier: Apache-2.0
// What is under way between the machines of a simulation, and who decides when it arrives: chance, drawn from a seed
// (RandomAgenda), or a test that tries one order after the other (OrderedAgenda). What is sent along one channel
// arrives in its order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "smb/client/runtime.h"

namespace smb3fuse::simulation {

using client::Duration;
using client::TimePoint;

using Channel = std::size_t;

class Agenda {
 public:
  virtual ~Agenda() = default;
  virtual void send(Channel channel, std::function<void()> arrival) = 0;
  // A number below `below`: what else is left to chance.
  virtual unsigned pick(unsigned below) = 0;

  // One on which nothing is sent but this: it arrives before or after anything else.
  void send_apart(std::function<void()> arrival) { send(next_channel_++, std::move(arrival)); }
  Channel new_channel() { return next_channel_++; }

 private:
  Channel next_channel_ = 0;
};

// Everything takes its time: mostly a fraction of a millisecond, sometimes some of them.
class RandomAgenda final : public Agenda {
 public:
  // No message takes longer.
  static constexpr Duration kLongest = std::chrono::milliseconds(8);

  RandomAgenda(client::Runtime& runtime, std::uint64_t seed)
      : runtime_(runtime), timer_(runtime.make_timer()), random_(static_cast<std::mt19937::result_type>(seed)) {}

  void send(Channel channel, std::function<void()> arrival) override {
    TimePoint& last = last_on_[channel];
    last = std::max(last, runtime_.now() + delay());
    const bool is_next = under_way_.empty() || last < under_way_.begin()->first;
    under_way_.emplace(last, std::move(arrival));
    if (is_next) arm();
  }
  unsigned pick(unsigned below) override { return static_cast<unsigned>(random_()) % below; }

 private:
  Duration delay() {
    const unsigned kind = pick(8);
    if (kind == 0) return std::chrono::microseconds(pick(8000));
    return std::chrono::microseconds(kind < 4 ? 50 : 50 + pick(500));
  }
  void arm() {
    timer_->expire_at(under_way_.begin()->first, [this] {
      const auto arrival = std::move(under_way_.begin()->second);
      under_way_.erase(under_way_.begin());
      if (!under_way_.empty()) arm();
      arrival();
    });
  }

  client::Runtime& runtime_;
  const std::unique_ptr<client::Timer> timer_;
  std::mt19937 random_;
  std::map<Channel, TimePoint> last_on_;
  std::multimap<TimePoint, std::function<void()>> under_way_;
};

// Everything arrives at once, until the test holds it: then what it says.
class OrderedAgenda final : public Agenda {
 public:
  explicit OrderedAgenda(client::Runtime& runtime) : runtime_(runtime) {}

  void send(Channel channel, std::function<void()> arrival) override {
    if (!holds_) return runtime_.post(std::move(arrival));
    channels_[channel].push_back(std::move(arrival));
  }
  unsigned pick(unsigned) override { return 0; }

  void hold() { holds_ = true; }
  // Of how many arrivals any could be the next one.
  std::size_t choices() const { return channels_.size(); }
  void arrive(std::size_t choice) {
    const auto channel = std::next(channels_.begin(), static_cast<std::ptrdiff_t>(choice));
    const auto arrival = std::move(channel->second.front());
    channel->second.pop_front();
    if (channel->second.empty()) channels_.erase(channel);
    arrival();
  }
  // What is held arrives, and all that comes later does so at once.
  void release() {
    holds_ = false;
    while (choices() > 0) arrive(0);
  }

 private:
  client::Runtime& runtime_;
  bool holds_ = false;
  std::map<Channel, std::deque<std::function<void()>>> channels_;
};

}  // namespace smb3fuse::simulation
