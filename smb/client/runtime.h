// SPDX-License-Identifier: Apache-2.0
// Time and turns of the loop, as the engine sees them. asio_runtime implements it; tests have one they move by hand.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace smb3fuse::client {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

// A call that waits for its time. Destroying it cancels the call.
class Timer {
 public:
  virtual ~Timer() = default;
  // Replaces what was set before.
  virtual void expire_at(TimePoint when, std::function<void()> call) = 0;
  virtual void cancel() = 0;
};

// Loop thread, but for post().
class Runtime {
 public:
  virtual TimePoint now() const = 0;
  // Runs `call` on a later turn of the loop, never inside this call. Any thread may post to AsioRuntime.
  virtual void post(std::function<void()> call) = 0;
  virtual std::unique_ptr<Timer> make_timer() = 0;

 protected:
  ~Runtime() = default;
};

}  // namespace smb3fuse::client
