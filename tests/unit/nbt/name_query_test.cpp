// SPDX-License-Identifier: Apache-2.0
// How nodes of each type find a name, and what they believe. RFC 1001 15.3, RFC 1002 5.1
#include "nbt/name_query.h"

#include "tests/unit/nbt/packets.h"

namespace smb3fuse::nbt {
namespace {

using namespace std::chrono_literals;
using State = NameQuery::State;

const Name kName = *make_name("NBSERVER", suffix::file_server);
constexpr Ipv4 kOtherServer{10, 99, 0, 3};

class NameQueryTest : public testing::Test {
 protected:
  NameQueryTest() {
    config.broadcasts = {kEverybody};
    config.name_servers = {kServer};
  }

  NameQuery ask(NodeType type, bool all = false) {
    config.type = type;
    return NameQuery(kName, config, 100, time.now, all);
  }

  // The packet of the only request that goes out now, and where to.
  NamePacket asked(NameQuery& query, const Ipv4& to) {
    const auto packets = query.take_outgoing();
    EXPECT_EQ(packets.size(), 1u);
    if (packets.empty()) return {};
    EXPECT_EQ(packets[0].to, (Endpoint{to, 137}));
    return decode_name_packet(packets[0].bytes).value_or(NamePacket{});
  }

  void answer(NameQuery& query, const Ipv4& from, const NamePacket& packet) {
    query.handle_packet({from, 137}, encode(packet), time.now);
  }
  static NamePacket refusal(std::uint16_t id) {
    NamePacket packet = make_query_response(id, kName, {});
    packet.rcode = Rcode::name_error;
    packet.answers[0] = {kName, RecordType::null, 0, {}};
    return packet;
  }

  NodeConfig config;
  TestTime time;
};

// RFC 1001 15.3.1, RFC 1002 6: three times, 250 ms apart.
TEST_F(NameQueryTest, ABroadcastIsRepeatedAndThenGivenUp) {
  NameQuery query = ask(NodeType::b);
  const Time begin = time.now;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(query.state(), State::asking);
    EXPECT_TRUE(asked(query, kEverybody).broadcast);
    time.to_deadline(query);
  }
  EXPECT_EQ(query.state(), State::not_found);
  EXPECT_EQ(time.now - begin, 750ms);
  EXPECT_TRUE(query.take_outgoing().empty());
  EXPECT_FALSE(query.deadline());
}

TEST_F(NameQueryTest, TheFirstAnswerToABroadcastIsTaken) {
  NameQuery query = ask(NodeType::b);
  const NamePacket request = asked(query, kEverybody);
  answer(query, kServer, make_query_response(request.id, kName, {kServer}));
  EXPECT_EQ(query.state(), State::found);
  ASSERT_EQ(query.answers().size(), 1u);
  EXPECT_EQ(query.answers()[0].owners, (std::vector<NameOwner>{{kServer}}));
  answer(query, kOtherServer, make_query_response(request.id, kName, {kOtherServer}));
  EXPECT_EQ(query.answers().size(), 1u);
}

TEST_F(NameQueryTest, AllAnswersToABroadcastAreGathered) {
  NameQuery query = ask(NodeType::b, true);
  const NamePacket request = asked(query, kEverybody);
  answer(query, kServer, make_query_response(request.id, kName, {kServer}));
  answer(query, kOtherServer, make_query_response(request.id, kName, {kOtherServer}));
  answer(query, kServer, make_query_response(request.id, kName, {kServer}));
  EXPECT_EQ(query.state(), State::asking);
  while (query.deadline()) time.to_deadline(query);
  EXPECT_EQ(query.state(), State::found);
  EXPECT_EQ(query.answers().size(), 2u) << "one that answers twice has one name";
}

TEST_F(NameQueryTest, APointToPointNodeAsksItsServersAlone) {
  config.name_servers = {kServer, kOtherServer};
  NameQuery query = ask(NodeType::p);
  for (int i = 0; i < 3; ++i) {
    const NamePacket request = asked(query, kServer);
    EXPECT_FALSE(request.broadcast);
    EXPECT_TRUE(request.recursion_desired);
    time.to_deadline(query);
  }
  answer(query, kOtherServer, make_query_response(asked(query, kOtherServer).id, kName, {kClient}));
  EXPECT_EQ(query.state(), State::found);
}

// RFC 1001 15.3.3
TEST_F(NameQueryTest, AMixedNodeAsksEverybodyFirst) {
  NameQuery query = ask(NodeType::m);
  for (int i = 0; i < 3; ++i) {
    asked(query, kEverybody);
    time.to_deadline(query);
  }
  answer(query, kServer, make_query_response(asked(query, kServer).id, kName, {kClient}));
  EXPECT_EQ(query.state(), State::found);
}

// [MS-NBTE] 3.1.1.4: the server first; when it knows nothing, everybody.
TEST_F(NameQueryTest, AHybridNodeAsksEverybodyWhenItsServerKnowsNothing) {
  NameQuery query = ask(NodeType::h);
  answer(query, kServer, refusal(asked(query, kServer).id));
  const NamePacket request = asked(query, kEverybody);
  answer(query, kServer, make_query_response(request.id, kName, {kServer}));
  EXPECT_EQ(query.state(), State::found);
}

TEST_F(NameQueryTest, ANegativeAnswerToABroadcastIsPassedOver) {
  NameQuery query = ask(NodeType::b);
  answer(query, kServer, refusal(asked(query, kEverybody).id));
  EXPECT_EQ(query.state(), State::asking);
}

TEST_F(NameQueryTest, WhatDoesNotAnswerOurQuestionIsPassedOver) {
  NameQuery query = ask(NodeType::p);
  const NamePacket request = asked(query, kServer);
  const NamePacket good = make_query_response(request.id, kName, {kClient});
  answer(query, kOtherServer, good);  // who was not asked
  NamePacket bad = good;
  bad.id ^= 1;
  answer(query, kServer, bad);
  bad = good;
  bad.response = false;
  answer(query, kServer, bad);
  bad = good;
  bad.answers[0].name = make_name("OTHER", suffix::file_server);
  answer(query, kServer, bad);
  bad = good;
  bad.opcode = Opcode::registration;
  answer(query, kServer, bad);
  bad = good;
  bad.answers[0].data.pop_back();
  answer(query, kServer, bad);
  query.handle_packet(kServerPort, bytes_of("nonsense"), time.now);
  EXPECT_EQ(query.state(), State::asking);
  answer(query, kServer, good);
  EXPECT_EQ(query.state(), State::found);
}

TEST_F(NameQueryTest, AnAnswerOfTheLastRoundIsTooLate) {
  NameQuery query = ask(NodeType::m);
  const NamePacket first = asked(query, kEverybody);
  for (int i = 0; i < 3; ++i) time.to_deadline(query);
  answer(query, kServer, make_query_response(first.id, kName, {kClient}));
  EXPECT_EQ(query.state(), State::asking);
}

// RFC 1002 4.2.16
TEST_F(NameQueryTest, AServerMayAskForPatience) {
  NameQuery query = ask(NodeType::p);
  const NamePacket request = asked(query, kServer);
  NamePacket wait = make_query_response(request.id, kName, {});
  wait.opcode = Opcode::wack;
  wait.answers[0].ttl = 10;
  answer(query, kServer, wait);
  EXPECT_EQ(*query.deadline() - time.now, 10s);
  wait.answers[0].ttl = 1'000'000;
  answer(query, kServer, wait);
  EXPECT_EQ(*query.deadline() - time.now, 60s) << "not for ever";
  time.now += 59s;
  answer(query, kServer, make_query_response(request.id, kName, {kClient}));
  EXPECT_EQ(query.state(), State::found);
}

TEST_F(NameQueryTest, AServerThatAlwaysAsksForPatienceIsLeft) {
  NameQuery query = ask(NodeType::p);
  const Time begin = time.now;
  while (query.deadline() && time.now - begin < 1h) {
    for (const OutgoingPacket& packet : query.take_outgoing()) {
      NamePacket wait = make_query_response(decode_name_packet(packet.bytes)->id, kName, {});
      wait.opcode = Opcode::wack;
      wait.answers[0].ttl = 60;
      for (int i = 0; i < 10; ++i) answer(query, kServer, wait);
    }
    time.to_deadline(query);
  }
  EXPECT_EQ(query.state(), State::not_found);
  EXPECT_LE(time.now - begin, 4min);
}

// RFC 1002 4.2.15, written by its figure: NSD_NAME "N", an NS record and the A record with the other server's address.
Bytes redirection(std::uint16_t id, std::uint8_t last_byte) {
  Writer writer;
  writer.u16(id);
  writer.u16(0x8100);
  for (const unsigned count : {0u, 0u, 1u, 1u}) writer.u16(count);
  put_name(writer, kName);
  writer.u16(0x0002);
  writer.u16(0x0001);
  writer.u32(60);
  writer.u16(3);
  writer.bytes(Bytes{1, 'N', 0});
  writer.bytes(Bytes{1, 'N', 0});
  writer.u16(0x0001);
  writer.u16(0x0001);
  writer.u32(60);
  writer.u16(4);
  writer.bytes(Bytes{10, 99, 0, last_byte});
  return writer.take();
}

TEST_F(NameQueryTest, AServerMaySendUsToAnotherOne) {
  NameQuery query = ask(NodeType::p);
  query.handle_packet(kServerPort, redirection(asked(query, kServer).id, 3), time.now);
  answer(query, kOtherServer, make_query_response(asked(query, kOtherServer).id, kName, {kClient}));
  EXPECT_EQ(query.state(), State::found);
}

TEST_F(NameQueryTest, ServersThatSendUsInACircleAreLeft) {
  config.name_servers = {kServer, kServer};
  NameQuery query = ask(NodeType::p);
  int asked_servers = 0;
  while (query.state() == State::asking && asked_servers < 100) {
    const auto packets = query.take_outgoing();
    ASSERT_EQ(packets.size(), 1u);
    ++asked_servers;
    query.handle_packet(packets[0].to, redirection(decode_name_packet(packets[0].bytes)->id, 2), time.now);
  }
  EXPECT_EQ(query.state(), State::not_found);
  EXPECT_EQ(asked_servers, 5) << "both, and three times somebody else";
}

// RFC 1002 4.2.17, 4.2.18
TEST_F(NameQueryTest, ANodeIsAskedForItsNames) {
  NameQuery query(any_name(), kServer, config, 0x1293, time.now);
  const NamePacket request = asked(query, kServer);
  EXPECT_EQ(request.questions[0].type, RecordType::nbstat);
  EXPECT_EQ(request.id, 0x1294);
  query.handle_packet(kServerPort, from_hex(golden::kStatusAnswer), time.now);
  ASSERT_EQ(query.state(), State::found);
  EXPECT_EQ(query.answers()[0].status->names.size(), 9u);
}

TEST_F(NameQueryTest, WithNobodyToAskIsOverAtOnce) {
  config.broadcasts.clear();
  config.name_servers.clear();
  for (const NodeType type : {NodeType::b, NodeType::p, NodeType::m, NodeType::h}) {
    EXPECT_EQ(ask(type).state(), State::not_found);
  }
}

}  // namespace
}  // namespace smb3fuse::nbt
