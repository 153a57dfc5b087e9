// SPDX-License-Identifier: Apache-2.0
// Credits: how the window grows, what requests cost, and that nothing stands still for want of credits.
#include <gtest/gtest.h>

#include "smb/wire/close.h"
#include "smb/wire/create.h"
#include "smb/wire/query_info.h"
#include "tests/unit/smb2/conversation.h"

namespace smb3fuse::smb2 {
namespace {

using test::ServerOptions;
using test::ServerRequest;
using wire::Command;

TEST(CreditCharge, IsOneForEach64KiBOfTheLargerDirection) {
  EXPECT_EQ(credit_charge(0, 0), 1);
  EXPECT_EQ(credit_charge(65536, 1), 1);
  EXPECT_EQ(credit_charge(1, 65537), 2);
  EXPECT_EQ(credit_charge(8u << 20, 0), 128);
}

TEST(CreditWindow, StartsWithOneCreditAndMessageIdZero) {
  CreditWindow window(8);
  EXPECT_TRUE(window.can_take(1));
  EXPECT_FALSE(window.can_take(2));
  EXPECT_EQ(window.take(1), 0u);
  EXPECT_FALSE(window.can_take(1));
}

TEST(CreditWindow, AsksForWhatItLacksOfItsTarget) {
  CreditWindow window(8);
  EXPECT_EQ(window.request_for(1), 8);  // one back, and seven more
  window.take(1);
  window.settle(1, 8);
  EXPECT_EQ(window.available(), 8u);
  EXPECT_EQ(window.request_for(3), 3);
}

TEST(CreditWindow, SurvivesAServerThatGrantsWithoutEnd) {
  CreditWindow window(8);
  for (int i = 0; i < 100000; ++i) window.settle(0, 0xFFFF);
  EXPECT_EQ(window.available(), CreditWindow::kMaximumCredits);
}

TEST(Credits, GrowToTheTargetAndNoFurther) {
  ConnectionLimits limits;
  limits.credits = 300;
  Conversation talk({}, limits);
  ASSERT_TRUE(talk.establish());
  EXPECT_EQ(talk.connection.credits(), 300u);
  for (int i = 0; i < 10; ++i) talk.submit(echo_request());
  EXPECT_EQ(talk.connection.credits(), 300u);
  EXPECT_EQ(talk.server.client_credits(), 300u);
}

TEST(Credits, AreChargedFor64KiBEachAndTakeAsManyMessageIds) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  talk.submit(read_request(1u << 20));
  const wire::Smb2Header read = talk.server.requests.back().header;
  EXPECT_EQ(read.credit_charge, 16);
  talk.submit(echo_request());
  EXPECT_EQ(talk.server.requests.back().header.message_id, read.message_id + 16);
  EXPECT_EQ(talk.server.requests.back().header.credit_charge, 1);
}

TEST(Credits, OfAWriteAreChargedForItsPayload) {
  Conversation talk;
  ASSERT_TRUE(talk.establish());
  talk.server.on(Command::write, [](const ServerRequest& request) {
    return test::reply_with(wire::WriteResponse{request.as<wire::WriteRequest>().data.length});
  });
  const Bytes data(100'000, 'x');
  wire::WriteRequest write;
  write.data = wire::Payload::follows(static_cast<std::uint32_t>(data.size()));
  Outgoing request = request_of(Command::write, wire::encode(write));
  request.payload = {ByteView(data).first(1000), ByteView(data).subspan(1000)};
  talk.submit(std::move(request));
  EXPECT_EQ(talk.server.requests.back().header.credit_charge, 2);
  EXPECT_EQ(talk.server.requests.back().as<wire::WriteRequest>().data.bytes.size(), data.size());
}

TEST(Credits, AreReservedIn202AndCostOneIdWhateverTheSize) {
  ServerOptions options;
  options.dialect = wire::Dialect::smb_2_0_2;
  options.capabilities = 0;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  talk.submit(read_request(65536));
  const wire::Smb2Header read = talk.server.requests.back().header;
  EXPECT_EQ(read.credit_charge, 0);
  talk.submit(echo_request());
  EXPECT_EQ(talk.server.requests.back().header.message_id, read.message_id + 1);
}

TEST(Credits, OfOneAreEnoughForAnyNumberOfSmallRequestsOneAfterTheOther) {
  ServerOptions options;
  options.max_credits = 1;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  talk.hold = true;
  for (int i = 0; i < 5; ++i) talk.submit(echo_request());
  EXPECT_EQ(talk.server.count(Command::echo), 1u);
  talk.hold = false;
  talk.pump();
  EXPECT_EQ(talk.server.count(Command::echo), 5u);
  EXPECT_EQ(talk.answers.size(), 5u);
}

TEST(Credits, AreAskedForByAnEchoWhenARequestCostsMoreThanThereAre) {
  ServerOptions options;
  options.max_credits = 1;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  talk.server.once(Command::echo, [&](const ServerRequest& request) {
    EXPECT_GT(request.header.credit_request_response, 1);
    talk.server.options.max_credits = 64;
    return test::reply_with(wire::EchoResponse{});
  });
  talk.submit(read_request(128 * 1024));
  EXPECT_EQ(talk.server.count(Command::echo), 1u);
  EXPECT_EQ(talk.server.count(Command::read), 1u);
  ASSERT_EQ(talk.answers.size(), 1u);
  EXPECT_EQ(talk.answers[0].status, NtStatus{});
}

TEST(Credits, AreAskedForEvenWhileALongRequestIsPending) {
  ServerOptions options;
  options.max_credits = 1;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  std::optional<ServerRequest> pending;
  talk.server.once(Command::read, [&](const ServerRequest& request) {
    pending = request;
    talk.server.pend(request);
    return std::nullopt;
  });
  talk.submit(read_request(4));
  ASSERT_TRUE(pending);
  talk.server.once(Command::echo, [&](const ServerRequest&) {
    talk.server.options.max_credits = 64;
    return test::reply_with(wire::EchoResponse{});
  });
  talk.submit(read_request(128 * 1024));
  EXPECT_EQ(talk.server.count(Command::read), 2u);
  EXPECT_EQ(talk.answers.size(), 1u);
}

TEST(Credits, KeepTheOrderOfSubmission) {
  ServerOptions options;
  options.max_credits = 2;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  talk.hold = true;
  talk.submit(echo_request());
  talk.submit(read_request(128 * 1024));
  talk.submit(echo_request());
  EXPECT_EQ(talk.server.count(Command::echo), 1u);  // the later one does not overtake
  talk.hold = false;
  talk.pump();
  ASSERT_EQ(talk.answers.size(), 3u);
  EXPECT_EQ(talk.server.requests.back().header.command, Command::echo);
}

// ---- fewer credits than a chain costs

template <class Request>
Outgoing of_previous(Request request) {
  request.file_id = wire::FileId::of_previous();
  Outgoing outgoing = request_of(Request::kCommand, wire::encode(request));
  outgoing.file_id_at = wire::offset_of_nested(request, request.file_id);
  return outgoing;
}

std::vector<Outgoing> create_query_close() {
  std::vector<Outgoing> chain;
  chain.push_back(request_of(Command::create, wire::encode(wire::CreateRequest{})));
  chain.push_back(of_previous(wire::QueryInfoRequest{}));
  chain.push_back(of_previous(wire::CloseRequest{}));
  return chain;
}

void answer_files(Conversation& talk) {
  talk.server.on(Command::create, [](const ServerRequest&) {
    wire::CreateResponse response;
    response.file_id = {1, 2};
    test::ServerReply reply = test::reply_with(response);
    reply.opened = response.file_id;
    return reply;
  });
  talk.server.on(Command::query_info, [](const ServerRequest&) { return test::reply_with(wire::QueryInfoResponse{}); });
  talk.server.on(Command::close, [](const ServerRequest&) { return test::reply_with(wire::CloseResponse{}); });
}

TEST(FewCredits, SendAChainInPartsThatNameTheFileThemselves) {
  ServerOptions options;
  options.max_credits = 2;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish({.sign = true}));
  answer_files(talk);
  const std::size_t before = talk.transmitted;
  const RequestId id = talk.submit(create_query_close());
  EXPECT_EQ(talk.transmitted, before + 2);
  const ServerRequest& query = *(talk.server.requests.end() - 2);
  EXPECT_TRUE(query.header.is_related());
  EXPECT_EQ(query.as<wire::QueryInfoRequest>().file_id, wire::FileId::of_previous());
  const ServerRequest& close = talk.server.requests.back();
  EXPECT_FALSE(close.header.is_related());
  EXPECT_EQ(close.as<wire::CloseRequest>().file_id, (wire::FileId{1, 2}));
  ASSERT_EQ(talk.answers.size(), 3u);
  for (std::size_t index = 0; index < 3; ++index) {
    EXPECT_EQ(talk.answers[index].id, id);
    EXPECT_EQ(talk.answers[index].index, index);
    EXPECT_EQ(talk.answers[index].status, NtStatus{});
  }
}

TEST(FewCredits, DoNotSendTheRestOfAChainThatHasNoFile) {
  ServerOptions options;
  options.max_credits = 1;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  talk.server.on(Command::create, [](const ServerRequest&) { return test::refuse(NtStatus::STATUS_ACCESS_DENIED); });
  const std::size_t before = talk.transmitted;
  talk.submit(create_query_close());
  EXPECT_EQ(talk.transmitted, before + 1);
  ASSERT_EQ(talk.answers.size(), 3u);
  for (const Answered& answer : talk.answers) EXPECT_EQ(answer.status, NtStatus::STATUS_ACCESS_DENIED);
}

TEST(FewCredits, LetTheRestOfAChainGoBeforeWhatCameLater) {
  ServerOptions options;
  options.max_credits = 1;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  answer_files(talk);
  talk.hold = true;
  talk.submit(create_query_close());
  talk.submit(echo_request());
  talk.hold = false;
  talk.pump();
  EXPECT_EQ(talk.server.requests.back().header.command, Command::echo);
  EXPECT_EQ(talk.answers.size(), 4u);
}

TEST(FewCredits, GiveTheRestOfAPendingChainItsFullTimeAnew) {
  ServerOptions options;
  options.max_credits = 1;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  answer_files(talk);
  std::optional<ServerRequest> kept;
  talk.server.once(Command::create, [&](const ServerRequest& request) {
    kept = request;
    talk.server.pend(request);
    return std::nullopt;
  });
  std::optional<ServerRequest> query;
  talk.server.once(Command::query_info, [&](const ServerRequest& request) {
    query = request;
    return std::nullopt;
  });
  talk.submit(create_query_close());
  talk.advance(20s);
  talk.server.pend(*kept);
  talk.pump();
  talk.advance(20s);
  wire::CreateResponse response;
  response.file_id = {1, 2};
  talk.server.answer(*kept, test::reply_with(response));
  talk.pump();
  talk.advance(1s);
  EXPECT_EQ(talk.answers.size(), 1u);
  talk.server.answer(*query, test::reply_with(wire::QueryInfoResponse{}));
  talk.pump();
  ASSERT_EQ(talk.answers.size(), 3u);
  EXPECT_EQ(talk.answers[2].status, NtStatus{});
}

TEST(FewCredits, AreNotExpectedFromARequestThatHasTimedOut) {
  ServerOptions options;
  options.max_credits = 3;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  answer_files(talk);
  std::optional<ServerRequest> forgotten;
  talk.server.once(Command::read, [&](const ServerRequest& request) {
    forgotten = request;
    return std::nullopt;
  });
  test::ServerReply echo = test::reply_with(wire::EchoResponse{});
  echo.credits = std::uint16_t{1};
  talk.server.on(Command::echo, [&](const ServerRequest&) { return echo; });
  talk.submit(read_request(4));
  talk.advance(15s);
  talk.advance(15s);
  EXPECT_EQ(talk.take().status, NtStatus::STATUS_IO_TIMEOUT);
  EXPECT_EQ(talk.connection.owned_credits(), 2u);
  talk.submit(create_query_close());
  EXPECT_EQ(talk.answers.size(), 3u);
  talk.server.answer(*forgotten, test::reply_with(wire::ReadResponse{}));
  talk.pump();
  EXPECT_EQ(talk.connection.owned_credits(), 3u);
}

TEST(FewCredits, CancelAChainInItsMidst) {
  ServerOptions options;
  options.max_credits = 1;
  Conversation talk(options);
  ASSERT_TRUE(talk.establish());
  answer_files(talk);
  std::optional<ServerRequest> kept;
  talk.server.once(Command::query_info, [&](const ServerRequest& request) {
    kept = request;
    return std::nullopt;
  });
  talk.cancel(talk.submit(create_query_close()));
  EXPECT_EQ(talk.server.count(Command::cancel), 1u);
  talk.server.answer(*kept, test::refuse(NtStatus::STATUS_CANCELLED));
  talk.pump();
  ASSERT_EQ(talk.answers.size(), 3u);
  EXPECT_EQ(talk.answers[1].status, NtStatus::STATUS_CANCELLED);
  EXPECT_EQ(talk.answers[2].status, NtStatus{});  // it is closed all the same
}

}  // namespace
}  // namespace smb3fuse::smb2
