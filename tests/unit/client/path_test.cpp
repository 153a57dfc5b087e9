// SPDX-License-Identifier: Apache-2.0
// Names between POSIX and the wire. The mapped characters are those of mount.cifs' mapposix and mapchars.
#include <gtest/gtest.h>

#include <string>

#include "smb/client/path.h"
#include "smb/status.h"

namespace smb3fuse::client {
namespace {

std::u16string wire_of(const std::string& path, NameMapping mapping = NameMapping::sfm) {
  const auto mapped = to_wire_path(path, mapping);
  EXPECT_TRUE(mapped) << path;
  return mapped.value_or(u"");
}

TEST(WirePath, JoinsComponentsByBackslashes) {
  EXPECT_EQ(wire_of(""), u"");
  EXPECT_EQ(wire_of("a"), u"a");
  EXPECT_EQ(wire_of("a/b c/d.e"), u"a\\b c\\d.e");
}

TEST(WirePath, MapsReservedCharactersAsServicesForMacintosh) {
  EXPECT_EQ(wire_of("\"*:<>?\\|"), u"\uF020\uF021\uF022\uF023\uF024\uF025\uF026\uF027");
}

TEST(WirePath, MapsReservedCharactersAsServicesForUnix) {
  EXPECT_EQ(wire_of("\"*:<>?\\|", NameMapping::sfu), u"\uF022\uF02A\uF03A\uF03C\uF03E\uF03F\uF05C\uF07C");
}

TEST(WirePath, SendsReservedCharactersAsTheyAreWithoutAMapping) {
  EXPECT_EQ(wire_of("a:b*", NameMapping::none), u"a:b*");
}

TEST(WirePath, MapsTheLastBlankOrFullStopOfEachComponent) {
  EXPECT_EQ(wire_of("a /b./c"), u"a\uF028\\b\uF029\\c");
  EXPECT_EQ(wire_of("a..."), u"a..\uF029");
  EXPECT_EQ(wire_of("a  "), u"a \uF028");
  EXPECT_EQ(wire_of(" .a"), u" .a");
  EXPECT_EQ(wire_of("a.", NameMapping::sfu), u"a\uF02E");
  EXPECT_EQ(wire_of("a ", NameMapping::sfu), u"a\uF020");
}

TEST(WirePath, MapsEveryControlCharacter) {
  for (char16_t control = 1; control < 0x20; ++control) {
    const std::string name = std::string("a") + static_cast<char>(control) + "b";
    const std::u16string expected = {u'a', static_cast<char16_t>(0xF000 + control), u'b'};
    EXPECT_EQ(wire_of(name), expected);
    EXPECT_EQ(wire_of(name, NameMapping::sfu), expected);
    EXPECT_EQ(from_wire_name(expected, NameMapping::sfm), name);
  }
}

TEST(WirePath, KeepsEveryScript) {
  const std::string name = "Grüße Привет γειά こんにちは שלום 🙂";
  EXPECT_EQ(wire_of(name), u"Grüße Привет γειά こんにちは שלום 🙂");
  EXPECT_EQ(from_wire_name(wire_of(name), NameMapping::sfm), name);
}

TEST(WirePath, RefusesWhatIsNoUtf8) {
  for (const char* name : {"\xFF", "a\xC3", "\xED\xA0\x80", "\xC0\xAF", "ok/\x80"}) {
    const auto mapped = to_wire_path(name, NameMapping::sfm);
    ASSERT_FALSE(mapped);
    EXPECT_EQ(mapped.error(), NtStatus::STATUS_OBJECT_NAME_INVALID);
  }
}

TEST(WirePath, CountsTheLengthOfAComponentInUtf16Units) {
  EXPECT_TRUE(to_wire_path(std::string(255, 'a') + "/" + std::string(255, 'b'), NameMapping::sfm));
  const auto too_long = to_wire_path("a/" + std::string(256, 'a'), NameMapping::sfm);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error(), NtStatus::STATUS_NAME_TOO_LONG);
  std::string faces;
  for (int i = 0; i < 127; ++i) faces += "🙂";
  EXPECT_TRUE(to_wire_path(faces, NameMapping::sfm));
  EXPECT_FALSE(to_wire_path(faces + "🙂", NameMapping::sfm));
}

TEST(WirePath, IsAsItIsWhereTheServerTakesPosixPaths) {
  const auto path = to_wire_path("a:b/c*\\d?/ .", NameMapping::posix);
  ASSERT_TRUE(path);
  EXPECT_EQ(*path, u"a:b/c*\\d?/ .");
  EXPECT_EQ(from_wire_name(u"c*\\d\uF022", NameMapping::posix), "c*\\d\uF022");
}

class RoundTrip : public testing::TestWithParam<NameMapping> {};

TEST_P(RoundTrip, GivesBackEveryNameThatPosixAllows) {
  for (int first = 1; first < 0x80; ++first) {
    for (int last = 1; last < 0x80; ++last) {
      if (first == '/' || last == '/') continue;
      const std::string name = {static_cast<char>(first), 'x', static_cast<char>(last)};
      const auto mapped = to_wire_path(name, GetParam());
      ASSERT_TRUE(mapped);
      EXPECT_EQ(mapped->find_first_of(u"\"*:<>?\\|"), mapped->npos);
      EXPECT_EQ(from_wire_name(*mapped, GetParam()), name);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Mapped, RoundTrip, testing::Values(NameMapping::sfm, NameMapping::sfu));

TEST(NameFromServer, IsReadInEitherRange) {
  EXPECT_EQ(from_wire_name(u"a\uF022b\uF03A", NameMapping::sfm), "a:b:");
  EXPECT_EQ(from_wire_name(u"a\uF05Cb", NameMapping::sfm), "a\\b");
  EXPECT_EQ(from_wire_name(u"a\uF022", NameMapping::none), "a\uF022");
}

TEST(NameFromServer, KeepsTheRestOfThePrivateUseArea) {
  EXPECT_EQ(from_wire_name(u"\uF000\uF041\uF080\uE000", NameMapping::sfm), "\uF000\uF041\uF080\uE000");
}

TEST(NameFromServer, ThatCouldLeaveTheMountIsLeftOut) {
  using namespace std::string_literals;
  for (const NameMapping mapping : {NameMapping::none, NameMapping::sfm, NameMapping::sfu, NameMapping::posix}) {
    for (const std::u16string& name : {u""s, u"."s, u".."s, u"a/b"s, u"/"s, u"../x"s, std::u16string(u"a\0b", 3),
                                       std::u16string(1, 0xD800), std::u16string(u"a") + char16_t{0xDC00}}) {
      EXPECT_FALSE(from_wire_name(name, mapping));
    }
  }
  // ".." again, after the mapping is undone.
  EXPECT_FALSE(from_wire_name(u".\uF029", NameMapping::sfm));
  EXPECT_FALSE(from_wire_name(u"\uF029\uF02E", NameMapping::sfm));
}

}  // namespace
}  // namespace smb3fuse::client
