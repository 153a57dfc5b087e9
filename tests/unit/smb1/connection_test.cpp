// SPDX-License-Identifier: Apache-2.0
// smb1::Connection against a peer that the test plays: what goes out, what is believed of what comes in, and when.
#include "smb/smb1/connection.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "smb/cifs/file.h"
#include "smb/cifs/session.h"
#include "smb/cifs/transaction.h"
#include "smb/wire/codec.h"

namespace smb3fuse::smb1 {
namespace {

using namespace std::chrono_literals;
using cifs::Command;

struct Sent {
  cifs::Header header;
  Bytes message;
};

class SmbConnection : public testing::Test {
 protected:
  static Bytes key() { return Bytes(16, 0x4B); }

  void establish(bool sign, std::uint16_t max_mpx = 4) {
    Negotiated negotiated;
    negotiated.max_mpx_count = max_mpx;
    negotiated.max_buffer_size = 16644;
    negotiated.capabilities = cifs::CAP_UNICODE | cifs::CAP_STATUS32 | cifs::CAP_EXTENDED_SECURITY;
    connection.set_negotiated(negotiated);
    connection.submit(now, request(cifs::EmptyBlock<Command::session_setup_andx>()));
    const Sent setup = take();
    signer.emplace(std::move(*Signer::create(key())));
    Bytes answer = response(setup, cifs::EmptyBlock<Command::session_setup_andx>());
    if (sign) sign_as(answer, 1);
    connection.handle_message(now, answer);
    ASSERT_TRUE(next<Reply>());
    ASSERT_TRUE(connection.establish_session({sign}, key(), answer));
  }

  template <class Block>
  static Outgoing request(const Block& block) {
    Outgoing outgoing;
    outgoing.command = Block::kCode;
    outgoing.message = cifs::MessageBuilder().add(block).take();
    return outgoing;
  }
  static Outgoing close_request() { return request(cifs::CloseRequest{7}); }
  static Outgoing query() {
    static constexpr std::uint8_t kParameters[] = {1, 2};
    Outgoing outgoing;
    outgoing.command = Command::transaction2;
    outgoing.message = cifs::make_transaction2({}, kParameters, {}, 16644).first;
    return outgoing;
  }

  Sent take() {
    auto transmit = connection.poll_transmit();
    if (!transmit) {
      ADD_FAILURE() << "nothing was sent";
      return {};
    }
    Sent sent;
    for (const ByteView piece : transmit->pieces) sent.message.insert(sent.message.end(), piece.begin(), piece.end());
    sent.header = *wire::decode<cifs::Header>(sent.message);
    return sent;
  }
  bool is_quiet() { return !connection.poll_transmit(); }

  template <class Block>
  static Bytes response(const Sent& to, const Block& block, NtStatus status = NtStatus::STATUS_SUCCESS) {
    Bytes message = cifs::MessageBuilder().add(block).take();
    cifs::Header header = to.header;
    header.flags |= cifs::SMB_FLAGS_REPLY;
    header.flags2 |= cifs::SMB_FLAGS2_NT_STATUS;
    header.status = static_cast<std::uint32_t>(status);
    header.uid = 0x55;
    const Bytes head = wire::encode(header);
    std::copy(head.begin(), head.end(), message.begin());
    return message;
  }
  static Bytes empty(const Sent& to, NtStatus status = NtStatus::STATUS_SUCCESS) {
    return response(to, cifs::EmptyBlock<Command::close>(), status);
  }
  void sign_as(Bytes& message, std::uint32_t number) {
    wire::store_le(message.data() + 10, static_cast<std::uint16_t>(wire::load_le<std::uint16_t>(message.data() + 10) |
                                                                   cifs::SMB_FLAGS2_SMB_SECURITY_SIGNATURE));
    const ByteView pieces[] = {message};
    const Signature signature = signer->sign(number, pieces);
    std::copy(signature.begin(), signature.end(), message.begin() + cifs::kSecurityFeaturesOffset);
  }

  // The next event, which is an Event of that kind.
  template <class Kind>
  std::optional<Kind> next() {
    auto event = connection.poll_event();
    if (!event || !std::holds_alternative<Kind>(*event)) return std::nullopt;
    return std::get<Kind>(std::move(*event));
  }
  void expect_given_up(const std::string& words) {
    const auto lost = next<Lost>();
    ASSERT_TRUE(lost);
    EXPECT_NE(lost->reason.find(words), std::string::npos) << lost->reason;
    EXPECT_TRUE(connection.is_lost());
  }

  TimePoint now{};
  Connection connection{ConnectionLimits{}};
  std::optional<Signer> signer;
};

TEST_F(SmbConnection, TellsAnswersApartByTheirMid) {
  establish(false);
  const RequestId first = connection.submit(now, close_request());
  const RequestId second = connection.submit(now, close_request());
  const Sent a = take();
  const Sent b = take();
  EXPECT_NE(a.header.mid, b.header.mid);
  EXPECT_EQ(a.header.uid, 0x55);
  connection.handle_message(now, empty(b));
  EXPECT_EQ(next<Reply>()->id, second);
  connection.handle_message(now, empty(a, NtStatus::STATUS_INVALID_HANDLE));
  const auto reply = next<Reply>();
  EXPECT_EQ(reply->id, first);
  EXPECT_EQ(reply->status, NtStatus::STATUS_INVALID_HANDLE);
  EXPECT_EQ(connection.traffic().commands.at(Command::close).errors, 1u);
}

TEST_F(SmbConnection, HasNoMoreUnderWayThanTheServerAllows) {
  establish(false, 2);
  for (int i = 0; i < 3; ++i) connection.submit(now, close_request());
  const Sent first = take();
  take();
  EXPECT_TRUE(is_quiet());
  EXPECT_EQ(connection.queued(), 1u);
  // What has no answer takes no place.
  Outgoing acknowledgment = request(cifs::LockingRequest{});
  acknowledgment.is_answered = false;
  connection.handle_message(now, empty(first));
  take();
  connection.submit(now, std::move(acknowledgment));
  EXPECT_EQ(take().header.command, Command::locking_andx);
  EXPECT_EQ(connection.outstanding(), 2u);
}

TEST_F(SmbConnection, SignsWithNumbersThatCountEachMessage) {
  establish(true);
  for (std::uint32_t number = 2; number < 8; number += 2) {
    connection.submit(now, close_request());
    const Sent sent = take();
    EXPECT_TRUE(sent.header.is_signed());
    EXPECT_TRUE(signer->verify(number, sent.message));
    EXPECT_FALSE(signer->verify(number + 1, sent.message));
    Bytes answer = empty(sent);
    sign_as(answer, number + 1);
    connection.handle_message(now, answer);
    EXPECT_TRUE(next<Reply>());
  }
}

TEST_F(SmbConnection, ACancelTakesOneNumberAndAnAcknowledgmentTwo) {
  establish(true);
  const RequestId id = connection.submit(now, close_request());
  const Sent asked = take();
  connection.cancel(id);
  connection.cancel(id);  // once is enough
  const Sent cancelled = take();
  EXPECT_EQ(cancelled.header.command, Command::nt_cancel);
  EXPECT_EQ(cancelled.header.mid, asked.header.mid);
  EXPECT_TRUE(signer->verify(4, cancelled.message));
  Outgoing acknowledgment = request(cifs::LockingRequest{});
  acknowledgment.is_answered = false;
  connection.submit(now, std::move(acknowledgment));
  EXPECT_TRUE(signer->verify(5, take().message));
  connection.submit(now, close_request());
  EXPECT_TRUE(signer->verify(7, take().message));
  EXPECT_TRUE(is_quiet());
}

// impacket 0.10: it says that it does not know the command, once the request itself has been answered.
TEST_F(SmbConnection, PassesOverAnAnswerToACancel) {
  establish(false);
  const RequestId id = connection.submit(now, close_request());
  const Sent asked = take();
  connection.cancel(id);
  const Sent cancel = take();
  connection.handle_message(now, empty(asked));
  EXPECT_EQ(next<Reply>()->id, id);
  connection.handle_message(now, empty(cancel, NtStatus::STATUS_NOT_IMPLEMENTED));
  EXPECT_TRUE(is_quiet());
  EXPECT_FALSE(connection.is_lost());
}

TEST_F(SmbConnection, BelievesNoAnswerWithoutItsSignature) {
  for (const bool with_a_wrong_one : {false, true}) {
    connection = Connection(ConnectionLimits{});
    establish(true);
    connection.submit(now, close_request());
    Bytes answer = empty(take());
    if (with_a_wrong_one) sign_as(answer, 2);  // the request's number
    if (!with_a_wrong_one)
      answer[10] = static_cast<std::uint8_t>(answer[10] & ~cifs::SMB_FLAGS2_SMB_SECURITY_SIGNATURE);
    connection.handle_message(now, answer);
    expect_given_up("signature");
    EXPECT_TRUE(next<Reply>()->local);
  }
}

TEST_F(SmbConnection, RefusesASessionWhoseLastAnswerIsNotSigned) {
  connection.set_negotiated({.security_mode = 0, .max_mpx_count = 1, .max_buffer_size = 16644});
  connection.submit(now, request(cifs::EmptyBlock<Command::session_setup_andx>()));
  const Bytes answer = response(take(), cifs::EmptyBlock<Command::session_setup_andx>());
  EXPECT_FALSE(connection.establish_session({true}, key(), answer));
}

TEST_F(SmbConnection, BelievesNothingThatWasNotAsked) {
  establish(false);
  connection.submit(now, close_request());
  Sent sent = take();
  sent.header.mid = static_cast<std::uint16_t>(sent.header.mid + 1);
  connection.handle_message(now, empty(sent));
  expect_given_up("not made");
}

TEST_F(SmbConnection, BelievesNoAnswerToAnotherCommand) {
  establish(false);
  connection.submit(now, close_request());
  Sent sent = take();
  sent.header.command = Command::flush;
  connection.handle_message(now, empty(sent));
  expect_given_up("not made");
}

TEST_F(SmbConnection, TellsOfAnOplockBreakAndOfNothingElseUnasked) {
  establish(true);
  Sent nobody;
  cifs::LockingRequest oplock_break;
  oplock_break.fid = 9;
  oplock_break.type_of_lock = cifs::OPLOCK_RELEASE;
  nobody.header.command = Command::locking_andx;
  nobody.header.mid = cifs::kUnsolicitedMid;
  Bytes message = response(nobody, oplock_break);
  message[9] = 0;  // Flags: a request
  connection.handle_message(now, message);
  ASSERT_TRUE(next<Break>());
  message[4] = static_cast<std::uint8_t>(Command::close);
  connection.handle_message(now, message);
  expect_given_up("a request from the server");
}

TEST_F(SmbConnection, GivesUpOnWhatIsNotSmb1) {
  establish(false);
  connection.handle_message(now, Bytes(64, 0xFE));
  expect_given_up("not SMB1");
}

struct WritableResponse : cifs::Transaction2Response {
  static constexpr std::uint8_t kWords = 10;
};

// A part of the answer to a TRANSACTION2, as a server sends it.
Bytes transaction_part(const Sent& to, std::uint16_t total, std::uint16_t at, ByteView data) {
  cifs::Transaction2Response part;
  part.total_data_count = total;
  part.data_displacement = at;
  part.data = data;
  Bytes message = cifs::MessageBuilder().add(WritableResponse{part}).take();
  // ByteCount, which the description leaves at 0.
  wire::store_le(message.data() + cifs::kHeaderSize + 21, static_cast<std::uint16_t>(message.size() - 55));
  cifs::Header header = to.header;
  header.flags |= cifs::SMB_FLAGS_REPLY;
  const Bytes head = wire::encode(header);
  std::copy(head.begin(), head.end(), message.begin());
  return message;
}

TEST_F(SmbConnection, PutsATransactionTogether) {
  establish(false);
  connection.submit(now, query());
  const Sent asked = take();
  static constexpr std::uint8_t kBytes[] = {1, 2, 3, 4, 5};
  connection.handle_message(now, transaction_part(asked, 5, 0, ByteView(kBytes).first(3)));
  EXPECT_FALSE(connection.poll_event());
  connection.handle_message(now, transaction_part(asked, 5, 3, ByteView(kBytes).subspan(3)));
  const auto reply = next<Reply>();
  ASSERT_TRUE(reply);
  EXPECT_TRUE(std::equal(reply->data.begin(), reply->data.end(), std::begin(kBytes), std::end(kBytes)));
  EXPECT_EQ(connection.outstanding(), 0u);
}

TEST_F(SmbConnection, GivesUpOnATransactionThatContradictsItself) {
  establish(false);
  connection.submit(now, query());
  const Sent asked = take();
  static constexpr std::uint8_t kBytes[] = {1, 2, 3};
  connection.handle_message(now, transaction_part(asked, 5, 0, kBytes));
  connection.handle_message(now, transaction_part(asked, 5, 1, kBytes));
  expect_given_up("contradict");
}

TEST_F(SmbConnection, SendsTheRestOfATransactionWhenTheServerAsksForIt) {
  establish(true);
  const Bytes data(3000, 0x22);
  cifs::Transaction2Messages messages = cifs::make_transaction2({}, {}, data, 1024);
  Outgoing large;
  large.command = Command::transaction2;
  large.message = std::move(messages.first);
  large.secondaries = std::move(messages.secondaries);
  connection.submit(now, std::move(large));
  const Sent first = take();
  EXPECT_TRUE(is_quiet());
  Bytes interim = empty(first);
  sign_as(interim, 3);
  connection.handle_message(now, interim);
  EXPECT_FALSE(connection.poll_event());
  for (int i = 0; i < 3; ++i) {
    const Sent more = take();
    EXPECT_EQ(more.header.command, Command::transaction2_secondary);
    EXPECT_EQ(more.header.mid, first.header.mid);
    EXPECT_TRUE(signer->verify(2, more.message));
  }
  Bytes last = empty(first);
  sign_as(last, 3);
  connection.handle_message(now, last);
  EXPECT_TRUE(next<Reply>());
}

TEST_F(SmbConnection, AnswersForAServerThatDoesNotInTime) {
  establish(false);
  connection.submit(now, close_request());
  const Sent asked = take();
  now += 15s;
  connection.handle_timeout(now);
  const Sent echo = take();
  EXPECT_EQ(echo.header.command, Command::echo);
  connection.handle_message(now, response(echo, cifs::EchoRequest()));
  now += 15s;
  connection.handle_timeout(now);
  EXPECT_EQ(take().header.command, Command::nt_cancel);
  const auto reply = next<Reply>();
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->local);
  EXPECT_EQ(reply->status, NtStatus::STATUS_IO_TIMEOUT);
  // What comes late is for nobody, but no harm.
  connection.handle_message(now, empty(asked));
  EXPECT_FALSE(connection.poll_event());
  EXPECT_FALSE(connection.is_lost());
}

TEST_F(SmbConnection, IsLostWhenTheServerIsSilent) {
  establish(false);
  connection.submit(now, close_request());
  now += 30s;
  connection.handle_timeout(now);
  EXPECT_TRUE(next<Reply>());
  expect_given_up("silent");
}

TEST_F(SmbConnection, WaitsWithoutAnEndWhereItIsToldTo) {
  establish(false);
  Outgoing watch = query();
  watch.open_ended = true;
  connection.submit(now, std::move(watch));
  take();
  for (int i = 0; i < 4; ++i) {
    now += 60s;
    connection.handle_timeout(now);
    const Sent echo = take();
    EXPECT_EQ(echo.header.command, Command::echo);
    connection.handle_message(now, response(echo, cifs::EchoRequest()));
  }
  EXPECT_FALSE(connection.poll_event());
  EXPECT_FALSE(connection.is_lost());
}

TEST_F(SmbConnection, AnswersAllThatIsUnderWayWhenTheStreamEnds) {
  establish(false, 1);
  connection.submit(now, close_request());
  connection.submit(now, close_request());
  connection.handle_lost(make_error_code(NtStatus::STATUS_CONNECTION_RESET), "gone");
  ASSERT_TRUE(next<Lost>());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(next<Reply>()->status, NtStatus::STATUS_CONNECTION_RESET);
  connection.submit(now, close_request());
  EXPECT_EQ(next<Reply>()->status, NtStatus::STATUS_CONNECTION_DISCONNECTED);
}

// The arithmetic of [MS-CIFS] 3.1.4.1, done by Python's hashlib: md5(key + message with the number in its place)[:8].
TEST(SmbSigner, TakesTheFirstHalfOfAnMd5) {
  const auto made = Signer::create(Bytes(16, 0x4B));
  ASSERT_TRUE(made);
  const Bytes message(40, 0x11);
  const ByteView pieces[] = {ByteView(message).first(32), ByteView(message).subspan(32)};
  const Signature expected = {0xCF, 0x9C, 0x54, 0xCA, 0x6B, 0xD3, 0x8E, 0xF5};
  EXPECT_EQ(made->sign(0x01020304, pieces), expected);
}

}  // namespace
}  // namespace smb3fuse::smb1
