// SPDX-License-Identifier: Apache-2.0
// Messages that no honest server sends. Each ends the connection, with every request answered, and reads nothing
// outside the message.
#include <gtest/gtest.h>

#include "tests/unit/smb2/conversation.h"

namespace smb3fuse::smb2 {
namespace {

using test::ServerRequest;
using wire::Command;
using wire::Smb2Header;

class HostileServer : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(talk.establish());
    talk.server.on(Command::read, [](const ServerRequest&) { return std::nullopt; });
    talk.submit(read_request(4));
  }
  Bytes message(const Smb2Header& header) { return talk.server.message_of(header, wire::encode(wire::ReadResponse{})); }
  void expect_refused(const Bytes& bytes, const std::string& reason) {
    talk.deliver(bytes);
    talk.expect_lost(reason);
    ASSERT_EQ(talk.answers.size(), 1u);
    EXPECT_TRUE(talk.answers[0].local);
    EXPECT_EQ(talk.answers[0].status, NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
  }

  Conversation talk;
};

TEST_F(HostileServer, AnswersWhatWasNotAsked) {
  Smb2Header header = talk.answer_header();
  header.message_id += 100;
  expect_refused(message(header), "not made");
}

TEST_F(HostileServer, AnswersWithAnotherCommand) {
  Smb2Header header = talk.answer_header();
  header.command = Command::write;
  expect_refused(message(header), "not made");
}

TEST_F(HostileServer, AnswersTwice) {
  talk.deliver(message(talk.answer_header()));
  ASSERT_EQ(talk.answers.size(), 1u);
  talk.deliver(message(talk.answer_header()));
  talk.expect_lost("not made");
  EXPECT_EQ(talk.answers.size(), 1u);
}

TEST_F(HostileServer, SendsARequest) {
  Smb2Header header = talk.answer_header();
  header.flags = 0;
  expect_refused(message(header), "request from the server");
}

TEST_F(HostileServer, SendsUnaskedWhatIsNoBreak) {
  Smb2Header header = talk.answer_header();
  header.message_id = wire::kUnsolicitedMessageId;
  expect_refused(message(header), "unsolicited");
}

TEST_F(HostileServer, SpeaksSmb1) {
  Bytes bytes = message(talk.answer_header());
  bytes[0] = 0xFF;
  expect_refused(bytes, "SMB1");
}

TEST_F(HostileServer, SpeaksSomethingElse) { expect_refused(Bytes(200, 'H'), "not SMB2"); }

TEST_F(HostileServer, SendsNothingInAFrame) { expect_refused({}, "not SMB2"); }

TEST_F(HostileServer, SealsWithoutAKey) {
  Bytes bytes = message(talk.answer_header());
  bytes[0] = 0xFD;
  expect_refused(bytes, "does not open");
}

TEST_F(HostileServer, CompressesUnasked) {
  Bytes bytes = message(talk.answer_header());
  bytes[0] = 0xFC;
  expect_refused(bytes, "not SMB2");
}

TEST_F(HostileServer, HasAHeaderOfAnotherSize) {
  Bytes bytes = message(talk.answer_header());
  bytes[4] = 63;
  expect_refused(bytes, "structure_size");
}

TEST_F(HostileServer, CutsItsHeaderShort) {
  const Bytes whole = message(talk.answer_header());
  for (std::size_t length = 0; length < wire::kSmb2HeaderSize; ++length) {
    Conversation other;
    ASSERT_TRUE(other.establish());
    other.server.on(Command::read, [](const ServerRequest&) { return std::nullopt; });
    other.submit(read_request(4));
    other.deliver(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    EXPECT_TRUE(other.connection.is_lost()) << length;
    EXPECT_EQ(other.answers.size(), 1u) << length;
  }
}

class HostileNextCommand : public HostileServer, public testing::WithParamInterface<std::uint32_t> {};

TEST_P(HostileNextCommand, IsRefused) {
  Smb2Header header = talk.answer_header();
  header.next_command = GetParam();
  Bytes bytes = message(header);
  bytes.resize(256);
  expect_refused(bytes, "next_command");
}

// 0 ends a chain; 1..63 overlap the header; unaligned; past the end; such that an addition would wrap.
INSTANTIATE_TEST_SUITE_P(All, HostileNextCommand,
                         testing::Values(1, 8, 56, 63, 65, 84, 200, 256, 264, 0x7FFFFFF8, 0xFFFFFFF8, 0xFFFFFFFF));

TEST_F(HostileServer, ChainsWithoutAnEnd) {
  // Each part is an OPLOCK_BREAK, which needs no request: the number of parts alone ends it.
  Smb2Header header = talk.answer_header();
  header.command = Command::oplock_break;
  header.message_id = wire::kUnsolicitedMessageId;
  header.next_command = 64;
  Bytes chain;
  for (int i = 0; i < 1000; ++i) {
    const Bytes part = wire::encode(header);
    chain.insert(chain.end(), part.begin(), part.end());
  }
  expect_refused(chain, "too many");
}

TEST_F(HostileServer, ChainsAnHonestAnswerToGarbage) {
  Smb2Header header = talk.answer_header();
  Bytes chain = message(header);
  chain.resize(wire::aligned_up(chain.size(), 8));
  wire::store_le(chain.data() + 20, static_cast<std::uint32_t>(chain.size()));
  chain.resize(chain.size() + 70, 'x');
  talk.deliver(chain);
  talk.expect_lost("not SMB2");
  ASSERT_EQ(talk.answers.size(), 1u);  // what came before the garbage counts
  EXPECT_FALSE(talk.answers[0].local);
}

TEST_F(HostileServer, GrantsNoCreditsForEver) {
  Smb2Header header = talk.answer_header();
  header.credit_request_response = 0;
  talk.deliver(message(header));
  EXPECT_FALSE(talk.connection.is_lost());
}

TEST_F(HostileServer, IsPendingForEver) {
  Smb2Header header = talk.answer_header();
  header.status = NtStatus::STATUS_PENDING;
  header.flags |= wire::SMB2_FLAGS_ASYNC_COMMAND;
  header.async_id = 5;
  header.credit_request_response = 0xFFFF;
  for (int i = 0; i < 100; ++i) talk.deliver(message(header));
  EXPECT_TRUE(talk.answers.empty());
  EXPECT_LE(talk.connection.credits(), CreditWindow::kMaximumCredits);
  talk.advance(15s);
  talk.advance(15s);
  EXPECT_EQ(talk.answers.size(), 1u);
}

}  // namespace
}  // namespace smb3fuse::smb2
