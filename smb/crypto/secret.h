// SPDX-License-Identifier: Apache-2.0
// Bytes that must not outlive their use: passwords, hashes, keys. They lie in OpenSSL's secure heap (locked into
// memory, left out of core dumps, between guard pages) where the host grants one, else in ordinary memory, and are
// wiped when they go. Move-only: a copy is made by name (clone), so that every one can be found.
//
// A child of fork() inherits the bytes but not the lock: read secrets after daemonising.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "smb/wire/bytes.h"

namespace smb3fuse::crypto {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size);  // zeroed, to be filled through bytes()
  explicit Secret(ByteView bytes);
  explicit Secret(std::string_view text);
  static Secret take(std::string& text);  // wipes `text` and leaves it empty

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  Secret clone() const { return Secret(view()); }

  // Valid until the Secret is moved from, assigned or destroyed.
  ByteView view() const { return {data_, size_}; }
  std::span<std::uint8_t> bytes() { return {data_, size_}; }
  std::string_view text() const;
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Overwrites bytes so that no compiler may drop the store.
void wipe(std::span<std::uint8_t> bytes) noexcept;

// Compares in a time that depends on the sizes alone.
bool equal_in_constant_time(ByteView a, ByteView b) noexcept;

}  // namespace smb3fuse::crypto
