// SPDX-License-Identifier: Apache-2.0
// What has passed between the kernel and a mount, for people to look at. Plain numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace smb3fuse::fs {

struct OperationCount {
  std::string_view name;  // "LOOKUP"
  std::uint64_t requests = 0;
};

// What the kernel was told unasked; what is the same as something still queued counts once.
struct NotificationCounts {
  std::uint64_t data = 0;
  std::uint64_t attributes = 0;
  std::uint64_t names = 0;
  std::uint64_t expired_names = 0;
};

struct KernelStatus {
  std::vector<OperationCount> operations;  // those that were asked for
  std::size_t requests_waiting = 0;        // for their answer
  NotificationCounts notifications;
};

}  // namespace smb3fuse::fs
