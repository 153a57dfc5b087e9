// SPDX-License-Identifier: Apache-2.0
// Servers that offer less than those of Windows 2000 and later: no files of 4 GiB, no pass-through levels, nothing set
// by path, no ids in listings. (That no offset of 64 bits goes out where none was offered is the scripted server's
// rule.)
#include "tests/unit/client/smb1_fixture.h"

namespace smb3fuse::client {
namespace {

using cifs::Command;
using test::Smb1Request;
using Messages = std::vector<std::vector<Command>>;

constexpr std::uint64_t kGiB = 1 << 30;
constexpr std::uint64_t kLargest = 4 * kGiB - 1;

class Smb1OldServer : public testing::Test {
 protected:
  static test::Smb1ServerOptions without(std::uint32_t capabilities) {
    test::Smb1ServerOptions options;
    options.capabilities &= ~capabilities;
    return options;
  }
  void SetUp() override {
    ASSERT_TRUE(room.connect()) << room.error.sentence;
    auto request = Smb1Room::to_read("f");
    request.write = true;
    auto result = room.finish(room.share->open(std::move(request)));
    ASSERT_TRUE(result);
    open = std::move(result->open);
    room.server.requests.clear();
  }
  void TearDown() override { open.reset(); }

  std::pair<std::error_code, std::size_t> read(std::uint64_t offset, std::uint32_t length) {
    std::optional<std::pair<std::error_code, std::size_t>> outcome;
    open->read(offset, length, [&](std::error_code error, cache::Buffer data) { outcome.emplace(error, data.size()); });
    EXPECT_FALSE(outcome) << "within the call";
    room.runtime.run();
    EXPECT_TRUE(outcome);
    return outcome.value_or(std::pair<std::error_code, std::size_t>());
  }
  std::error_code write(std::uint64_t offset, std::size_t length) {
    std::vector<cache::Buffer> pieces;
    pieces.push_back(room.pool.allocate(length));
    std::fill_n(pieces.front().data(), length, std::uint8_t{'x'});
    std::optional<std::error_code> outcome;
    open->write(offset, std::move(pieces), {}, false,
                [&](std::error_code written, std::error_code) { outcome = written; });
    EXPECT_FALSE(outcome) << "within the call";
    room.runtime.run();
    EXPECT_TRUE(outcome);
    return outcome.value_or(std::error_code());
  }
  static AttributeChanges ending_at(std::uint64_t end) {
    AttributeChanges changes;
    changes.end_of_file = end;
    return changes;
  }

  Smb1Room room{
      without(cifs::CAP_LARGE_FILES | cifs::CAP_LARGE_READX | cifs::CAP_LARGE_WRITEX | cifs::CAP_INFOLEVEL_PASSTHRU)};
  std::unique_ptr<Open> open;
};

TEST_F(Smb1OldServer, IsReadAndWrittenUpToTheLargestFile) {
  EXPECT_EQ(read(6, 100), std::pair(std::error_code(), std::size_t{5}));
  EXPECT_FALSE(write(0, 5));
  EXPECT_FALSE(write(kLargest - 5, 5));
  EXPECT_FALSE(room.finish(open->set_attributes(ending_at(kLargest))));
  EXPECT_EQ(room.server.messages(),
            (Messages{{Command::read_andx}, {Command::write_andx}, {Command::write_andx}, {Command::transaction2}}));
}

TEST_F(Smb1OldServer, IsNotAskedForWhatLiesBeyond) {
  EXPECT_EQ(read(kLargest + 1, 100).first, NtStatus::STATUS_FILE_TOO_LARGE);
  EXPECT_EQ(write(kLargest - 5, 6), NtStatus::STATUS_FILE_TOO_LARGE);
  EXPECT_EQ(room.finish(open->set_attributes(ending_at(kLargest + 1))), NtStatus::STATUS_FILE_TOO_LARGE);
  EXPECT_EQ(room.finish(room.share->set_attributes("f", ending_at(5 * kGiB))), NtStatus::STATUS_FILE_TOO_LARGE);
  LockPlan plan;
  plan.take = {{{kLargest, kLargest + 1}, LockKind::shared}};
  EXPECT_EQ(room.finish(open->change_locks(std::move(plan))).error, NtStatus::STATUS_FILE_TOO_LARGE);
  EXPECT_EQ(room.server.messages(), Messages());
}

TEST_F(Smb1OldServer, LocksUpToTheLargestFile) {
  std::vector<cifs::LockingRange32> asked;
  room.server.on(Command::locking_andx, [&](const Smb1Request& request) {
    asked = request.as<cifs::LockingRequest32>().locks;
    return test::Smb1Reply{};
  });
  LockPlan plan;
  plan.take = {{{100, kWholeFile.end}, LockKind::exclusive}};
  EXPECT_TRUE(room.finish(open->change_locks(std::move(plan))).taken);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].byte_offset, 100u);
  EXPECT_EQ(asked[0].byte_offset + std::uint64_t{asked[0].length_in_bytes}, kLargest);
}

class Smb1SetByPath : public Smb1OldServer {
 protected:
  void refuse_next(NtStatus status) { room.server.once(Command::transaction2, test::refuse_in_smb1(status)); }
  std::error_code set() {
    room.server.requests.clear();
    AttributeChanges changes;
    changes.last_write_time = 133'000'000'000'000'000;
    const std::error_code error = room.finish(room.share->set_attributes("f", changes));
    room.runtime.advance(1s);
    return error;
  }
};

const Messages kByPath = {{Command::transaction2}};
const Messages kByOpen = {{Command::nt_create_andx}, {Command::transaction2}, {Command::close}};
const Messages kByEither = {
    {Command::transaction2}, {Command::nt_create_andx}, {Command::transaction2}, {Command::close}};

TEST_F(Smb1SetByPath, IsDoneByAnOpenFromThenOnWhereAServerKnowsNothingElse) {
  EXPECT_FALSE(set());
  EXPECT_EQ(room.server.messages(), kByPath);
  refuse_next(NtStatus::STATUS_NOT_SUPPORTED);
  EXPECT_FALSE(set());
  EXPECT_EQ(room.server.messages(), kByEither);
  EXPECT_FALSE(set());
  EXPECT_EQ(room.server.messages(), kByOpen);
}

TEST_F(Smb1SetByPath, IsRefusedOnceWhereItIsTheFileThatIsAtFault) {
  refuse_next(NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(set(), NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(room.server.messages(), kByPath);
}

TEST_F(Smb1SetByPath, IsTriedAgainWhereAnOpenCouldNotDoItEither) {
  refuse_next(NtStatus::STATUS_INVALID_PARAMETER);
  refuse_next(NtStatus::STATUS_INVALID_PARAMETER);
  EXPECT_EQ(set(), NtStatus::STATUS_INVALID_PARAMETER);
  EXPECT_EQ(room.server.messages(), kByEither);
  EXPECT_FALSE(set());
  EXPECT_EQ(room.server.messages(), kByPath);
}

class Smb1Listing : public Smb1OldServer {
 protected:
  // The entries of "dir" and what was asked for them, and the error of either step.
  std::pair<std::size_t, std::size_t> list() {
    room.server.requests.clear();
    auto directory = room.finish(room.share->open_directory("dir"));
    if (!directory) return {};
    const auto page = room.finish((*directory)->next());
    return {page ? page->size() : 0, room.server.requests.size()};
  }
};

TEST_F(Smb1Listing, IsWithoutIdsFromThenOnWhereAServerKnowsNone) {
  room.files.lists_ids = false;
  EXPECT_EQ(list(), std::pair(std::size_t{2}, std::size_t{3}));
  EXPECT_EQ(list(), std::pair(std::size_t{2}, std::size_t{2}));
}

TEST_F(Smb1Listing, IsRefusedOnceWhereItIsTheFolderThatIsAtFault) {
  room.server.once(Command::transaction2, test::refuse_in_smb1(NtStatus::STATUS_ACCESS_DENIED));
  EXPECT_EQ(list(), std::pair(std::size_t{0}, std::size_t{0}));
  EXPECT_EQ(room.server.requests.size(), 2u);
  EXPECT_EQ(list(), std::pair(std::size_t{2}, std::size_t{2})) << "with ids, as ever";
}

TEST(Smb1SetByPathInNewerServers, IsRefusedOnce) {
  Smb1Room room;
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  room.server.once(Command::transaction2, test::refuse_in_smb1(NtStatus::STATUS_INVALID_PARAMETER));
  AttributeChanges changes;
  changes.last_write_time = 1;
  EXPECT_EQ(room.finish(room.share->set_attributes("f", changes)), NtStatus::STATUS_INVALID_PARAMETER);
  EXPECT_EQ(room.server.messages(), kByPath);
}

}  // namespace
}  // namespace smb3fuse::client
