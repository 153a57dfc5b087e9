// SPDX-License-Identifier: Apache-2.0
// Oplocks of SMB1: what is granted, what a break leaves, when it is acknowledged. Figures 2.6.1 to 2.6.3 of the CIFS
// specification, from client A's side.
#include "smb/client/smb1_leases.h"

#include <gtest/gtest.h>

namespace smb3fuse::client {
namespace {

using cifs::OplockLevel;

class Smb1LeasesTest : public testing::Test, public Lease::Holder {
 protected:
  void handle_break(Rights left, std::function<void()> done) override {
    broken_to = left;
    give_up = std::move(done);
  }

  void open(std::uint16_t fid, OplockLevel level) {
    leases.begin_open();
    cifs::NtCreateResponse response;
    response.fid = fid;
    response.oplock_level = level;
    leases.end_open(static_cast<Smb1Lease&>(*lease), &response);
  }
  void take_back(std::uint16_t fid, bool keeps_level_ii) {
    cifs::LockingRequest request;
    request.fid = fid;
    request.type_of_lock = cifs::OPLOCK_RELEASE;
    request.new_oplock_level = keeps_level_ii ? 1 : 0;
    Bytes message = cifs::MessageBuilder().add(request).take();
    message[4] = static_cast<std::uint8_t>(cifs::Command::locking_andx);
    leases.handle_break(message);
  }

  std::optional<Rights> broken_to;
  std::function<void()> give_up;
  std::vector<std::pair<std::uint16_t, bool>> acknowledged;
  int hurried = 0;
  Smb1Leases leases{true, [] { return TimePoint(); },
                    [this](std::uint16_t fid, bool keeps_level_ii) { acknowledged.emplace_back(fid, keeps_level_ii); },
                    [this] { ++hurried; }};
  std::unique_ptr<Lease> lease = leases.make(*this);
};

constexpr Rights kAll{.read = true, .write = true, .handle = true};
constexpr Rights kReadOnly{.read = true, .write = false, .handle = false};
constexpr Rights kNothing{};

TEST_F(Smb1LeasesTest, EachLevelIsRights) {
  EXPECT_EQ(rights_of(OplockLevel::batch), kAll);
  EXPECT_EQ(rights_of(OplockLevel::exclusive), (Rights{.read = true, .write = true, .handle = false}));
  EXPECT_EQ(rights_of(OplockLevel::level_ii), kReadOnly);
  EXPECT_EQ(rights_of(OplockLevel::none), kNothing);
}

// Figure 2.6.1: what is kept goes to the server first, then the acknowledgment.
TEST_F(Smb1LeasesTest, AnExclusiveOplockIsAcknowledgedWhenItsHolderIsDone) {
  open(7, OplockLevel::exclusive);
  take_back(7, false);
  EXPECT_EQ(broken_to, kNothing);
  EXPECT_TRUE(acknowledged.empty());
  give_up();
  EXPECT_EQ(acknowledged, (std::vector<std::pair<std::uint16_t, bool>>{{7, false}}));
  EXPECT_EQ(leases.breaks().acknowledged, 1u);
}

// Figure 2.6.2: without a user of the file the CLOSE is the answer.
TEST_F(Smb1LeasesTest, ABatchOplockOfAFileThatNobodyUsesIsAnsweredByTheClose) {
  open(7, OplockLevel::batch);
  EXPECT_EQ(lease->rights(), kAll);
  take_back(7, false);
  leases.handle_closed(7);
  give_up();
  EXPECT_TRUE(acknowledged.empty());
  EXPECT_EQ(hurried, 1);
}

// Figure 2.6.3: reading goes on.
TEST_F(Smb1LeasesTest, LevelIiIsLeftAndItsLossIsNotAcknowledged) {
  open(7, OplockLevel::exclusive);
  take_back(7, true);
  EXPECT_EQ(broken_to, kReadOnly);
  give_up();
  EXPECT_EQ(acknowledged, (std::vector<std::pair<std::uint16_t, bool>>{{7, true}}));
  take_back(7, false);
  EXPECT_EQ(broken_to, kNothing);
  give_up();
  EXPECT_EQ(acknowledged.size(), 1u);
}

TEST_F(Smb1LeasesTest, AFileHasTheRightsOfTheBestOfItsOpens) {
  open(7, OplockLevel::none);
  open(8, OplockLevel::level_ii);
  EXPECT_EQ(lease->rights(), kReadOnly);
  EXPECT_EQ(leases.held().level_ii_oplock, 1u);
  leases.handle_closed(8);
  EXPECT_EQ(lease->rights(), kNothing);
}

TEST_F(Smb1LeasesTest, ABreakMayOvertakeTheAnswerThatItTakesBack) {
  leases.begin_open();
  take_back(7, true);
  EXPECT_FALSE(broken_to);
  open(7, OplockLevel::batch);
  EXPECT_EQ(lease->rights(), kReadOnly);
  EXPECT_EQ(acknowledged, (std::vector<std::pair<std::uint16_t, bool>>{{7, true}}));
  leases.end_open(static_cast<Smb1Lease&>(*lease), nullptr);
}

TEST_F(Smb1LeasesTest, ABreakOfAFileThatIsClosedHurriesTheClose) {
  open(7, OplockLevel::batch);
  leases.handle_closed(7);
  take_back(7, false);
  EXPECT_FALSE(broken_to);
  EXPECT_EQ(hurried, 1);
}

TEST_F(Smb1LeasesTest, NothingHoldsWithoutTheConnection) {
  open(7, OplockLevel::batch);
  take_back(7, true);
  leases.handle_lost();
  EXPECT_EQ(broken_to, kNothing);
  EXPECT_EQ(lease->rights(), kNothing);
  EXPECT_TRUE(acknowledged.empty());
  broken_to.reset();
  leases.handle_lost();
  EXPECT_FALSE(broken_to) << "that is known";
}

TEST_F(Smb1LeasesTest, WhoIsDoneWithABreakMayBeLaterThanTheConnection) {
  auto of_their_own = std::make_unique<Smb1Leases>(
      true, [] { return TimePoint(); }, [](std::uint16_t, bool) { FAIL(); }, [] { FAIL(); });
  std::unique_ptr<Lease> short_lived = of_their_own->make(*this);
  of_their_own->begin_open();
  cifs::NtCreateResponse response;
  response.fid = 9;
  response.oplock_level = OplockLevel::batch;
  of_their_own->end_open(static_cast<Smb1Lease&>(*short_lived), &response);
  cifs::LockingRequest request;
  request.fid = 9;
  request.type_of_lock = cifs::OPLOCK_RELEASE;
  Bytes message = cifs::MessageBuilder().add(request).take();
  message[4] = static_cast<std::uint8_t>(cifs::Command::locking_andx);
  of_their_own->handle_break(message);
  ASSERT_TRUE(give_up);
  short_lived.reset();
  of_their_own.reset();
  give_up();
}

TEST_F(Smb1LeasesTest, NothingIsKeptWhereNothingIsToBe) {
  Smb1Leases none(
      false, [] { return TimePoint(); }, nullptr, nullptr);
  EXPECT_EQ(none.make(*this), nullptr);
}

}  // namespace
}  // namespace smb3fuse::client
