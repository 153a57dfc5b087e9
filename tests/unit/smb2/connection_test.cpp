// SPDX-License-Identifier: Apache-2.0
// A connection's life: compounds, answers that come late, twice or never, deadlines, silence, echoes, the end.
#include <gtest/gtest.h>

#include "smb/wire/create.h"
#include "smb/wire/oplock_break.h"
#include "smb/wire/query_info.h"
#include "tests/unit/smb2/conversation.h"

namespace smb3fuse::smb2 {
namespace {

using test::ServerOptions;
using test::ServerReply;
using test::ServerRequest;
using wire::Command;

// Keeps the next request of `command` without an answer.
std::shared_ptr<std::optional<ServerRequest>> keep_next(Conversation& talk, Command command, bool pend = false) {
  auto kept = std::make_shared<std::optional<ServerRequest>>();
  talk.server.once(command, [&talk, kept, pend](const ServerRequest& request) {
    *kept = request;
    if (pend) talk.server.pend(request);
    return std::nullopt;
  });
  return kept;
}

std::vector<Outgoing> create_query_read() {
  wire::CreateRequest create;
  create.name = u"odd";  // so that each part needs padding of its own
  wire::QueryInfoRequest query;
  query.file_id = wire::FileId::of_previous();
  std::vector<Outgoing> chain;
  chain.push_back(request_of(Command::create, wire::encode(create)));
  chain.push_back(request_of(Command::query_info, wire::encode(query)));
  chain.push_back(read_request(10));
  return chain;
}

void answer_files(Conversation& talk) {
  talk.server.on(Command::create, [](const ServerRequest&) {
    ServerReply reply = test::reply_with(wire::CreateResponse{});
    reply.opened = {1, 2};
    return reply;
  });
  talk.server.on(Command::query_info, [](const ServerRequest&) {
    wire::QueryInfoResponse response;
    static constexpr std::uint8_t kOdd[] = {1, 2, 3};
    response.output_buffer = kOdd;
    return test::reply_with(response);
  });
}

// ---- compounds

class Compounds : public testing::TestWithParam<SessionPolicy> {};

TEST_P(Compounds, GoOutAsOneMessageAndComeBackInOneOrInMany) {
  Conversation talk;  // its server checks alignment, related flags, and a signature for each part
  ASSERT_TRUE(talk.establish(GetParam()));
  answer_files(talk);
  for (const bool separate : {false, true}) {
    talk.server.separate_replies = separate;
    const std::size_t before = talk.transmitted;
    const RequestId id = talk.submit(create_query_read());
    EXPECT_EQ(talk.transmitted, before + 1);
    for (std::size_t index = 0; index < 3; ++index) {
      const Answered answer = talk.take();
      EXPECT_EQ(answer.id, id);
      EXPECT_EQ(answer.index, index);
      EXPECT_EQ(answer.status, NtStatus{});
    }
  }
}

TEST_P(Compounds, MayBeAnsweredInAnyOrder) {
  Conversation talk;
  ASSERT_TRUE(talk.establish(GetParam()));
  answer_files(talk);
  talk.server.reverse_replies = true;
  talk.submit(create_query_read());
  ASSERT_EQ(talk.answers.size(), 3u);
  EXPECT_EQ(talk.answers.front().index, 2u);
}

INSTANTIATE_TEST_SUITE_P(Plain, Compounds, testing::Values(SessionPolicy{}));
INSTANTIATE_TEST_SUITE_P(Signed, Compounds, testing::Values(SessionPolicy{.sign = true}));
INSTANTIATE_TEST_SUITE_P(Sealed, Compounds, testing::Values(SessionPolicy{.encrypt = true}));

// ---- STATUS_PENDING and CANCEL

TEST(Pending, RequestIsAnsweredLaterAndOnce) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  const auto kept = keep_next(talk, Command::read, true);
  talk.submit(read_request(4));
  EXPECT_TRUE(talk.answers.empty());
  talk.server.answer(**kept, test::reply_with(wire::ReadResponse{}));
  talk.pump();
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_FALSE(talk.answers[0].local);
  EXPECT_EQ(talk.connection.outstanding(), 0u);
}

TEST(Pending, RequestGetsItsFullTimeAnew) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  const auto kept = keep_next(talk, Command::read);
  talk.submit(read_request(4));
  talk.advance(29s);
  talk.server.pend(**kept);
  talk.pump();
  talk.advance(29s);
  EXPECT_TRUE(talk.answers.empty());
  talk.advance(1s);
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.answers[0].status, NtStatus::STATUS_IO_TIMEOUT);
}

TEST(Pending, RequestDoesNotHideTheDeadlinesOfLaterOnes) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  const auto older = keep_next(talk, Command::read);
  talk.submit(read_request(4));
  talk.advance(1s);
  const auto younger = keep_next(talk, Command::read);
  const RequestId id = talk.submit(read_request(4));
  talk.advance(20s);
  talk.server.pend(**older);  // until 51 s
  talk.pump();
  ASSERT_TRUE(talk.connection.next_timeout());
  EXPECT_LE(*talk.connection.next_timeout(), talk.now + 10s);
  talk.advance(10s);
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.answers[0].id, id);
}

TEST(Pending, OpenEndedRequestHasAllTheTimeThatTheServerTakes) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  const auto kept = keep_next(talk, Command::read, true);
  Outgoing watch = read_request(4);
  watch.open_ended = true;
  talk.submit(std::move(watch));
  ASSERT_EQ(talk.standing, 1u);
  for (int i = 0; i < 10; ++i) talk.advance(31s);
  EXPECT_TRUE(talk.answers.empty());
  EXPECT_FALSE(talk.connection.is_lost());
  EXPECT_EQ(talk.server.count(Command::echo), 5u) << "one a minute, as if nothing were outstanding";
  talk.server.answer(**kept, test::reply_with(wire::ReadResponse{}));
  talk.pump();
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.connection.outstanding(), 0u);
}

TEST(Pending, OpenEndedRequestThatTheServerDoesNotTakeOnHasItsTime) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  const auto kept = keep_next(talk, Command::read);
  Outgoing watch = read_request(4);
  watch.open_ended = true;
  talk.submit(std::move(watch));
  talk.advance(30s);
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.answers[0].status, NtStatus::STATUS_IO_TIMEOUT);
}

TEST(Pending, OpenEndedRequestDoesNotHideThatTheServerOwesAnotherAnswer) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  const auto standing = keep_next(talk, Command::read, true);
  Outgoing watch = read_request(4);
  watch.open_ended = true;
  talk.submit(std::move(watch));
  talk.advance(50s);
  const auto kept = keep_next(talk, Command::read);
  const RequestId id = talk.submit(read_request(4));
  talk.advance(29s);
  EXPECT_TRUE(talk.answers.empty());
  talk.advance(1s);
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.answers[0].id, id);
  EXPECT_FALSE(talk.connection.is_lost());
}

TEST(Cancel, IsToldToTheServerWhoseAnswerCounts) {
  Conversation talk;
  ASSERT_TRUE(talk.establish({.sign = true}));
  const auto kept = keep_next(talk, Command::read);
  const RequestId id = talk.submit(read_request(4));
  const std::uint32_t credits = talk.connection.credits();
  talk.cancel(id);
  EXPECT_TRUE(talk.answers.empty());
  const wire::Smb2Header cancel = talk.server.requests.back().header;
  EXPECT_EQ(cancel.command, Command::cancel);
  EXPECT_EQ(cancel.message_id, (*kept)->header.message_id);
  EXPECT_FALSE(cancel.is_async());
  EXPECT_TRUE(cancel.is_signed());
  EXPECT_EQ(talk.connection.credits(), credits);  // it costs none

  talk.server.answer(**kept, test::reply_with(wire::ReadResponse{}));  // it came too late
  talk.pump();
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.answers[0].status, NtStatus{});
  EXPECT_FALSE(talk.answers[0].local);
  EXPECT_EQ(talk.connection.credits(), credits + 1);
  EXPECT_EQ(talk.connection.outstanding(), 0u);
}

TEST(Cancel, OfAPendingRequestNamesItsAsyncId) {
  Conversation talk;
  ASSERT_TRUE(talk.establish({.encrypt = true}));
  const auto kept = keep_next(talk, Command::read, true);
  const RequestId id = talk.submit(read_request(4));
  talk.cancel(id);
  const ServerRequest cancel = talk.server.requests.back();
  EXPECT_TRUE(cancel.header.is_async());
  EXPECT_NE(cancel.header.async_id, 0u);
  EXPECT_TRUE(cancel.encrypted);
}

TEST(Cancel, IsSignedWhereItsRequestWas) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());  // a session that can sign and need not
  for (const bool sign : {false, true}) {
    const auto kept = keep_next(talk, Command::read);
    Outgoing read = read_request(4);
    read.sign = sign;
    talk.cancel(talk.submit(std::move(read)));
    EXPECT_EQ(talk.server.requests.back().header.is_signed(), sign);
  }
}

// AES-GMAC would use the nonce of the first one, which is made of the message id, for a second one.
TEST(Cancel, IsSentOnce) {
  Conversation talk;
  ASSERT_TRUE(talk.establish({.sign = true}));
  const auto kept = keep_next(talk, Command::read);
  const RequestId id = talk.submit(read_request(4));
  talk.cancel(id);
  talk.cancel(id);
  talk.server.pend(**kept);
  talk.pump();
  talk.cancel(id);
  talk.advance(15s);  // an ECHO, and its answer
  talk.advance(15s);
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.answers[0].status, NtStatus::STATUS_IO_TIMEOUT);
  EXPECT_EQ(talk.server.count(Command::cancel), 1u);
}

TEST(Cancel, OfAChainTellsOfEachPartThatIsNotAnswered) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  answer_files(talk);
  talk.server.separate_replies = true;
  const auto query = keep_next(talk, Command::query_info);
  const auto read = keep_next(talk, Command::read);
  const RequestId id = talk.submit(create_query_read());
  talk.cancel(id);
  EXPECT_EQ(talk.server.count(Command::cancel), 2u);
  for (const auto& kept : {query, read}) talk.server.answer(**kept, test::refuse(NtStatus::STATUS_CANCELLED));
  talk.pump();
  ASSERT_EQ(talk.answers.size(), 3u);
  EXPECT_EQ(talk.answers[0].status, NtStatus{});
  EXPECT_EQ(talk.answers[1].status, NtStatus::STATUS_CANCELLED);
  EXPECT_FALSE(talk.answers[2].local);
}

TEST(Cancel, OfWhatStillWaitsForCreditsSendsNothing) {
  ServerOptions options;
  options.max_credits = 1;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  const auto kept = keep_next(talk, Command::echo);
  talk.submit(echo_request());
  const RequestId waiting = talk.submit(create_query_read());
  talk.cancel(waiting);
  ASSERT_EQ(talk.answers.size(), 3u);
  EXPECT_EQ(talk.answers[0].status, NtStatus::STATUS_CANCELLED);
  EXPECT_EQ(talk.server.count(Command::cancel), 0u);
  talk.server.answer(**kept, test::reply_with(wire::EchoResponse{}));
  talk.pump();
  EXPECT_EQ(talk.server.count(Command::create), 0u);
}

TEST(Cancel, OfWhatIsOverOrUnknownDoesNothing) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  const RequestId id = talk.submit(echo_request());
  talk.cancel(id);
  talk.cancel(RequestId{4711});
  EXPECT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.server.count(Command::cancel), 0u);
}

// ---- time

TEST(Deadline, AnswersARequestThatAServerForgot) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  const auto kept = keep_next(talk, Command::read);
  talk.submit(read_request(4));
  EXPECT_LE(*talk.connection.next_timeout(), talk.now + 30s);
  talk.advance(15s);
  talk.submit(echo_request());  // it is alive
  talk.take();
  talk.advance(15s);
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.answers[0].status, NtStatus::STATUS_IO_TIMEOUT);
  EXPECT_TRUE(talk.answers[0].local);
  EXPECT_EQ(talk.server.count(Command::cancel), 1u);
  EXPECT_FALSE(talk.connection.is_lost());
}

TEST(Deadline, OfASlowRequestDoesNotEndAConnectionThatAnswersEchoes) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  const auto kept = keep_next(talk, Command::read);
  talk.submit(read_request(4));
  for (int second = 0; second < 200; ++second) talk.advance(1s);
  EXPECT_FALSE(talk.connection.is_lost());
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.answers[0].status, NtStatus::STATUS_IO_TIMEOUT);
  EXPECT_GE(talk.server.count(Command::echo), 1u);
  EXPECT_LE(talk.server.count(Command::echo), 20u);
}

TEST(Deadline, CountsWhileWaitingForCredits) {
  ServerOptions options;
  options.max_credits = 1;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  talk.submit(read_request(1u << 20));
  EXPECT_LE(talk.server.count(Command::echo), 2u);  // no storm of them
  for (int tenth = 0; tenth < 300; ++tenth) talk.advance(100ms);
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.answers[0].status, NtStatus::STATUS_IO_TIMEOUT);
  EXPECT_FALSE(talk.connection.is_lost());
  EXPECT_LE(talk.server.count(Command::echo), 310u);
  talk.submit(read_request(4));  // and who waits behind it gets through
  EXPECT_EQ(talk.answers.back().status, NtStatus{});
}

TEST(Deadline, LetsThoseThroughWhoWaitedBehind) {
  ServerOptions options;
  options.max_credits = 1;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  talk.submit(read_request(1u << 20));
  talk.advance(10s);
  talk.submit(read_request(4));
  for (int second = 0; second < 20; ++second) talk.advance(1s);
  ASSERT_EQ(talk.answers.size(), 2u);
  EXPECT_EQ(talk.answers[0].status, NtStatus::STATUS_IO_TIMEOUT);
  EXPECT_EQ(talk.answers[1].status, NtStatus{});
}

TEST(Silence, EndsTheConnectionAndAnswersAllThatIsOutstanding) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  answer_files(talk);
  talk.hold = true;
  talk.submit(create_query_read());
  talk.submit(echo_request());
  talk.advance(15s);
  talk.advance(14s);
  EXPECT_FALSE(talk.connection.is_lost());
  talk.advance(1s);
  talk.expect_lost("silent");
  EXPECT_EQ(talk.answers.size(), 4u);
  for (const Answered& answer : talk.answers) EXPECT_EQ(answer.status, NtStatus::STATUS_IO_TIMEOUT);
  EXPECT_FALSE(talk.connection.next_timeout());
}

TEST(Silence, CountsFromTheFirstUnansweredQuestion) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  talk.now += 50s;  // nothing was asked
  talk.hold = true;
  talk.submit(echo_request());
  talk.advance(20s);
  EXPECT_FALSE(talk.connection.is_lost());
}

TEST(Echo, IsSentAfterAnIdleTimeAndItsSilenceIsTheEnd) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  EXPECT_EQ(talk.connection.next_timeout(), talk.now + 60s);
  talk.advance(59s);
  EXPECT_EQ(talk.server.count(Command::echo), 0u);
  talk.advance(1s);
  EXPECT_EQ(talk.server.count(Command::echo), 1u);
  EXPECT_TRUE(talk.answers.empty());  // nobody asked for it
  talk.advance(60s);
  EXPECT_EQ(talk.server.count(Command::echo), 2u);
  talk.hold = true;
  talk.advance(60s);
  talk.advance(30s);
  talk.expect_lost("silent");
}

TEST(Echo, IsNotSentBeforeThereIsASession) {
  Conversation talk;
  EXPECT_FALSE(talk.connection.next_timeout());
  talk.advance(1h);
  EXPECT_TRUE(talk.server.requests.empty());
}

// ---- the end

TEST(LostConnection, AnswersWhatWasSentAndWhatWaitedExactlyOnce) {
  ServerOptions options;
  options.max_credits = 3;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  answer_files(talk);
  talk.hold = true;
  const RequestId sent = talk.submit(create_query_read());
  const RequestId waiting = talk.submit(echo_request());
  talk.connection.handle_lost(std::make_error_code(std::errc::connection_reset), "reset");
  talk.pump();
  talk.expect_lost("reset");
  ASSERT_EQ(talk.answers.size(), 4u);
  for (const Answered& answer : talk.answers) {
    EXPECT_EQ(answer.status, NtStatus::STATUS_CONNECTION_DISCONNECTED);
    EXPECT_TRUE(answer.local);
  }
  EXPECT_EQ(talk.answers[0].id, sent);
  EXPECT_EQ(talk.answers[3].id, waiting);

  // Nothing comes of it any more.
  talk.answers.clear();
  talk.hold = false;
  talk.pump();
  talk.connection.handle_lost(std::make_error_code(std::errc::timed_out), "again");
  talk.advance(1h);
  EXPECT_TRUE(talk.answers.empty());
  EXPECT_EQ(talk.lost.size(), 1u);
}

TEST(LostConnection, AnswersWhatIsSubmittedLater) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  talk.connection.handle_lost(make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED), "gone");
  talk.submit(create_query_read());
  EXPECT_EQ(talk.answers.size(), 3u);
  EXPECT_EQ(talk.server.count(Command::create), 0u);
}

TEST(LostConnection, DoesNotAnswerAgainWhatHasTimedOut) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  const auto kept = keep_next(talk, Command::read);
  talk.submit(read_request(4));
  talk.advance(15s);
  talk.advance(15s);
  EXPECT_EQ(talk.answers.size(), 1u);
  talk.connection.handle_lost(make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED), "gone");
  talk.pump();
  EXPECT_EQ(talk.answers.size(), 1u);
}

// ---- what nobody asked for

TEST(OplockBreak, IsAnEventOfItsOwn) {
  Conversation talk;
  ASSERT_TRUE(talk.establish({.sign = true}));
  wire::Smb2Header header;
  header.command = Command::oplock_break;
  header.flags = wire::SMB2_FLAGS_SERVER_TO_REDIR;
  header.message_id = wire::kUnsolicitedMessageId;
  const Bytes body = wire::encode(wire::OplockBreak{});
  talk.deliver(talk.server.message_of(header, body));
  ASSERT_EQ(talk.breaks.size(), 1u);
  EXPECT_EQ(talk.breaks[0], body);
  EXPECT_FALSE(talk.connection.is_lost());
}

}  // namespace
}  // namespace smb3fuse::smb2
