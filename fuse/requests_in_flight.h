// SPDX-License-Identifier: Apache-2.0
// The requests that the kernel still waits for, so that the end of a mount can answer them in place of whoever owes the
// answer. A few are in flight as a rule and 128 at most as often as not, so they are kept in a plain list. And how many
// there have been of each kind. Loop thread.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fuse/kernel_status.h"

namespace smb3fuse::fs {

class RequestsInFlight {
 public:
  // Each message as it comes from the kernel; those that want no answer are left out.
  void handle_request(std::span<const std::uint8_t> message);
  // Each message as it goes to the kernel.
  void handle_reply(std::span<const iovec> reply);
  // Answers all of them with `error`, an errno.
  void fail_all(int descriptor, int error);

  std::size_t size() const { return uniques_.size(); }
  // By operation, those that there have been.
  std::vector<OperationCount> counts() const;

 private:
  static constexpr std::size_t kOperations = 64;  // the kernel's numbers are below

  std::vector<std::uint64_t> uniques_;  // oldest first, more or less
  std::array<std::uint64_t, kOperations> counts_{};
};

}  // namespace smb3fuse::fs
