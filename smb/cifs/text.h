// SPDX-License-Identifier: Apache-2.0
// Strings of SMB1: UTF-16LE, aligned to two bytes in the message, or in the server's OEM code page, as Flags2 says;
// both end with a null character. [MS-CIFS] 2.2.1.1
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "smb/wire/code_page.h"
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

Text make_unicode(std::u16string_view text);

// ASCII, in messages that have it whatever Flags2 says.
Text make_oem(std::string_view text);

// How a connection has its strings: in Unicode, or in a code page, which the server does not tell.
class CharacterSet {
 public:
  CharacterSet() = default;  // Unicode
  explicit CharacterSet(std::shared_ptr<const wire::CodePage> code_page) : code_page_(std::move(code_page)) {}

  bool is_unicode() const { return code_page_ == nullptr; }
  // Null for Unicode.
  const wire::CodePage* code_page() const { return code_page_.get(); }

  // Can it be said?
  bool fits(std::u16string_view text) const { return is_unicode() || code_page_->encode(text).has_value(); }
  // Of what fits.
  Text text(std::u16string_view text) const;

  // A name in an answer, which has no null character of its own: its length is told. Nothing for what is no text. A
  // null character that a server has counted is left out.
  std::optional<std::u16string> read(ByteView bytes) const;
  // The same name, for a question that has to have it as the server does.
  Text quote(ByteView bytes) const;

 private:
  std::shared_ptr<const wire::CodePage> code_page_;
};

}  // namespace smb3fuse::cifs
