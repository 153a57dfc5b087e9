// SPDX-License-Identifier: Apache-2.0
// Strings of SMB1: UTF-16LE, aligned to two bytes in the message, or in the server's OEM code page, as Flags2 says;
// both end with a null character. [MS-CIFS] 2.2.1.1
//
// Of an OEM code page only ASCII is the same everywhere: nothing else is sent, and what else comes is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "smb/wire/codec.h"

namespace smb3fuse::cifs {

struct Text {
  bool is_unicode = true;  // not on the wire
  Bytes bytes;             // without the null character; read as OEM, with all that follows

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    if (m.is_unicode && !is_reading<Archive>()) a.template align<2>();
    a.data("text", m.bytes);
    if (m.is_unicode) {
      a.template terminator<std::uint16_t>();
    } else {
      a.template terminator<std::uint8_t>();
    }
  }

 private:
  template <class Archive>
  static constexpr bool is_reading() {
    return std::is_same_v<Archive, wire::Decoder>;
  }
};

// Can `text` be sent in any OEM code page?
bool fits_oem(std::u16string_view text);

// `text` fits_oem() unless `is_unicode`.
Text make_text(std::u16string_view text, bool is_unicode);

// ASCII, in messages that have it whatever Flags2 says.
Text make_oem(std::string_view text);

// A name in an answer, which has no null character of its own: its length is told. Nothing for what is neither UTF-16
// nor, in OEM, ASCII. A null character that a server has counted is left out.
std::optional<std::u16string> read_text(ByteView bytes, bool is_unicode);

}  // namespace smb3fuse::cifs
