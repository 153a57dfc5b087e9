// SPDX-License-Identifier: Apache-2.0
// Fuzzes the conversions of text: what converts one way converts back to the same.
#include "smb/wire/utf16.h"

#include "tests/fuzz/wire_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smb3fuse::wire;
  const std::string_view utf8(reinterpret_cast<const char*>(data), size);
  if (const auto utf16 = to_utf16(utf8)) {
    if (to_utf8(*utf16) != std::string(utf8)) violated("UTF-8 does not come back", "utf16");
  } else if (utf16.error().position >= size) {
    violated("error outside of the input", "utf16");
  }
  const Utf16View view{{data, size / 2 * 2}};
  if (const auto text = to_utf8(view)) {
    if (to_utf16(*text) != to_u16string(view)) violated("UTF-16 does not come back", "utf16");
  } else if (text.error().position >= view.size()) {
    violated("error outside of the input", "utf16");
  }
  return 0;
}
