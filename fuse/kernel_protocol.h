// SPDX-License-Identifier: Apache-2.0
// The few things of the kernel's protocol that libfuse 3.14 has no words for, said in the protocol's own structures.
// When the libfuse that is required can say them, this file goes.
//
// - INIT: PARALLEL_DIROPS, which 3.14 has a name for but does not pass on; HANDLE_KILLPRIV_V2, so that no GETXATTR of
//   security.capability precedes cached writes; DIRECT_IO_ALLOW_MMAP, so that files opened with DIRECT_IO can still be
//   mapped shared. Only what the kernel offers.
// - FOPEN_PARALLEL_DIRECT_WRITES in the answers to OPEN and CREATE. Loop thread.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

namespace smb3fuse::fs {

// Sees every message until INIT is answered, and adds to the answer.
class InitExtension {
 public:
  void handle_request(std::span<const std::uint8_t> message);
  // `reply` is what libfuse is about to write; changed in place if it answers the INIT.
  void handle_reply(std::span<const iovec> reply);
  // DIRECT_IO_ALLOW_MMAP was offered and taken.
  bool shared_mmap() const { return shared_mmap_; }

 private:
  std::uint64_t init_unique_ = 0;  // of the INIT in flight; 0: none
  std::uint64_t offered_ = 0;
  bool shared_mmap_ = false;
};

enum class OpenMode : std::uint8_t {
  direct,  // no page cache: the kernel asks us for every byte
};

// As fuse_reply_open and fuse_reply_create; 0 or a negated errno.
int reply_open(fuse_req_t request, std::uint64_t handle, OpenMode mode);
int reply_create(fuse_req_t request, const fuse_entry_param& entry, std::uint64_t handle, OpenMode mode);

}  // namespace smb3fuse::fs
