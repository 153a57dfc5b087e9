// SPDX-License-Identifier: Apache-2.0
// How whoever spawned a task tells it that nobody waits for its result any more. The task still runs to its end, on
// real answers: what it made meanwhile is its own to undo. Only what it waits for at that moment is hurried along.
//
// The way from spawn() to that wait is that of the awaits: each Task hands its Interrupt on to the one it awaits,
// unless that one is uninterrupted(). What a task merely starts by a callback serves others too, and knows nothing of
// it. Loop thread.
#pragma once

#include <functional>
#include <utility>

namespace smb3fuse::client {

class Interrupt {
 public:
  // The task waits from here on for what `hurry` would hurry along.
  void arm(std::function<void()> hurry) { hurry_ = std::move(hurry); }
  void disarm() { hurry_ = nullptr; }

  // What the task waits for later is not hurried along: it may be what undoes the rest.
  void fire() {
    has_fired_ = true;
    if (const auto hurry = std::exchange(hurry_, nullptr)) hurry();
  }
  bool has_fired() const { return has_fired_; }

 private:
  std::function<void()> hurry_;
  bool has_fired_ = false;
};

}  // namespace smb3fuse::client
