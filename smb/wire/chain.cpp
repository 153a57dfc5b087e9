// SPDX-License-Identifier: Apache-2.0
#include "smb/wire/chain.h"

#include <cstdint>

#include "smb/wire/endian.h"

namespace smb3fuse::wire {

std::optional<ByteView> ChainCursor::next() {
  if (rest_.empty()) return std::nullopt;
  if (rest_.size() < sizeof(std::uint32_t)) {
    fail(DecodeProblem::truncated);
    return std::nullopt;
  }
  const auto offset = load_le<std::uint32_t>(rest_.data());
  if (offset == 0) {
    const ByteView last = rest_;
    rest_ = {};
    return last;
  }
  if (offset < sizeof(std::uint32_t) || offset % alignment_ != 0 || offset >= rest_.size()) {
    fail(DecodeProblem::bad_offset);
    return std::nullopt;
  }
  const ByteView entry = rest_.first(offset);
  rest_ = rest_.subspan(offset);
  position_ += offset;
  return entry;
}

void ChainCursor::fail(DecodeProblem problem) {
  error_ = DecodeError{structure_, "next_entry_offset", position_, problem};
  rest_ = {};
}

}  // namespace smb3fuse::wire
