// SPDX-License-Identifier: Apache-2.0
// Lets one coroutine at a time pass. take() suspends until it is the caller's turn; the guard passes the turn on. Loop
// thread.
#pragma once

#include <coroutine>
#include <deque>
#include <utility>

namespace smb3fuse::client {

class Turn {
 public:
  class Guard {
   public:
    explicit Guard(Turn& turn) : turn_(&turn) {}
    Guard(Guard&& other) noexcept : turn_(std::exchange(other.turn_, nullptr)) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (turn_ != nullptr) turn_->pass();
    }

   private:
    Turn* turn_;
  };

  auto take() {
    struct Awaiter {
      Turn& turn;
      bool await_ready() const noexcept { return !std::exchange(turn.taken_, true); }
      void await_suspend(std::coroutine_handle<> waiting) { turn.waiting_.push_back(waiting); }
      Guard await_resume() noexcept { return Guard(turn); }
    };
    return Awaiter{*this};
  }

 private:
  void pass() {
    if (waiting_.empty()) {
      taken_ = false;
      return;
    }
    const std::coroutine_handle<> next = waiting_.front();
    waiting_.pop_front();
    next.resume();
  }

  bool taken_ = false;
  std::deque<std::coroutine_handle<>> waiting_;
};

}  // namespace smb3fuse::client
