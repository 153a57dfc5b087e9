// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.17, 2.2.18: FLUSH.
#pragma once

#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

// [MS-SMB2] 2.2.17
struct FlushRequest {
  static constexpr Command kCommand = Command::flush;
  FileId file_id;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<24>();
    a.template reserved<std::uint16_t>();
    a.template reserved<std::uint32_t>();
    a.nested("file_id", m.file_id);
  }
};

// [MS-SMB2] 2.2.18
struct FlushResponse {
  static constexpr Command kCommand = Command::flush;

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template structure_size<4>();
    a.template reserved<std::uint16_t>();
  }
};

}  // namespace smb3fuse::wire
