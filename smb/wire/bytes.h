// SPDX-License-Identifier: Apache-2.0
// The two words for bytes: a view that somebody else keeps alive, and a block that is owned.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace smb3fuse {

using ByteView = std::span<const std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

}  // namespace smb3fuse
