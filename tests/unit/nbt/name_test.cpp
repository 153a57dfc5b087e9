// SPDX-License-Identifier: Apache-2.0
// NetBIOS names and their encodings. RFC 1001 14, RFC 1002 4.1, RFC 883 for pointers.
#include "nbt/name.h"

#include "tests/unit/nbt/packets.h"

namespace smb3fuse::nbt {
namespace {

Bytes written(const Name& name) {
  Writer writer;
  put_name(writer, name);
  return writer.take();
}

// RFC 1002 4.1: "FRED" in the scope "NETBIOS.COM", as the section prints it.
const std::string kFred =
    std::string("\x20") + "EGFCEFEECACACACACACACACACACACACA" + "\x07" + "NETBIOS" + "\x03" + "COM";

TEST(Name, IsUpperCaseAndPaddedWithBlanks) {
  const auto name = make_name("nbserver", suffix::file_server);
  ASSERT_TRUE(name);
  EXPECT_EQ(std::string(name->bytes.begin(), name->bytes.end()), "NBSERVER        ");
  EXPECT_EQ(name->text(), "NBSERVER");
  EXPECT_EQ(name->service(), 0x20);
}

TEST(Name, HasFifteenCharactersOfPrintableAscii) {
  EXPECT_TRUE(make_name("FIFTEEN-LETTERS", 0));
  EXPECT_TRUE(make_name("MY SERVER", 0));
  EXPECT_FALSE(make_name("SIXTEEN--LETTERS", 0));
  EXPECT_FALSE(make_name("", 0));
  EXPECT_FALSE(make_name(" X", 0));
  EXPECT_FALSE(make_name("Z\xC3\x9CRICH", 0));
  EXPECT_FALSE(make_name("A\tB", 0));
}

TEST(Name, OfAHostIsItsFirstLabelCutToFifteen) {
  EXPECT_EQ(name_of_host("files.corp.example", suffix::file_server)->text(), "FILES");
  EXPECT_EQ(name_of_host("a-very-long-host-name.corp", suffix::file_server)->text(), "A-VERY-LONG-HOS");
  EXPECT_FALSE(name_of_host(".corp", suffix::file_server));
}

TEST(Name, IsEncodedAsTheSpecificationPrintsIt) {
  const auto fred = make_name("Fred", ' ', "netbios.com");
  ASSERT_TRUE(fred);
  EXPECT_EQ(first_level(*fred), "EGFCEFEECACACACACACACACACACACACA.NETBIOS.COM");
  Bytes golden = bytes_of(kFred);
  golden.push_back(0);
  EXPECT_EQ(written(*fred), golden);
  Reader reader(golden);
  EXPECT_EQ(take_name(reader), *fred);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(Name, OfEveryNodeIsPaddedWithZeros) {
  EXPECT_EQ(first_level(any_name()), "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(first_level(smb_server_name()), "CKFDENECFDEFFCFGEFFCCACACACACACA");
}

TEST(Name, IsReadOnlyWhole) {
  Bytes golden = bytes_of(kFred);
  golden.push_back(0);
  expect_only_whole(golden, [](const Bytes& bytes) {
    Reader reader(bytes);
    take_name(reader);
    return reader.ok();
  });
}

TEST(Name, FollowsAPointerBackAndGoesOnBehindIt) {
  Bytes bytes = bytes_of(kFred);
  bytes.push_back(0);
  const std::size_t second = bytes.size();
  bytes.insert(bytes.end(), {0xC0, 0x00, 0x77});
  Reader reader(bytes, second);
  EXPECT_EQ(take_name(reader).text(), "FRED");
  EXPECT_EQ(reader.u8(), 0x77);
  EXPECT_TRUE(reader.ok());
}

TEST(Name, SharesTheScopeOfAnotherOne) {
  Bytes bytes = bytes_of(kFred);
  bytes.push_back(0);
  const std::size_t second = bytes.size();
  const Bytes label = written(*make_name("BARNEY", 0));
  bytes.insert(bytes.end(), label.begin(), label.end() - 1);
  bytes.insert(bytes.end(), {0xC0, 33});
  Reader reader(bytes, second);
  const Name name = take_name(reader);
  EXPECT_EQ(name.text(), "BARNEY");
  EXPECT_EQ(name.scope, "NETBIOS.COM");
}

// RFC 883 asks for no bound: a packet may point a reader anywhere.
TEST(Name, OfPointersThatLoopOrLeadForwardIsRefused) {
  const auto refused = [](Bytes bytes, std::size_t at) {
    Reader reader(bytes, at);
    take_labels(reader);
    return !reader.ok();
  };
  EXPECT_TRUE(refused({0xC0, 0x00}, 0)) << "at itself";
  EXPECT_TRUE(refused({0xC0, 0x02, 0xC0, 0x00}, 0)) << "forward";
  EXPECT_TRUE(refused({0xC0, 0x02, 0xC0, 0x00}, 2)) << "back, and forward from there";
  EXPECT_TRUE(refused({0x01, 'A', 0xC0, 0x00}, 0)) << "into its own labels";
  EXPECT_TRUE(refused({0x01, 'A', 0xC0, 0x00}, 2)) << "round and round";
  EXPECT_TRUE(refused({0xC0}, 0)) << "half a pointer";
  EXPECT_TRUE(refused({0x80, 0x00}, 0)) << "a kind of label that is none";
  EXPECT_TRUE(refused({0x40, 0x00}, 0));
  Bytes chain{0x00};
  for (std::uint8_t i = 0; i < 6; ++i)
    chain.insert(chain.end(), {0xC0, static_cast<std::uint8_t>(i == 0 ? 0 : 2 * i - 1)});
  EXPECT_TRUE(refused(chain, chain.size() - 2)) << "too many of them";
  EXPECT_FALSE(refused(chain, 3)) << "two of them";
}

TEST(Name, IsNoLongerThan255Bytes) {
  const std::string label(63, 'X');
  EXPECT_TRUE(make_name("FRED", 0, label + "." + label + "." + label));
  EXPECT_FALSE(make_name("FRED", 0, label + "." + label + "." + label + "." + label));
  EXPECT_FALSE(make_name("FRED", 0, label + "X"));
  EXPECT_FALSE(make_name("FRED", 0, "A..B"));
  Bytes bytes;
  for (int i = 0; i < 4; ++i) {
    bytes.push_back(63);
    bytes.insert(bytes.end(), 63, 'A');
  }
  bytes.push_back(0);
  Reader reader(bytes);
  take_labels(reader);
  EXPECT_FALSE(reader.ok());
}

TEST(Name, OfLettersBeyondPIsNone) {
  EXPECT_FALSE(name_of_labels({std::string(32, 'Q')}));
  EXPECT_FALSE(name_of_labels({std::string(31, 'A')}));
  EXPECT_FALSE(name_of_labels({}));
  EXPECT_FALSE(name_of_labels({std::string(32, 'A'), "A.B"}));
  EXPECT_EQ(name_of_labels({"egfcefeecacacacacacacacacacacaca"})->text(), "FRED") << "case means nothing";
}

}  // namespace
}  // namespace smb3fuse::nbt
