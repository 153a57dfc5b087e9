// SPDX-License-Identifier: Apache-2.0
// What is true of every golden message: it decodes, encodes to the same bytes, is refused when it is cut short, and
// can be printed.
#include <gtest/gtest.h>

#include "tests/unit/wire/golden_table.h"
#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::wire {
namespace {

class GoldenMessage : public testing::TestWithParam<golden::Message> {
 protected:
  GoldenMessage() : message_(from_hex(GetParam().bytes)), body_(ByteView(message_).subspan(kSmb2HeaderSize)) {}

  golden::Outcome decode_exact_copy(ByteView bytes) const { return GetParam().decode(ExactCopy(bytes).view()); }

  const Bytes message_;
  const ByteView body_;
};

TEST_P(GoldenMessage, HeaderDecodesAndEncodesToTheSameBytes) {
  const auto header = decode<Smb2Header>(message_);
  ASSERT_TRUE(header) << to_string(header.error());
  EXPECT_EQ(encode(*header), Bytes(message_.begin(), message_.begin() + kSmb2HeaderSize)) << print(*header);
}

TEST_P(GoldenMessage, EncodesToTheBytesItWasDecodedFrom) {
  const golden::Outcome outcome = decode_exact_copy(body_);
  ASSERT_FALSE(outcome.error) << to_string(*outcome.error);
  if (GetParam().encoding == golden::Encoding::same) {
    EXPECT_EQ(outcome.encoded, Bytes(body_.begin(), body_.end())) << outcome.printed;
  }
  EXPECT_EQ(outcome.encoded.size(), outcome.encoded_size);
  // What differs is padding: the fields are the same.
  const golden::Outcome again = decode_exact_copy(outcome.encoded);
  ASSERT_FALSE(again.error) << to_string(*again.error);
  EXPECT_EQ(again.printed, outcome.printed);
  EXPECT_EQ(again.encoded, outcome.encoded);
}

TEST_P(GoldenMessage, EveryTruncationIsAnErrorOrCutsOnlyPadding) {
  const std::string whole = decode_exact_copy(body_).printed;
  bool accepted = false;
  for (std::size_t length = 0; length <= body_.size(); ++length) {
    const golden::Outcome outcome = decode_exact_copy(body_.first(length));
    if (outcome.error) {
      EXPECT_FALSE(accepted) << "accepted when shorter than " << length;
      EXPECT_LE(outcome.error->offset, message_.size());
    } else {
      EXPECT_EQ(outcome.printed, whole) << "cut to " << length;
      EXPECT_GE(length + 8, body_.size()) << "more than padding is missing";
      accepted = true;
    }
  }
  EXPECT_TRUE(accepted);
}

// A byte changed anywhere may change the meaning, never more than that: nothing is read outside of the message.
TEST_P(GoldenMessage, AChangedByteIsDecodedOrRefused) {
  for (std::size_t at = 0; at < body_.size(); ++at) {
    for (const int value : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
      Bytes changed(body_.begin(), body_.end());
      changed[at] = static_cast<std::uint8_t>(value);
      decode_exact_copy(changed);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenMessage, testing::ValuesIn(golden::kMessages),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

TEST(Smb2Header, EveryTruncationIsAnError) {
  const Bytes bytes = from_hex(golden::kEchoRequest);
  for (std::size_t length = 0; length < kSmb2HeaderSize; ++length) {
    const ExactCopy cut(ByteView(bytes).first(length));
    const auto header = decode<Smb2Header>(cut.view());
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().problem, DecodeProblem::truncated);
  }
}

}  // namespace
}  // namespace smb3fuse::wire
