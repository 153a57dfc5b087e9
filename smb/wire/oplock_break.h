// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.23 to 2.2.25: OPLOCK_BREAK, for oplocks and for leases. The bodies differ by their StructureSize:
// see structure_size_of() in header.h.
#pragma once

#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/create.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

// [MS-SMB2] 2.2.23.1 Notification, 2.2.24.1 Acknowledgment, 2.2.25.1 Response: one layout.
struct OplockBreak {
  static constexpr Command kCommand = Command::oplock_break;
  static constexpr std::uint16_t kStructureSize = 24;
  OplockLevel oplock_level = OplockLevel::none;
  FileId file_id;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<kStructureSize>();
    a.field("oplock_level", m.oplock_level);
    a.template reserved<std::uint8_t>();
    a.template reserved<std::uint32_t>();
    a.nested("file_id", m.file_id);
  }
};

enum LeaseBreakFlags : std::uint32_t { SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED = 0x00000001 };

// [MS-SMB2] 2.2.23.2
struct LeaseBreakNotification {
  static constexpr Command kCommand = Command::oplock_break;
  static constexpr std::uint16_t kStructureSize = 44;
  std::uint16_t new_epoch = 0;
  std::uint32_t flags = 0;
  LeaseKey lease_key;
  std::uint32_t current_lease_state = 0;
  std::uint32_t new_lease_state = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<kStructureSize>();
    a.field("new_epoch", m.new_epoch);
    a.field("flags", m.flags);
    a.nested("lease_key", m.lease_key);
    a.field("current_lease_state", m.current_lease_state);
    a.field("new_lease_state", m.new_lease_state);
    a.template reserved<std::uint32_t>();  // BreakReason
    a.template reserved<std::uint32_t>();  // AccessMaskHint
    a.template reserved<std::uint32_t>();  // ShareMaskHint
  }
};

// [MS-SMB2] 2.2.24.2 Acknowledgment, 2.2.25.2 Response: one layout.
struct LeaseBreakAcknowledgment {
  static constexpr Command kCommand = Command::oplock_break;
  static constexpr std::uint16_t kStructureSize = 36;
  LeaseKey lease_key;
  std::uint32_t lease_state = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<kStructureSize>();
    a.template reserved<std::uint16_t>();
    a.template reserved<std::uint32_t>();  // Flags
    a.nested("lease_key", m.lease_key);
    a.field("lease_state", m.lease_state);
    a.template reserved<std::uint64_t>();  // LeaseDuration
  }
};

}  // namespace smb3fuse::wire
