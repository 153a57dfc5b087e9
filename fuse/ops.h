// SPDX-License-Identifier: Apache-2.0
// libfuse's table of low-level operations, filled with calls of Vfs. What is not in the table is answered with ENOSYS
// by libfuse, after which the kernel does it itself or stops asking: locks stay local, copy_file_range(2) reads and
// writes, access(2) goes by the modes shown, extended attributes cannot be set. Loop thread.
#pragma once

#include "cache/buffer.h"
#include "fuse/requests_in_flight.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs {

// Largest READ and WRITE: what the kernel allows without a raised fs.fuse.max_pages_limit.
inline constexpr std::uint32_t kMaximumRequest = 1024 * 1024;

// The user data of the fuse_session: what the operations work on.
struct OperationContext {
  Vfs& vfs;
  client::Runtime& runtime;
  cache::BufferPool& pool;
  InitExtension init;
  RequestsInFlight in_flight;
  cache::Buffer message;  // the request being processed; a WRITE's payload is kept as a slice of it
  bool initialised = false;
};

const fuse_lowlevel_ops& operations();

}  // namespace smb3fuse::fs
