// SPDX-License-Identifier: Apache-2.0
// Packets of the name service against what nmbd and nmblookup send. RFC 1002 4.2
#include "nbt/name_packet.h"

#include "tests/unit/nbt/packets.h"

namespace smb3fuse::nbt {
namespace {

const Name kNbServer = *make_name("NBSERVER", suffix::workstation);
const Name kGroup = *make_name("NBGROUP", suffix::workstation);

TEST(NamePacket, AsksByBroadcastAsNmblookupDoes) {
  EXPECT_EQ(to_hex(encode(make_query(0x2c04, kNbServer, true))), golden::kQuery);
}

// RFC 1002 4.2.13
TEST(NamePacket, TellsTheOwnersOfAName) {
  const auto packet = decode_name_packet(from_hex(golden::kQueryAnswer));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->id, 0x2c04);
  EXPECT_TRUE(packet->response && packet->authoritative && packet->recursion_available);
  ASSERT_EQ(packet->answers.size(), 1u);
  EXPECT_EQ(packet->answers[0].name, kNbServer);
  EXPECT_EQ(packet->answers[0].ttl, 259200u);
  EXPECT_EQ(owners_of(packet->answers[0]), (std::vector<NameOwner>{{kServer, false, NodeType::h}}));
}

// RFC 1002 4.2.14
TEST(NamePacket, SaysThatThereIsNoSuchName) {
  const auto packet = decode_name_packet(from_hex(golden::kNegativeAnswer));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->rcode, Rcode::name_error);
  ASSERT_EQ(packet->answers.size(), 1u);
  EXPECT_EQ(packet->answers[0].type, RecordType::null);
  EXPECT_FALSE(owners_of(packet->answers[0]));
}

// RFC 1002 4.2.18
TEST(NamePacket, TellsTheNamesOfANode) {
  const auto packet = decode_name_packet(from_hex(golden::kStatusAnswer));
  ASSERT_TRUE(packet);
  const auto status = status_of(packet->answers.at(0));
  ASSERT_TRUE(status);
  ASSERT_EQ(status->names.size(), 9u);
  EXPECT_EQ(status->names[0].name, kNbServer);
  EXPECT_FALSE(status->names[0].group);
  EXPECT_TRUE(status->names[0].active);
  EXPECT_EQ(status->names[0].node, NodeType::h);
  EXPECT_TRUE(status->names[8].group);
  EXPECT_EQ(status->names[8].name.service(), suffix::browser_elections);
  EXPECT_EQ(status->unit_id, (std::array<std::uint8_t, 6>{}));
  EXPECT_EQ(server_name_of(*status)->text(), "NBSERVER");
  EXPECT_EQ(server_name_of(*status)->service(), suffix::file_server);
}

TEST(NodeStatus, ComesBackAsItWasWritten) {
  NodeStatus status;
  status.names.push_back({*make_name("A", 0x20), false, NodeType::m, true, true, false, true});
  status.names.push_back({*make_name("B", 0x00), true, NodeType::p});
  status.unit_id = {1, 2, 3, 4, 5, 6};
  const auto back = status_of({std::nullopt, RecordType::nbstat, 0, encode_status(status)});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->names, status.names);
  EXPECT_EQ(back->unit_id, status.unit_id);
  EXPECT_EQ(server_name_of(*back), std::nullopt) << "a name in conflict and a group's are none to call";
}

TEST(NodeStatus, WithoutAFileServersNameGivesTheMachines) {
  NodeStatus status;
  status.names.push_back({*make_name("OLD", suffix::workstation)});
  EXPECT_EQ(server_name_of(status), make_name("OLD", suffix::file_server));
}

TEST(NodeStatus, ThatLacksNamesOfItsCountIsRefused) {
  EXPECT_FALSE(status_of({std::nullopt, RecordType::nbstat, 0, {}}));
  EXPECT_FALSE(status_of({std::nullopt, RecordType::nbstat, 0, Bytes(1 + 2 * 18 - 1, 2)}));
  EXPECT_FALSE(status_of({std::nullopt, RecordType::nb, 0, Bytes(100)}));
}

// RFC 1002 4.2.2, 4.2.9. The bytes are nmbd's.
TEST(NamePacket, ClaimsRefreshesAndReleasesAsNmbdDoes) {
  const NameOwner client{kClient, false, NodeType::h};
  const NameOwner group{kClient, true, NodeType::h};
  const Name own = *make_name("NBCLIENT", suffix::file_server);
  EXPECT_EQ(to_hex(encode(make_registration(0x4641, own, client, 0, true))), golden::kBroadcastRegistration);
  EXPECT_EQ(to_hex(encode(make_registration(0x4649, kGroup, group, 259200, false))), golden::kRegistration);
  // nmbd gives a time to live, where RFC 1002 4.2.9 has zero.
  NamePacket release = make_release(0x464d, *make_name("NBGROUP", suffix::browser_elections), group, false);
  release.additional[0].ttl = 259200;
  EXPECT_EQ(to_hex(encode(release)), golden::kRelease);
  // RFC 1002 4.2.4, 4.2.3: a refresh and an overwrite differ from a registration in their first word.
  EXPECT_EQ(to_hex(encode(make_refresh(0x4649, kGroup, group, 259200))).substr(0, 8), "46494000");
  EXPECT_EQ(to_hex(encode(make_overwrite(0x4649, kGroup, group, 259200, false))).substr(0, 8), "46492800");
  EXPECT_EQ(to_hex(encode(make_overwrite(0x4649, kGroup, group, 0, true))).substr(0, 8), "46492810");
}

TEST(NamePacket, IsReadOnlyWhole) {
  for (const auto hex : {golden::kQuery, golden::kQueryAnswer, golden::kNegativeAnswer, golden::kStatusAnswer,
                         golden::kBroadcastRegistration, golden::kRegistration, golden::kRegistrationAnswer,
                         golden::kRelease, golden::kReleaseAnswer}) {
    expect_only_whole(from_hex(hex), decode_name_packet);
    Bytes longer = from_hex(hex);
    longer.push_back(0);
    EXPECT_FALSE(decode_name_packet(longer));
    EXPECT_EQ(decode_name_packet(encode(*decode_name_packet(from_hex(hex))))->id,
              from_hex(hex)[0] << 8 | from_hex(hex)[1]);
  }
}

TEST(NamePacket, ThatPromisesMoreRecordsThanItHasIsRefused) {
  Bytes packet = from_hex(golden::kQueryAnswer);
  packet[6] = 0xFF;
  packet[7] = 0xFF;
  EXPECT_FALSE(decode_name_packet(packet));
}

TEST(NamePacket, OfAnotherClassIsRefused) {
  Bytes packet = from_hex(golden::kQuery);
  packet.back() = 3;
  EXPECT_FALSE(decode_name_packet(packet));
}

TEST(NameOwners, AreWholeEntries) {
  EXPECT_FALSE(owners_of({std::nullopt, RecordType::nb, 0, {}}));
  EXPECT_FALSE(owners_of({std::nullopt, RecordType::nb, 0, Bytes(7)}));
  EXPECT_EQ(owners_of({std::nullopt, RecordType::nb, 0, Bytes(12)})->size(), 2u);
}

}  // namespace
}  // namespace smb3fuse::nbt
