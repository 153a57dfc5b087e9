// SPDX-License-Identifier: Apache-2.0
// The few things of the kernel's protocol that libfuse 3.14 has no words for, said in the protocol's own structures.
// When the libfuse that is required can say them, this file goes.
//
// - INIT: PARALLEL_DIROPS, which 3.14 has a name for but does not pass on; HANDLE_KILLPRIV_V2, so that no GETXATTR of
//   security.capability precedes cached writes; DIRECT_IO_ALLOW_MMAP, so that files opened with DIRECT_IO can still be
//   mapped shared. Only what the kernel offers.
// - FOPEN_PARALLEL_DIRECT_WRITES in the answers to OPEN and CREATE.
// - Notifications as bytes: libfuse's functions would write through the session, whose replies are the loop's.
// Loop thread, but for encode().
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>

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
  // Names can be expired; an older kernel would take that for their invalidation.
  bool can_expire_entries() const { return can_expire_entries_; }

 private:
  std::uint64_t init_unique_ = 0;  // of the INIT in flight; 0: none
  std::uint64_t offered_ = 0;
  bool shared_mmap_ = false;
  bool can_expire_entries_ = false;
};

enum class OpenMode : std::uint8_t {
  direct,                 // no page cache: the kernel asks us for every byte
  cached,                 // through the page cache, which is emptied by this open
  cached_keep,            // and what it holds of the file stays good
  cached_directory,       // the kernel keeps the listing and answers from it, also after this open is closed
  cached_directory_keep,  // and the one that it has is good
};

// Also for OPENDIR. As fuse_reply_open and fuse_reply_create; 0 or a negated errno.
int reply_open(fuse_req_t request, std::uint64_t handle, OpenMode mode);
int reply_create(fuse_req_t request, const fuse_entry_param& entry, std::uint64_t handle, OpenMode mode);

// What the kernel is told unasked.
struct Notification {
  enum class Kind : std::uint8_t {
    invalidate_data,        // pages and attributes of `node`
    invalidate_attributes,  // of `node`
    invalidate_entry,       // `name` in `node`
    expire_entry,           // `name` in `node`: to be asked for at its next use
  };
  Kind kind;
  std::uint64_t node;
  std::string name;
};
// One message, to be written to /dev/fuse at once.
std::string encode(const Notification& notification);

}  // namespace smb3fuse::fs
