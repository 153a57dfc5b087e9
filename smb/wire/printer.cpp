// SPDX-License-Identifier: Apache-2.0
#include "smb/wire/printer.h"

#include <algorithm>

namespace smb3fuse::wire {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

}  // namespace

void Printer::number(std::uint64_t value) {
  char digits[16];
  std::size_t count = 0;
  do {
    digits[count++] = kDigits[value & 0xF];
    value >>= 4;
  } while (value != 0);
  out_ += "0x";
  while (count > 0) out_ += digits[--count];
}

void Printer::bytes(ByteView value) {
  out_ += '<';
  for (const std::uint8_t byte : value.first(std::min(value.size(), kBytesShown))) {
    out_ += kDigits[byte >> 4];
    out_ += kDigits[byte & 0xF];
  }
  if (value.size() > kBytesShown) out_ += "... " + std::to_string(value.size()) + " bytes";
  out_ += '>';
}

// Names come from the other side: what could disturb a terminal or a log is written as a number.
void Printer::character(char32_t c) {
  if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
    out_ += static_cast<char>(c);
  } else {
    out_ += "\\u{";
    number(c);
    out_ += '}';
  }
}

void Printer::show(const Utf16View& value) {
  out_ += '"';
  for (std::size_t i = 0; i < value.size(); ++i) character(value[i]);
  out_ += '"';
}

void Printer::show(const std::string& value) {
  out_ += '"';
  for (const char c : value) character(static_cast<unsigned char>(c));
  out_ += '"';
}

void Printer::show(const std::u16string& value) {
  out_ += '"';
  for (const char16_t c : value) character(c);
  out_ += '"';
}

void Printer::show(const Payload& value) { out_.append("<").append(std::to_string(value.length)).append(" bytes>"); }

}  // namespace smb3fuse::wire
