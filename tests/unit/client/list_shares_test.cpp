// SPDX-License-Identifier: Apache-2.0
// A server's shares by the pipe srvsvc: the conversation, whole and in pieces, and every way in which it ends early.
// [MS-SRVS] 3.1.4.8; what srvsvc says was captured.
#include "smb/client/list_shares.h"

#include <gtest/gtest.h>

#include "smb/wire/close.h"
#include "smb/wire/create.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/read_write.h"
#include "tests/unit/client/share_fixture.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/rpc/captured.h"

namespace smb3fuse::client {
namespace {

using test::ServerRequest;
using wire::Command;

class ListSharesTest : public testing::Test {
 protected:
  ListSharesTest() {
    room.server.options.share_type = wire::ShareType::pipe;
    room.server.on(Command::create, [this](const ServerRequest& request) {
      opened = request.as<wire::CreateRequest>().name;
      wire::CreateResponse response;
      response.file_id = {1, 2};
      return test::reply_with(response);
    });
    room.server.on(Command::close, [this](const ServerRequest&) {
      closed = true;
      return test::reply_with(wire::CloseResponse{});
    });
    room.server.on(Command::ioctl, [this](const ServerRequest& request) {
      const auto asked = request.as<wire::IoctlRequest>();
      EXPECT_EQ(asked.ctl_code, wire::FSCTL_PIPE_TRANSCEIVE);
      wire::IoctlResponse response;
      response.ctl_code = asked.ctl_code;
      response.file_id = asked.file_id;
      answer = test::from_hex(said++ == 0 ? rpc::captured::kBindAck : rpc::captured::kResponse);
      if (edit) edit(answer);
      taken = std::min(answer.size(), piece);
      response.output = ByteView(answer).first(taken);
      return test::reply_with(response, status());
    });
    room.server.on(Command::read, [this](const ServerRequest&) {
      const std::size_t count = std::min(answer.size() - taken, piece);
      wire::ReadResponse response;
      response.data = wire::Payload::of(ByteView(answer).subspan(taken, count));
      taken += count;
      return test::reply_with(response, status());
    });
  }

  NtStatus status() const { return taken < answer.size() ? NtStatus::STATUS_BUFFER_OVERFLOW : NtStatus{}; }

  tl::expected<std::vector<ListedShare>, ConnectError> list() {
    ConnectConfig config;
    config.server = "nas";
    config.credentials = room.config.credentials.clone();
    return room.finish(list_shares(room.runtime, room.dialer, std::move(config)));
  }

  Room room;
  std::u16string opened;
  bool closed = false;
  std::size_t said = 0;
  std::size_t piece = 65536;
  Bytes answer;
  std::size_t taken = 0;
  std::function<void(Bytes&)> edit;
};

TEST_F(ListSharesTest, TellsNamesKindsAndComments) {
  const auto shares = list();
  ASSERT_TRUE(shares) << shares.error().sentence;
  ASSERT_EQ(shares->size(), 2u);
  EXPECT_EQ(shares->at(0).name, "share");
  EXPECT_EQ(shares->at(0).kind, ShareKind::disk);
  EXPECT_EQ(shares->at(1).name, "IPC$");
  EXPECT_EQ(shares->at(1).kind, ShareKind::pipe);
  EXPECT_TRUE(shares->at(1).special);
  EXPECT_EQ(shares->at(1).comment, "IPC Service (Samba 4.17.12-Debian)");
  EXPECT_EQ(opened, u"srvsvc");
  EXPECT_TRUE(closed);
}

TEST_F(ListSharesTest, ReadsOnWhatThePipeTellsInPieces) {
  piece = 7;
  const auto shares = list();
  ASSERT_TRUE(shares) << shares.error().sentence;
  EXPECT_EQ(shares->size(), 2u);
  EXPECT_GT(room.server.count(Command::read), 20u);
}

TEST_F(ListSharesTest, DoesNotWaitForPiecesThatNeverCome) {
  edit = [](Bytes& bytes) { bytes[3] &= 1; };  // the last fragment is none
  const auto shares = list();
  ASSERT_FALSE(shares);
  EXPECT_EQ(shares.error().sentence, "the server does not tell its shares: it stopped in the midst of it");
}

TEST_F(ListSharesTest, SaysWhatIsWrong) {
  edit = [](Bytes& bytes) { bytes[2] = 13; };  // bind_nak
  auto shares = list();
  ASSERT_FALSE(shares);
  EXPECT_TRUE(shares.error().sentence.starts_with(
      "the server does not tell its shares: the server does not talk about this (0x"))
      << shares.error().sentence;
  EXPECT_TRUE(closed);
}

TEST_F(ListSharesTest, SaysWhenTheUserMayNotAsk) {
  edit = [](Bytes& bytes) {
    if (bytes[2] == 2) bytes[bytes.size() - 4] = 5;
  };
  const auto shares = list();
  ASSERT_FALSE(shares);
  EXPECT_EQ(shares.error().sentence, "the server does not tell its shares: this user may not ask for them");
}

TEST_F(ListSharesTest, SaysWhenThereIsNoSuchPipe) {
  room.server.once(Command::create, test::refuse(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND));
  const auto shares = list();
  ASSERT_FALSE(shares);
  EXPECT_EQ(shares.error().step, ConnectStep::tree_connect);
  EXPECT_EQ(shares.error().sentence, "the server does not tell its shares: STATUS_OBJECT_NAME_NOT_FOUND");
}

TEST_F(ListSharesTest, EndsWhateverMessageIsTheLast) {
  ASSERT_TRUE(list());
  const std::size_t messages = room.stream->received();
  for (std::size_t last = 1; last < messages; ++last) {
    Room fresh;
    fresh.on_accept = [&](test::MemoryStream& stream) { stream.lose_at_frame = last; };
    ConnectConfig config;
    config.server = "nas";
    config.credentials = room.config.credentials.clone();
    EXPECT_FALSE(fresh.finish(list_shares(fresh.runtime, fresh.dialer, std::move(config)))) << last;
    fresh.expect_complaints = true;
  }
}

}  // namespace
}  // namespace smb3fuse::client
