// SPDX-License-Identifier: Apache-2.0
#include "smb/client/asio_runtime.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>

namespace smb3fuse::client {

namespace {

// Asio may have queued a handler with success already when its timer is cancelled, so each setting has a number, and
// a handler whose number has passed, or whose timer is gone, does nothing.
class AsioTimer final : public Timer {
 public:
  explicit AsioTimer(boost::asio::io_context& context) : state_(std::make_shared<State>(context)) {}
  ~AsioTimer() override { cancel(); }
  AsioTimer(const AsioTimer&) = delete;
  AsioTimer& operator=(const AsioTimer&) = delete;

  void expire_at(TimePoint when, std::function<void()> call) override {
    const std::uint64_t setting = ++state_->setting;
    state_->call = std::move(call);
    state_->timer.expires_at(when);
    state_->timer.async_wait([weak = std::weak_ptr<State>(state_), setting](const boost::system::error_code& error) {
      const std::shared_ptr<State> state = weak.lock();
      if (error || state == nullptr || state->setting != setting) return;
      // The call may destroy the timer or set it anew.
      const std::function<void()> due = std::exchange(state->call, nullptr);
      due();
    });
  }

  void cancel() override {
    ++state_->setting;
    state_->call = nullptr;
    state_->timer.cancel();
  }

 private:
  struct State {
    explicit State(boost::asio::io_context& context) : timer(context) {}
    boost::asio::steady_timer timer;
    std::uint64_t setting = 0;
    std::function<void()> call;
  };
  std::shared_ptr<State> state_;
};

}  // namespace

void AsioRuntime::post(std::function<void()> call) { boost::asio::post(context_, std::move(call)); }

std::unique_ptr<Timer> AsioRuntime::make_timer() { return std::make_unique<AsioTimer>(context_); }

}  // namespace smb3fuse::client
