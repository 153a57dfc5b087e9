// SPDX-License-Identifier: Apache-2.0
// Servers that answer only the first command of a chain, from the beginning or from some message on: the rest is done
// once, by itself, and nothing stays open.
#include "smb/client/mfsymlink.h"
#include "tests/unit/client/smb1_fixture.h"

namespace smb3fuse::client {
namespace {

using cifs::Command;
using Messages = std::vector<std::vector<Command>>;

constexpr std::uint32_t kFirstRead = 4096;

class Smb1Chains : public testing::Test {
 protected:
  void connect(std::size_t blocks_taken) {
    test::Smb1ServerOptions options;
    options.blocks_taken = blocks_taken;
    room.emplace(options);
    ASSERT_TRUE(room->connect()) << room->error.sentence;
  }
  void expect_nothing_open() {
    room->runtime.advance(1s);
    EXPECT_TRUE(room->files.opens().empty());
  }
  // The messages of an open of "f" that would bring the first bytes along.
  Messages open_messages() {
    expect_nothing_open();
    room->server.requests.clear();
    const auto result = room->finish(room->share->open(Smb1Room::to_read("f", kFirstRead)));
    EXPECT_TRUE(result);
    return room->server.messages();
  }

  std::optional<Smb1Room> room;
};

const Messages kChained = {{Command::nt_create_andx, Command::read_andx}, {Command::transaction2}};
const Messages kAlone = {{Command::nt_create_andx}, {Command::transaction2}};

TEST_F(Smb1Chains, AreNotSentToAServerThatTookNoneWhenItWasConnected) {
  connect(1);
  EXPECT_EQ(open_messages(), kAlone);
  expect_nothing_open();
}

TEST_F(Smb1Chains, AreNotSentAnyMoreOnceOneWasCutShort) {
  connect(cifs::kMaximumBlocks);
  room->server.options.blocks_taken = 1;
  EXPECT_EQ(open_messages(), kChained);
  EXPECT_EQ(open_messages(), kAlone);
  expect_nothing_open();
}

TEST_F(Smb1Chains, BringAnOpenThoughTheReadBehindItIsNotAnswered) {
  connect(cifs::kMaximumBlocks);
  room->server.options.blocks_taken = 1;
  auto result = room->finish(room->share->open(Smb1Room::to_read("f", kFirstRead)));
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->first_read_done);
  std::optional<std::size_t> read;
  result->open->read(0, kFirstRead, [&](std::error_code error, cache::Buffer bytes) {
    EXPECT_FALSE(error);
    read = bytes.size();
  });
  room->runtime.run();
  EXPECT_EQ(read, room->files.content.size());
}

TEST_F(Smb1Chains, AreSentOnWhereAnErrorHasEndedOne) {
  connect(cifs::kMaximumBlocks);
  room->server.once(Command::read_andx, test::refuse_in_smb1(NtStatus::STATUS_FILE_LOCK_CONFLICT));
  EXPECT_EQ(open_messages(), kChained);
  EXPECT_EQ(open_messages(), kChained);
}

// Windows: a chain that it does not take behind a tree connect.
TEST_F(Smb1Chains, AreSentOnWhereOnlyTheTreeConnectWasRefusedInOne) {
  room.emplace();
  room->server.once(Command::tree_connect_andx, test::refuse_in_dos(2, 1));
  ASSERT_TRUE(room->connect()) << room->error.sentence;
  EXPECT_EQ(open_messages(), kChained);
}

TEST_F(Smb1Chains, ThatMayBeLinksAreReadAsFarAsTheServerGoes) {
  for (const std::size_t taken : {1u, 2u, 3u}) {
    connect(cifs::kMaximumBlocks);
    room->server.options.blocks_taken = taken;
    room->files.content = *encode_mfsymlink("there");
    for (int again = 0; again < 2; ++again) {
      room->server.requests.clear();
      const auto attributes = room->finish(room->share->stat("link"));
      ASSERT_TRUE(attributes);
      EXPECT_EQ(attributes->symlink_target, "there") << taken;
      expect_nothing_open();
      EXPECT_EQ(room->server.count(Command::nt_create_andx), 1u) << "of " << taken;
    }
  }
}

TEST_F(Smb1Chains, OfAListingAreReadSideBySide) {
  connect(1);
  room->files.content = *encode_mfsymlink("there");
  auto directory = room->finish(room->share->open_directory("dir"));
  ASSERT_TRUE(directory);
  const auto page = room->finish((*directory)->next());
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 2u);
  for (const DirectoryEntry& entry : *page) EXPECT_EQ(entry.attributes.symlink_target, "there");
  expect_nothing_open();
}

TEST_F(Smb1Chains, ThatAServerWouldNotReadAreNoLinks) {
  connect(1);
  room->files.content = *encode_mfsymlink("there");
  room->server.once(Command::read_andx, test::refuse_in_smb1(NtStatus::STATUS_ACCESS_DENIED));
  const auto attributes = room->finish(room->share->stat("link"));
  ASSERT_TRUE(attributes);
  EXPECT_FALSE(attributes->symlink_target);
  expect_nothing_open();
}

TEST_F(Smb1Chains, ThatMakeALinkAreWrittenOnceAndClosed) {
  connect(cifs::kMaximumBlocks);
  room->server.options.blocks_taken = 1;
  for (int again = 0; again < 2; ++again) {
    room->server.requests.clear();
    ASSERT_TRUE(room->finish(room->share->make_symlink("link", "there")));
    expect_nothing_open();
    EXPECT_EQ(room->server.count(Command::write_andx), 1u);
  }
}

}  // namespace
}  // namespace smb3fuse::client
