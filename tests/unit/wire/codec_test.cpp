// SPDX-License-Identifier: Apache-2.0
// The codec's vocabulary, one word at a time, on structures made for it.
#include "smb/wire/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smb/wire/dtyp.h"
#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::wire {
namespace {

using testing::ElementsAre;

enum class Colour : std::uint16_t { red = 0x0102 };

struct Scalars {
  std::uint8_t small = 0;
  Colour colour{};
  std::int32_t negative = 0;
  std::uint64_t large = 0;
  bool yes = false;
  std::array<std::uint8_t, 3> three{};

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("small", m.small);
    a.field("colour", m.colour);
    a.field("negative", m.negative);
    a.field("large", m.large);
    a.field("yes", m.yes);
    a.fixed("three", m.three);
  }
};

TEST(Codec, ScalarsAreLittleEndian) {
  const Scalars value{0x11, Colour::red, -2, 0x8877665544332211, true, {1, 2, 3}};
  const Bytes bytes = from_hex("11 0201 feffffff 1122334455667788 01 010203");
  EXPECT_EQ(encode(value), bytes);
  EXPECT_EQ(print(decoded<Scalars>(bytes)),
            "Scalars{small=0x11 colour=0x102 negative=0xfffffffffffffffe large=0x8877665544332211 yes=0x1 "
            "three=<010203>}");
  EXPECT_TRUE(decoded<Scalars>(from_hex("11 0201 feffffff 1122334455667788 02 010203")).yes);
}

// Two blobs, the second aligned and absent when empty.
struct Blobs {
  ByteView first;
  Bytes second;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template offset_of<std::uint16_t>("first_offset", m.first);
    a.template length_of<std::uint16_t>("first_length", m.first);
    a.template length_of<std::uint32_t>("second_length", m.second);
    a.template offset_of<std::uint32_t>("second_offset", m.second);
    a.data("first", m.first);
    a.template optional_data<8>("second", m.second);
  }
};

TEST(Codec, OffsetsCountFromTheBase) {
  const Bytes one = {0xAA};
  const Blobs blobs{one, {0xBB, 0xCC}};
  const Bytes bytes = from_hex("4c00 0100 02000000 50000000 aa 000000 bbcc");
  EXPECT_EQ(encode(blobs, 64), bytes);
  EXPECT_EQ(encoded_size(blobs, 64), bytes.size());
  const auto back = decode<Blobs>(bytes, 64);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->first.data(), bytes.data() + 12);
  EXPECT_EQ(back->second, blobs.second);
}

TEST(Codec, EmptyDataHasAnOffsetUnlessItIsOptional) {
  EXPECT_EQ(encode(Blobs{}, 64), from_hex("4c00 0000 00000000 00000000"));
}

TEST(Codec, AnAbsentBlobMayHaveAnyOffset) {
  const auto blobs = decode<Blobs>(from_hex("ffff 0000 00000000 ffffffff"), 64);
  ASSERT_TRUE(blobs);
  EXPECT_TRUE(blobs->first.empty());
  EXPECT_TRUE(blobs->second.empty());
}

TEST(Codec, DataOutsideTheInputIsRefused) {
  const struct {
    std::string_view bytes;
    std::string_view error;
  } hostile[] = {
      {"0000 0100 00000000 00000000 aa", "Blobs.first_offset at offset 64: offset outside the data"},  // the header
      {"4000 0100 00000000 00000000 aa", "Blobs.first_offset at offset 64: offset outside the data"},  // fixed part
      {"4b00 0200 00000000 00000000 aa", "Blobs.first_offset at offset 64: offset outside the data"},
      {"4d00 0100 00000000 00000000 aa", "Blobs.first_offset at offset 64: offset outside the data"},  // past the end
      {"4c00 0200 00000000 00000000 aa", "Blobs.first_offset at offset 64: offset outside the data"},
      {"ffff ffff 00000000 00000000 aa", "Blobs.first_offset at offset 64: offset outside the data"},
      {"4c00 0100 ffffffff 4c000000 aa", "Blobs.second_offset at offset 72: offset outside the data"},
      {"4c00 0100 01000000 ffffffff aa", "Blobs.second_offset at offset 72: offset outside the data"},
      {"4c00 0100 ffffffff ffffffff aa", "Blobs.second_offset at offset 72: offset outside the data"},
  };
  for (const auto& [text, error] : hostile) {
    const ExactCopy copy(from_hex(text));
    const auto blobs = decode<Blobs>(copy.view(), 64);
    ASSERT_FALSE(blobs) << text;
    EXPECT_EQ(to_string(blobs.error()), error) << text;
  }
}

struct Item {
  std::uint16_t a = 0;
  std::uint8_t b = 0;

  template <class Archive, class Self>
  static void describe(Archive& ar, Self& m) {
    ar.field("a", m.a);
    ar.field("b", m.b);
  }
};

struct Lists {
  std::vector<std::uint16_t> numbers;
  std::vector<Item> items;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template count_of<std::uint8_t>("numbers_count", m.numbers);
    a.template count_of<std::uint32_t>("items_count", m.items);
    a.items("numbers", m.numbers);
    a.template items<4>("items", m.items);
  }
};

TEST(Codec, ListsAreCountedAndAligned) {
  const Lists lists{{1, 2}, {{3, 4}, {5, 6}}};
  const Bytes bytes = from_hex("02 02000000 0100 0200 000000 0300 04 00 0500 06");
  EXPECT_EQ(encode(lists), bytes);
  const auto back = decoded<Lists>(bytes);
  EXPECT_THAT(back.numbers, ElementsAre(1, 2));
  ASSERT_EQ(back.items.size(), 2u);
  EXPECT_EQ(back.items[1].b, 6);
}

TEST(Codec, ACountThatPromisesTooMuchAllocatesNothing) {
  const auto lists = decode<Lists>(from_hex("00 ffffffff 000000 0300 04"));
  ASSERT_FALSE(lists);
  EXPECT_EQ(lists.error(), (DecodeError{"Lists", "padding", 11, DecodeProblem::truncated}));
}

struct Link {
  static constexpr std::size_t kChainAlignment = 8;
  std::string name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.next_entry_offset();
    a.template length_of<std::uint8_t>("name_length", m.name);
    a.data("name", m.name);
  }
};

struct Chained {
  std::vector<Link> links;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template offset_of<std::uint32_t>("links_offset", m.links);
    a.template length_of<std::uint32_t>("links_length", m.links);
    a.template optional_data<8>("links", m.links);
  }
};

TEST(Codec, AVectorOfStructuresIsAChain) {
  const Chained chained{{{"ab"}, {"c"}, {""}}};
  const Bytes bytes = from_hex(
      "08000000 15000000"
      "08000000 02 6162 00"
      "08000000 01 63 0000"
      "00000000 00");
  EXPECT_EQ(encode(chained), bytes);
  const auto back = decoded<Chained>(bytes);
  ASSERT_EQ(back.links.size(), 3u);
  EXPECT_EQ(back.links[1].name, "c");
  EXPECT_EQ(encode(Chained{}), Bytes(8));
}

TEST(Codec, ErrorsInAChainAreReportedWhereTheyStand) {
  const auto name = decode<Chained>(from_hex("48000000 09000000 08000000 00 000000 00"), 64);
  ASSERT_FALSE(name);
  EXPECT_EQ(to_string(name.error()), "Link.next_entry_offset at offset 80: truncated");
  const auto next = decode<Chained>(from_hex("48000000 08000000 07000000 00 000000"), 64);
  ASSERT_FALSE(next);
  EXPECT_EQ(to_string(next.error()), "Link.next_entry_offset at offset 72: offset outside the data");
}

struct Text {
  std::u16string owned;
  Utf16View view;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template length_of<std::uint8_t>("owned_length", m.owned);
    a.data("owned", m.owned);
    a.template length_of<std::uint8_t>("view_length", m.view);
    a.cut_data("view", m.view);
  }
};

TEST(Codec, TextIsCheckedToBeEvenAndMayBeCutWhereItIsSaid) {
  const Bytes bytes = from_hex("02 4100 04 42004300");
  const auto whole = decoded<Text>(bytes);
  EXPECT_EQ(whole.owned, u"A");
  EXPECT_EQ(whole.view.size(), 2u);
  EXPECT_EQ(whole.view[1], u'C');
  EXPECT_EQ(decoded<Text>(from_hex("02 4100 04 4200")).view.size(), 1u);
  EXPECT_EQ(decoded<Text>(from_hex("02 4100 04 420043")).view.size(), 1u);
  EXPECT_EQ(decode<Text>(from_hex("01 41 00")).error().problem, DecodeProblem::bad_length);
  EXPECT_EQ(decode<Text>(from_hex("04 4100")).error().problem, DecodeProblem::truncated);
}

struct Inner {
  ByteView data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template length_of_rest<std::uint16_t, 1>("rest_length");
    a.template reserved<std::uint8_t>();
    a.template offset_of<std::uint8_t>("data_offset", m.data);
    a.template length_of<std::uint8_t>("data_length", m.data);
    a.offsets_from_here();
    a.data("data", m.data);
    a.template minimum_size<9>();
  }
};

TEST(Codec, LengthsOfTheRestAndOffsetsFromHere) {
  const Bytes three = {1, 2, 3};
  EXPECT_EQ(encode(Inner{three}, 64), from_hex("0600 00 00 03 010203 00"));
  const auto back = decode<Inner>(from_hex("0500 00 00 03 010203"), 64);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(back->data.size(), 3u);
  EXPECT_EQ(to_string(decode<Inner>(from_hex("0600 00 00 03 010203")).error()),
            "Inner.rest_length at offset 0: truncated");
}

TEST(Codec, TheFirstErrorIsKept) {
  const auto error = decode<Scalars>(from_hex("11 02"));
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error(), (DecodeError{"Scalars", "colour", 1, DecodeProblem::truncated}));
}

TEST(Codec, EncodingAppendsToWhatIsThere) {
  Bytes out = {0xEE};
  encode_to(out, Item{1, 2});
  encode_to(out, Blobs{}, 64);
  EXPECT_EQ(out, from_hex("ee 0100 02 4c00 0000 00000000 00000000"));
}

TEST(Codec, PrintsNamesEscapedAndBytesShortened) {
  const Bytes many(40, 0x5A);
  EXPECT_EQ(print(Blobs{many, {}}), "Blobs{first=<5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a... 40 bytes> second=<>}");
  EXPECT_EQ(print(Text{u"a\"\u00e4\n", {}}), "Text{owned=\"a\\u{0x22}\\u{0xe4}\\u{0xa}\" view=\"\"}");
  EXPECT_EQ(print(Chained{{{"x"}, {"y"}}}), "Chained{links=[{name=\"x\"} {name=\"y\"}]}");
}

struct Pair {
  Guid first;
  std::uint16_t between = 0;
  Guid second;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("first", m.first);
    a.field("between", m.between);
    a.nested("second", m.second);
  }
};

TEST(Codec, FindsWhereANestedMemberStands) {
  const Pair pair;
  EXPECT_EQ(offset_of_nested(pair, pair.first), 0u);
  EXPECT_EQ(offset_of_nested(pair, pair.second), 18u);
}

TEST(Codec, NamesTypesWithoutTheirNamespace) {
  EXPECT_EQ(type_name<Item>(), "Item");
  EXPECT_EQ(type_name<Guid>(), "Guid");
}

}  // namespace
}  // namespace smb3fuse::wire
