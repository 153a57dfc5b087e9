// SPDX-License-Identifier: Apache-2.0
#include "nbt/lmhosts.h"

#include "tests/unit/nbt/packets.h"

namespace smb3fuse::nbt {
namespace {

Name server(std::string_view name) { return *make_name(name, suffix::file_server); }

TEST(Lmhosts, HasAnAddressAndANameOnALine) {
  const Lmhosts file =
      parse_lmhosts("10.1.2.3\tfiles\r\n\n   10.1.2.4 NAS   # the old one\n# 10.9.9.9 NAS\n10.1.2.5 nas");
  EXPECT_TRUE(file.complaints.empty());
  EXPECT_EQ(file.addresses_of(server("FILES")), (std::vector<Ipv4>{{10, 1, 2, 3}}));
  EXPECT_EQ(file.addresses_of(server("NAS")), (std::vector<Ipv4>{{10, 1, 2, 4}, {10, 1, 2, 5}}));
  EXPECT_TRUE(file.addresses_of(server("OTHER")).empty());
}

TEST(Lmhosts, KnowsItsKeywords) {
  const Lmhosts file =
      parse_lmhosts("10.1.2.3 DC1 #PRE #DOM:corp # both\n10.1.2.4 DC2 #dom:CORP #pre\n10.1.2.5 W #MH\n");
  EXPECT_TRUE(file.complaints.empty());
  ASSERT_EQ(file.entries.size(), 3u);
  EXPECT_TRUE(file.entries[0].preload && file.entries[1].preload && !file.entries[2].preload);
  EXPECT_EQ(file.addresses_of(*make_name("CORP", suffix::domain_controllers)),
            (std::vector<Ipv4>{{10, 1, 2, 3}, {10, 1, 2, 4}}));
  EXPECT_TRUE(file.addresses_of(server("CORP")).empty());
}

TEST(Lmhosts, NamesOneServiceAlone) {
  const Lmhosts file = parse_lmhosts("10.1.2.3 \"plc            \\0x03\"\n10.1.2.4 NAS#20\n10.1.2.5 \"MY SERVER\"");
  EXPECT_TRUE(file.complaints.empty());
  EXPECT_EQ(file.addresses_of(*make_name("PLC", suffix::messenger)).size(), 1u);
  EXPECT_TRUE(file.addresses_of(server("PLC")).empty());
  EXPECT_EQ(file.addresses_of(server("NAS")).size(), 1u);
  EXPECT_TRUE(file.addresses_of(*make_name("NAS", suffix::workstation)).empty());
  EXPECT_EQ(file.addresses_of(server("MY SERVER")).size(), 1u);
}

TEST(Lmhosts, ComplainsWithTheNumberOfTheLineAndReadsOn) {
  const Lmhosts file = parse_lmhosts(
      "10.1.2 A\n10.1.2.3\n10.1.2.3 SIXTEEN--LETTERS\n#INCLUDE \\\\dc\\public\\lmhosts\n10.1.2.3 B#XY\n"
      "10.1.2.3 \"C\\0x20\"\n10.1.2.9 GOOD\n#BEGIN_ALTERNATE");
  ASSERT_EQ(file.complaints.size(), 7u);
  EXPECT_EQ(file.complaints[0], "line 1: '10.1.2' is not an IPv4 address");
  EXPECT_EQ(file.complaints[1], "line 2: '' is not a NetBIOS name");
  EXPECT_EQ(file.complaints[3], "line 4: #INCLUDE is not followed: what another file or machine says is not read");
  EXPECT_EQ(file.addresses_of(server("GOOD")).size(), 1u);
  EXPECT_EQ(file.entries.size(), 1u);
}

TEST(Ipv4, IsFourNumbers) {
  EXPECT_EQ(parse_ipv4("157.33.135.101"), (Ipv4{157, 33, 135, 101}));
  for (const char* text : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4 ",
                           "-1.2.3.4", "a.b.c.d", "1.2.3.0004"}) {
    EXPECT_FALSE(parse_ipv4(text)) << text;
  }
  EXPECT_EQ(to_string(Ipv4{157, 33, 135, 101}), "157.33.135.101");
}

}  // namespace
}  // namespace smb3fuse::nbt
