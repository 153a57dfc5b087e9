// SPDX-License-Identifier: Apache-2.0
#include "smb/wire/code_page.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "smb/wire/utf16.h"

namespace smb3fuse::wire {
namespace {

constexpr const char* kUtf16 = "UTF-16LE";
constexpr std::size_t kFailed = static_cast<std::size_t>(-1);

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

// One direction. Its iconv_t has a state, which each conversion begins anew.
class CodePage::Converter {
 public:
  static std::unique_ptr<Converter> open(const char* to, const char* from) {
    const iconv_t descriptor = iconv_open(to, from);
    // (iconv_t)-1, which a pointer cannot be compared with otherwise
    if (reinterpret_cast<std::uintptr_t>(descriptor) == UINTPTR_MAX) return nullptr;
    return std::unique_ptr<Converter>(new Converter(descriptor));
  }
  ~Converter() { iconv_close(descriptor_); }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  std::optional<Bytes> convert(ByteView from) const {
    iconv(descriptor_, nullptr, nullptr, nullptr, nullptr);
    Bytes converted;
    // iconv(3) only reads what it takes without const.
    char* in = const_cast<char*>(reinterpret_cast<const char*>(from.data()));
    std::size_t in_left = from.size();
    if (!run(&in, &in_left, converted) || !run(nullptr, nullptr, converted)) return std::nullopt;
    return converted;
  }

 private:
  explicit Converter(iconv_t descriptor) : descriptor_(descriptor) {}

  // One call of iconv(3), repeated for as long as there is more than a piece takes. The last one is without input: for
  // a code page with states it ends in the first.
  bool run(char** in, std::size_t* in_left, Bytes& converted) const {
    std::array<char, 512> piece;
    for (;;) {
      char* out = piece.data();
      std::size_t out_left = piece.size();
      const std::size_t replaced = iconv(descriptor_, in, in_left, &out, &out_left);
      const bool goes_on = replaced == kFailed && errno == E2BIG;
      converted.insert(converted.end(), piece.data(), out);
      if (!goes_on) return replaced == 0;
    }
  }

  iconv_t descriptor_;
};

CodePage::CodePage(std::string name, std::unique_ptr<Converter> to_page, std::unique_ptr<Converter> from_page)
    : name_(std::move(name)), to_page_(std::move(to_page)), from_page_(std::move(from_page)) {}

CodePage::~CodePage() = default;

std::shared_ptr<const CodePage> CodePage::find(std::string_view given) {
  // What follows a '/' tells iconv(3) to replace what it cannot convert; an empty name is the user's own.
  if (given.empty() || given.find_first_of(std::string_view("/\0", 2)) != given.npos) return nullptr;
  const bool is_number = std::all_of(given.begin(), given.end(), is_digit);
  std::string name = is_number ? "CP" + std::string(given) : std::string(given);
  auto to_page = Converter::open(name.c_str(), kUtf16);
  auto from_page = Converter::open(kUtf16, name.c_str());
  if (to_page == nullptr || from_page == nullptr) return nullptr;
  const std::shared_ptr<const CodePage> page(new CodePage(std::move(name), std::move(to_page), std::move(from_page)));
  return page->has_ascii() ? page : nullptr;
}

bool CodePage::has_ascii() const {
  for (char16_t unit = u' '; unit < 0x7F; ++unit) {
    const auto byte = static_cast<std::uint8_t>(unit);
    if (encode({&unit, 1}) != Bytes{byte} || decode({&byte, 1}) != std::u16string(1, unit)) return false;
  }
  return true;
}

std::optional<Bytes> CodePage::encode(std::u16string_view text) const {
  const Bytes units = to_utf16le(text);
  auto encoded = to_page_->convert(units);
  if (!encoded || from_page_->convert(*encoded) != units) return std::nullopt;
  return encoded;
}

std::optional<std::u16string> CodePage::decode(ByteView bytes) const {
  const auto units = from_page_->convert(bytes);
  if (!units || units->size() % 2 != 0) return std::nullopt;
  std::u16string text = to_u16string(Utf16View{*units});
  if (!encode(text)) return std::nullopt;
  return text;
}

}  // namespace smb3fuse::wire
