// SPDX-License-Identifier: Apache-2.0
// Bytes in a block of the heap of exactly their size, so that AddressSanitizer sees one byte read too many.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "smb/wire/bytes.h"

namespace smb3fuse::test {

class ExactCopy {
 public:
  explicit ExactCopy(ByteView bytes) : bytes_(new std::uint8_t[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
  }
  ByteView view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_;
};

}  // namespace smb3fuse::test
