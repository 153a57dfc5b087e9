// SPDX-License-Identifier: Apache-2.0
// Remote procedure calls against what smbclient and smbd said to each other. [C706] 12.6, [MS-SRVS] 3.1.4.8
#include <gtest/gtest.h>

#include "smb/rpc/pdu.h"
#include "smb/rpc/srvsvc.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/rpc/captured.h"

namespace smb3fuse::rpc {
namespace {

using captured::kBind;
using captured::kBindAck;
using captured::kRequest;
using captured::kResponse;
using test::from_hex;
using test::to_hex;

Bytes stub_of(std::string_view hex) {
  const Bytes pdu = from_hex(hex);
  return {pdu.begin() + 24, pdu.end()};
}

TEST(Rpc, BindsAsSmbclientDoes) {
  EXPECT_EQ(to_hex(encode_bind(1, kSrvsvc)), kBind);
  EXPECT_TRUE(accept_bind_ack(1, from_hex(kBindAck)));
}

TEST(Rpc, RefusesEveryOtherAnswerToABind) {
  const Bytes ack = from_hex(kBindAck);
  EXPECT_FALSE(accept_bind_ack(2, ack)) << "to another call";
  for (std::size_t size = 0; size < ack.size(); ++size) {
    EXPECT_FALSE(accept_bind_ack(1, Bytes(ack.begin(), ack.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
  }
  Bytes refused = ack;
  refused[44] = 2;  // result: provider_rejection
  EXPECT_EQ(accept_bind_ack(1, refused).error().sentence, "the server does not talk about this (0x00000000)");
  Bytes nak = from_hex("05000d0310000000180000000100000001000000");
  nak.resize(24);
  EXPECT_EQ(accept_bind_ack(1, nak).error().sentence, "the server does not talk about this (0x00000001)");
}

TEST(Rpc, AsksForSharesAsSmbclientDoes) {
  EXPECT_EQ(to_hex(encode_request(2, kNetrShareEnum, encode_share_enum(u"10.99.0.2", 0))), kRequest);
}

TEST(Rpc, ReadsTheSharesThatSmbdTells) {
  ResponseReader reader(2);
  const auto complete = reader.handle_bytes(from_hex(kResponse));
  ASSERT_TRUE(complete && *complete);
  const auto told = decode_share_enum(reader.stub());
  ASSERT_TRUE(told);
  EXPECT_EQ(told->status, 0u);
  EXPECT_EQ(told->shares, (std::vector<ShareInfo>{
                              {u"share", ShareKind::disk, false, u""},
                              {u"IPC$", ShareKind::pipe, true, u"IPC Service (Samba 4.17.12-Debian)"},
                          }));
}

TEST(Rpc, ReadsSharesOnlyWhole) {
  const Bytes stub = stub_of(kResponse);
  for (std::size_t size = 0; size < stub.size(); ++size) {
    const Bytes cut(stub.begin(), stub.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decode_share_enum(cut)) << size;
  }
  Bytes crowd = stub;
  crowd[12] = crowd[13] = crowd[20] = crowd[21] = 0xFF;  // 65535 entries, twice said
  EXPECT_FALSE(decode_share_enum(crowd));
  Bytes long_name = stub;
  long_name[48] = long_name[56] = 0xFF;
  long_name[51] = long_name[59] = 0x7F;
  EXPECT_FALSE(decode_share_enum(long_name));
}

// [C706] 12.6.4.10: fragments of one response, however the pipe cuts them.
TEST(Rpc, PutsFragmentsTogether) {
  const Bytes whole = stub_of(kResponse);
  const std::size_t half = 100;
  const auto fragment = [&](std::size_t from, std::size_t to, std::uint8_t flags) {
    Bytes pdu = from_hex("0500020010000000000000000200000000000000 00000000");
    pdu[3] = flags;
    pdu.insert(pdu.end(), whole.begin() + static_cast<std::ptrdiff_t>(from),
               whole.begin() + static_cast<std::ptrdiff_t>(to));
    pdu[8] = static_cast<std::uint8_t>(pdu.size());
    return pdu;
  };
  Bytes stream = fragment(0, half, 1);
  const Bytes second = fragment(half, whole.size(), 2);
  stream.insert(stream.end(), second.begin(), second.end());
  ResponseReader reader(2);
  for (std::size_t i = 0; i < stream.size(); ++i) {
    const auto complete = reader.handle_bytes({&stream[i], 1});
    ASSERT_TRUE(complete);
    EXPECT_EQ(*complete, i + 1 == stream.size());
  }
  EXPECT_EQ(reader.stub(), whole);
  EXPECT_FALSE(ResponseReader(2).handle_bytes(second)) << "one that lacks its first fragment";
  ResponseReader twice(2);
  EXPECT_TRUE(twice.handle_bytes(fragment(0, half, 1)));
  EXPECT_FALSE(twice.handle_bytes(fragment(0, half, 1))) << "one that begins twice";
}

TEST(Rpc, TellsOfAFaultAndRefusesWhatIsNoResponse) {
  const auto fault =
      ResponseReader(2).handle_bytes(from_hex("05000303100000001c00000002000000000000000000000005000000"));
  ASSERT_FALSE(fault);
  EXPECT_EQ(fault.error().sentence, "the server could not answer (0x00000005)");
  EXPECT_FALSE(ResponseReader(3).handle_bytes(from_hex(kResponse))) << "of another call";
  EXPECT_FALSE(ResponseReader(2).handle_bytes(from_hex(kBindAck)));
  Bytes other = from_hex(kResponse);
  other[0] = 4;
  EXPECT_FALSE(ResponseReader(2).handle_bytes(other)) << "of another version";
  other = from_hex(kResponse);
  other[4] = 0;
  EXPECT_FALSE(ResponseReader(2).handle_bytes(other)) << "big-endian";
  other = from_hex(kResponse);
  other[8] = 8;
  other[9] = 0;
  EXPECT_FALSE(ResponseReader(2).handle_bytes(other)) << "shorter than its own header";
}

}  // namespace
}  // namespace smb3fuse::rpc
