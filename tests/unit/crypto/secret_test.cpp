// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/secret.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <utility>
#include <vector>

#include "smb/crypto/random.h"
#include "tests/unit/crypto/hex.h"

namespace smb3fuse::crypto {
namespace {

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret> && std::is_nothrow_move_assignable_v<Secret>);

TEST(Secret, HoldsItsBytesAndMovesThem) {
  Secret first{std::string_view("pass\0word", 9)};
  EXPECT_EQ(first.text(), std::string_view("pass\0word", 9));
  Secret second = std::move(first);
  EXPECT_EQ(second.size(), 9u);
  Secret third;
  EXPECT_TRUE(third.empty());
  third = std::move(second);
  EXPECT_EQ(third.text().substr(0, 4), "pass");
}

TEST(Secret, WipesTheStringItTakes) {
  std::string text = "a password that is too long for the small-string buffer";
  const char* const storage = text.data();
  const std::size_t size = text.size();
  const Secret secret = Secret::take(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(secret.size(), size);
  EXPECT_EQ(std::string_view(storage, text.capacity()).find("password"), std::string_view::npos);
}

TEST(Secret, ClonesAreSeparate) {
  Secret first(test::from_hex("0102"));
  const Secret second = first.clone();
  first.bytes()[0] = 9;
  EXPECT_EQ(second.view()[0], 1);
}

TEST(Secret, OutlivesTheSecureHeap) {
  std::vector<Secret> many;
  for (int i = 0; i < 200; ++i) many.emplace_back(std::size_t{1024});
  many.back().bytes()[1023] = 7;
  EXPECT_EQ(many.back().view()[1023], 7);
}

TEST(Secret, ComparesBytesOfEqualLengthOnly) {
  EXPECT_TRUE(equal_in_constant_time(test::from_hex("0102"), test::from_hex("0102")));
  EXPECT_FALSE(equal_in_constant_time(test::from_hex("0102"), test::from_hex("0103")));
  EXPECT_FALSE(equal_in_constant_time(test::from_hex("0102"), test::from_hex("010203")));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
}

TEST(Random, DoesNotRepeat) { EXPECT_NE(random_array<16>(), random_array<16>()); }

}  // namespace
}  // namespace smb3fuse::crypto
