// SPDX-License-Identifier: Apache-2.0
// What an interrupted operation tells the server, and that what the server then answers counts.
#include "smb/client/interrupt.h"

#include <gtest/gtest.h>

#include "smb/client/mfsymlink.h"
#include "tests/unit/client/share_fixture.h"

namespace smb3fuse::client {
namespace {

using test::ServerRequest;
using wire::Command;

class InterruptTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(room.connect()) << room.error.sentence; }

  // Sets `task` to work until it waits for the server.
  template <class T>
  void begin(Task<T> task, std::optional<T>& outcome) {
    spawn(keep(std::move(task), outcome), interrupt);
    room.runtime.run();
  }
  void fire() {
    interrupt->fire();
    room.runtime.run();
  }
  void answer(const ServerRequest& request, test::ServerReply reply) {
    room.server.answer(request, std::move(reply));
    room.runtime.run();
  }
  // The next request of `command` says STATUS_PENDING, and is `kept`.
  void pend_next(Command command) {
    room.server.once(command, [this](const ServerRequest& request) {
      kept.push_back(request);
      room.server.pend(request);
      return std::nullopt;
    });
  }
  void keep_next(Command command) {
    room.server.once(command, [this](const ServerRequest& request) {
      kept.push_back(request);
      return std::nullopt;
    });
  }

  Room room;
  std::shared_ptr<Interrupt> interrupt = std::make_shared<Interrupt>();
  std::vector<ServerRequest> kept;

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& outcome) {
    T value = co_await std::move(task);
    outcome.emplace(std::move(value));
  }
};

TEST_F(InterruptTest, OfAPendingOpenIsToldByItsAsyncIdAndTheLateOpenIsClosed) {
  pend_next(Command::create);
  std::optional<Result<OpenResult>> opened;
  begin(room.share->open(Room::to_read("f")), opened);
  fire();
  const wire::Smb2Header cancel = room.server.requests.back().header;
  EXPECT_EQ(cancel.command, Command::cancel);
  EXPECT_TRUE(cancel.is_async());
  EXPECT_EQ(cancel.async_id, 0xA5000000 + kept[0].header.message_id);
  EXPECT_FALSE(opened) << "the server's answer is waited for";

  answer(kept[0], room.files.create(kept[0]));
  ASSERT_TRUE(opened && *opened);
  EXPECT_EQ(room.files.opens(), 1u);
  opened.reset();  // nobody wants it
  room.runtime.advance(10ms);
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_F(InterruptTest, ThatTheServerObeysEndsTheOperation) {
  pend_next(Command::create);
  keep_next(Command::query_info);
  keep_next(Command::close);
  std::optional<Result<Attributes>> attributes;
  begin(room.share->stat("f"), attributes);
  fire();
  EXPECT_EQ(room.server.count(Command::cancel), 3u);
  for (const ServerRequest& request : kept) answer(request, test::refuse(NtStatus::STATUS_CANCELLED));
  ASSERT_TRUE(attributes.has_value());
  ASSERT_FALSE(*attributes);
  EXPECT_EQ(attributes->error(), NtStatus::STATUS_CANCELLED);
}

TEST_F(InterruptTest, OfAnOperationThatIsOverTellsTheServerNothing) {
  std::optional<Result<Attributes>> attributes;
  begin(room.share->stat("f"), attributes);
  EXPECT_TRUE(attributes.has_value());
  fire();
  EXPECT_EQ(room.server.count(Command::cancel), 0u);
}

TEST_F(InterruptTest, ReachesTheRequestThatWasRepeatedAfterTheSessionExpired) {
  room.server.expire_session();
  pend_next(Command::create);
  std::optional<Result<OpenResult>> opened;
  begin(room.share->open(Room::to_read("f")), opened);
  ASSERT_EQ(kept.size(), 1u);
  fire();
  EXPECT_EQ(room.server.requests.back().header.async_id, 0xA5000000 + kept[0].header.message_id);
  answer(kept[0], test::refuse(NtStatus::STATUS_CANCELLED));
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error(), NtStatus::STATUS_CANCELLED);
}

TEST_F(InterruptTest, WhileTheSessionIsRenewedLetsTheOperationGoOn) {
  room.server.expire_session();
  room.server.before = [this](const ServerRequest& request) -> std::optional<test::ServerReply> {
    if (request.header.command == Command::session_setup) interrupt->fire();
    return std::nullopt;
  };
  std::optional<Result<Attributes>> attributes;
  begin(room.share->stat("f"), attributes);
  EXPECT_TRUE(attributes && *attributes);
  EXPECT_EQ(room.server.count(Command::cancel), 0u);
}

TEST_F(InterruptTest, DoesNotMakeAFileOfALink) {
  const auto form = encode_mfsymlink("elsewhere");
  room.files.content.assign(form->begin(), form->end());
  pend_next(Command::read);
  std::optional<Result<Attributes>> attributes;
  begin(room.share->stat("link"), attributes);
  ASSERT_EQ(kept.size(), 1u);
  fire();
  EXPECT_EQ(room.server.count(Command::cancel), 0u);
  wire::ReadResponse response;
  response.data = wire::Payload::of(room.files.content);
  answer(kept[0], test::reply_with(response));
  ASSERT_TRUE(attributes && *attributes);
  EXPECT_EQ((*attributes)->symlink_target, "elsewhere");
}

}  // namespace
}  // namespace smb3fuse::client
