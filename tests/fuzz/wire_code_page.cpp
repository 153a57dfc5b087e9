// SPDX-License-Identifier: Apache-2.0
// Fuzzes the conversions of code pages: what is read can be said, and what is said comes back as it was. The first byte
// chooses the page.
#include "smb/wire/code_page.h"

#include "smb/wire/utf16.h"
#include "tests/fuzz/wire_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smb3fuse::wire;
  static const std::shared_ptr<const CodePage> kPages[] = {CodePage::find("850"), CodePage::find("932"),
                                                           CodePage::find("ISO-2022-JP")};
  if (size == 0) return 0;
  const CodePage& page = *kPages[data[0] % std::size(kPages)];
  const smb3fuse::ByteView bytes(data + 1, size - 1);
  if (const auto text = page.decode(bytes)) {
    const auto said = page.encode(*text);
    if (!said) violated("what was read cannot be said", "code page");
    if (page.decode(*said) != *text) violated("text does not come back", "code page");
  }
  const std::u16string text = to_u16string(Utf16View{bytes.first(bytes.size() / 2 * 2)});
  if (const auto said = page.encode(text)) {
    if (page.decode(*said) != text) violated("text does not come back", "code page");
  }
  return 0;
}
