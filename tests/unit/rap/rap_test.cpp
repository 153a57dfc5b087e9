// SPDX-License-Identifier: Apache-2.0
// Remote administration against what smbclient and smbd said to each other. [MS-RAP] 2.5.5, 2.5.6
#include "smb/rap/rap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/crypto/hex.h"
#include "tests/unit/rap/captured.h"

namespace smb3fuse::rap {
namespace {

using test::from_hex;
using test::to_hex;
using testing::ElementsAre;

constexpr std::uint32_t kDomains = 0x80000000;

TEST(Rap, AsksForServersAsSmbclientDoes) {
  EXPECT_EQ(to_hex(encode_server_enum(kDomains, "NBSERVER")), captured::kServerEnum);
}

// As the previous one, by [MS-RAP] 2.5.5.3.1: another opcode, and one more string described and given.
TEST(Rap, AsksForServersFromOneOn) {
  EXPECT_EQ(to_hex(encode_server_enum_from(kDomains, "ZOO", "BEE")),
            "d70057724c6568447a7a0042313642"
            "42447a000100ffff00000080"
            "5a4f4f0042454500");
}

// As the first one, by [MS-RAP] 2.5.6.2.1.
TEST(Rap, AsksForShares) { EXPECT_EQ(to_hex(encode_share_enum()), "000057724c65680042313342577a000100ffff"); }

TEST(Rap, ReadsSharesWithKindsAndComments) {
  const auto told = decode_share_enum(from_hex(captured::kSharesParameters), from_hex(captured::kShares));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->status, 0);
  EXPECT_EQ(told->available, 5);
  // In the server's code page, here 850.
  EXPECT_THAT(told->entries, ElementsAre(ShareInfo{"share", 0, ""},
                                         ShareInfo{"films", 0,
                                                   "Films \x81"
                                                   "ber alles"},
                                         ShareInfo{"paper", 1, "the old one"}, ShareInfo{"hidden$", 0, ""},
                                         ShareInfo{"IPC$", 3, "IPC Service (the press)"}));
}

TEST(Rap, ReadsServersWithTypesAndComments) {
  const auto told = decode_server_enum(from_hex(captured::kServersParameters), from_hex(captured::kServers));
  ASSERT_TRUE(told);
  EXPECT_THAT(told->entries, ElementsAre(ServerInfo{"NBGROUP", kDomains | 0x1000, "NBSERVER"}));
}

TEST(Rap, FindsCommentsByTheConverter) {
  Bytes parameters = from_hex(captured::kServersParameters);
  Bytes data = from_hex(captured::kServers);
  parameters[2] = 0x34;  // 0x1234 more than the offset, with a high half that says nothing
  parameters[3] = 0x12;
  data[22] = 0x34 + 0x1a;
  data[23] = 0x12;
  data[24] = data[25] = 0x77;
  EXPECT_EQ(decode_server_enum(parameters, data)->entries.at(0).comment, "NBSERVER");
}

TEST(Rap, TellsErrorsAndWhatThereIsOfALongList) {
  Bytes parameters = from_hex(captured::kServersParameters);
  parameters[0] = 0xEA;  // ERROR_MORE_DATA
  const auto more = decode_server_enum(parameters, from_hex(captured::kServers));
  ASSERT_TRUE(more);
  EXPECT_EQ(more->status, kMoreData);
  EXPECT_EQ(more->entries.size(), 1U);
  parameters[0] = 0x32;
  const auto refused = decode_server_enum(parameters, {});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 0x32);
  EXPECT_TRUE(refused->entries.empty());
}

TEST(Rap, RefusesWhatIsCutShort) {
  const Bytes parameters = from_hex(captured::kSharesParameters);
  const Bytes data = from_hex(captured::kShares);
  const auto begin = [](const Bytes& bytes, std::size_t size) {
    return Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  };
  for (std::size_t size = 0; size < parameters.size(); ++size) {
    EXPECT_FALSE(decode_share_enum(begin(parameters, size), data)) << size;
  }
  constexpr std::size_t kEntries = 5 * 20;
  for (std::size_t size = 0; size < data.size(); ++size) {
    const auto told = decode_share_enum(parameters, begin(data, size));
    EXPECT_EQ(told.has_value(), size >= kEntries) << size;  // comments end where the data ends
  }
  const Bytes servers = from_hex(captured::kServers);
  for (std::size_t size = 0; size < servers.size(); ++size) {
    EXPECT_EQ(decode_server_enum(from_hex(captured::kServersParameters), begin(servers, size)).has_value(), size >= 26)
        << size;
  }
}

}  // namespace
}  // namespace smb3fuse::rap
