// SPDX-License-Identifier: Apache-2.0
// Connecting over SMB1: what goes together, and what is asked again of servers that take less at a time.
#include "tests/unit/client/smb1_fixture.h"

namespace smb3fuse::client {
namespace {

using cifs::Command;
using Messages = std::vector<std::vector<Command>>;

TEST(Smb1Connect, TakesThreeRoundTripsAndLeavesNothingOpen) {
  Smb1Room room;
  Messages messages;
  room.server.once(Command::close, [&](const test::Smb1Request& request) {
    messages = room.server.messages();
    return room.files.close(request);
  });
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_EQ(
      messages,
      (Messages{{Command::negotiate},
                {Command::session_setup_andx},
                {Command::session_setup_andx, Command::tree_connect_andx, Command::nt_create_andx, Command::close}}));
  EXPECT_EQ(room.connecting, 3u);
  EXPECT_TRUE(room.files.opens().empty());
  EXPECT_TRUE(room.share->root_attributes().is_directory());
  EXPECT_FALSE(room.share->is_read_only());
}

TEST(Smb1Connect, LooksAtTheMountedFolder) {
  Smb1Room room;
  room.config.prefix = "films/dir";
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_EQ(room.files.created, std::vector<std::u16string>{u"\\films\\dir"});
}

TEST(Smb1Connect, RefusesAFileInItsPlace) {
  Smb1Room room;
  room.config.prefix = "film";
  ASSERT_FALSE(room.connect());
  EXPECT_EQ(room.error.sentence, "cannot open folder 'film' of share 'media': STATUS_NOT_A_DIRECTORY");
}

TEST(Smb1Connect, AsksAgainForWhatAServerLeavesOutOfAChain) {
  for (const std::size_t taken : {1u, 2u, 3u}) {
    test::Smb1ServerOptions options;
    options.blocks_taken = taken;
    Smb1Room room(options);
    ASSERT_TRUE(room.connect()) << room.error.sentence;
    EXPECT_TRUE(room.share->root_attributes().is_directory()) << taken;
    room.runtime.advance(1s);
    EXPECT_TRUE(room.files.opens().empty()) << taken;
  }
}

// Windows: what [MS-CIFS] does not name behind a tree connect is STATUS_INVALID_SMB, which is of no NTSTATUS severity.
TEST(Smb1Connect, ConnectsTheTreeAloneWhereTheChainIsRefused) {
  Smb1Room room;
  room.server.once(Command::tree_connect_andx, test::refuse_in_dos(2, 1));
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_EQ(room.connecting, 5u);
}

TEST(Smb1Connect, TellsWhyAShareIsRefused) {
  Smb1Room room;
  room.server.once(Command::tree_connect_andx, test::refuse_in_smb1(NtStatus::STATUS_BAD_NETWORK_NAME));
  ASSERT_FALSE(room.connect());
  EXPECT_EQ(room.error.step, ConnectStep::tree_connect);
  EXPECT_NE(room.error.sentence.find("STATUS_BAD_NETWORK_NAME"), std::string::npos) << room.error.sentence;
}

TEST(Smb1Connect, RefusesWhatIsNoFolderByItsKind) {
  for (const auto& [service, kind] : {std::pair("LPT1:", "a printer"), std::pair("IPC", "a pipe")}) {
    test::Smb1ServerOptions options;
    options.service = service;
    Smb1Room room(options);
    ASSERT_FALSE(room.connect());
    EXPECT_EQ(room.error.sentence, "share 'media' is " + std::string(kind) + ", not a folder that can be mounted");
  }
}

// impacket 0.10 tells the share's name.
TEST(Smb1Connect, TakesWhatIsOfNoKindForAFolder) {
  test::Smb1ServerOptions options;
  options.service = "MEDIA";
  Smb1Room room(options);
  EXPECT_TRUE(room.connect()) << room.error.sentence;
}

TEST(Smb1Connect, SignsFromTheTreeConnectOn) {
  test::Smb1ServerOptions options;
  options.security_mode |= cifs::NEGOTIATE_SECURITY_SIGNATURES_REQUIRED;
  Smb1Room room(options);
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  EXPECT_TRUE(room.finish(room.share->stat("a.txt")));
}

class NoHolder final : public Lease::Holder {
  void handle_break(Rights, std::function<void()>) override {}
};

// [MS-CIFS] 2.2.4.52.2 MaxMpxCount
TEST(Smb1Connect, AsksForNoOplocksWhereOneRequestIsAll) {
  for (const std::uint16_t most : {std::uint16_t{1}, std::uint16_t{2}}) {
    test::Smb1ServerOptions options;
    options.max_mpx_count = most;
    Smb1Room room(options);
    ASSERT_TRUE(room.connect()) << room.error.sentence;
    NoHolder holder;
    EXPECT_EQ(room.share->make_lease(holder) != nullptr, most > 1);
    EXPECT_TRUE(room.finish(room.share->open(Smb1Room::to_read("f", 4096))));
  }
}

TEST(Smb1Connect, RefusesAWrongPassword) {
  test::Smb1ServerOptions options;
  options.password = "another";
  Smb1Room room(options);
  ASSERT_FALSE(room.connect());
  EXPECT_EQ(room.error.step, ConnectStep::authenticate);
}

}  // namespace
}  // namespace smb3fuse::client
