// SPDX-License-Identifier: Apache-2.0
// The requests that the kernel still waits for, so that the end of a mount can answer them in place of whoever owes the
// answer. A few are in flight as a rule and 128 at most as often as not, so they are kept in a plain list. Loop thread.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <vector>

namespace smb3fuse::fs {

class RequestsInFlight {
 public:
  // Each message as it comes from the kernel; those that want no answer are left out.
  void handle_request(std::span<const std::uint8_t> message);
  // Each message as it goes to the kernel.
  void handle_reply(std::span<const iovec> reply);
  // Answers all of them with `error`, an errno.
  void fail_all(int descriptor, int error);

 private:
  std::vector<std::uint64_t> uniques_;  // oldest first, more or less
};

}  // namespace smb3fuse::fs
