// SPDX-License-Identifier: Apache-2.0
#include "smb/wire/dtyp.h"

#include <gtest/gtest.h>

#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::wire {
namespace {

bool same(const std::timespec& a, const std::timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

TEST(FileTime, CountsFrom1601) {
  EXPECT_TRUE(same(to_timespec({116444736000000000}), {0, 0}));
  EXPECT_TRUE(same(to_timespec({132223104000000001}), {1577836800, 100}));  // 2020-01-01 and 100 ns
  EXPECT_TRUE(same(to_timespec({1}), {-11644473600, 100}));
  EXPECT_TRUE(same(to_timespec({116444735999999999}), {-1, 999999900}));
}

TEST(FileTime, RoundsDownToItsHundredNanoseconds) {
  EXPECT_EQ(to_file_time({1577836800, 199}).value, 132223104000000001u);
  EXPECT_EQ(to_file_time({-1, 999999999}).value, 116444735999999999u);
  EXPECT_EQ(to_file_time({0, 0}).value, 116444736000000000u);
}

TEST(FileTime, ComesBackTheSame) {
  for (const std::uint64_t value : {1ull, 116444735999999999ull, 132223104000000001ull, 0x7FFFFFFFFFFFFFFFull}) {
    EXPECT_EQ(to_file_time(to_timespec({value})).value, value);
  }
}

TEST(FileTime, NeverBecomesASpecialValueByAccident) {
  EXPECT_EQ(to_file_time({-11644473600, 0}).value, 1u);  // 1601-01-01 itself would be "leave alone"
  EXPECT_EQ(to_file_time({-99999999999, 0}).value, 1u);
  EXPECT_EQ(to_file_time({INT64_MAX, 0}).value, 0x7FFFFFFFFFFFFFFFu);
  EXPECT_EQ(to_file_time({INT64_MIN, 0}).value, 1u);
}

TEST(FileTime, HasValuesThatAreNoTimes) {
  EXPECT_EQ(FileTime::unchanged().value, 0u);
  EXPECT_EQ(FileTime::frozen().value, 0xFFFFFFFFFFFFFFFFu);
  EXPECT_EQ(FileTime::thawed().value, 0xFFFFFFFFFFFFFFFEu);
}

// [MS-DTYP] 2.3.4: the fields of the packet are little-endian, the text is not.
TEST(Guid, IsWrittenWithItsFirstGroupsSwapped) {
  const auto guid = decoded<Guid>(from_hex("10b8a76b ad9d d111 80b4 00c04fd430c8"));
  EXPECT_EQ(to_string(guid), "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
}

// [MS-DTYP] 2.4.2.2; the bytes of BUILTIN\Administrators, from the layout.
TEST(Sid, IsReadAndWritten) {
  const Bytes bytes = from_hex("01 02 000000000005 20000000 20020000");
  const auto sid = decoded<Sid>(bytes);
  EXPECT_EQ(to_string(sid), "S-1-5-32-544");
  EXPECT_EQ(encode(sid), bytes);
  EXPECT_EQ(parse_sid("S-1-5-32-544"), sid);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const ExactCopy cut(ByteView(bytes).first(length));
    EXPECT_FALSE(decode<Sid>(cut.view())) << length;
  }
}

TEST(Sid, HasAtMostFifteenParts) {
  Bytes bytes = from_hex("01 10 000000000005");
  bytes.resize(8 + 16 * 4);
  const auto refused = decode<Sid>(bytes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_string(refused.error()), "Sid.sub_authority_count at offset 1: too many entries");
  bytes[1] = 15;
  EXPECT_EQ(decoded<Sid>(bytes).sub_authority.size(), 15u);
}

TEST(Sid, LargeAuthoritiesAreHexadecimal) {
  Sid sid;
  sid.identifier_authority = {1, 2, 3, 4, 5, 6};
  sid.sub_authority = {7};
  EXPECT_EQ(to_string(sid), "S-1-0x010203040506-7");
  EXPECT_EQ(parse_sid("S-1-0x010203040506-7"), sid);
}

TEST(Sid, TextThatIsNoneIsRefused) {
  for (const std::string_view text :
       {"", "S", "S-1", "S-1-", "S-2-5", "S-1-x", "S-1-5-", "S-1-5--1", "S-1-5-4294967296", "S-1-5-0x20",
        "S-1-281474976710656", "S-1-5 ", "s-1-5", "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"}) {
    EXPECT_FALSE(parse_sid(text)) << text;
  }
}

}  // namespace
}  // namespace smb3fuse::wire
