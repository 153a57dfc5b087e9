// SPDX-License-Identifier: Apache-2.0
// client::Runtime with time that the test moves and turns that the test gives. Nothing here waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "smb/client/runtime.h"
#include "smb/client/task.h"

namespace smb3fuse::test {

class ManualRuntime final : public client::Runtime {
 public:
  client::TimePoint now() const override { return now_; }
  void post(std::function<void()> call) override { posted_.push_back(std::move(call)); }
  std::unique_ptr<client::Timer> make_timer() override;

  // Runs what is posted, and what that posts, until nothing is left. False: it never ends.
  bool run();
  // Moves the time on by `step`; timers fire at their time, in order.
  void advance(client::Duration step);
  // Moves to the earliest timer, if it is due within `horizon` of now, and fires it. False: there is none.
  bool advance_to_next_timer(client::Duration horizon);

  // What `task` came to, moving time by `patience` at most; nothing if it never ends.
  template <class T>
  std::optional<T> finish(client::Task<T> task, client::Duration patience = std::chrono::minutes(10)) {
    auto result = std::make_shared<std::optional<T>>();
    client::spawn(keep(std::move(task), result));
    const client::TimePoint until = now_ + patience;
    run();
    while (!result->has_value() && advance_to_next_timer(until - now_)) {
    }
    return std::move(*result);
  }

 private:
  class ManualTimer;

  template <class T>
  static client::Task<void> keep(client::Task<T> task, std::shared_ptr<std::optional<T>> result) {
    T value = co_await std::move(task);
    result->emplace(std::move(value));
  }

  client::TimePoint now_{std::chrono::hours(1)};
  std::deque<std::function<void()>> posted_;
  std::set<ManualTimer*> timers_;
  std::uint64_t timers_set_ = 0;
};

}  // namespace smb3fuse::test
