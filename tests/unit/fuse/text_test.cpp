// SPDX-License-Identifier: Apache-2.0
#include "fuse/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace smb3fuse::fs {
namespace {

using testing::ElementsAre;
using namespace std::string_view_literals;

TEST(Split, HasOnePieceMoreThanSeparators) {
  EXPECT_THAT(split("", '/'), ElementsAre(""));
  EXPECT_THAT(split("a", '/'), ElementsAre("a"));
  EXPECT_THAT(split("/a//b/", '/'), ElementsAre("", "a", "", "b", ""));
}

TEST(Number, IsDigitsAloneWithinItsBounds) {
  EXPECT_EQ(number_between<std::uint16_t>("65535", 1, 65535), 65535);
  EXPECT_EQ(number_between<std::uint16_t>("0001", 1, 65535), 1);
  EXPECT_EQ(number_between<std::uint32_t>("755", 0, 07777, 8), 0755u);
  for (const std::string_view text : {"", "0", "65536", "99999999999999999999", "+1", "-1", " 1", "1 ", "0x1", "1.0"}) {
    EXPECT_EQ(number_between<std::uint16_t>(text, 1, 65535), std::nullopt) << text;
  }
  EXPECT_EQ(number_between<std::uint32_t>("8", 0, 07777, 8), std::nullopt);
}

TEST(Utf8, IsToldFromWhatIsNot) {
  for (const std::string_view good : {""sv, "a"sv, "\0"sv, "\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv,
                                      "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv}) {
    EXPECT_TRUE(is_utf8(good)) << testing::PrintToString(good);
  }
  for (const std::string_view bad : {"\x80"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc2"sv, "\xc2\x41"sv, "\xe0\x9f\xbf"sv,
                                     "\xe2\x82"sv, "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv, "\xf0\x8f\xbf\xbf"sv,
                                     "\xf0\x9f\x98"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv}) {
    EXPECT_FALSE(is_utf8(bad)) << testing::PrintToString(bad);
  }
}

}  // namespace
}  // namespace smb3fuse::fs
