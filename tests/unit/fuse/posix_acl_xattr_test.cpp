// SPDX-License-Identifier: Apache-2.0
#include "fuse/posix_acl_xattr.h"

#include <gtest/gtest.h>

#include "smb/wire/printer.h"
#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::fs {
namespace {

using client::PosixAce;
using client::PosixAcl;
using Tag = PosixAce::Tag;

// What getxattr(2) returned on ext4 (Linux 6.18) after `chmod 640 f; setfacl -m u:1001:rw,g:100:rwx,m::rwx f`.
constexpr std::string_view kGolden =
    "0200000001000600ffffffff02000600e903000004000400ffffffff080007006400000010000700ffffffff20000000ffffffff";

std::string golden() {
  const Bytes bytes = wire::from_hex(kGolden);
  return {bytes.begin(), bytes.end()};
}

const PosixAcl kAcl = {{Tag::user_obj, 6},   {Tag::user, 6, 1001}, {Tag::group_obj, 4},
                       {Tag::group, 7, 100}, {Tag::mask, 7},       {Tag::other, 0}};

TEST(AclAttribute, IsAsTheKernelHasIt) {
  EXPECT_EQ(acl_of_xattr(golden()), kAcl);
  EXPECT_EQ(xattr_of(kAcl), golden());
}

TEST(AclAttribute, MayHaveNoEntries) { EXPECT_EQ(acl_of_xattr(golden().substr(0, 4)), PosixAcl()); }

TEST(AclAttribute, IsRefusedWhenItIsCutShort) {
  for (std::size_t size = 0; size < golden().size(); ++size) {
    const std::string cut = golden().substr(0, size);
    EXPECT_EQ(acl_of_xattr(cut).has_value(), size >= 4 && size % 8 == 4) << size;
  }
}

TEST(AclAttribute, IsRefusedWhereItIsNone) {
  const auto with = [](std::size_t at, char byte) {
    std::string value = golden();
    value[at] = byte;
    return acl_of_xattr(value).has_value();
  };
  ASSERT_TRUE(with(4, 1));
  EXPECT_FALSE(with(0, 1)) << "another version";
  EXPECT_FALSE(with(4, 0)) << "no tag";
  EXPECT_FALSE(with(4, 3)) << "two tags";
  EXPECT_FALSE(with(4, 0x40)) << "a tag that there is not";
  EXPECT_FALSE(with(5, 1)) << "nor this one";
  EXPECT_FALSE(with(6, 8)) << "a permission that there is not";
  std::string nobody = golden();
  nobody.replace(16, 4, 4, '\xFF');
  EXPECT_FALSE(acl_of_xattr(nobody)) << "nobody's number";
  std::string many = golden().substr(0, 4);
  for (std::size_t i = 0; i <= client::kMostPosixAces; ++i) many += golden().substr(4, 8);
  EXPECT_FALSE(acl_of_xattr(many));
}

TEST(AccessAcl, IsExtendedWhereAModeCannotSayIt) {
  const PosixAcl mode = {{Tag::user_obj, 6}, {Tag::group_obj, 4}, {Tag::other, 0}};
  EXPECT_FALSE(is_extended(mode));
  EXPECT_FALSE(is_extended({}));
  EXPECT_TRUE(is_extended(kAcl));
  PosixAcl masked = mode;
  masked.push_back({Tag::mask, 0});
  EXPECT_TRUE(is_extended(masked));
}

TEST(AccessAcl, SaysTheMode) {
  EXPECT_EQ(mode_with(kAcl), 0670U) << "the mask is the group's";
  EXPECT_EQ(mode_with({{Tag::user_obj, 6}, {Tag::group_obj, 4}, {Tag::other, 1}}), 0641U);
}

TEST(AccessAcl, LeavesTheModeWhenItGoes) {
  const PosixAcl mode = {{Tag::user_obj, 6}, {Tag::group_obj, 7}, {Tag::other, 0}};
  EXPECT_EQ(without_extension(kAcl), mode) << "the group's bits of a mode are the mask";
  EXPECT_EQ(without_extension(mode), mode);
}

}  // namespace
}  // namespace smb3fuse::fs
