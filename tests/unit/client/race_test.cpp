// SPDX-License-Identifier: Apache-2.0
// Who begins when, who wins, and what is said when nobody does. RFC 8305 5
#include "smb/client/race.h"

#include <gtest/gtest.h>

#include <string>

#include "nbt/session.h"
#include "smb/client/host_literal.h"
#include "tests/support/manual_runtime.h"
#include "tests/support/memory_transport.h"

namespace smb3fuse::client {
namespace {

using namespace std::chrono_literals;

class RaceTest : public testing::Test {
 protected:
  static constexpr Duration kDeadline = 10s;

  // The race ends, if it has not.
  void TearDown() override { runtime.advance(kDeadline); }

  struct Runner {
    std::function<void(Dialled)> done;
    bool ended = false;
  };

  // `count` contenders, each 100 ms behind the one before.
  void begin(std::size_t count) {
    runners.resize(count);
    std::vector<Contender> contenders;
    for (std::size_t i = 0; i < count; ++i) {
      contenders.push_back({100ms, [this, i](std::function<void(Dialled)> done) {
                              begun += static_cast<char>('a' + i);
                              runners[i].done = std::move(done);
                              return std::shared_ptr<void>(this, [this, i](void*) { runners[i].ended = true; });
                            }});
    }
    spawn(run(std::move(contenders)));
  }
  Task<void> run(std::vector<Contender> contenders) {
    Dialled told = co_await race(runtime, std::move(contenders), kDeadline);
    outcome.emplace(std::move(told));
  }
  void fail(std::size_t runner, std::error_code error) {
    runners[runner].done(tl::make_unexpected(DialError{false, error}));
  }
  void succeed(std::size_t runner) {
    auto stream = std::make_shared<test::MemoryStream>(runtime, pool);
    runners[runner].done(std::make_unique<test::MemoryTransport>(std::move(stream)));
  }

  test::ManualRuntime runtime;
  cache::BufferPool pool;
  std::vector<Runner> runners;
  std::string begun;
  std::optional<Dialled> outcome;
};

TEST_F(RaceTest, EachBeginsSomeTimeAfterTheOneBefore) {
  begin(3);
  EXPECT_EQ(begun, "a");
  runtime.advance(99ms);
  EXPECT_EQ(begun, "a");
  runtime.advance(1ms);
  EXPECT_EQ(begun, "ab");
  runtime.advance(100ms);
  EXPECT_EQ(begun, "abc");
}

TEST_F(RaceTest, OneThatFailsLetsTheNextBeginAtOnce) {
  begin(3);
  fail(0, std::make_error_code(std::errc::connection_refused));
  EXPECT_EQ(begun, "ab");
  runtime.advance(99ms);
  EXPECT_EQ(begun, "ab");
  runtime.advance(1ms);
  EXPECT_EQ(begun, "abc");
}

TEST_F(RaceTest, TheFirstThatSucceedsIsTakenAndTheOthersEnd) {
  begin(3);
  runtime.advance(100ms);
  succeed(1);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->has_value());
  EXPECT_TRUE(runners[0].ended && runners[1].ended);
  runtime.advance(10s);
  EXPECT_EQ(begun, "ab");
}

TEST_F(RaceTest, FailsWithTheFirstErrorWhenAllHave) {
  begin(2);
  runtime.advance(100ms);
  fail(1, std::make_error_code(std::errc::host_unreachable));
  EXPECT_FALSE(outcome);
  fail(0, std::make_error_code(std::errc::connection_refused));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error().error, std::errc::host_unreachable);
}

TEST_F(RaceTest, FailsWithARefusalOfASessionIfThereWasOne) {
  begin(2);
  fail(0, std::make_error_code(std::errc::connection_refused));
  fail(1, nbt::SessionError::called_name_not_present);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error().error, nbt::SessionError::called_name_not_present);
}

TEST_F(RaceTest, EndsWhenItsTimeIsOver) {
  begin(1);
  runtime.advance(10s);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error().error, std::errc::timed_out);
  EXPECT_TRUE(runners[0].ended);
}

TEST_F(RaceTest, WithoutAnybodyFails) {
  begin(0);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->has_value());
}

// [MS-DTYP] 2.2.57
TEST(HostLiteral, IsTheAddressInTheFormOfUncNames) {
  EXPECT_EQ(address_of_ipv6_literal("2001-db8--1.ipv6-literal.net"), "2001:db8::1");
  EXPECT_EQ(address_of_ipv6_literal("FE80--1s4.IPv6-Literal.NET"), "fe80::1%4");
  EXPECT_EQ(address_of_ipv6_literal("fe80--1seth-0.ipv6-literal.net"), "fe80::1%eth-0");
  EXPECT_EQ(address_of_ipv6_literal("fe80--1sEN0.ipv6-literal.net"), "fe80::1%EN0");
  for (const char* host : {"nas", "ipv6-literal.net", ".ipv6-literal.net", "2001-db8-1.ipv6-literal.net", "fe80::1",
                           "2001-db8--1.ipv6-literal.net.example.com"}) {
    EXPECT_FALSE(address_of_ipv6_literal(host)) << host;
  }
}

}  // namespace
}  // namespace smb3fuse::client
