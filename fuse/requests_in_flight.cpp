// SPDX-License-Identifier: Apache-2.0
#include "fuse/requests_in_flight.h"

#include <linux/fuse.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

namespace smb3fuse::fs {

namespace {

struct Operation {
  std::uint32_t opcode;
  std::string_view name;
};
constexpr std::array kNames{
    Operation{FUSE_LOOKUP, "LOOKUP"},
    Operation{FUSE_FORGET, "FORGET"},
    Operation{FUSE_GETATTR, "GETATTR"},
    Operation{FUSE_SETATTR, "SETATTR"},
    Operation{FUSE_READLINK, "READLINK"},
    Operation{FUSE_SYMLINK, "SYMLINK"},
    Operation{FUSE_MKNOD, "MKNOD"},
    Operation{FUSE_MKDIR, "MKDIR"},
    Operation{FUSE_UNLINK, "UNLINK"},
    Operation{FUSE_RMDIR, "RMDIR"},
    Operation{FUSE_RENAME, "RENAME"},
    Operation{FUSE_LINK, "LINK"},
    Operation{FUSE_OPEN, "OPEN"},
    Operation{FUSE_READ, "READ"},
    Operation{FUSE_WRITE, "WRITE"},
    Operation{FUSE_STATFS, "STATFS"},
    Operation{FUSE_RELEASE, "RELEASE"},
    Operation{FUSE_FSYNC, "FSYNC"},
    Operation{FUSE_SETXATTR, "SETXATTR"},
    Operation{FUSE_GETXATTR, "GETXATTR"},
    Operation{FUSE_LISTXATTR, "LISTXATTR"},
    Operation{FUSE_REMOVEXATTR, "REMOVEXATTR"},
    Operation{FUSE_FLUSH, "FLUSH"},
    Operation{FUSE_INIT, "INIT"},
    Operation{FUSE_OPENDIR, "OPENDIR"},
    Operation{FUSE_READDIR, "READDIR"},
    Operation{FUSE_RELEASEDIR, "RELEASEDIR"},
    Operation{FUSE_FSYNCDIR, "FSYNCDIR"},
    Operation{FUSE_GETLK, "GETLK"},
    Operation{FUSE_SETLK, "SETLK"},
    Operation{FUSE_SETLKW, "SETLKW"},
    Operation{FUSE_ACCESS, "ACCESS"},
    Operation{FUSE_CREATE, "CREATE"},
    Operation{FUSE_INTERRUPT, "INTERRUPT"},
    Operation{FUSE_BMAP, "BMAP"},
    Operation{FUSE_DESTROY, "DESTROY"},
    Operation{FUSE_IOCTL, "IOCTL"},
    Operation{FUSE_POLL, "POLL"},
    Operation{FUSE_NOTIFY_REPLY, "NOTIFY_REPLY"},
    Operation{FUSE_BATCH_FORGET, "BATCH_FORGET"},
    Operation{FUSE_FALLOCATE, "FALLOCATE"},
    Operation{FUSE_READDIRPLUS, "READDIRPLUS"},
    Operation{FUSE_RENAME2, "RENAME2"},
    Operation{FUSE_LSEEK, "LSEEK"},
    Operation{FUSE_COPY_FILE_RANGE, "COPY_FILE_RANGE"},
    Operation{FUSE_SETUPMAPPING, "SETUPMAPPING"},
    Operation{FUSE_REMOVEMAPPING, "REMOVEMAPPING"},
    Operation{FUSE_SYNCFS, "SYNCFS"},
};

std::string_view name_of(std::uint32_t opcode) {
  const auto found =
      std::find_if(kNames.begin(), kNames.end(), [opcode](const Operation& each) { return each.opcode == opcode; });
  return found == kNames.end() ? "another" : found->name;
}

bool wants_answer(std::uint32_t opcode) {
  return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT &&
         opcode != FUSE_NOTIFY_REPLY;
}

}  // namespace

void RequestsInFlight::handle_request(std::span<const std::uint8_t> message) {
  fuse_in_header header;
  if (message.size() < sizeof header) return;
  std::memcpy(&header, message.data(), sizeof header);
  if (header.opcode < counts_.size()) ++counts_[header.opcode];
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

std::vector<OperationCount> RequestsInFlight::counts() const {
  std::vector<OperationCount> counts;
  for (std::uint32_t opcode = 0; opcode < counts_.size(); ++opcode) {
    if (counts_[opcode] > 0) counts.push_back({name_of(opcode), counts_[opcode]});
  }
  return counts;
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
