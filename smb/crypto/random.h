// SPDX-License-Identifier: Apache-2.0
// Random bytes fit for keys, nonces, salts and GUIDs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace smb3fuse::crypto {

void random_bytes(std::span<std::uint8_t> out);

template <std::size_t Size>
std::array<std::uint8_t, Size> random_array() {
  std::array<std::uint8_t, Size> bytes;
  random_bytes(bytes);
  return bytes;
}

}  // namespace smb3fuse::crypto
