// SPDX-License-Identifier: Apache-2.0
// Bytes of packets, in network order. A reader that is asked for more than there is has failed from then on and yields
// zeros, so that a decoder looks once, at its end. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace smb3fuse::nbt {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

class Reader {
 public:
  explicit Reader(ByteView whole, std::size_t at = 0) : whole_(whole), at_(at) {}

  ByteView bytes(std::size_t count) {
    if (failed_ || count > whole_.size() - at_) {
      failed_ = true;
      return {};
    }
    const ByteView taken = whole_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  std::uint8_t u8() {
    const ByteView taken = bytes(1);
    return taken.empty() ? std::uint8_t{0} : taken[0];
  }
  std::uint16_t u16() {
    const std::uint8_t high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  void fail() { failed_ = true; }

  bool ok() const { return !failed_; }
  std::size_t position() const { return at_; }
  void move_to(std::size_t at) {
    if (at > whole_.size()) return fail();
    at_ = at;
  }
  std::size_t remaining() const { return failed_ ? 0 : whole_.size() - at_; }
  ByteView whole() const { return whole_; }

 private:
  ByteView whole_;
  std::size_t at_;
  bool failed_ = false;
};

class Writer {
 public:
  void u8(unsigned value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(unsigned value) {
    u8(value >> 8);
    u8(value);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value);
  }
  void bytes(ByteView value) { bytes_.insert(bytes_.end(), value.begin(), value.end()); }
  void text(std::string_view value) { bytes_.insert(bytes_.end(), value.begin(), value.end()); }
  Bytes take() { return std::move(bytes_); }
  std::size_t size() const { return bytes_.size(); }

 private:
  Bytes bytes_;
};

}  // namespace smb3fuse::nbt
