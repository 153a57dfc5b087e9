// SPDX-License-Identifier: Apache-2.0
// The ERROR response, its contexts, and the symbolic link that stopped a server.
#include "smb/wire/error.h"

#include <gtest/gtest.h>

#include "tests/unit/wire/golden.h"
#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::wire {
namespace {

// [MS-SMB2] 2.2.2.2.1 with a relative target "..\t", of which "\ab" was not walked: by the layout.
constexpr std::string_view kSymbolicLink =
    "24000000 53594d4c 0c0000a0 1800 0600"  // length of the rest, 'SYML', the tag, reparse length, unparsed length
    "0000 0800 0800 0400 01000000"          // names in the path buffer, relative
    "2e002e005c007400 2e007400";            // ..\t, .t

TEST(ErrorResponse, IsOneByteLongerThanItsFixedPart) {
  const Golden<ErrorResponse> error(golden::kErrorObjectNameNotFound);
  EXPECT_EQ(error.header.status, NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(error->error_context_count, 0);
  EXPECT_TRUE(error->error_data.empty());
  EXPECT_EQ(encode(error.body).size(), 9u);
  EXPECT_EQ(structure_size_of(ByteView(error.bytes).subspan(kSmb2HeaderSize)), kErrorStructureSize);
  EXPECT_EQ(Golden<ErrorResponse>(golden::kErrorNoMoreFiles).header.status, NtStatus::STATUS_NO_MORE_FILES);
}

TEST(ErrorResponse, CarriesASymbolicLinkPlainBeforeThreeOneOne) {
  const Bytes link = from_hex(kSymbolicLink);
  const Bytes body = encode(ErrorResponse{0, link});
  const auto error = decoded<ErrorResponse>(body);
  const auto found = symbolic_link_of(error);
  ASSERT_TRUE(found) << to_string(found.error());
  EXPECT_EQ(found->substitute_name, u"..\\t");
  EXPECT_EQ(found->print_name, u".t");
  EXPECT_EQ(found->flags, SYMLINK_FLAG_RELATIVE);
  EXPECT_EQ(found->unparsed_path_length, 6);
  EXPECT_EQ(encode(*found), link);
}

TEST(ErrorResponse, CarriesASymbolicLinkInAContextInThreeOneOne) {
  const Bytes link = from_hex(kSymbolicLink);
  // [MS-SMB2] 2.2.2.1: another context first, padded to 8.
  Bytes data = from_hex("02000000 53526472 aabb 000000000000");
  encode_to(data, ErrorContext{ErrorId::default_id, link});
  const ErrorResponse error{2, data};
  const auto contexts = error_contexts(error);
  ASSERT_TRUE(contexts);
  ASSERT_EQ(contexts->size(), 2u);
  EXPECT_EQ(contexts->at(0).error_id, ErrorId::share_redirect);
  const auto found = symbolic_link_of(error);
  ASSERT_TRUE(found) << to_string(found.error());
  EXPECT_EQ(found->substitute_name, u"..\\t");
}

TEST(ErrorResponse, RefusesFewerContextsThanItCounts) {
  const Bytes data = from_hex("00000000 00000000");
  EXPECT_TRUE(error_contexts({1, data}));
  const auto short_of_one = error_contexts({2, data});
  ASSERT_FALSE(short_of_one);
  EXPECT_EQ(short_of_one.error().problem, DecodeProblem::truncated);
  EXPECT_EQ(short_of_one.error().offset, 8u);
  EXPECT_FALSE(symbolic_link_of({2, data}));
  const Bytes redirect = from_hex("00000000 53526472");
  EXPECT_FALSE(symbolic_link_of({1, redirect}));
}

TEST(ErrorResponse, ASymbolicLinkCutShortIsAnError) {
  const Bytes link = from_hex(kSymbolicLink);
  for (std::size_t length = 0; length < link.size(); ++length) {
    const ExactCopy cut(ByteView(link).first(length));
    EXPECT_FALSE(decode<SymbolicLinkErrorResponse>(cut.view())) << length;
  }
}

}  // namespace
}  // namespace smb3fuse::wire
