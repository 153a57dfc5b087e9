// SPDX-License-Identifier: Apache-2.0
// Several ways to one server: each begins some time after the one before it, or at once when that has failed, and the
// first that succeeds is taken, as RFC 8305 5 has it for addresses. Loop thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "smb/client/dialer.h"
#include "smb/client/runtime.h"
#include "smb/client/task.h"

namespace smb3fuse::client {

using Dialled = tl::expected<std::unique_ptr<Transport>, DialError>;

struct Contender {
  Duration head_start{};  // of those before it
  // Begins; `done` is called once, now or later, unless what is returned is destroyed before.
  std::function<std::shared_ptr<void>(std::function<void(Dialled)> done)> start;
};

// Fails when all have, or `timeout` is over: with the refusal of a NetBIOS session if there was one, which says more
// than that a port is closed, else with the first error.
Task<Dialled> race(Runtime& runtime, std::vector<Contender> contenders, Duration timeout);

}  // namespace smb3fuse::client
