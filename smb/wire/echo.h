// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.28, 2.2.29: ECHO.
#pragma once

#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

// [MS-SMB2] 2.2.28
struct EchoRequest {
  static constexpr Command kCommand = Command::echo;

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template structure_size<4>();
    a.template reserved<std::uint16_t>();
  }
};

// [MS-SMB2] 2.2.29
struct EchoResponse {
  static constexpr Command kCommand = Command::echo;

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template structure_size<4>();
    a.template reserved<std::uint16_t>();
  }
};

}  // namespace smb3fuse::wire
