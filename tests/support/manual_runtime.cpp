// SPDX-License-Identifier: Apache-2.0
#include "tests/support/manual_runtime.h"

#include <algorithm>

namespace smb3fuse::test {

class ManualRuntime::ManualTimer final : public client::Timer {
 public:
  explicit ManualTimer(ManualRuntime& runtime) : runtime_(runtime) { runtime_.timers_.insert(this); }
  ~ManualTimer() override { runtime_.timers_.erase(this); }
  ManualTimer(const ManualTimer&) = delete;
  ManualTimer& operator=(const ManualTimer&) = delete;

  void expire_at(client::TimePoint when, std::function<void()> call) override {
    when_ = when;
    set_ = ++runtime_.timers_set_;
    call_ = std::move(call);
  }
  void cancel() override { call_ = nullptr; }

  bool is_set() const { return call_ != nullptr; }
  client::TimePoint when() const { return when_; }
  bool is_before(const ManualTimer& other) const { return std::pair(when_, set_) < std::pair(other.when_, other.set_); }
  // The call may destroy the timer.
  void fire() {
    const auto call = std::exchange(call_, nullptr);
    call();
  }

 private:
  ManualRuntime& runtime_;
  client::TimePoint when_;
  std::uint64_t set_ = 0;  // counts up: of two for one time the one that was set first fires first
  std::function<void()> call_;
};

std::unique_ptr<client::Timer> ManualRuntime::make_timer() { return std::make_unique<ManualTimer>(*this); }

bool ManualRuntime::run() {
  constexpr std::size_t kEndless = 1'000'000;
  for (std::size_t turns = 0; !posted_.empty(); ++turns) {
    if (turns == kEndless) return false;
    const auto call = std::move(posted_.front());
    posted_.pop_front();
    call();
  }
  return true;
}

bool ManualRuntime::advance_to_next_timer(client::Duration horizon) {
  ManualTimer* next = nullptr;
  for (ManualTimer* timer : timers_) {
    if (timer->is_set() && (next == nullptr || timer->is_before(*next))) next = timer;
  }
  if (next == nullptr || next->when() - now_ > horizon) return false;
  now_ = std::max(now_, next->when());
  next->fire();
  run();
  return true;
}

void ManualRuntime::advance(client::Duration step) {
  const client::TimePoint until = now_ + step;
  run();
  while (advance_to_next_timer(until - now_)) {
  }
  now_ = until;
}

}  // namespace smb3fuse::test
