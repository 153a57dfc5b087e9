// SPDX-License-Identifier: Apache-2.0
// One request of the kernel, to be answered exactly once. Whoever holds it owes the answer: one that is dropped
// unanswered is answered with EIO (and stops a debug build).
//
// A caller that is interrupted gets EINTR when its request is still unanswered kInterruptGrace later: at once would
// break programs with periodic signals, never would make them unkillable. The work behind the request is hurried along
// by its Interrupt and still comes to its end; what it then answers is not delivered, and reply_*() says so with false:
// a handle or a lookup made for it has to be undone. Loop thread.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cache/buffer.h"
#include "fuse/kernel_protocol.h"
#include "smb/client/interrupt.h"
#include "smb/client/runtime.h"

namespace smb3fuse::fs {

inline constexpr std::chrono::milliseconds kInterruptGrace{300};

class Request {
 public:
  // `runtime` outlives it.
  Request(fuse_req_t raw, client::Runtime& runtime);
  Request(Request&& other) noexcept;
  Request& operator=(Request&&) noexcept = delete;
  ~Request();

  // For the task that works on it.
  std::shared_ptr<client::Interrupt> interrupt() const;

  bool reply_error(int error);  // 0: success without a result
  bool reply_entry(const fuse_entry_param& entry);
  bool reply_create(const fuse_entry_param& entry, std::uint64_t handle, OpenMode mode);
  bool reply_open(std::uint64_t handle, OpenMode mode);
  bool reply_attributes(const struct stat& attributes, double timeout);
  bool reply_link(const std::string& target);
  bool reply_written(std::size_t count);
  bool reply_bytes(std::span<const char> bytes);
  bool reply_pieces(std::span<const cache::Buffer> pieces);
  bool reply_statfs(const struct statvfs& statistics);
  bool reply_size(std::size_t size);
  bool reply_position(off_t position);
  bool reply_lock(const struct flock& lock);

 private:
  struct Pending;
  // The raw request, which is the caller's to answer; null if it has been answered.
  fuse_req_t take();

  std::shared_ptr<Pending> pending_;  // shared with its interrupt()
};

}  // namespace smb3fuse::fs
