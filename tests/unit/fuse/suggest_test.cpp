// SPDX-License-Identifier: Apache-2.0
#include "fuse/suggest.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace smb3fuse::fs {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsSubstitutionsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "uid"), 3u);
  EXPECT_EQ(edit_distance("uid", ""), 3u);
  EXPECT_EQ(edit_distance("usernme", "username"), 1u);
  EXPECT_EQ(edit_distance("useername", "username"), 1u);
  EXPECT_EQ(edit_distance("usermame", "username"), 1u);
  EXPECT_EQ(edit_distance("usrename", "username"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

constexpr std::array<std::string_view, 4> kKnown{"uid", "gid", "username", "password"};

TEST(NearestWord, IsTheOneThatWasLikelyMeant) {
  EXPECT_EQ(nearest_word("usernme", kKnown), "username");
  EXPECT_EQ(nearest_word("passwrod", kKnown), "password");
  EXPECT_EQ(nearest_word("uidd", kKnown), "uid");
}

TEST(NearestWord, IsTheFirstOfEquals) { EXPECT_EQ(nearest_word("aid", kKnown), "uid"); }

TEST(NearestWord, IsNoneForWhatNoSlipExplains) {
  EXPECT_EQ(nearest_word("xyz", kKnown), std::nullopt);
  EXPECT_EQ(nearest_word("ab", kKnown), std::nullopt);
  EXPECT_EQ(nearest_word("", kKnown), std::nullopt);
  EXPECT_EQ(nearest_word(std::string(100000, 'u'), kKnown), std::nullopt);
}

}  // namespace
}  // namespace smb3fuse::fs
