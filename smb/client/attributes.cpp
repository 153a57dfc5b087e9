// SPDX-License-Identifier: Apache-2.0
#include "smb/client/attributes.h"

#include <chrono>

namespace smb3fuse::client {

FileTime local_time_now() {
  constexpr FileTime kUnixEpoch = 116'444'736'000'000'000;  // 1970-01-01 as a FILETIME, [MS-DTYP] 2.3.3
  using Ticks = std::chrono::duration<FileTime, std::ratio<1, 10'000'000>>;
  return kUnixEpoch + std::chrono::duration_cast<Ticks>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace smb3fuse::client
