// SPDX-License-Identifier: Apache-2.0
#include "smb/wire/utf16.h"

#include <gtest/gtest.h>

#include <string>

namespace smb3fuse::wire {
namespace {

struct Pair {
  std::string_view utf8;
  std::u16string_view utf16;
};

// The borders of each length of UTF-8, and text of several scripts. Values from the Unicode code charts.
constexpr Pair kPairs[] = {
    {"", u""},
    {"a/b\\c", u"a/b\\c"},
    {"\x7F", u"\u007F"},
    {"\xC2\x80", u"\u0080"},
    {"\xDF\xBF", u"\u07FF"},
    {"\xE0\xA0\x80", u"\u0800"},
    {"\xED\x9F\xBF", u"\uD7FF"},
    {"\xEE\x80\x80", u"\uE000"},
    {"\xEF\xBF\xBF", u"\uFFFF"},
    {"\xF0\x90\x80\x80", u"\U00010000"},
    {"\xF4\x8F\xBF\xBF", u"\U0010FFFF"},
    {"Gr\xC3\xB6\xC3\x9F"
     "e",
     u"Gr\u00F6\u00DFe"},
    {"\xE6\x97\xA5\xE6\x9C\xAC", u"\u65E5\u672C"},
    {"\xF0\x9F\x98\x80.txt", u"\U0001F600.txt"},
};

TEST(Utf16, ConvertsBothWays) {
  for (const Pair& pair : kPairs) {
    EXPECT_EQ(to_utf16(pair.utf8), std::u16string(pair.utf16));
    EXPECT_EQ(to_utf8(pair.utf16), std::string(pair.utf8));
    const Bytes bytes = to_utf16le(pair.utf16);
    EXPECT_EQ(to_utf8(Utf16View{bytes}), std::string(pair.utf8));
    EXPECT_EQ(to_u16string(Utf16View{bytes}), pair.utf16);
  }
}

TEST(Utf16, EveryCodePointSurvives) {
  for (char32_t c = 1; c <= 0x10FFFF; c = c == 0xD7FF ? 0xE000 : c + 1) {
    std::u16string text;
    if (c < 0x10000) {
      text += static_cast<char16_t>(c);
    } else {
      text += static_cast<char16_t>(0xD7C0 + (c >> 10));
      text += static_cast<char16_t>(0xDC00 + (c & 0x3FF));
    }
    const auto utf8 = to_utf8(text);
    ASSERT_TRUE(utf8) << static_cast<std::uint32_t>(c);
    ASSERT_EQ(to_utf16(*utf8), text) << static_cast<std::uint32_t>(c);
  }
}

TEST(Utf16, ANulIsACharacterLikeAnother) {
  EXPECT_EQ(to_utf16(std::string_view("a\0b", 3)), std::u16string(u"a\0b", 3));
  EXPECT_EQ(to_utf8(std::u16string_view(u"a\0b", 3)), std::string("a\0b", 3));
}

TEST(Utf16, RefusesInvalidUtf8AndSaysWhere) {
  const struct {
    std::string_view text;
    std::size_t position;
  } invalid[] = {
      {"ab\x80", 2},  // a stray continuation
      {"\xBF", 0},
      {"a\xC3", 1},  // cut short
      {"\xE6\x97", 0},
      {"\xF0\x9F\x98", 0},
      {"\xC3(", 0},  // a continuation is missing
      {"\xE6(\xA5", 0},
      {"\xF0\x9F(\x80", 0},
      {"\xC0\xAF", 0},  // overlong '/'
      {"\xC1\xBF", 0},
      {"\xE0\x80\xAF", 0},
      {"\xE0\x9F\xBF", 0},
      {"\xF0\x80\x80\xAF", 0},
      {"\xF0\x8F\xBF\xBF", 0},
      {"\xED\xA0\x80", 0},  // surrogates
      {"\xED\xBF\xBF", 0},
      {"\xED\xA0\xBD\xED\xB8\x80", 0},  // CESU-8
      {"\xF4\x90\x80\x80", 0},          // beyond U+10FFFF
      {"\xF5\x80\x80\x80", 0},
      {"\xF8\x88\x80\x80\x80", 0},  // five bytes
      {"x\xFF", 1},
      {"\xFE", 0},
  };
  for (const auto& [text, position] : invalid) {
    const auto result = to_utf16(text);
    ASSERT_FALSE(result) << testing::PrintToString(std::string(text));
    EXPECT_EQ(result.error(), (Utf16Error{Utf16Problem::invalid_utf8, position}));
  }
}

TEST(Utf16, ALoneSurrogateIsAnErrorWithItsPlace) {
  const struct {
    std::u16string text;
    std::size_t position;
  } invalid[] = {
      {{u'a', 0xD83D}, 1},          // high, at the end
      {{0xDE00, u'a'}, 0},          // low, first
      {{0xD83D, u'x', 0xDE00}, 0},  // parted
      {{0xD83D, 0xD83D, 0xDE00}, 0}, {{0xD83D, 0xDE00, 0xDE00}, 2},
  };
  for (const auto& [text, position] : invalid) {
    const auto result = to_utf8(std::u16string_view(text));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), (Utf16Error{Utf16Problem::lone_surrogate, position}));
    EXPECT_EQ(to_utf8(Utf16View{to_utf16le(text)}), result);
  }
}

}  // namespace
}  // namespace smb3fuse::wire
