// SPDX-License-Identifier: Apache-2.0
// What we may keep of a remote file: the protocol-neutral meaning of an oplock or a lease.
#pragma once

#include <cstdint>

namespace smb3fuse::cache {

enum class Access : std::uint8_t {
  none,        // no promise from the server: nothing is kept beyond the moment, writes go out at once
  read,        // nobody else writes: what was read stays valid until the access is taken back
  read_write,  // nobody else reads or writes: writes may wait here too
};

}  // namespace smb3fuse::cache
