// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.26, 2.2.27: LOCK.
#pragma once

#include <cstdint>
#include <vector>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

enum LockFlags : std::uint32_t {
  SMB2_LOCKFLAG_SHARED_LOCK = 0x00000001,
  SMB2_LOCKFLAG_EXCLUSIVE_LOCK = 0x00000002,
  SMB2_LOCKFLAG_UNLOCK = 0x00000004,
  SMB2_LOCKFLAG_FAIL_IMMEDIATELY = 0x00000010,
};

// [MS-SMB2] 2.2.26.1
struct LockElement {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint32_t flags = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("offset", m.offset);
    a.field("length", m.length);
    a.field("flags", m.flags);
    a.template reserved<std::uint32_t>();
  }
};

// [MS-SMB2] 2.2.26
struct LockRequest {
  static constexpr Command kCommand = Command::lock;
  std::uint32_t lock_sequence = 0;  // LockSequenceNumber in the low 4 bits, LockSequenceIndex above
  FileId file_id;
  std::vector<LockElement> locks;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<48>();
    a.template count_of<std::uint16_t>("lock_count", m.locks);
    a.field("lock_sequence", m.lock_sequence);
    a.nested("file_id", m.file_id);
    a.items("locks", m.locks);
  }
};

// [MS-SMB2] 2.2.27
struct LockResponse {
  static constexpr Command kCommand = Command::lock;

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template structure_size<4>();
    a.template reserved<std::uint16_t>();
  }
};

}  // namespace smb3fuse::wire
