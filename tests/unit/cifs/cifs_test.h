// SPDX-License-Identifier: Apache-2.0
// What the tests of SMB1 share.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "smb/cifs/block.h"
#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::cifs {

// A golden message; views look into `bytes`.
struct GoldenMessage {
  explicit GoldenMessage(std::string_view hex) : bytes(wire::from_hex(hex)), header(wire::decoded<Header>(bytes)) {
    auto split = split_blocks(bytes);
    EXPECT_TRUE(split) << wire::to_string(split.error());
    if (split) blocks = std::move(*split);
  }
  GoldenMessage(const GoldenMessage&) = delete;

  // The block at `index`, which is a T.
  template <class T>
  T as(std::size_t index = 0) const {
    const auto found = decode<T>(blocks.at(index));
    EXPECT_TRUE(found) << wire::to_string(found.error());
    return found.value_or(T{});
  }
  // Behind the header.
  Bytes rest() const { return {bytes.begin() + kHeaderSize, bytes.end()}; }

  Bytes bytes;
  Header header;
  std::vector<Block> blocks;
};

// What MessageBuilder makes of one block, behind the header.
template <class T>
Bytes built(const T& block) {
  const Bytes message = MessageBuilder().add(block).take();
  return {message.begin() + kHeaderSize, message.end()};
}

}  // namespace smb3fuse::cifs
