// SPDX-License-Identifier: Apache-2.0
// The life of a name of our own: RFC 1001 15.2 (claiming), 15.1.3 (defence, conflict), 15.4 (release), 15.5 (refresh).
#include "nbt/own_name.h"

#include "tests/unit/nbt/packets.h"

namespace smb3fuse::nbt {
namespace {

using namespace std::chrono_literals;
using State = OwnName::State;

const Name kName = *make_name("MUSEUM", suffix::file_server);
constexpr Ipv4 kRival{10, 99, 0, 7};

class OwnNameTest : public testing::Test {
 protected:
  OwnNameTest() {
    config.broadcasts = {kEverybody};
    config.name_servers = {kServer};
  }

  OwnName claim(NodeType type, bool group = false) {
    config.type = type;
    return OwnName(kName, {kClient, group}, config, 600, 100, time.now);
  }
  OwnName owned_by_broadcast(bool group = false) {
    OwnName own = claim(NodeType::b, group);
    while (own.deadline()) time.to_deadline(own);
    EXPECT_EQ(own.state(), State::owned);
    own.take_outgoing();
    return own;
  }
  OwnName owned_at_server(std::uint32_t ttl) {
    OwnName own = claim(NodeType::p);
    grant(own, sent(own, kServer).id, ttl);
    EXPECT_EQ(own.state(), State::owned);
    return own;
  }

  NamePacket sent(OwnName& own, const Ipv4& to) {
    const auto packets = own.take_outgoing();
    EXPECT_EQ(packets.size(), 1u);
    if (packets.empty()) return {};
    EXPECT_EQ(packets[0].to.address, to);
    return decode_name_packet(packets[0].bytes).value_or(NamePacket{});
  }
  void tell(OwnName& own, const Ipv4& from, const NamePacket& packet) {
    own.handle_packet({from, 137}, encode(packet), time.now);
  }
  // RFC 1002 4.2.5
  void grant(OwnName& own, std::uint16_t id, std::uint32_t ttl) {
    NamePacket packet = make_registration_refusal(id, kName, {kClient});
    packet.rcode = Rcode::success;
    packet.answers[0].ttl = ttl;
    tell(own, kServer, packet);
  }
  NamePacket claim_of_rival(bool group) { return make_registration(7, kName, {kRival, group}, 0, true); }

  NodeConfig config;
  TestTime time;
};

// RFC 1001 15.2.1: silence to three requests, then a demand.
TEST_F(OwnNameTest, IsOursWhenNobodyObjectsToTheBroadcasts) {
  OwnName own = claim(NodeType::b);
  for (int i = 0; i < 3; ++i) {
    const NamePacket request = sent(own, kEverybody);
    EXPECT_EQ(request.opcode, Opcode::registration);
    EXPECT_TRUE(request.recursion_desired && request.broadcast);
    EXPECT_EQ(own.state(), State::claiming);
    time.to_deadline(own);
  }
  const NamePacket demand = sent(own, kEverybody);
  EXPECT_EQ(demand.opcode, Opcode::registration);
  EXPECT_FALSE(demand.recursion_desired);
  EXPECT_EQ(own.state(), State::owned);
  EXPECT_FALSE(own.deadline()) << "what was claimed by broadcast is not refreshed";
}

// RFC 1002 4.2.6
TEST_F(OwnNameTest, IsNotOursWhenAnotherHasIt) {
  OwnName own = claim(NodeType::b);
  tell(own, kRival, make_registration_refusal(sent(own, kEverybody).id, kName, {kRival}));
  EXPECT_EQ(own.state(), State::refused);
  EXPECT_FALSE(own.deadline());
}

TEST_F(OwnNameTest, IsClaimedAtTheServer) {
  OwnName own = claim(NodeType::p);
  const NamePacket request = sent(own, kServer);
  EXPECT_EQ(request.opcode, Opcode::registration);
  EXPECT_FALSE(request.broadcast);
  EXPECT_EQ(request.additional.at(0).ttl, 600u);
  grant(own, request.id, 300);
  EXPECT_EQ(own.state(), State::owned);
}

TEST_F(OwnNameTest, IsRefusedByTheServer) {
  OwnName own = claim(NodeType::p);
  tell(own, kRival, make_registration_refusal(sent(own, kServer).id, kName, {kRival}));
  EXPECT_EQ(own.state(), State::claiming) << "who is not our server has no say";
  tell(own, kServer, make_registration_refusal(101, kName, {kRival}));
  EXPECT_EQ(own.state(), State::refused);
}

TEST_F(OwnNameTest, IsNobodysWhenTheServerIsSilent) {
  OwnName own = claim(NodeType::p);
  for (int i = 0; i < 3; ++i) {
    sent(own, kServer);
    time.to_deadline(own);
  }
  EXPECT_EQ(own.state(), State::unanswered);
}

// RFC 1002 4.2.16
TEST_F(OwnNameTest, WaitsAsLongAsTheServerAsksFor) {
  OwnName own = claim(NodeType::p);
  const NamePacket request = sent(own, kServer);
  NamePacket wait = make_registration_refusal(request.id, kName, {});
  wait.opcode = Opcode::wack;
  wait.rcode = Rcode::success;
  wait.answers[0].ttl = 20;
  tell(own, kServer, wait);
  EXPECT_EQ(*own.deadline() - time.now, 20s);
  grant(own, request.id, 0);
  EXPECT_EQ(own.state(), State::owned);
}

TEST_F(OwnNameTest, DoesNotWaitForEverForAServerThatAlwaysAsksForMore) {
  OwnName own = claim(NodeType::p);
  const Time begin = time.now;
  while (own.deadline() && time.now - begin < 1h) {
    for (const OutgoingPacket& packet : own.take_outgoing()) {
      NamePacket wait = make_registration_refusal(decode_name_packet(packet.bytes)->id, kName, {});
      wait.opcode = Opcode::wack;
      wait.answers[0].ttl = 60;
      for (int i = 0; i < 10; ++i) tell(own, kServer, wait);
    }
    time.to_deadline(own);
  }
  EXPECT_EQ(own.state(), State::unanswered);
  EXPECT_LE(time.now - begin, 4min);
}

// RFC 1002 4.2.7, RFC 1001 15.2.2.2: RA is zero, and the answer tells who had the name.
TEST_F(OwnNameTest, ChallengesWhoHadIt) {
  OwnName own = claim(NodeType::p);
  NamePacket challenge = make_registration_refusal(sent(own, kServer).id, kName, {kRival});
  challenge.rcode = Rcode::success;
  challenge.recursion_available = false;
  tell(own, kServer, challenge);
  NamePacket query = sent(own, kRival);
  EXPECT_EQ(query.opcode, Opcode::query);
  tell(own, kRival, make_query_response(query.id, kName, {kRival}));
  EXPECT_EQ(own.state(), State::refused);
}

TEST_F(OwnNameTest, IsTakenFromWhoDoesNotAnswerTheChallenge) {
  OwnName own = claim(NodeType::p);
  NamePacket challenge = make_registration_refusal(sent(own, kServer).id, kName, {kRival});
  challenge.rcode = Rcode::success;
  challenge.recursion_available = false;
  tell(own, kServer, challenge);
  for (int i = 0; i < 3; ++i) {
    sent(own, kRival);
    time.to_deadline(own);
  }
  const NamePacket request = sent(own, kServer);
  EXPECT_EQ(request.opcode, Opcode::registration);
  EXPECT_FALSE(request.recursion_desired) << "an overwrite request";
  grant(own, request.id, 0);
  EXPECT_EQ(own.state(), State::owned);
}

TEST_F(OwnNameTest, IsClaimedByBroadcastThenAtTheServerByAMixedNode) {
  OwnName own = claim(NodeType::m);
  for (int i = 0; i < 3; ++i) {
    sent(own, kEverybody);
    time.to_deadline(own);
  }
  const auto packets = own.take_outgoing();
  ASSERT_EQ(packets.size(), 2u) << "the demand, and the request to the server";
  EXPECT_EQ(packets[1].to.address, kServer);
  grant(own, decode_name_packet(packets[1].bytes)->id, 0);
  EXPECT_EQ(own.state(), State::owned);
}

TEST_F(OwnNameTest, IsClaimedByBroadcastWhereTheServerOfAHybridNodeIsSilent) {
  OwnName own = claim(NodeType::h);
  for (int i = 0; i < 3; ++i) {
    sent(own, kServer);
    time.to_deadline(own);
  }
  EXPECT_TRUE(sent(own, kEverybody).broadcast);
  while (own.deadline()) time.to_deadline(own);
  EXPECT_EQ(own.state(), State::owned);
}

// RFC 1001 15.5.1
TEST_F(OwnNameTest, IsRefreshedWhenHalfOfItsTimeIsOver) {
  OwnName own = owned_at_server(300);
  EXPECT_EQ(*own.deadline() - time.now, 150s);
  time.to_deadline(own);
  const NamePacket refresh = sent(own, kServer);
  EXPECT_EQ(refresh.opcode, Opcode::refresh);
  grant(own, refresh.id, 400);
  EXPECT_EQ(*own.deadline() - time.now, 200s);
  EXPECT_EQ(own.state(), State::owned);
}

TEST_F(OwnNameTest, StaysOursWhileTheServerIsAway) {
  OwnName own = owned_at_server(300);
  for (int i = 0; i < 4; ++i) time.to_deadline(own);
  EXPECT_EQ(own.state(), State::owned);
  EXPECT_EQ(*own.deadline() - time.now, 150s);
}

TEST_F(OwnNameTest, IsLostWhenTheServerRefusesToRefreshIt) {
  OwnName own = owned_at_server(300);
  time.to_deadline(own);
  NamePacket refusal = make_registration_refusal(sent(own, kServer).id, kName, {kRival});
  refusal.opcode = Opcode::refresh;
  tell(own, kServer, refusal);
  EXPECT_EQ(own.state(), State::refused);
}

TEST_F(OwnNameTest, GrantedForAMomentIsNotRefreshedWithoutAPause) {
  OwnName own = owned_at_server(1);
  EXPECT_GE(*own.deadline() - time.now, 5s);
}

TEST_F(OwnNameTest, GrantedForEverIsNotRefreshed) { EXPECT_FALSE(owned_at_server(0).deadline()); }

// RFC 1001 15.1.3.1
TEST_F(OwnNameTest, IsDefended) {
  OwnName own = owned_by_broadcast();
  for (const bool group : {false, true}) {
    tell(own, kRival, claim_of_rival(group));
    const NamePacket refusal = sent(own, kRival);
    EXPECT_TRUE(refusal.response);
    EXPECT_EQ(refusal.id, 7);
    EXPECT_EQ(refusal.rcode, Rcode::active);
  }
}

TEST_F(OwnNameTest, OfAGroupIsSharedButNotGivenToOne) {
  OwnName own = owned_by_broadcast(true);
  tell(own, kRival, claim_of_rival(true));
  EXPECT_TRUE(own.take_outgoing().empty());
  tell(own, kRival, claim_of_rival(false));
  EXPECT_EQ(sent(own, kRival).rcode, Rcode::active);
}

TEST_F(OwnNameTest, IsNotDefendedAgainstOurselvesOrBeforeItIsOurs) {
  OwnName own = owned_by_broadcast();
  tell(own, kClient, make_registration(7, kName, {kClient}, 0, true));
  EXPECT_TRUE(own.take_outgoing().empty());
  OwnName claimed = claim(NodeType::b);
  claimed.take_outgoing();
  tell(claimed, kRival, claim_of_rival(false));
  EXPECT_TRUE(claimed.take_outgoing().empty());
}

// RFC 1001 15.1.3.5, RFC 1002 4.2.8
TEST_F(OwnNameTest, IsUsedNoMoreWhenAConflictIsTold) {
  OwnName own = owned_by_broadcast();
  tell(own, kRival, make_conflict_demand(99, *make_name("OTHER", suffix::file_server)));
  EXPECT_EQ(own.state(), State::owned);
  tell(own, kRival, make_conflict_demand(99, kName));
  EXPECT_EQ(own.state(), State::conflicted);
  tell(own, kRival, make_query(1, kName, true));
  EXPECT_TRUE(own.take_outgoing().empty());
}

TEST_F(OwnNameTest, OfAGroupIsInNoConflict) {
  OwnName own = owned_by_broadcast(true);
  tell(own, kRival, make_conflict_demand(99, kName));
  EXPECT_EQ(own.state(), State::owned);
}

TEST_F(OwnNameTest, IsToldToWhoAsks) {
  OwnName own = owned_by_broadcast();
  tell(own, kRival, make_query(5, kName, true));
  const NamePacket answer = sent(own, kRival);
  EXPECT_EQ(answer.id, 5);
  EXPECT_EQ(owners_of(answer.answers.at(0))->at(0).address, kClient);
  tell(own, kRival, make_query(6, *make_name("OTHER", 0), true));
  EXPECT_TRUE(own.take_outgoing().empty());
  tell(own, kRival, make_status_query(7, any_name()));
  const auto status = status_of(sent(own, kRival).answers.at(0));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->names.at(0).name, kName);
}

TEST_F(OwnNameTest, OfAPointToPointNodeIsNotToldToABroadcast) {
  OwnName own = owned_at_server(0);
  tell(own, kRival, make_query(5, kName, true));
  tell(own, kRival, claim_of_rival(false));
  EXPECT_TRUE(own.take_outgoing().empty());
  tell(own, kRival, make_query(5, kName, false));
  EXPECT_EQ(own.take_outgoing().size(), 1u);
}

// RFC 1001 15.4
TEST_F(OwnNameTest, IsReleasedByBroadcast) {
  OwnName own = owned_by_broadcast();
  own.release(time.now);
  for (int i = 0; i < 3; ++i) {
    const NamePacket request = sent(own, kEverybody);
    EXPECT_EQ(request.opcode, Opcode::release);
    EXPECT_TRUE(request.broadcast);
    time.to_deadline(own);
  }
  EXPECT_EQ(own.state(), State::released);
}

TEST_F(OwnNameTest, IsReleasedAtTheServer) {
  OwnName own = owned_at_server(0);
  own.release(time.now);
  NamePacket answer = make_release(sent(own, kServer).id, kName, {kClient}, false);
  answer.response = true;
  answer.answers = std::move(answer.additional);
  answer.questions.clear();
  answer.additional.clear();
  tell(own, kServer, answer);
  EXPECT_EQ(own.state(), State::released);
}

TEST_F(OwnNameTest, IsReleasedThoughTheServerIsSilent) {
  OwnName own = owned_at_server(0);
  own.release(time.now);
  while (own.deadline()) time.to_deadline(own);
  EXPECT_EQ(own.state(), State::released);
}

TEST_F(OwnNameTest, WithNobodyToAskIsNobodys) {
  config.broadcasts.clear();
  EXPECT_EQ(claim(NodeType::b).state(), State::unanswered);
}

}  // namespace
}  // namespace smb3fuse::nbt
