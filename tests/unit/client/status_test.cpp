// SPDX-License-Identifier: Apache-2.0
// What a share tells of its connection: what was agreed on, what has passed, how long it takes, and its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smb/client/share_status.h"
#include "smb/round_trip_time.h"
#include "smb/wire/create.h"
#include "tests/unit/client/share_fixture.h"

namespace smb3fuse::client {
namespace {

using test::ServerRequest;
using wire::Command;

CommandStatus command_of(const ShareStatus& status, std::string_view name) {
  for (const CommandStatus& each : status.commands) {
    if (each.name == name) return each;
  }
  return {};
}

TEST(ShareStatus, TellsWhatWasAgreedOn) {
  Room room;
  ASSERT_TRUE(room.connect());
  room.runtime.advance(3s);
  const ShareStatus status = room.share->status();
  EXPECT_EQ(status.server, "nas");
  EXPECT_EQ(status.share, "media");
  EXPECT_EQ(status.port, 445);
  EXPECT_TRUE(status.connected);
  EXPECT_EQ(status.lost_reason, "");
  EXPECT_GE(status.since, 3s);
  EXPECT_LT(status.since, 4s);
  EXPECT_EQ(status.dialect, "SMB 3.1.1");
  EXPECT_EQ(status.cipher, "AES-128-GCM");
  EXPECT_FALSE(status.encrypted);
  EXPECT_EQ(status.signing, "AES-GMAC");
  EXPECT_FALSE(status.is_signed);
}

TEST(ShareStatus, TellsHowMessagesAreProtected) {
  Room signing;
  signing.config.require_signing = true;
  ASSERT_TRUE(signing.connect());
  EXPECT_TRUE(signing.share->status().is_signed);
  EXPECT_FALSE(signing.share->status().encrypted);

  Room sealing;
  sealing.config.require_sealing = true;
  ASSERT_TRUE(sealing.connect());
  EXPECT_FALSE(sealing.share->status().is_signed) << "what is sealed is not signed beside";
  EXPECT_TRUE(sealing.share->status().encrypted);

  test::ServerOptions options;
  options.share_flags = wire::SMB2_SHAREFLAG_ENCRYPT_DATA;
  Room share(options);
  ASSERT_TRUE(share.connect());
  EXPECT_TRUE(share.share->status().encrypted);

  options = {};
  options.dialect = wire::Dialect::smb_2_0_2;
  options.capabilities = 0;
  Room old(options);
  ASSERT_TRUE(old.connect());
  EXPECT_EQ(old.share->status().dialect, "SMB 2.0.2");
  EXPECT_EQ(old.share->status().cipher, "");
  EXPECT_EQ(old.share->status().signing, "HMAC-SHA256");
}

TEST(ShareStatus, CountsRequestsMessagesRoundTripsAndErrors) {
  Room room;
  ASSERT_TRUE(room.connect());
  const ShareStatus before = room.share->status();
  EXPECT_EQ(command_of(before, "SESSION_SETUP").requests, 2U);
  EXPECT_EQ(command_of(before, "SESSION_SETUP").errors, 0U) << "the first answer asks for more";

  ASSERT_TRUE(room.finish(room.share->stat("a")));
  room.server.once(Command::create,
                   [](const ServerRequest&) { return test::refuse(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND); });
  ASSERT_FALSE(room.finish(room.share->stat("b")));

  const ShareStatus after = room.share->status();
  const CommandStatus creates = command_of(after, "CREATE");
  EXPECT_EQ(creates.requests, command_of(before, "CREATE").requests + 2);
  EXPECT_EQ(creates.round_trips, command_of(before, "CREATE").round_trips + 2);
  EXPECT_EQ(creates.errors, 1U);
  EXPECT_EQ(command_of(after, "CLOSE").round_trips, 0U) << "it goes along";
  EXPECT_EQ(after.messages_sent, before.messages_sent + 2);
  EXPECT_EQ(after.compounds_sent, before.compounds_sent + 2);
  EXPECT_GT(after.bytes_sent, before.bytes_sent + 2 * wire::kSmb2HeaderSize);
  EXPECT_GT(after.bytes_received, before.bytes_received + 2 * wire::kSmb2HeaderSize);
  EXPECT_EQ(command_of(after, "LOCK").name, "") << "what was never sent is left out";
}

TEST(ShareStatus, CountsNoRoundTripForACloseThatNobodyWaitsFor) {
  Room room;
  ASSERT_TRUE(room.connect());
  Result<OpenResult> opened = room.finish(room.share->open(Room::to_read("a")));
  ASSERT_TRUE(opened);
  const std::uint64_t before = command_of(room.share->status(), "CLOSE").requests;
  opened->open.reset();
  room.runtime.advance(10ms);
  EXPECT_EQ(command_of(room.share->status(), "CLOSE").requests, before + 1);
  EXPECT_EQ(command_of(room.share->status(), "CLOSE").round_trips, 0U);
}

TEST(RoundTripTime, IsSmoothedAndKeepsTheLeast) {
  smb3fuse::RoundTripTime time;
  EXPECT_FALSE(time.smoothed() || time.least());
  time.add(8ms);
  EXPECT_EQ(time.smoothed(), 8ms);
  time.add(16ms);
  EXPECT_EQ(time.smoothed(), 9ms);
  time.add(1ms);
  EXPECT_EQ(time.smoothed(), 8ms);
  EXPECT_EQ(time.least(), 1ms);
}

TEST(ShareStatus, TellsWhatIsUnderWayAndHowLongTheWayIs) {
  Room room;
  ASSERT_TRUE(room.connect());
  std::vector<ServerRequest> kept;
  room.server.on(Command::echo, [](const ServerRequest&) { return std::nullopt; });
  room.server.once(Command::create, [&](const ServerRequest& request) {
    kept.push_back(request);
    return std::nullopt;
  });
  std::optional<std::error_code> ended;
  spawn([](Room& where, std::optional<std::error_code>& end) -> Task<void> {
    AttributeChanges changes;
    changes.last_write_time = 1;
    const std::error_code error = co_await where.share->set_attributes("a", changes);
    end = error;
  }(room, ended));
  room.runtime.advance(40ms);
  EXPECT_GT(room.share->status().requests_in_flight, 0U);
  EXPECT_GT(room.share->status().credits_in_use, 0U);
  EXPECT_GT(room.share->status().credits_granted, room.share->status().credits_in_use);
  const auto least = room.share->status().round_trip_least;
  ASSERT_TRUE(least);
  EXPECT_LT(*least, 40ms);

  ASSERT_EQ(kept.size(), 1U);
  room.server.answer(kept[0], room.files.create(kept[0]));
  room.runtime.run();
  const ShareStatus after = room.share->status();
  EXPECT_EQ(after.round_trip_least, least);
  EXPECT_GE(*after.round_trip_smoothed, *least);
}

TEST(ShareStatus, SaysWhyAndWhenTheConnectionWasLost) {
  Room room;
  ASSERT_TRUE(room.connect());
  room.runtime.advance(5s);
  room.stream->lose(std::make_error_code(std::errc::connection_reset));
  room.runtime.advance(2s);
  const ShareStatus status = room.share->status();
  EXPECT_FALSE(status.connected);
  EXPECT_NE(status.lost_reason, "");
  EXPECT_GE(status.since, 2s);
  EXPECT_LT(status.since, 3s);
  EXPECT_EQ(status.requests_in_flight, 0U);
}

}  // namespace
}  // namespace smb3fuse::client
