// SPDX-License-Identifier: Apache-2.0
// Text in a code page, as servers without Unicode have it. The tables are those of iconv(3); what it would replace by
// something like it is refused here, in both directions, so that no name becomes another's. One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "smb/wire/bytes.h"

namespace smb3fuse::wire {

class CodePage {
 public:
  // `name`: as iconv(3) has it, or a number, which stands for CP and the number. Null for one that this system does not
  // know, and for one in which ASCII is not ASCII: '\' and '/' have to be what they are.
  static std::shared_ptr<const CodePage> find(std::string_view name);

  ~CodePage();
  CodePage(const CodePage&) = delete;
  CodePage& operator=(const CodePage&) = delete;

  // Nothing: it has a character that the code page lacks, or has in common with another one.
  std::optional<Bytes> encode(std::u16string_view text) const;
  // Nothing: it has bytes that stand for nothing, or for a character that has no way back. What is read can be encoded.
  std::optional<std::u16string> decode(ByteView bytes) const;

  const std::string& name() const { return name_; }

 private:
  class Converter;

  CodePage(std::string name, std::unique_ptr<Converter> to_page, std::unique_ptr<Converter> from_page);
  bool has_ascii() const;

  const std::string name_;
  const std::unique_ptr<Converter> to_page_;  // from UTF-16LE, which the other one makes
  const std::unique_ptr<Converter> from_page_;
};

}  // namespace smb3fuse::wire
