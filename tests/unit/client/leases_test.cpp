// SPDX-License-Identifier: Apache-2.0
// Leases on the wire: what each dialect asks for, what it takes from the answers, and what it says to breaks, in every
// order in which they may come. The requests' bytes are compared with captures in tests/unit/wire.
#include "tests/unit/client/lease_fixture.h"

namespace smb3fuse::client {
namespace {

using test::ServerReply;
using test::ServerRequest;
using testing::ElementsAre;
using testing::IsEmpty;

// ---- leases: version 1 in 2.1, version 2 from 3.0 on

class Leases : public testing::TestWithParam<wire::Dialect>, protected LeasedFile {
 protected:
  Leases() : LeasedFile(GetParam(), true) {}

  static bool has_epochs() { return GetParam() >= wire::Dialect::smb_3_0; }
  // The first open of the file.
  void open_with(std::uint32_t state) {
    room.grant = state;
    open();
    room.grant = kRWH;
  }
  void break_lease(std::uint32_t from, std::uint32_t to, bool answer = kAnswered) {
    room.break_lease(key, from, to, answer, has_epochs() ? ++room.epoch : std::uint16_t{0});
  }
  // What the server grants from now on is a change of state.
  void grant_anew(std::uint32_t state) {
    room.grant = state;
    ++room.epoch;
  }
};

TEST_P(Leases, AskForAllRightsUnderAKeyOfTheFile) {
  open();
  const wire::CreateRequest asked = room.last_create();
  EXPECT_EQ(asked.requested_oplock_level, OplockLevel::lease);
  const auto v1 = wire::find_context<wire::CreateLease>(asked.create_contexts);
  const auto v2 = wire::find_context<wire::CreateLeaseV2>(asked.create_contexts);
  ASSERT_TRUE(v1 && v2);
  EXPECT_EQ(v2->has_value(), has_epochs());
  EXPECT_EQ(v1->has_value(), !has_epochs());
  EXPECT_NE(key, wire::LeaseKey{});
  if (*v1) {
    EXPECT_EQ((*v1)->lease_state, kRWH);
    EXPECT_EQ((*v1)->lease_flags, 0u);
  }
  if (*v2) {
    EXPECT_EQ((*v2)->lease_state, kRWH);
    EXPECT_EQ((*v2)->lease_flags, 0u) << "no parent's key";
    EXPECT_EQ((*v2)->epoch, 0);
  }
}

TEST_P(Leases, AreWhatTheServerGrants) {
  for (const std::uint32_t state : {kNone, kR, kRH, kRW, kRWH}) {
    lease = room.share->make_lease(holder);
    open_with(state);
    const Rights granted{.read = (state & kR) != 0,
                         .write = (state & wire::SMB2_LEASE_WRITE_CACHING) != 0,
                         .handle = (state & wire::SMB2_LEASE_HANDLE_CACHING) != 0};
    EXPECT_EQ(lease->rights(), granted) << state;
    close_all();
  }
}

TEST_P(Leases, AreNothingBeforeTheFirstOpenAndAfterTheLast) {
  EXPECT_EQ(lease->rights(), Rights{});
  open();
  open();
  opens.pop_back();
  EXPECT_EQ(lease->rights(), kAll);
  close_all();
  EXPECT_EQ(lease->rights(), Rights{});
}

TEST_P(Leases, AreOneForAllOpensOfAFileAndAnotherOneForAnotherFile) {
  open();
  const wire::LeaseKey first = key;
  open();
  EXPECT_EQ(key, first);
  FakeHolder other_holder;
  const auto other = room.share->make_lease(other_holder);
  EXPECT_TRUE(room.open(other.get(), "g"));
  EXPECT_NE(room.last_key(), first);
}

TEST_P(Leases, AreNotThoseOfAnotherKey) {
  room.other_key = wire::LeaseKey{{1, 2, 3}};
  open();
  EXPECT_EQ(lease->rights(), Rights{});
}

TEST_P(Leases, AreNothingIfTheServerSpeaksOfALeaseAndTellsNone) {
  room.server.once(Command::create, [this](const ServerRequest& request) {
    ServerReply reply = room.files.create(request);
    auto response = *wire::decode<wire::CreateResponse>(reply.body);
    response.oplock_level = OplockLevel::lease;
    reply.body = wire::encode(response);
    return reply;
  });
  open();
  EXPECT_EQ(lease->rights(), Rights{});
}

TEST_P(Leases, AreNothingAfterAnOpenThatFailed) {
  room.server.once(Command::create, test::refuse(NtStatus::STATUS_ACCESS_DENIED));
  EXPECT_FALSE(room.open(lease.get()));
  EXPECT_EQ(lease->rights(), Rights{});
}

TEST_P(Leases, GrowWithTheNextOpen) {
  open_with(kR);
  EXPECT_EQ(lease->rights(), kRead);
  grant_anew(kRWH);
  open();
  EXPECT_EQ(lease->rights(), kAll);
}

TEST_P(Leases, BeginAnewAfterTheLastCloseThoughTheServerCountsItsEpochsFromOne) {
  room.epoch = 40;
  open();
  close_all();
  room.epoch = 1;
  open();
  EXPECT_EQ(lease->rights(), kAll);
}

// ---- breaks

TEST_P(Leases, AreAcknowledgedWithWhatIsLeftWhenTheHolderIsDone) {
  struct Step {
    std::uint32_t from;
    std::uint32_t to;
    Rights left;
  };
  for (const Step& step : {Step{kRWH, kRH, kReadAndHandle}, Step{kRWH, kR, kRead}, Step{kRH, kR, kRead},
                           Step{kRH, kNone, {}}, Step{kRWH, kNone, {}}, Step{kR, kNone, {}}}) {
    lease = room.share->make_lease(holder);
    open_with(step.from);
    holder.gives_up_at_once = false;
    holder.told.clear();
    room.lease_states.clear();
    room.lease_keys.clear();
    break_lease(step.from, step.to);
    EXPECT_EQ(lease->rights(), step.left) << "from the moment that it is known";
    EXPECT_THAT(holder.told, ElementsAre(step.left));
    EXPECT_THAT(room.lease_states, IsEmpty());
    holder.give_up();
    room.runtime.run();
    EXPECT_THAT(room.lease_states, ElementsAre(step.to));
    EXPECT_THAT(room.lease_keys, ElementsAre(key));
    close_all();
  }
}

TEST_P(Leases, AreNotAcknowledgedWhereTheServerDoesNotWait) {
  open_with(kR);
  break_lease(kR, kNone, kUnanswered);
  EXPECT_THAT(holder.told, ElementsAre(Rights{}));
  EXPECT_THAT(room.lease_states, IsEmpty());
}

TEST_P(Leases, AreNotAcknowledgedAfterTheLastClose) {
  holder.gives_up_at_once = false;
  open();
  break_lease(kRWH, kRH);
  opens.clear();
  holder.give_up();
  room.runtime.run();
  EXPECT_EQ(room.files.opens(), 0u) << "that says it, and at once";
  EXPECT_THAT(room.lease_states, IsEmpty());
}

TEST_P(Leases, AreWholeAfterABreakOfAnEarlierOneThatNobodyIsDoneWith) {
  holder.gives_up_at_once = false;
  open();
  break_lease(kRWH, kR);
  close_all();
  grant_anew(kRWH);
  open();
  EXPECT_EQ(lease->rights(), kAll);
  holder.give_up();
  room.runtime.run();
  EXPECT_EQ(lease->rights(), kAll);
}

TEST_P(Leases, StayGoneIfABreakCrossesTheLastClose) {
  open();
  close_all();
  break_lease(kRWH, kRH);
  EXPECT_EQ(lease->rights(), Rights{});
  EXPECT_THAT(holder.told, IsEmpty()) << "it has nothing to give up";
  EXPECT_THAT(room.lease_states, IsEmpty());
  grant_anew(kRWH);
  open();
  EXPECT_EQ(lease->rights(), kAll);
}

TEST_P(Leases, AreToldByKindAndBreaksByHowLongTheyTook) {
  for (const std::uint32_t state : {kR, kRH, kRW, kRWH}) {
    open_with(state);
    const LeaseStatus held = room.share->status().leases;
    EXPECT_EQ(held.read, state == kR ? 1U : 0U);
    EXPECT_EQ(held.read_handle, state == kRH ? 1U : 0U);
    EXPECT_EQ(held.read_write, state == kRW ? 1U : 0U);
    EXPECT_EQ(held.read_write_handle, state == kRWH ? 1U : 0U);
    if (state != kRWH) close_all();
  }
  holder.gives_up_at_once = false;
  break_lease(kRWH, kRH);
  room.runtime.advance(70ms);
  ShareStatus status = room.share->status();
  EXPECT_EQ(status.leases.read_handle, 1U);
  EXPECT_EQ(status.breaks.received, 1U);
  EXPECT_EQ(status.breaks.acknowledged, 0U);
  holder.give_up();
  status = room.share->status();
  EXPECT_EQ(status.breaks.acknowledged, 1U);
  EXPECT_GE(status.breaks.longest, 70ms);
  EXPECT_LT(status.breaks.longest, 80ms);

  // The CLOSE says it: on the way when the break came, or of a file that did not live to give it up.
  break_lease(kRH, kR);
  close_all();
  open();
  close_all();
  break_lease(kRWH, kRH);
  status = room.share->status();
  EXPECT_EQ(status.breaks.received, 3U);
  EXPECT_EQ(status.breaks.acknowledged, 3U);
  EXPECT_EQ(status.leases.read_write_handle, 0U);
}

TEST_P(Leases, AreObeyedTwiceInARow) {
  holder.gives_up_at_once = false;
  open();
  break_lease(kRWH, kRH);
  break_lease(kRH, kNone);
  EXPECT_THAT(holder.told, ElementsAre(kReadAndHandle, Rights{}));
  holder.give_up();
  room.runtime.run();
  EXPECT_THAT(room.lease_states, ElementsAre(kRH, kNone));
}

TEST_P(Leases, MayBeTakenBackBeforeTheOpenIsAnswered) {
  room.start_open(lease.get());
  key = room.last_key();
  break_lease(kRWH, kRH);
  EXPECT_THAT(room.lease_states, ElementsAre(kRH));
  if (has_epochs()) --room.epoch;  // the answer is older
  room.answer_create();
  EXPECT_EQ(lease->rights(), kReadAndHandle);
  take_opened();
}

TEST_P(Leases, AreGoneIfTheOpenFailsAfterABreak) {
  room.start_open(lease.get());
  key = room.last_key();
  break_lease(kRWH, kRH);
  room.server.answer(room.kept, test::refuse(NtStatus::STATUS_ACCESS_DENIED));
  room.runtime.run();
  EXPECT_EQ(lease->rights(), Rights{});
}

TEST_P(Leases, DoNotComeBackWithAnOpenInTheMidstOfABreak) {
  holder.gives_up_at_once = false;
  open();
  break_lease(kRWH, kRH);
  // Samba 4.17: until it is acknowledged the old state is told.
  room.flags = wire::SMB2_LEASE_FLAG_BREAK_IN_PROGRESS;
  open();
  EXPECT_EQ(lease->rights(), kReadAndHandle);
  holder.give_up();
  room.runtime.run();
  EXPECT_EQ(lease->rights(), kReadAndHandle);
}

TEST_P(Leases, DoNotComeBackWithAnOpenThatWasAskedForInTheMidstOfABreak) {
  holder.gives_up_at_once = false;
  open();
  break_lease(kRWH, kRH);
  room.start_open(lease.get());
  holder.give_up();
  room.runtime.run();
  room.answer_create();
  EXPECT_EQ(lease->rights(), kReadAndHandle);
  take_opened();
}

TEST_P(Leases, AreGivenUpByACloseThatThenDoesNotWaitForCompany) {
  open();
  opens.clear();
  EXPECT_EQ(room.files.opens(), 1u);
  break_lease(kRWH, kRH);
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_P(Leases, GrowAgainWithTheFirstOpenAfterABreak) {
  open();
  break_lease(kRWH, kNone);
  EXPECT_THAT(room.lease_states, ElementsAre(kNone));
  EXPECT_EQ(lease->rights(), Rights{});
  grant_anew(kRWH);
  open();
  EXPECT_EQ(lease->rights(), kAll);
}

TEST_P(Leases, OfAKeyThatWeDoNotKnowAreNotTakenFromAnybody) {
  open();
  room.break_lease(wire::LeaseKey{{9, 9, 9}}, kRWH, kNone, kAnswered, 2);
  EXPECT_EQ(lease->rights(), kAll);
  EXPECT_THAT(holder.told, IsEmpty());
  EXPECT_THAT(room.lease_states, IsEmpty());
}

TEST_P(Leases, OfAFileThatIsGoneAreNotAcknowledged) {
  holder.gives_up_at_once = false;
  open();
  break_lease(kRWH, kNone);
  close_all();
  lease.reset();
  holder.give_up();
  room.runtime.run();
  EXPECT_THAT(room.lease_states, IsEmpty());
}

TEST_P(Leases, DoNotGrowByABreak) {
  open_with(kR);
  break_lease(kR, kRWH);
  EXPECT_EQ(lease->rights(), kRead);
}

TEST_P(Leases, AreAskedForByARenameAsTheyAre) {
  open_with(kRH);
  EXPECT_EQ(room.finish(room.share->rename("f", "g", true, lease.get())), std::error_code());
  EXPECT_EQ(room.last_key(), key);
  const auto contexts = room.last_create().create_contexts;
  const auto v1 = wire::find_context<wire::CreateLease>(contexts);
  const auto v2 = wire::find_context<wire::CreateLeaseV2>(contexts);
  EXPECT_EQ(has_epochs() ? (*v2)->lease_state : (*v1)->lease_state, kRH);
  EXPECT_EQ(lease->rights(), kReadAndHandle);
  close_all();
  EXPECT_EQ(lease->rights(), Rights{});
  EXPECT_EQ(room.finish(room.share->rename("g", "h", true, lease.get())), std::error_code());
  EXPECT_EQ(room.last_create().requested_oplock_level, OplockLevel::none) << "there is nothing to keep";
}

TEST_P(Leases, AreNotAskedForByARenameOfAnotherFileUnderTheirName) {
  open();
  room.server.once(Command::create, test::refuse(NtStatus::STATUS_INVALID_PARAMETER));
  EXPECT_EQ(room.finish(room.share->rename("f", "g", true, lease.get())), std::error_code());
  EXPECT_EQ(room.last_create().name, u"f");
  EXPECT_EQ(room.last_create().requested_oplock_level, OplockLevel::none);
}

// [MS-SMB2] 3.3.5.9.8: a key is of one name.
TEST_P(Leases, AreNotAskedForUnderAHardLinksOtherName) {
  open();
  room.server.once(Command::create, test::refuse(NtStatus::STATUS_INVALID_PARAMETER));
  auto other = room.open(lease.get(), "other");
  ASSERT_TRUE(other);
  EXPECT_EQ(room.last_create().name, u"other");
  EXPECT_EQ(room.last_create().requested_oplock_level, OplockLevel::none);
  EXPECT_EQ(lease->rights(), kAll) << "by the first name";
}

TEST_P(Leases, AreNotToBlameForWhatIsRefusedWithoutThemToo) {
  room.server.on(Command::create,
                 [](const ServerRequest&) { return test::refuse(NtStatus::STATUS_INVALID_PARAMETER); });
  const std::size_t before = room.server.count(Command::create);
  const auto refused = room.open(lease.get());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), NtStatus::STATUS_INVALID_PARAMETER);
  EXPECT_EQ(room.server.count(Command::create), before + 2);
}

TEST_P(Leases, AreNotTouchedByWhatIsMalformed) {
  open();
  const Bytes lease_break =
      wire::encode(wire::LeaseBreakNotification{2, wire::SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED, key, kRWH, kNone});
  const Bytes oplock_break = wire::encode(wire::OplockBreak{OplockLevel::none, {1, 0xF001}});
  for (const Bytes& whole : {lease_break, oplock_break}) {
    for (std::size_t size = 0; size < whole.size(); ++size) room.send_break(ByteView(whole).first(size));
    Bytes of_another_size = whole;
    of_another_size[0] ^= 1;
    room.send_break(of_another_size);
  }
  EXPECT_EQ(lease->rights(), kAll);
  EXPECT_THAT(holder.told, IsEmpty());
  EXPECT_THAT(room.lease_states, IsEmpty());
  EXPECT_TRUE(room.finish(room.share->stat("f"))) << "the connection lives";
}

TEST_P(Leases, AreNotAskedForWhereNothingMayBeKept) {
  LeasingRoom without(server_of(GetParam(), true));
  without.config.caching = false;
  ASSERT_TRUE(without.connect());
  EXPECT_EQ(without.share->make_lease(holder), nullptr);
  EXPECT_TRUE(without.open(nullptr));
  EXPECT_EQ(without.last_create().requested_oplock_level, OplockLevel::none);
  EXPECT_EQ(without.last_key(), wire::LeaseKey{});
}

// ---- when the connection is lost

TEST_P(Leases, AreLostWithTheConnection) {
  open();
  room.stream->lose(make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED));
  room.runtime.run();
  EXPECT_TRUE(room.share->is_lost());
  EXPECT_TRUE(opens.front()->is_lost());
  EXPECT_THAT(holder.told, ElementsAre(Rights{}));
  EXPECT_EQ(lease->rights(), Rights{});
}

TEST_P(Leases, AreLostWhileABreakIsAnswered) {
  open();
  holder.gives_up_at_once = false;
  break_lease(kRWH, kRH);
  room.stream->lose(make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED));
  room.runtime.run();
  EXPECT_THAT(holder.told, ElementsAre(kReadAndHandle, Rights{}));
  opens.clear();
  lease.reset();
  room.share.reset();
  holder.give_up();  // later than everything that it was about
}

TEST_P(Leases, AreNotGrantedByAnOpenThatTheLossLeftUnanswered) {
  room.start_open(lease.get());
  room.stream->lose(make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED));
  room.runtime.run();
  ASSERT_TRUE(room.opened);
  EXPECT_EQ(room.opened->error(), NtStatus::STATUS_CONNECTION_DISCONNECTED);
  EXPECT_EQ(lease->rights(), Rights{});
  EXPECT_THAT(holder.told, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(In, Leases,
                         testing::Values(wire::Dialect::smb_2_1, wire::Dialect::smb_3_0, wire::Dialect::smb_3_1_1),
                         name_of_dialect);

// ---- epochs, of version 2

class LeaseEpochs : public testing::Test, protected LeasedFile {
 protected:
  LeaseEpochs() : LeasedFile(wire::Dialect::smb_3_1_1, true) {}
};

TEST_F(LeaseEpochs, AreToldToTheServerAsItToldThem) {
  room.epoch = 7;
  open();
  open();
  const auto contexts = room.last_create().create_contexts;
  EXPECT_EQ((*wire::find_context<wire::CreateLeaseV2>(contexts))->epoch, 7);
}

TEST_F(LeaseEpochs, TellAnOldBreakFromWhatWasGrantedSince) {
  room.epoch = 7;
  open();
  room.break_lease(key, kRH, kNone, kUnanswered, 6);
  EXPECT_EQ(lease->rights(), kAll);
  EXPECT_THAT(holder.told, IsEmpty());
}

TEST_F(LeaseEpochs, TellAnOldGrantFromTheBreakThatOvertookIt) {
  open();
  room.start_open(lease.get());
  room.break_lease(key, kRWH, kNone, kAnswered, 2);
  room.answer_create();
  EXPECT_EQ(lease->rights(), Rights{});
  take_opened();
}

TEST_F(LeaseEpochs, AreCountedRound) {
  room.epoch = 0xFFFF;
  open();
  room.break_lease(key, kRWH, kRH, kAnswered, 0);
  EXPECT_EQ(lease->rights(), kReadAndHandle);
  room.break_lease(key, kRH, kNone, kAnswered, 0xFFFE);
  EXPECT_EQ(lease->rights(), kReadAndHandle) << "that was before";
  room.start_open(lease.get());
  room.break_lease(key, kRH, kNone, kAnswered, 1);
  room.answer_create();
  EXPECT_EQ(lease->rights(), Rights{});
  take_opened();
}

TEST_F(LeaseEpochs, OfAnAnswerThatCameAfterTheBreakAreBelieved) {
  open();
  room.start_open(lease.get());
  room.break_lease(key, kRWH, kNone, kAnswered, 2);
  room.epoch = 3;  // acknowledged, and granted anew
  room.grant = kRH;
  room.answer_create();
  EXPECT_EQ(lease->rights(), kReadAndHandle);
  take_opened();
}

// ---- a sealed session

class SealedSession : public testing::TestWithParam<bool> {};

// Samba 4.17 sends a lease's break in the clear, whatever the session: a lease is of a client, not of a session.
TEST_P(SealedSession, ObeysBreaksAndSealsWhatItAnswers) {
  const bool break_is_sealed = GetParam();
  test::ServerOptions options = server_of(wire::Dialect::smb_3_1_1, true);
  options.session_flags = wire::SMB2_SESSION_FLAG_ENCRYPT_DATA;
  LeasingRoom room(options);
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  FakeHolder holder;
  const auto lease = room.share->make_lease(holder);
  auto opened = room.open(lease.get());
  ASSERT_TRUE(opened);
  room.send_break(wire::encode(wire::LeaseBreakNotification{2, wire::SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED,
                                                            room.last_key(), kRWH, kRH}),
                  break_is_sealed);
  EXPECT_EQ(lease->rights(), kReadAndHandle);
  EXPECT_THAT(room.lease_states, ElementsAre(kRH));
  EXPECT_TRUE(room.server.requests.back().encrypted);
  opened->open.reset();
}

INSTANTIATE_TEST_SUITE_P(With, SealedSession, testing::Bool(),
                         [](const auto& told) { return told.param ? "SealedBreaks" : "PlainBreaks"; });

}  // namespace
}  // namespace smb3fuse::client
