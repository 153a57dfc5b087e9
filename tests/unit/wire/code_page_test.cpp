// SPDX-License-Identifier: Apache-2.0
#include "smb/wire/code_page.h"

#include <gtest/gtest.h>

namespace smb3fuse::wire {
namespace {

// Values from the code charts of the pages.
struct Sample {
  const char* page;
  std::u16string_view text;
  Bytes bytes;
};
const Sample kSamples[] = {
    {"850", u"Gr\u00f6\u00dfe.txt", {'G', 'r', 0x94, 0xE1, 'e', '.', 't', 'x', 't'}},
    {"CP437", u"\u00fc\u2591", {0x81, 0xB0}},
    {"cp866", u"\u041c\u0438\u0440", {0x8C, 0xA8, 0xE0}},
    {"ISO-8859-15", u"\u20ac", {0xA4}},
    {"932", u"\u8868\\\u30bd", {0x95, 0x5C, 0x5C, 0x83, 0x5C}},  // second bytes that are a '\' by themselves
    {"ASCII", u"plain", {'p', 'l', 'a', 'i', 'n'}},
    {"850", u"", {}},
};

TEST(CodePage, ConvertsThereAndBack) {
  for (const Sample& sample : kSamples) {
    const auto page = CodePage::find(sample.page);
    ASSERT_TRUE(page) << sample.page;
    EXPECT_EQ(page->encode(sample.text), sample.bytes) << sample.page;
    EXPECT_EQ(page->decode(sample.bytes), sample.text) << sample.page;
  }
}

TEST(CodePage, ANumberStandsForItsName) {
  EXPECT_EQ(CodePage::find("850")->name(), "CP850");
  EXPECT_EQ(CodePage::find("KOI8-R")->name(), "KOI8-R");
}

TEST(CodePage, ReplacesNothing) {
  const auto western = CodePage::find("850");
  for (const auto* text : {u"\u65e5\u672c", u"\u20ac", u"a\u2014b", u"\U0001f600", u"\xD800", u"\uF022"}) {
    EXPECT_FALSE(western->encode(text));
  }
  EXPECT_TRUE(western->encode(u"after it")) << "what was refused leaves nothing behind";
  // The yen sign shares its byte with the '\', which is what it would come back as.
  EXPECT_FALSE(CodePage::find("932")->encode(u"\u00a5"));
}

TEST(CodePage, ReadsNothingFromBytesWithoutAMeaning) {
  EXPECT_FALSE(CodePage::find("ASCII")->decode(Bytes{0x84}));
  EXPECT_FALSE(CodePage::find("CP1253")->decode(Bytes{0xAA}));
  const auto japanese = CodePage::find("932");
  EXPECT_FALSE(japanese->decode(Bytes{'a', 0x95})) << "half a character";
  EXPECT_EQ(japanese->decode(Bytes{0x95, 0x5C}), u"\u8868");
}

TEST(CodePage, TakesMoreThanAPiece) {
  const std::u16string text(5000, u'\u00f6');
  const auto page = CodePage::find("850");
  const auto bytes = page->encode(text);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(*bytes, Bytes(5000, 0x94));
  EXPECT_EQ(page->decode(*bytes), text);
}

TEST(CodePage, IsOneThatThisSystemKnowsAndThatHasAscii) {
  for (const char* name : {"", "nonsense", "99999", "850//TRANSLIT", "850//IGNORE", "UTF-16", "UTF-7", "EBCDIC-US",
                           "SHIFT_JIS" /* no '\' */}) {
    EXPECT_FALSE(CodePage::find(name)) << name;
  }
  EXPECT_FALSE(CodePage::find(std::string_view("850\0", 4)));
}

}  // namespace
}  // namespace smb3fuse::wire
