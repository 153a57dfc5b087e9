// SPDX-License-Identifier: Apache-2.0
// What the fuzzers of smb/wire share: the property that every structure keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "smb/wire/codec.h"

namespace smb3fuse::wire {

// Blobs of hostile input may overlap, so that it encodes to more than it was. Below this size all that fits its
// fields' widths, which the encoder asserts.
inline constexpr std::size_t kMostForRoundTrip = 4096;

[[noreturn]] inline void violated(const char* property, std::string_view structure) {
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(structure.size()), structure.data(), property);
  std::abort();
}

// Bytes decode or are refused with an error that lies inside of them; what they decode to can be printed, and encodes
// to bytes that mean the same and encode to themselves.
template <class T>
void check(ByteView input) {
  const auto decoded = decode<T>(input);
  if (!decoded) {
    if (decoded.error().offset > kBaseOf<T> + input.size()) violated("error outside of the input", type_name<T>());
    return;
  }
  print(*decoded);
  if (input.size() > kMostForRoundTrip) return;
  const Bytes encoded = encode(*decoded);
  if (encoded.size() != encoded_size(*decoded)) violated("miscounted", type_name<T>());
  const auto again = decode<T>(encoded);
  if (!again) violated("refuses what it encoded", type_name<T>());
  if (encode(*again) != encoded) violated("encodes to something else", type_name<T>());
}

// The first byte of a fuzzer's input chooses among the structures. Append to a list of them only: the corpus knows
// their places.
template <class... T>
void check_one_of(ByteView input) {
  if (input.empty()) return;
  constexpr void (*kChecks[])(ByteView) = {check<T>...};
  kChecks[input[0] % sizeof...(T)](input.subspan(1));
}

}  // namespace smb3fuse::wire
