// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.15, 2.2.16: CLOSE.
#pragma once

#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

enum CloseFlags : std::uint16_t { SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB = 0x0001 };

// [MS-SMB2] 2.2.15
struct CloseRequest {
  static constexpr Command kCommand = Command::close;
  std::uint16_t flags = 0;
  FileId file_id;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<24>();
    a.field("flags", m.flags);
    a.template reserved<std::uint32_t>();
    a.nested("file_id", m.file_id);
  }
};

// [MS-SMB2] 2.2.16: all below `flags` is 0 unless SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB is set in it.
struct CloseResponse {
  static constexpr Command kCommand = Command::close;
  std::uint16_t flags = 0;
  FileTime creation_time;
  FileTime last_access_time;
  FileTime last_write_time;
  FileTime change_time;
  std::uint64_t allocation_size = 0;
  std::uint64_t end_of_file = 0;
  std::uint32_t file_attributes = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<60>();
    a.field("flags", m.flags);
    a.template reserved<std::uint32_t>();
    a.nested("creation_time", m.creation_time);
    a.nested("last_access_time", m.last_access_time);
    a.nested("last_write_time", m.last_write_time);
    a.nested("change_time", m.change_time);
    a.field("allocation_size", m.allocation_size);
    a.field("end_of_file", m.end_of_file);
    a.field("file_attributes", m.file_attributes);
  }
};

}  // namespace smb3fuse::wire
