// SPDX-License-Identifier: Apache-2.0
// How a session begins: each answer of RFC 1002 4.3, and the order of called names. The Common Internet File System's
// specification (section "CIFS server implementation") calls *SMBSERVER, then the first component of the DNS name, then
// what an adapter status request tells.
#include "nbt/session.h"

#include <set>

#include "tests/unit/nbt/packets.h"

namespace smb3fuse::nbt {
namespace {

using Want = SessionOpening::Want;

const Name kCalling = *make_name("VM", suffix::workstation);

SessionOpening open(const std::string& host, std::optional<Name> given = std::nullopt) {
  return SessionOpening(called_names(host, given, kCalling));
}

// The answer of type and body, as the driver would read it.
void answer(SessionOpening& opening, const std::string& hex) {
  const Bytes bytes = from_hex(hex);
  ASSERT_EQ(opening.want(), Want::bytes);
  ASSERT_EQ(opening.missing(), 4u);
  opening.handle_bytes(ByteView(bytes).first(4));
  if (opening.want() != Want::bytes || bytes.size() == 4) return;
  ASSERT_EQ(opening.missing(), bytes.size() - 4);
  opening.handle_bytes(ByteView(bytes).subspan(4));
}

std::string called(SessionOpening& opening) {
  EXPECT_EQ(opening.want(), Want::connection);
  opening.handle_connected();
  return opening.called_name();
}

NodeStatus status_with(std::string_view name) {
  NodeStatus status;
  status.names.push_back({*make_name(name, suffix::file_server)});
  return status;
}

// RFC 1002 4.3.2
TEST(SessionRequest, IsAsSmbclientSendsIt) {
  EXPECT_EQ(to_hex(encode_session_request(*make_name("NBSERVER", suffix::file_server), kCalling)),
            golden::kSessionRequest);
}

// RFC 1002 4.3.3
TEST(SessionOpening, StandsWithAPositiveAnswer) {
  SessionOpening opening = open("nas");
  EXPECT_EQ(called(opening), "*SMBSERVER");
  answer(opening, "82000000");
  EXPECT_EQ(opening.want(), Want::nothing);
  EXPECT_FALSE(opening.error());
}

TEST(SessionOpening, CallsTheServerByOneNameAfterAnother) {
  SessionOpening opening = open("a-very-long-host-name.example.com");
  EXPECT_EQ(called(opening), "*SMBSERVER");
  answer(opening, "8300000182");
  EXPECT_EQ(called(opening), "A-VERY-LONG-HOS");
  answer(opening, "8300000180");
  ASSERT_EQ(opening.want(), Want::node_status);
  opening.handle_node_status(status_with("NBSERVER"));
  EXPECT_EQ(called(opening), "NBSERVER");
  answer(opening, "82000000");
  EXPECT_EQ(opening.want(), Want::nothing);
  EXPECT_FALSE(opening.error());
}

TEST(SessionOpening, HasNoNameOfAnAddress) {
  for (const char* address : {"10.99.0.2", "fe80::1%eth0"}) {
    SessionOpening opening = open(address);
    EXPECT_EQ(called(opening), "*SMBSERVER");
    answer(opening, "8300000182");
    EXPECT_EQ(opening.want(), Want::node_status) << address;
  }
}

TEST(SessionOpening, CallsTheServerByTheNameThatTheUserGivesAlone) {
  SessionOpening opening = open("nas", make_name("MUSEUM", suffix::file_server));
  EXPECT_EQ(called(opening), "MUSEUM");
  answer(opening, "8300000182");
  EXPECT_EQ(opening.want(), Want::nothing);
  EXPECT_EQ(opening.error(), SessionError::called_name_not_present);
}

// RFC 1002 4.3.4: each code is an error of its own, with words of its own.
TEST(SessionOpening, TellsEachRefusal) {
  std::set<std::string> sentences;
  for (const auto& [hex, error] :
       std::vector<std::pair<std::string, SessionError>>{{"8300000180", SessionError::not_listening_on_called_name},
                                                         {"8300000181", SessionError::not_listening_for_calling_name},
                                                         {"8300000182", SessionError::called_name_not_present},
                                                         {"8300000183", SessionError::insufficient_resources},
                                                         {"830000018f", SessionError::unspecified}}) {
    SessionOpening opening = open("nas", make_name("MUSEUM", suffix::file_server));
    opening.handle_connected();
    answer(opening, hex);
    EXPECT_EQ(opening.want(), Want::nothing) << hex;
    EXPECT_EQ(opening.error(), error) << hex;
    sentences.insert(opening.error().message());
  }
  EXPECT_EQ(sentences.size(), 5u);
}

TEST(SessionOpening, TriesNoOtherNameWhereThereIsNoRoom) {
  SessionOpening opening = open("nas");
  opening.handle_connected();
  answer(opening, "8300000183");
  EXPECT_EQ(opening.want(), Want::nothing);
  EXPECT_EQ(opening.error(), SessionError::insufficient_resources);
}

TEST(SessionOpening, TakesHangingUpForARefusal) {
  SessionOpening opening = open("nas");
  opening.handle_connected();
  opening.handle_end();
  EXPECT_EQ(called(opening), "NAS");
  opening.handle_end();
  EXPECT_EQ(opening.want(), Want::node_status);
  opening.handle_node_status(std::nullopt);
  EXPECT_EQ(opening.want(), Want::nothing);
  EXPECT_EQ(opening.error(), SessionError::hung_up);
}

TEST(SessionOpening, CallsNoNameTwice) {
  SessionOpening opening = open("nbserver");
  opening.handle_connected();
  opening.handle_end();
  opening.handle_connected();
  opening.handle_end();
  opening.handle_node_status(status_with("NBSERVER"));
  EXPECT_EQ(opening.want(), Want::nothing);
}

// RFC 1002 4.3.5
TEST(SessionOpening, FollowsARetargeting) {
  SessionOpening opening = open("nas");
  opening.handle_connected();
  EXPECT_FALSE(opening.target());
  answer(opening, "840000060a63000a1f40");
  EXPECT_EQ(opening.want(), Want::connection);
  EXPECT_EQ(opening.target(), (Endpoint{{10, 99, 0, 10}, 8000}));
  EXPECT_EQ(called(opening), "*SMBSERVER") << "the same name";
  answer(opening, "8300000182");
  EXPECT_FALSE(opening.target()) << "the next name is asked for where we began";
}

TEST(SessionOpening, FollowsRetargetingsThreeTimes) {
  SessionOpening opening = open("nas");
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(opening.want(), Want::connection);
    opening.handle_connected();
    answer(opening, "840000060a630002008b");
  }
  EXPECT_EQ(opening.want(), Want::nothing);
  EXPECT_EQ(opening.error(), SessionError::too_many_retargets);
}

// RFC 1002 4.3.6: it may be sent at any time.
TEST(SessionOpening, PassesOverAKeepAlive) {
  SessionOpening opening = open("nas");
  opening.handle_connected();
  answer(opening, "85000000");
  answer(opening, "82000000");
  EXPECT_EQ(opening.want(), Want::nothing);
  EXPECT_FALSE(opening.error());
}

TEST(SessionOpening, RefusesWhatIsNoAnswer) {
  for (const char* hex : {"00000000", "81000000", "82000001", "83000000", "83000002", "84000005", "85000001",
                          "86000000", "48545450", "82010000"}) {
    SessionOpening opening = open("nas");
    opening.handle_connected();
    answer(opening, hex);
    EXPECT_EQ(opening.want(), Want::nothing) << hex;
    EXPECT_EQ(opening.error(), SessionError::malformed) << hex;
  }
  for (const char* hex : {"840000060a6300020000", "8400000600000000008b"}) {
    SessionOpening opening = open("nas");
    opening.handle_connected();
    answer(opening, hex);
    EXPECT_EQ(opening.error(), SessionError::malformed) << hex << " leads nowhere";
  }
}

}  // namespace
}  // namespace smb3fuse::nbt
