// SPDX-License-Identifier: Apache-2.0
// Runtime over one io_context, which the loop thread runs.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "smb/client/runtime.h"

namespace smb3fuse::client {

class AsioRuntime final : public Runtime {
 public:
  // `context` outlives it and its timers.
  explicit AsioRuntime(boost::asio::io_context& context) : context_(context) {}

  TimePoint now() const override { return Clock::now(); }
  void post(std::function<void()> call) override;  // any thread
  std::unique_ptr<Timer> make_timer() override;

 private:
  boost::asio::io_context& context_;
};

}  // namespace smb3fuse::client
