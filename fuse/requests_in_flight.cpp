// SPDX-License-Identifier: Apache-2.0
#include "fuse/requests_in_flight.h"

#include <linux/fuse.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace smb3fuse::fs {

namespace {

bool wants_answer(std::uint32_t opcode) {
  return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT &&
         opcode != FUSE_NOTIFY_REPLY;
}

}  // namespace

void RequestsInFlight::handle_request(std::span<const std::uint8_t> message) {
  fuse_in_header header;
  if (message.size() < sizeof header) return;
  std::memcpy(&header, message.data(), sizeof header);
  if (wants_answer(header.opcode)) uniques_.push_back(header.unique);
}

void RequestsInFlight::handle_reply(std::span<const iovec> reply) {
  fuse_out_header header;
  if (reply.empty() || reply[0].iov_len < sizeof header) return;
  std::memcpy(&header, reply[0].iov_base, sizeof header);
  // Most are answered at once: the last one to come is the first to look at.
  const auto found = std::find(uniques_.rbegin(), uniques_.rend(), header.unique);
  if (found == uniques_.rend()) return;
  *found = uniques_.back();
  uniques_.pop_back();
}

void RequestsInFlight::fail_all(int descriptor, int error) {
  for (const std::uint64_t unique : std::exchange(uniques_, {})) {
    fuse_out_header header{};
    header.len = sizeof header;
    header.error = -error;
    header.unique = unique;
    // It fails if the kernel has given the request up, which is as good.
    [[maybe_unused]] const ssize_t written = write(descriptor, &header, sizeof header);
  }
}

}  // namespace smb3fuse::fs
