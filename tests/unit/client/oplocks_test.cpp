// SPDX-License-Identifier: Apache-2.0
// Oplocks on the wire, in 2.0.2 and where a server offers no leases: asked for, granted, broken.
#include "tests/unit/client/lease_fixture.h"

namespace smb3fuse::client {
namespace {

using test::ServerReply;
using test::ServerRequest;
using testing::ElementsAre;
using testing::IsEmpty;

class Oplocks : public testing::TestWithParam<wire::Dialect>, protected LeasedFile {
 protected:
  Oplocks() : LeasedFile(GetParam(), false) {}
  wire::FileId open_with(OplockLevel granted) {
    room.level = granted;
    return open();
  }
};

TEST_P(Oplocks, AreAskedForAsBatch) {
  open();
  EXPECT_EQ(room.last_create().requested_oplock_level, OplockLevel::batch);
  EXPECT_EQ(room.last_key(), wire::LeaseKey{});
}

TEST_P(Oplocks, AreRightsByTheirLevel) {
  const std::pair<OplockLevel, Rights> levels[] = {{OplockLevel::batch, kAll},
                                                   {OplockLevel::exclusive, {.read = true, .write = true}},
                                                   {OplockLevel::level_ii, kRead},
                                                   {OplockLevel::none, {}}};
  for (const auto& [granted, rights] : levels) {
    open_with(granted);
    EXPECT_EQ(lease->rights(), rights);
    close_all();
    EXPECT_EQ(lease->rights(), Rights{});
  }
}

TEST_P(Oplocks, AreForTheFileWhatItsBestOpenHas) {
  open_with(OplockLevel::batch);
  open_with(OplockLevel::none);
  EXPECT_EQ(lease->rights(), kAll);
  opens.erase(opens.begin());
  EXPECT_EQ(lease->rights(), Rights{});
}

TEST_P(Oplocks, AreAcknowledgedUnlessTheyWereOfLevelTwo) {
  holder.gives_up_at_once = false;
  const wire::FileId file = open();
  room.break_oplock(file, OplockLevel::level_ii);
  EXPECT_EQ(lease->rights(), kRead);
  EXPECT_THAT(room.oplock_levels, IsEmpty());
  holder.give_up();
  room.runtime.run();
  EXPECT_THAT(room.oplock_levels, ElementsAre(OplockLevel::level_ii));
  EXPECT_THAT(room.oplock_files, ElementsAre(file));
  room.break_oplock(file, OplockLevel::none);
  EXPECT_EQ(lease->rights(), Rights{});
  EXPECT_THAT(holder.told, ElementsAre(kRead, Rights{}));
  holder.give_up();
  room.runtime.run();
  EXPECT_THAT(room.oplock_levels, ElementsAre(OplockLevel::level_ii));
}

TEST_P(Oplocks, MayBeTakenWhole) {
  for (const OplockLevel held : {OplockLevel::batch, OplockLevel::exclusive}) {
    room.oplock_levels.clear();
    room.break_oplock(open_with(held), OplockLevel::none);
    EXPECT_EQ(lease->rights(), Rights{});
    EXPECT_THAT(room.oplock_levels, ElementsAre(OplockLevel::none));
    close_all();
  }
}

TEST_P(Oplocks, AreNotAcknowledgedAfterTheClose) {
  holder.gives_up_at_once = false;
  room.break_oplock(open(), OplockLevel::none);
  opens.clear();
  holder.give_up();
  room.runtime.run();
  EXPECT_EQ(room.files.opens(), 0u);
  EXPECT_THAT(room.oplock_levels, IsEmpty());
}

TEST_P(Oplocks, MayBeTakenBackBeforeTheOpenIsAnswered) {
  room.start_open(lease.get());
  room.break_oplock(room.next_file(), OplockLevel::level_ii);
  EXPECT_THAT(room.oplock_levels, IsEmpty()) << "of whom?";
  room.answer_create();
  EXPECT_EQ(lease->rights(), kRead);
  EXPECT_THAT(room.oplock_levels, ElementsAre(OplockLevel::level_ii));
  take_opened();
  open();
  EXPECT_EQ(lease->rights(), kAll) << "that was of the other open";
}

TEST_P(Oplocks, OfLevelTwoMayBeTakenBackBeforeTheOpenIsAnswered) {
  room.level = OplockLevel::level_ii;
  room.start_open(lease.get());
  room.break_oplock(room.next_file(), OplockLevel::none);
  room.answer_create();
  EXPECT_EQ(lease->rights(), Rights{});
  EXPECT_THAT(room.oplock_levels, IsEmpty());
  take_opened();
}

TEST_P(Oplocks, OfAFileThatWeDoNotKnowAreNotTakenFromAnybody) {
  open();
  room.break_oplock({77, 77}, OplockLevel::none);
  EXPECT_EQ(lease->rights(), kAll);
  EXPECT_THAT(holder.told, IsEmpty());
  EXPECT_THAT(room.oplock_levels, IsEmpty());
}

TEST_P(Oplocks, AreNotAskedForByARename) {
  open();
  EXPECT_EQ(room.finish(room.share->rename("f", "g", true, lease.get())), std::error_code());
  EXPECT_EQ(room.last_create().requested_oplock_level, OplockLevel::none);
  EXPECT_EQ(lease->rights(), kAll);
}

TEST_P(Oplocks, AreLostWithTheConnection) {
  open();
  room.stream->lose(make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED));
  room.runtime.run();
  EXPECT_THAT(holder.told, ElementsAre(Rights{}));
  EXPECT_EQ(lease->rights(), Rights{});
  EXPECT_THAT(room.oplock_files, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(In, Oplocks, testing::Values(wire::Dialect::smb_2_0_2, wire::Dialect::smb_3_1_1),
                         name_of_dialect);

// [MS-SMB2] 2.2.4 Capabilities: there are no leases before 2.1.
TEST(LeasesOfAServer, ThatOffersThemInADialectWithoutThemAreOplocks) {
  LeasedFile file(wire::Dialect::smb_2_0_2, true);
  file.open();
  EXPECT_EQ(file.room.last_create().requested_oplock_level, OplockLevel::batch);
  EXPECT_EQ(file.room.last_key(), wire::LeaseKey{});
  file.close_all();
}

}  // namespace
}  // namespace smb3fuse::client
