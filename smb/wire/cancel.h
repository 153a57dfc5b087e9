// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.30: CANCEL. There is no answer to it: the cancelled request is answered.
#pragma once

#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

// [MS-SMB2] 2.2.30
struct CancelRequest {
  static constexpr Command kCommand = Command::cancel;

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template structure_size<4>();
    a.template reserved<std::uint16_t>();
  }
};

}  // namespace smb3fuse::wire
