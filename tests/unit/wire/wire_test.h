// SPDX-License-Identifier: Apache-2.0
// What the tests of smb/wire share.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "smb/wire/codec.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

// "0a0B 0c" and line breaks as one likes.
inline Bytes from_hex(std::string_view text) {
  Bytes bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high << 4 | digit));
      high = -1;
    }
  }
  return bytes;
}

// A copy in a heap block of exactly its size, so that AddressSanitizer sees each byte read past its end.
class ExactCopy {
 public:
  explicit ExactCopy(ByteView bytes) : size_(bytes.size()), block_(new std::uint8_t[bytes.size()]) {
    std::copy(bytes.begin(), bytes.end(), block_.get());
  }
  ByteView view() const { return {block_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::uint8_t[]> block_;
};

// A golden message, its header checked against the body that the caller wants. Keeps the bytes that views look into.
template <class Body>
struct Golden {
  explicit Golden(std::string_view hex) : bytes(from_hex(hex)) {
    const auto decoded_header = decode<Smb2Header>(bytes);
    EXPECT_TRUE(decoded_header) << to_string(decoded_header.error());
    if (decoded_header) header = *decoded_header;
    const auto decoded_body = decode<Body>(ByteView(bytes).subspan(kSmb2HeaderSize));
    EXPECT_TRUE(decoded_body) << to_string(decoded_body.error());
    if (decoded_body) body = *decoded_body;
    if constexpr (MessageBody<Body>) {
      EXPECT_EQ(header.command, Body::kCommand);
    }
  }
  Golden(const Golden&) = delete;  // body looks into bytes
  const Body* operator->() const { return &body; }

  Bytes bytes;
  Smb2Header header;
  Body body;
};

// What the bytes decode to, which the caller is sure of.
template <class T>
T decoded(ByteView bytes) {
  auto result = decode<T>(bytes);
  EXPECT_TRUE(result) << to_string(result.error());
  return result.value_or(T{});
}

}  // namespace smb3fuse::wire
