// SPDX-License-Identifier: Apache-2.0
// Credits: how the window grows, what requests cost, and that nothing stands still for want of credits.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace smb3fuse::smb2
