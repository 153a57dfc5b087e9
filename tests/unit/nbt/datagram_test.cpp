// SPDX-License-Identifier: Apache-2.0
// Datagrams and what browsing puts into them, against what nmbd sends. RFC 1002 4.4, 5.3, [MS-BRWS] 2.2
#include "nbt/datagram.h"

#include "nbt/mailslot.h"
#include "tests/unit/nbt/packets.h"

namespace smb3fuse::nbt {
namespace {

using namespace std::chrono_literals;

const Name kSource = *make_name("NBCLIENT", suffix::workstation);
const Name kDestination = *make_name("NBGROUP", suffix::local_master_browser);

DatagramHeader header_of(std::uint16_t id) {
  return {DatagramType::direct_group, true, false, NodeType::m, id, {kClient, 138}};
}

TEST(Datagram, IsReadAndWrittenAsNmbdDoes) {
  const auto packet = decode_datagram(from_hex(golden::kHostAnnouncement));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header.type, DatagramType::direct_group);
  EXPECT_TRUE(packet->header.first && !packet->header.more);
  EXPECT_EQ(packet->header.id, 0x464b);
  EXPECT_EQ(packet->header.source, (Endpoint{kClient, 138}));
  const auto& body = std::get<DatagramData>(packet->body);
  EXPECT_EQ(body.source, kSource);
  EXPECT_EQ(body.destination, kDestination);
  EXPECT_EQ(to_hex(encode(*packet)), golden::kHostAnnouncement);
  const auto whole = encode_datagram(packet->header, body.source, body.destination, body.data);
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(to_hex(whole[0]), golden::kHostAnnouncement);
}

TEST(Datagram, IsReadOnlyWhole) {
  expect_only_whole(from_hex(golden::kHostAnnouncement), decode_datagram);
  expect_only_whole(from_hex("130000010a630001008a82"), decode_datagram);
  Bytes longer = from_hex(golden::kHostAnnouncement);
  longer.push_back(0);
  EXPECT_FALSE(decode_datagram(longer));
  EXPECT_FALSE(decode_datagram(from_hex("170000010a630001008a82"))) << "a type that is none";
}

// RFC 1002 4.4.3, 5.3.2
TEST(Datagram, ForANameThatIsNotHereIsRefusedIfItWasForItAlone) {
  DatagramPacket packet{header_of(9), DatagramData{kSource, kDestination, 0, {}}};
  EXPECT_FALSE(refusal_of(packet, {kServer, 138}));
  packet.header.type = DatagramType::direct_unique;
  packet.header.node = NodeType::b;
  const auto refusal = refusal_of(packet, {kServer, 138});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(to_hex(*refusal), "130000090a630002008a82");
  const auto back = decode_datagram(*refusal);
  ASSERT_TRUE(back);
  EXPECT_EQ(std::get<DatagramError>(back->body), DatagramError::destination_not_present);
  EXPECT_FALSE(refusal_of(*back, {kServer, 138})) << "an error is not answered";
}

// RFC 1002 4.4.4
TEST(Datagram, MayAskForADestination) {
  DatagramHeader header = header_of(3);
  header.type = DatagramType::query_request;
  const auto back = decode_datagram(encode(DatagramPacket{header, kDestination}));
  ASSERT_TRUE(back);
  EXPECT_EQ(std::get<Name>(back->body), kDestination);
}

class ReassemblyTest : public testing::Test {
 protected:
  std::vector<DatagramPacket> fragments(const Bytes& data, std::uint16_t id = 1) {
    std::vector<DatagramPacket> packets;
    for (const Bytes& packet : encode_datagram(header_of(id), kSource, kDestination, data)) {
      EXPECT_LE(packet.size(), 576u);
      packets.push_back(*decode_datagram(packet));
    }
    return packets;
  }
  Reassembly reassembly;
  Time now{1h};
};

TEST_F(ReassemblyTest, PutsFragmentsTogether) {
  Bytes data(2000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 7);
  const auto packets = fragments(data);
  ASSERT_EQ(packets.size(), 5u);
  EXPECT_TRUE(packets[0].header.first && packets[0].header.more);
  EXPECT_TRUE(!packets[4].header.first && !packets[4].header.more);
  for (std::size_t i = 0; i + 1 < packets.size(); ++i) EXPECT_FALSE(reassembly.handle_fragment(packets[i], now));
  const auto whole = reassembly.handle_fragment(packets.back(), now);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->data, data);
  EXPECT_EQ(reassembly.pending(), 0u);
}

TEST_F(ReassemblyTest, TakesAnEmptyDatagram) {
  const auto packets = fragments({});
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_TRUE(reassembly.handle_fragment(packets[0], now));
}

TEST_F(ReassemblyTest, DropsWhatIsOutOfOrderOrLacksItsBeginning) {
  const auto packets = fragments(Bytes(2000));
  EXPECT_FALSE(reassembly.handle_fragment(packets[1], now));
  EXPECT_EQ(reassembly.pending(), 0u);
  EXPECT_FALSE(reassembly.handle_fragment(packets[0], now));
  EXPECT_FALSE(reassembly.handle_fragment(packets[2], now));
  EXPECT_EQ(reassembly.pending(), 0u);
}

// RFC 1002 6: FRAGMENT_TO, two seconds
TEST_F(ReassemblyTest, ForgetsWhatIsNotComplete) {
  const auto packets = fragments(Bytes(1000));
  ASSERT_EQ(packets.size(), 3u);
  reassembly.handle_fragment(packets[0], now);
  reassembly.handle_fragment(packets[1], now + 1s);
  EXPECT_FALSE(reassembly.handle_fragment(packets[2], now + 2s));
  EXPECT_EQ(reassembly.pending(), 0u);
}

TEST_F(ReassemblyTest, HoldsNoMoreThanAFew) {
  for (std::uint16_t id = 0; id < 1000; ++id) reassembly.handle_fragment(fragments(Bytes(1000), id)[0], now);
  EXPECT_EQ(reassembly.pending(), 16u);
}

TEST_F(ReassemblyTest, TakesNoEndlessDatagram) {
  DatagramPacket packet = fragments(Bytes(1000))[0];
  reassembly.handle_fragment(packet, now);
  packet.header.first = false;
  auto& body = std::get<DatagramData>(packet.body);
  const std::size_t piece = body.data.size();
  for (std::size_t at = piece; at < 60000 && reassembly.pending() == 1; at += piece) {
    body.offset = static_cast<std::uint16_t>(at);
    EXPECT_FALSE(reassembly.handle_fragment(packet, now));
  }
  EXPECT_EQ(reassembly.pending(), 0u);
  EXPECT_TRUE(encode_datagram(header_of(1), kSource, kDestination, Bytes(20000)).empty());
}

// [MS-MAIL] 2.2.1, [MS-CIFS] 2.2.4.33. The bytes are nmbd's.
TEST(Mailslot, IsWrittenToAsNmbdDoes) {
  const auto packet = decode_datagram(from_hex(golden::kHostAnnouncement));
  const Bytes& data = std::get<DatagramData>(packet->body).data;
  const auto write = decode_mailslot_write(data);
  ASSERT_TRUE(write);
  EXPECT_EQ(write->mailslot, kBrowseMailslot);
  EXPECT_EQ(to_hex(encode(*write)), to_hex(data));
  expect_only_whole(data, decode_mailslot_write);
}

TEST(Mailslot, ThatIsSomethingElseIsRefused) {
  Bytes data = encode(MailslotWrite{std::string(kBrowseMailslot), bytes_of("x")});
  ASSERT_TRUE(decode_mailslot_write(data));
  for (const std::size_t at : {std::size_t{0}, std::size_t{4}, std::size_t{32}, std::size_t{61}}) {
    Bytes other = data;
    other[at] ^= 0x40;
    EXPECT_FALSE(decode_mailslot_write(other)) << at;
  }
  data[57] = 10;  // DataOffset before the mailslot's name
  data[58] = 0;
  EXPECT_FALSE(decode_mailslot_write(data));
}

// [MS-BRWS] 2.2.1, 2.2.10
TEST(Browser, HearsAnnouncements) {
  const auto announced = [](std::string_view hex) {
    const auto packet = decode_datagram(from_hex(hex));
    return decode_host_announcement(decode_mailslot_write(std::get<DatagramData>(packet->body).data)->data);
  };
  const auto client = announced(golden::kHostAnnouncement);
  ASSERT_TRUE(client);
  EXPECT_FALSE(client->is_master_browser);
  EXPECT_EQ(client->server, "NBCLIENT");
  EXPECT_EQ(client->comment, "a box of bricks");
  EXPECT_EQ(client->server_type, 0x00809a03u);
  const auto master = announced(golden::kMasterAnnouncement);
  ASSERT_TRUE(master);
  EXPECT_TRUE(master->is_master_browser);
  EXPECT_EQ(master->server, "NBSERVER");
}

// [MS-BRWS] 2.2.3, 2.2.4, by their figures.
TEST(Browser, AsksForBackups) {
  EXPECT_EQ(to_hex(encode_backup_list_request(4, 0x11223344)), "090444332211");
  const Bytes answer = from_hex("0a0244332211414c50484100424554410000");
  const auto list = decode_backup_list(Bytes(answer.begin(), answer.end() - 1));
  ASSERT_TRUE(list);
  EXPECT_EQ(list->token, 0x11223344u);
  EXPECT_EQ(list->servers, (std::vector<std::string>{"ALPHA", "BETA"}));
  expect_only_whole(Bytes(answer.begin(), answer.end() - 1), decode_backup_list);
  EXPECT_FALSE(decode_backup_list(from_hex("090444332211")));
}

}  // namespace
}  // namespace smb3fuse::nbt
