// SPDX-License-Identifier: Apache-2.0
// The transfer syntax of remote procedure calls, little-endian and aligned, as far as srvsvc needs it: numbers,
// pointers, strings. [C706] 14. A reader that is asked for more than there is has failed from then on and yields zeros.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "smb/wire/bytes.h"

namespace smb3fuse::rpc {

class NdrReader {
 public:
  explicit NdrReader(ByteView bytes) : bytes_(bytes) {}

  ByteView bytes(std::size_t count) {
    if (failed_ || count > bytes_.size() - at_) {
      failed_ = true;
      return {};
    }
    const ByteView taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  std::uint8_t u8() {
    const ByteView taken = bytes(1);
    return taken.empty() ? std::uint8_t{0} : taken[0];
  }
  std::uint16_t u16() {
    align(2);
    const unsigned low = u8();
    return static_cast<std::uint16_t>(low | static_cast<unsigned>(u8()) << 8);
  }
  std::uint32_t u32() {
    align(4);
    const std::uint32_t low = u16();
    return low | static_cast<std::uint32_t>(u16()) << 16;
  }
  void align(std::size_t to) { bytes((to - at_ % to) % to); }
  // A conformant and varying string of 16-bit characters, without its terminator. [C706] 14.3.4.2
  std::u16string string() {
    const std::uint32_t room = u32();
    const std::uint32_t offset = u32();
    const std::uint32_t count = u32();
    std::u16string text;
    if (offset != 0 || count > room || count > remaining() / 2) fail();
    for (std::uint32_t i = 0; i < count && ok(); ++i) text += static_cast<char16_t>(u16());
    text.erase(std::min(text.find(u'\0'), text.size()));
    return text;
  }
  void fail() { failed_ = true; }

  bool ok() const { return !failed_; }
  std::size_t remaining() const { return failed_ ? 0 : bytes_.size() - at_; }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

class NdrWriter {
 public:
  void u8(unsigned value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(unsigned value) {
    align(2);
    u8(value);
    u8(value >> 8);
  }
  void u32(std::uint32_t value) {
    align(4);
    u16(value & 0xFFFF);
    u16(value >> 16);
  }
  void align(std::size_t to) {
    while (bytes_.size() % to != 0) u8(0);
  }
  void bytes(ByteView value) { bytes_.insert(bytes_.end(), value.begin(), value.end()); }
  // A pointer to what will follow: a number that is none of the others.
  void pointer() { u32(0x00020000 + 4 * pointers_++); }
  void null() { u32(0); }
  void string(std::u16string_view text) {
    const auto count = static_cast<std::uint32_t>(text.size() + 1);
    u32(count);
    u32(0);
    u32(count);
    for (const char16_t c : text) u16(c);
    u16(0);
  }
  Bytes take() { return std::move(bytes_); }
  std::size_t size() const { return bytes_.size(); }

 private:
  Bytes bytes_;
  std::uint32_t pointers_ = 0;
};

}  // namespace smb3fuse::rpc
