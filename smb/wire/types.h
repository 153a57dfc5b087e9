// SPDX-License-Identifier: Apache-2.0
// The kinds of member that a wire structure may hold beside integers, enumerations and other structures, and what
// the archives have in common.
//
//   std::array<uint8_t, N>   bytes of a fixed length
//   ByteView                 decoded: a slice of the input, valid as long as the input is; encoded: copied
//   Utf16View                the same for UTF-16LE text of even length, not yet checked for lone surrogates
//   Bytes, std::string,
//   std::u16string           decoded into a copy, for what is short and outlives its packet
//   Payload                  the data of READ and WRITE, never copied
//   std::vector<T>           a counted list, or a chain of entries
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "smb/wire/bytes.h"
#include "smb/wire/endian.h"

namespace smb3fuse::wire {

// Text as it stands in a packet, UTF-16LE. Valid as long as the bytes it looks at.
struct Utf16View {
  ByteView bytes;

  std::size_t size() const { return bytes.size() / 2; }
  bool empty() const { return bytes.empty(); }
  char16_t operator[](std::size_t index) const { return load_le<char16_t>(bytes.data() + 2 * index); }
};

// The data of a READ response or a WRITE request. Decoded, `bytes` is a slice of the input. Encoded with `bytes`
// empty, the structure says that `length` bytes follow and ends where they have to follow: the sender gathers them.
// Encoded with `bytes` given, they are copied behind the structure (a convenience for tests).
struct Payload {
  std::uint32_t length = 0;
  ByteView bytes;

  static Payload follows(std::uint32_t length) { return {length, {}}; }
  static Payload of(ByteView bytes) { return {static_cast<std::uint32_t>(bytes.size()), bytes}; }
};

// "Smb2Header" for smb3fuse::wire::Smb2Header: what log lines and decode errors call a structure.
template <class T>
constexpr std::string_view type_name() {
  constexpr std::string_view function = __PRETTY_FUNCTION__;
  constexpr std::size_t from = function.find("T = ") + 4;
  constexpr std::string_view qualified = function.substr(from, function.find_first_of(";]", from) - from);
  return qualified.substr(qualified.rfind(':') + 1);
}

// The smallest multiple of `alignment` that is not below `position`.
constexpr std::size_t aligned_up(std::size_t position, std::size_t alignment) {
  return (position + alignment - 1) / alignment * alignment;
}

// A structure says with `kCommand` that it is the body of an SMB2 message. Offsets in it count from the header's start.
template <class T>
concept MessageBody = requires {
  T::kCommand;
};

template <class T>
inline constexpr std::size_t kBaseOf = MessageBody<T> ? 64 : 0;

}  // namespace smb3fuse::wire
