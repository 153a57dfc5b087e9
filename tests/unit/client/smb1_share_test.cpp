// SPDX-License-Identifier: Apache-2.0
// Operations over SMB1 on the wire: what goes together, transactions in parts, DOS errors, NT_CANCEL, oplocks taken
// back at any moment, and answers that no honest server gives.
#include "smb/cifs/trans2.h"
#include "smb/client/interrupt.h"
#include "tests/unit/client/smb1_fixture.h"

namespace smb3fuse::client {
namespace {

using cifs::Command;
using test::Smb1Request;
using Messages = std::vector<std::vector<Command>>;

class Smb1ShareTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(room.connect()) << room.error.sentence;
    turns = room.stream->send_calls();
  }

  std::size_t turns_since() { return room.stream->send_calls() - std::exchange(turns, room.stream->send_calls()); }
  std::unique_ptr<Open> opened(OpenRequest request) {
    auto result = room.finish(room.share->open(std::move(request)));
    EXPECT_TRUE(result);
    turns_since();
    room.server.requests.clear();
    return result ? std::move(result->open) : nullptr;
  }
  static std::vector<cache::Buffer> data(cache::BufferPool& pool, std::size_t length) {
    std::vector<cache::Buffer> pieces;
    pieces.push_back(pool.allocate(length));
    std::fill_n(pieces.front().data(), length, std::uint8_t{'x'});
    return pieces;
  }
  // The errors of a write and of what follows it.
  std::pair<std::error_code, std::error_code> write(Open& open, AttributeChanges changes, bool to_disk) {
    std::optional<std::pair<std::error_code, std::error_code>> outcome;
    open.write(0, data(room.pool, 5), std::move(changes), to_disk,
               [&](std::error_code written, std::error_code after) { outcome.emplace(written, after); });
    room.runtime.run();
    EXPECT_TRUE(outcome);
    return outcome.value_or(std::pair<std::error_code, std::error_code>());
  }
  void keep_next(Command command) {
    room.server.once(command, [this](const Smb1Request& request) {
      kept.push_back(request);
      return std::nullopt;
    });
  }
  void answer(const Smb1Request& request, const test::Smb1Reply& reply, bool is_last = true) {
    room.server.answer(request, reply, is_last);
    room.runtime.run();
  }
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& outcome) {
    T value = co_await std::move(task);
    outcome.emplace(std::move(value));
  }

  std::vector<Smb1Request> kept;  // outlives the room
  Smb1Room room;
  std::size_t turns = 0;
};

OpenRequest to_write(std::string path) {
  OpenRequest request = Smb1Room::to_read(std::move(path));
  request.write = true;
  return request;
}

TEST_F(Smb1ShareTest, ASmallFileIsOneRoundTripAndItsCloseNone) {
  auto result = room.finish(room.share->open(Smb1Room::to_read("f", 4096)));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->first_read_done);
  EXPECT_EQ(result->first.size(), room.files.content.size());
  EXPECT_EQ(result->attributes.file_id, 4711u);
  EXPECT_EQ(turns_since(), 1u);
  EXPECT_EQ(room.server.messages(), (Messages{{Command::nt_create_andx, Command::read_andx}, {Command::transaction2}}));
  result->open.reset();
  EXPECT_EQ(turns_since(), 0u);
  room.runtime.advance(10ms);
  EXPECT_TRUE(room.files.opens().empty());
}

TEST_F(Smb1ShareTest, WhatGoesToDiskIsWrittenThroughWithAFlushBesideIt) {
  const auto open = opened(to_write("f"));
  bool written_through = false;
  room.server.once(Command::write_andx, [&](const Smb1Request& request) {
    const auto asked = request.as<cifs::WriteRequest>();
    written_through = (asked.write_mode & cifs::WRITE_THROUGH) != 0;
    return test::reply_in_smb1(cifs::WriteResponse{asked.data_length, 0, 0});
  });
  EXPECT_EQ(write(*open, {}, true), (std::pair<std::error_code, std::error_code>()));
  EXPECT_EQ(room.server.messages(), (Messages{{Command::write_andx}, {Command::flush}}));
  EXPECT_EQ(turns_since(), 1u);
  EXPECT_TRUE(written_through);
}

TEST_F(Smb1ShareTest, AFlushThatFailsIsToldBehindTheWrite) {
  const auto open = opened(to_write("f"));
  room.server.once(Command::flush, test::refuse_in_smb1(NtStatus::STATUS_DISK_FULL));
  const auto [written, after] = write(*open, {}, true);
  EXPECT_FALSE(written);
  EXPECT_EQ(after, NtStatus::STATUS_DISK_FULL);
}

TEST_F(Smb1ShareTest, ChangesFollowWhatIsWritten) {
  const auto open = opened(to_write("f"));
  AttributeChanges changes;
  changes.last_write_time = 133'000'000'000'000'000;
  keep_next(Command::write_andx);
  std::optional<std::error_code> outcome;
  open->write(0, data(room.pool, 5), changes, false, [&](std::error_code, std::error_code after) { outcome = after; });
  room.runtime.run();
  EXPECT_EQ(room.server.count(Command::transaction2), 0u);
  answer(kept[0], test::reply_in_smb1(cifs::WriteResponse{5, 0, 0}));
  EXPECT_EQ(room.server.count(Command::transaction2), 1u);
  EXPECT_EQ(outcome, std::error_code());
}

TEST_F(Smb1ShareTest, TheEndIsToldTheServerInOneTurn) {
  auto open = opened(Smb1Room::to_read("f"));
  open.reset();
  room.share.reset();
  EXPECT_EQ(turns_since(), 1u);
  room.runtime.run();
  EXPECT_EQ(room.server.messages(), (Messages{{Command::close}, {Command::tree_disconnect}, {Command::logoff_andx}}));
}

TEST_F(Smb1ShareTest, AnInterruptedOpenIsCancelledByItsMidAndTheServersAnswerCounts) {
  keep_next(Command::nt_create_andx);
  const auto interrupt = std::make_shared<Interrupt>();
  std::optional<Result<OpenResult>> outcome;
  spawn(keep(room.share->open(Smb1Room::to_read("f")), outcome), interrupt);
  room.runtime.run();
  interrupt->fire();
  room.runtime.run();
  ASSERT_EQ(room.server.count(Command::nt_cancel), 1u);  // the id beside it has been answered
  EXPECT_EQ(room.server.requests.back().header.mid, kept.at(0).header.mid);
  EXPECT_FALSE(outcome);
  answer(kept[0], test::refuse_in_smb1(NtStatus::STATUS_CANCELLED));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error(), NtStatus::STATUS_CANCELLED);
}

// [MS-CIFS] 3.2.4.1.5: a path that is longer than the server's buffer.
TEST(Smb1Transactions, GoOutInPartsAsSoonAsTheServerAsksForThem) {
  test::Smb1ServerOptions options;
  options.max_buffer_size = 1024;
  options.security_mode |= cifs::NEGOTIATE_SECURITY_SIGNATURES_REQUIRED;  // all parts have the first one's number
  Smb1Room room(options);
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  std::vector<Smb1Request> kept;
  room.server.once(Command::transaction2, [&](const Smb1Request& request) {
    kept.push_back(request);
    return std::nullopt;
  });
  std::string path(200, 'a');
  for (int i = 0; i < 3; ++i) path += '/' + std::string(200, 'a');
  std::size_t parameters = 0;
  room.server.on(Command::transaction2_secondary, [&](const Smb1Request& request) {
    const auto part = request.as<cifs::Transaction2SecondaryRequest>();
    EXPECT_EQ(part.parameter_displacement, parameters);
    parameters += part.parameters.size();
    if (parameters == part.total_parameter_count) {
      room.server.answer(kept[0], test::reply_to_transaction(Bytes(2), room.files.all_info(false)));
    }
    return std::nullopt;
  });
  std::optional<Result<Attributes>> outcome;
  auto task = [](Task<Result<Attributes>> asking, std::optional<Result<Attributes>>& told) -> Task<void> {
    Result<Attributes> attributes = co_await std::move(asking);
    told.emplace(std::move(attributes));
  };
  // The file's id is asked for beside it, likewise in parts; it is refused.
  room.server.once(Command::transaction2, test::refuse_in_smb1(NtStatus::STATUS_NOT_SUPPORTED));
  spawn(task(room.share->stat(path), outcome));
  room.runtime.run();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(room.server.count(Command::transaction2_secondary), 0u);
  parameters = kept[0].as<cifs::Transaction2Request>().parameters.size();
  constexpr bool kGoesOn = false;
  room.server.answer(kept[0], test::Smb1Reply(), kGoesOn);
  room.runtime.run();
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ((*outcome)->end_of_file, room.files.content.size());
  EXPECT_GE(room.server.count(Command::transaction2_secondary), 1u);
}

TEST_F(Smb1ShareTest, AnAnswerInPartsIsPutTogetherWhateverTheirOrder) {
  keep_next(Command::transaction2);
  std::optional<Result<Attributes>> outcome;
  spawn(keep(room.share->stat("f"), outcome));
  room.runtime.run();
  const Bytes parameters(2);
  const Bytes all = room.files.all_info(false);
  const auto part = [&](std::size_t from, std::size_t length, std::size_t with_parameters) {
    return test::reply_to_transaction_part({parameters.size(), all.size(), 0, from,
                                            ByteView(parameters).first(with_parameters),
                                            ByteView(all).subspan(from, length)});
  };
  constexpr bool kGoesOn = false;
  answer(kept[0], part(20, all.size() - 20, 0), kGoesOn);
  EXPECT_FALSE(outcome);
  answer(kept[0], part(0, 20, 2));
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ((*outcome)->end_of_file, room.files.content.size());
}

TEST_F(Smb1ShareTest, DosErrorsAreThoseOfNtstatus) {
  const auto refused = [this](std::uint8_t error_class, std::uint16_t code) {
    room.server.once(Command::nt_create_andx, [=](const Smb1Request&) {
      test::Smb1Reply reply = test::refuse_in_dos(error_class, code);
      reply.header = [](cifs::Header& header) {
        header.flags2 &= static_cast<std::uint16_t>(~cifs::SMB_FLAGS2_NT_STATUS);
      };
      return reply;
    });
    const auto result = room.finish(room.share->open(Smb1Room::to_read("f")));
    return result ? std::error_code() : result.error();
  };
  EXPECT_EQ(refused(1, 2), NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(refused(1, 5), NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(refused(1, 32), NtStatus::STATUS_SHARING_VIOLATION);
  EXPECT_EQ(refused(3, 19), NtStatus::STATUS_MEDIA_WRITE_PROTECTED);
  EXPECT_EQ(refused(2, 4711), NtStatus::STATUS_UNSUCCESSFUL);
}

TEST_F(Smb1ShareTest, AServerThatLiesAboutWhereTheDataIsGivesNone) {
  for (const std::uint16_t offset : {std::uint16_t{0}, std::uint16_t{40}, std::uint16_t{0xFFFF}}) {
    const auto open = opened(Smb1Room::to_read("f"));
    room.server.once(Command::read_andx, [=](const Smb1Request&) {
      cifs::ReadResponse response;
      response.data_length = 11;
      response.data_offset = offset;
      return test::reply_in_smb1(response);
    });
    std::error_code error;
    open->read(0, 11, [&](std::error_code read, cache::Buffer) { error = read; });
    room.runtime.run();
    EXPECT_EQ(error, NtStatus::STATUS_INVALID_NETWORK_RESPONSE) << offset;
  }
}

TEST_F(Smb1ShareTest, MoreThanWasAskedForIsNoAnswerToARead) {
  const auto open = opened(Smb1Room::to_read("f"));
  std::error_code error;
  room.server.once(Command::read_andx, [this](const Smb1Request&) {
    cifs::ReadResponse response;
    response.data_length = 11;
    test::Smb1Reply reply = test::reply_in_smb1(response);
    reply.data_offset_at = 8;
    reply.bytes = room.files.content;
    return reply;
  });
  open->read(0, 5, [&](std::error_code read, cache::Buffer) { error = read; });
  room.runtime.run();
  EXPECT_EQ(error, NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
}

TEST_F(Smb1ShareTest, AWriteThatWasCutShortIsAFullDisk) {
  const auto open = opened(to_write("f"));
  room.server.once(Command::write_andx, test::reply_in_smb1(cifs::WriteResponse{3, 0, 0}));
  EXPECT_EQ(write(*open, {}, false).first, NtStatus::STATUS_DISK_FULL);
}

TEST_F(Smb1ShareTest, MoreEntriesThanAListingHasAreNoListing) {
  room.server.once(Command::transaction2, [this](const Smb1Request&) {
    cifs::FindFirst2Response found;
    found.search_count = 500;
    found.end_of_search = 1;
    return test::reply_to_transaction(wire::encode(found), room.files.listing());
  });
  auto directory = room.finish(room.share->open_directory("dir"));
  ASSERT_TRUE(directory);
  const auto page = room.finish((*directory)->next());
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error(), NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
}

TEST_F(Smb1ShareTest, PartsThatContradictEachOtherEndTheConnection) {
  keep_next(Command::transaction2);
  std::optional<Result<Attributes>> outcome;
  spawn(keep(room.share->stat("f"), outcome));
  room.runtime.run();
  const Bytes piece(8);
  room.server.answer(kept[0], test::reply_to_transaction_part({0, 80, 0, 0, {}, piece}), false);
  room.server.answer(kept[0], test::reply_to_transaction_part({0, 80, 0, 4, {}, piece}));
  room.runtime.run();
  ASSERT_TRUE(outcome && !*outcome);
  EXPECT_FALSE(room.stream->is_open());
}

TEST_F(Smb1ShareTest, AnOpenMayGoBeforeItsAttributesAreTold) {
  std::unique_ptr<Open> open = opened(to_write("f"));
  std::optional<Result<Attributes>> told;
  spawn(keep(open->attributes(), told));
  open.reset();
  room.runtime.advance(1s);
  ASSERT_TRUE(told && *told);
}

// ---- locks

class Smb1LockTest : public Smb1ShareTest {
 protected:
  static constexpr RangeLock kAll{{100, 612}, LockKind::exclusive};
  static constexpr RangeLock kBegin{{100, 102}, LockKind::exclusive};
  static constexpr RangeLock kEnd{{102, 612}, LockKind::shared};

  void SetUp() override {
    Smb1ShareTest::SetUp();
    room.server.on(Command::locking_andx, [this](const Smb1Request& request) {
      asked.push_back(request.as<cifs::LockingRequest>());
      const bool is_refused = refused == asked.size();
      return is_refused ? test::refuse_in_smb1(refusal) : test::Smb1Reply{};
    });
  }
  // What a downgrade of the end of an exclusive lock comes to.
  LockAnswer downgrade() {
    LockPlan plan;
    plan.beside = {kEnd};
    plan.drop = {kAll};
    plan.take = {kBegin};
    return change(std::move(plan));
  }
  LockAnswer change(LockPlan plan) {
    if (open == nullptr) open = opened(to_write("f"));
    return room.finish(open->change_locks(std::move(plan)));
  }

  std::unique_ptr<Open> open;
  std::vector<cifs::LockingRequest> asked;
  std::size_t refused = 0;  // the number of the message that is
  NtStatus refusal = NtStatus::STATUS_LOCK_NOT_GRANTED;
};

// Others come in between two messages.
TEST_F(Smb1LockTest, AreGivenUpAndTakenInOneMessage) {
  const LockAnswer answer = downgrade();
  EXPECT_FALSE(answer.error);
  EXPECT_TRUE(answer.beside && answer.dropped && answer.taken && answer.attributes);
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].type_of_lock, cifs::LARGE_FILES | cifs::SHARED_LOCK);
  EXPECT_EQ(asked[0].unlocks.size(), 0u);
  EXPECT_EQ(asked[0].locks.size(), 1u);
  EXPECT_EQ(asked[1].type_of_lock, cifs::LARGE_FILES);
  ASSERT_EQ(asked[1].unlocks.size(), 1u);
  EXPECT_EQ(asked[1].unlocks[0].length_in_bytes_low, 512u);
  ASSERT_EQ(asked[1].locks.size(), 1u);
  EXPECT_EQ(asked[1].locks[0].length_in_bytes_low, 2u);
}

TEST_F(Smb1LockTest, AreGivenUpThoughOthersAreRefused) {
  refused = 2;
  const LockAnswer answer = downgrade();
  EXPECT_EQ(answer.error, NtStatus::STATUS_LOCK_NOT_GRANTED);
  EXPECT_TRUE(answer.beside && answer.dropped && !answer.taken);
}

TEST_F(Smb1LockTest, AreNotGivenUpWhereTheServerDoesNotKnowThem) {
  refused = 2;
  refusal = NtStatus::STATUS_RANGE_NOT_LOCKED;
  const LockAnswer answer = downgrade();
  EXPECT_TRUE(answer.error && answer.beside && !answer.dropped && !answer.taken);
}

TEST_F(Smb1LockTest, ChangeNothingWhereTheFirstStepIsRefused) {
  refused = 1;
  const LockAnswer answer = downgrade();
  EXPECT_TRUE(answer.error && !answer.beside && !answer.dropped && !answer.taken);
  EXPECT_EQ(asked.size(), 1u);
}

// A message takes locks of one kind.
TEST_F(Smb1LockTest, OfBothKindsAreTakenInTwoMessagesOrNotAtAll) {
  LockPlan plan;
  plan.take = {kEnd, kBegin};
  refused = 2;
  const LockAnswer answer = change(plan);
  EXPECT_TRUE(answer.error && !answer.taken);
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(asked[0].type_of_lock, cifs::LARGE_FILES);
  EXPECT_EQ(asked[1].type_of_lock, cifs::LARGE_FILES | cifs::SHARED_LOCK);
  EXPECT_EQ(asked[2].unlocks.size(), 1u) << "what was taken";
  EXPECT_EQ(asked[2].unlocks[0].length_in_bytes_low, 2u);
  refused = 0;
  EXPECT_TRUE(change(plan).taken);
}

// ---- oplocks

class Smb1OplockTest : public Smb1ShareTest, public Lease::Holder {
 protected:
  void SetUp() override {
    Smb1ShareTest::SetUp();
    room.files.granted = cifs::OplockLevel::batch;
    lease = room.share->make_lease(*this);
    room.server.on(Command::locking_andx, [](const Smb1Request&) { return std::nullopt; });
  }
  void TearDown() override { lease.reset(); }
  void handle_break(Rights left, std::function<void()> done) override {
    broken_to = left;
    give_up = std::move(done);
  }
  OpenRequest leased(std::string path) {
    OpenRequest request = Smb1Room::to_read(std::move(path));
    request.lease = lease.get();
    return request;
  }

  std::unique_ptr<Lease> lease;
  std::optional<Rights> broken_to;
  std::function<void()> give_up;
};

TEST_F(Smb1OplockTest, IsAcknowledgedWhenItsHolderIsDone) {
  const auto open = opened(leased("f"));
  EXPECT_EQ(lease->rights(), (Rights{.read = true, .write = true, .handle = true}));
  room.server.take_oplock(*room.files.opens().begin(), true);
  room.runtime.run();
  EXPECT_EQ(broken_to, (Rights{.read = true}));
  EXPECT_EQ(room.server.count(Command::locking_andx), 0u);
  give_up();
  room.runtime.run();
  ASSERT_EQ(room.server.count(Command::locking_andx), 1u);
  const auto told = room.server.requests.back().as<cifs::LockingRequest>();
  EXPECT_EQ(told.type_of_lock & cifs::OPLOCK_RELEASE, cifs::OPLOCK_RELEASE);
  EXPECT_EQ(told.new_oplock_level, 1);
  EXPECT_EQ(told.fid, *room.files.opens().begin());
}

TEST_F(Smb1OplockTest, MayBeTakenBackBeforeTheAnswerThatGrantsIt) {
  room.server.once(Command::nt_create_andx, [this](const Smb1Request& request) {
    test::Smb1Reply reply = room.files.create(request);
    room.server.take_oplock(reply.opened, false);  // it goes out first
    return reply;
  });
  const auto open = room.finish(room.share->open(leased("f")));
  ASSERT_TRUE(open);
  EXPECT_EQ(lease->rights(), Rights());
  room.runtime.run();
  EXPECT_EQ(room.server.count(Command::locking_andx), 1u);
}

TEST_F(Smb1OplockTest, TakenBackWhileTheFileIsClosedIsAnsweredByTheClose) {
  auto open = opened(leased("f"));
  const std::uint16_t fid = *room.files.opens().begin();
  open.reset();  // the CLOSE waits for company
  room.server.take_oplock(fid, false);
  room.runtime.run();
  EXPECT_TRUE(room.files.opens().empty());
  EXPECT_FALSE(broken_to);
  EXPECT_EQ(room.server.messages(), (Messages{{Command::close}}));
}

TEST_F(Smb1OplockTest, TakenBackBesideAnotherCreateLeavesThatAlone) {
  const auto open = opened(leased("f"));
  keep_next(Command::nt_create_andx);
  std::optional<Result<OpenResult>> second;
  spawn(keep(room.share->open(Smb1Room::to_read("g")), second));
  room.runtime.run();
  room.server.take_oplock(*room.files.opens().begin(), true);
  room.runtime.run();
  EXPECT_EQ(broken_to, (Rights{.read = true}));
  give_up();
  answer(kept[0], room.files.create(kept[0]));
  ASSERT_TRUE(second && *second);
  EXPECT_EQ(room.server.count(Command::locking_andx), 1u);
}

}  // namespace
}  // namespace smb3fuse::client
