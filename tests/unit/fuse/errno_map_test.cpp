// SPDX-License-Identifier: Apache-2.0
#include "fuse/errno_map.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace smb3fuse::fs {
namespace {

TEST(ErrnoMap, HasAnErrnoForEveryStatusThatWeKnow) {
  constexpr struct {
    const char* name;
    NtStatus status;
  } kRows[] = {
#define SMB3FUSE_NTSTATUS(name, value, text) {#name, NtStatus::name},
#include "smb/ntstatus.def"
#undef SMB3FUSE_NTSTATUS
  };
  for (const auto& row : kRows) EXPECT_TRUE(find_errno(row.status).has_value()) << row.name;
}

TEST(ErrnoMap, SaysWhatProgramsCheckFor) {
  EXPECT_EQ(errno_of(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND), ENOENT);
  EXPECT_EQ(errno_of(NtStatus::STATUS_OBJECT_PATH_NOT_FOUND), ENOENT);
  EXPECT_EQ(errno_of(NtStatus::STATUS_DELETE_PENDING), ENOENT);
  EXPECT_EQ(errno_of(NtStatus::STATUS_OBJECT_NAME_COLLISION), EEXIST);
  EXPECT_EQ(errno_of(NtStatus::STATUS_ACCESS_DENIED), EACCES);
  EXPECT_EQ(errno_of(NtStatus::STATUS_SHARING_VIOLATION), EBUSY);
  EXPECT_EQ(errno_of(NtStatus::STATUS_DIRECTORY_NOT_EMPTY), ENOTEMPTY);
  EXPECT_EQ(errno_of(NtStatus::STATUS_FILE_IS_A_DIRECTORY), EISDIR);
  EXPECT_EQ(errno_of(NtStatus::STATUS_NOT_A_DIRECTORY), ENOTDIR);
  EXPECT_EQ(errno_of(NtStatus::STATUS_DISK_FULL), ENOSPC);
  EXPECT_EQ(errno_of(NtStatus::STATUS_QUOTA_EXCEEDED), EDQUOT);
  EXPECT_EQ(errno_of(NtStatus::STATUS_NOT_SAME_DEVICE), EXDEV);
  EXPECT_EQ(errno_of(NtStatus::STATUS_NOT_SUPPORTED), EOPNOTSUPP);
  EXPECT_EQ(errno_of(NtStatus::STATUS_MEDIA_WRITE_PROTECTED), EROFS);
  EXPECT_EQ(errno_of(NtStatus::STATUS_IO_TIMEOUT), ETIMEDOUT);
}

TEST(ErrnoMap, NeverTurnsAFailureIntoSuccess) {
  EXPECT_EQ(errno_of({}), 0);
  EXPECT_EQ(errno_of(NtStatus::STATUS_BUFFER_OVERFLOW), EIO);  // a warning, but it was returned as the error
  EXPECT_EQ(errno_of(NtStatus::STATUS_END_OF_FILE), EIO);
}

TEST(ErrnoMap, SaysEioForWhatNobodyKnows) {
  EXPECT_EQ(find_errno(static_cast<NtStatus>(0xC0DEC0DE)), std::nullopt);
  EXPECT_EQ(errno_of(static_cast<NtStatus>(0xC0DEC0DE)), EIO);
}

TEST(ErrnoMap, LetsAnErrnoOfOurOwnPass) { EXPECT_EQ(errno_of(make_errno(ESTALE)), ESTALE); }

}  // namespace
}  // namespace smb3fuse::fs
