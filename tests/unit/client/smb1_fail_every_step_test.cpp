// SPDX-License-Identifier: Apache-2.0
// A session over SMB1 that fails at one step after the other: the stream is cut at the nth message sent or to be
// received, or the nth answer is cut short. Every task ends, and with an error where it could not do its work.
#include "smb/client/mfsymlink.h"
#include "tests/unit/client/smb1_fixture.h"

namespace smb3fuse::client {
namespace {

// Connecting, then what a mount does with a file and a directory. False: something of it failed.
bool work(Smb1Room& room) {
  if (!room.connect()) return false;
  bool all = room.finish(room.share->stat("f")).has_value();
  auto opened = room.finish(room.share->open(Smb1Room::to_read("f", 4096)));
  all = all && opened;
  if (opened) {
    bool ended = false;
    opened->open->read(0, 11, [&](std::error_code error, const cache::Buffer& data) {
      ended = true;
      all = all && !error && data.size() == 11;
    });
    room.runtime.advance(10min);
    EXPECT_TRUE(ended);
  }
  auto directory = room.finish(room.share->open_directory("dir"));
  if (!directory) return false;
  const auto page = room.finish((*directory)->next());
  return all && page && page->size() == 2;
}

constexpr std::size_t kMoreThanThereAre = 40;

// A server that takes one command at a time, of which "f" and what it lists are links.
void make_old(Smb1Room& room) {
  room.server.options.blocks_taken = 1;
  room.server.options.max_mpx_count = 1;
  room.server.options.capabilities = cifs::CAP_NT_SMBS;
  room.files.lists_ids = false;
  room.files.content = *encode_mfsymlink("there");
}

TEST(Smb1Failures, AStreamThatIsCutAtAnyMessageOfAnOldServerEndsEverything) {
  bool worked = false;
  std::size_t nth = 1;
  for (; !worked && nth < kMoreThanThereAre; ++nth) {
    Smb1Room room;
    make_old(room);
    room.on_accept = [&](test::MemoryStream& stream) { stream.lose_at_send = nth; };
    worked = work(room);
  }
  EXPECT_GT(nth, 16u);
  EXPECT_TRUE(worked);
}

TEST(Smb1Failures, AStreamThatIsCutAtAnyMessageEndsEverything) {
  bool worked = false;
  std::size_t nth = 1;
  for (; !worked && nth < kMoreThanThereAre; ++nth) {
    Smb1Room room;
    room.on_accept = [&](test::MemoryStream& stream) { stream.lose_at_send = nth; };
    worked = work(room);
  }
  EXPECT_GT(nth, 8u);
  EXPECT_TRUE(worked);
}

TEST(Smb1Failures, AStreamThatEndsInPlaceOfAnyAnswerEndsEverything) {
  bool worked = false;
  std::size_t nth = 1;
  for (; !worked && nth < kMoreThanThereAre; ++nth) {
    Smb1Room room;
    room.on_accept = [&](test::MemoryStream& stream) { stream.lose_at_frame = nth; };
    worked = work(room);
  }
  EXPECT_GT(nth, 8u);
  EXPECT_TRUE(worked);
}

TEST(Smb1Failures, AnAnswerThatIsCutShortIsNoneOrAnError) {
  for (std::size_t nth = 1; nth <= 8; ++nth) {
    const bool may_fail = nth == 5 || nth == 7;  // the file's id, which not every server tells
    for (const std::size_t left : {0u, 20u, 32u, 33u, 36u, 50u}) {
      Smb1Room room;
      std::size_t seen = 0;
      room.on_accept = [&](test::MemoryStream& stream) {
        stream.edit_to_client = [&](Bytes& message) {
          if (++seen == nth) message.resize(std::min(left, message.size()));
        };
      };
      const bool worked = work(room);
      EXPECT_TRUE(!worked || may_fail) << "with " << left << " bytes of answer " << nth;
    }
  }
}

}  // namespace
}  // namespace smb3fuse::client
