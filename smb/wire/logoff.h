// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.7, 2.2.8: LOGOFF.
#pragma once

#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

// [MS-SMB2] 2.2.7
struct LogoffRequest {
  static constexpr Command kCommand = Command::logoff;

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template structure_size<4>();
    a.template reserved<std::uint16_t>();
  }
};

// [MS-SMB2] 2.2.8
struct LogoffResponse {
  static constexpr Command kCommand = Command::logoff;

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template structure_size<4>();
    a.template reserved<std::uint16_t>();
  }
};

}  // namespace smb3fuse::wire
