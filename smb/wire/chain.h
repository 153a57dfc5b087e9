// SPDX-License-Identifier: Apache-2.0
// Chains of entries that each begin with a 32-bit NextEntryOffset, counted from the entry's own start; 0 ends the
// chain. [MS-FSCC] 2.4, [MS-SMB2] 2.2.13.2
//
// Hostile chains end: an offset is unsigned, so that the walk only goes forward; one that is unaligned, smaller than
// itself or past the end is an error.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "smb/wire/bytes.h"
#include "smb/wire/decode_error.h"

namespace smb3fuse::wire {

class ChainCursor {
 public:
  // `alignment` is what NextEntryOffset must be a multiple of.
  ChainCursor(ByteView chain, std::size_t alignment, std::string_view structure)
      : rest_(chain), alignment_(alignment), structure_(structure) {}

  // The next entry, from its NextEntryOffset to where the following one starts or the buffer ends. Nothing at the
  // end of the chain, at an error, and for an empty buffer.
  std::optional<ByteView> next();

  const std::optional<DecodeError>& error() const { return error_; }

 private:
  void fail(DecodeProblem problem);

  ByteView rest_;
  std::size_t position_ = 0;
  std::size_t alignment_;
  std::string_view structure_;
  std::optional<DecodeError> error_;
};

}  // namespace smb3fuse::wire
