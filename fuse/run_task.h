// SPDX-License-Identifier: Apache-2.0
// Runs a task to its end, on the loop that it waits on, for commands that do one thing. Main thread.
#pragma once

#include <optional>
#include <utility>

#include "smb/client/asio_runtime.h"
#include "smb/client/task.h"

namespace smb3fuse::fs {

namespace detail {
template <class T>
client::Task<void> keep(client::Task<T> task, std::optional<T>& result) {
  T value = co_await std::move(task);
  result.emplace(std::move(value));
}
}  // namespace detail

template <class T>
T run_task(boost::asio::io_context& context, client::Task<T> task) {
  std::optional<T> result;
  client::spawn(detail::keep(std::move(task), result));
  while (!result && context.run_one() != 0) {
  }
  return std::move(*result);
}

}  // namespace smb3fuse::fs
