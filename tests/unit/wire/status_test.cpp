// SPDX-License-Identifier: Apache-2.0
#include "smb/status.h"

#include <gtest/gtest.h>

namespace smb3fuse {
namespace {

// [MS-ERREF] 2.3.1
TEST(NtStatus, HasTheValuesOfTheSpecification) {
  EXPECT_EQ(static_cast<std::uint32_t>(NtStatus::STATUS_ACCESS_DENIED), 0xC0000022u);
  EXPECT_EQ(static_cast<std::uint32_t>(NtStatus::STATUS_PENDING), 0x00000103u);
  EXPECT_EQ(static_cast<std::uint32_t>(NtStatus::STATUS_STOPPED_ON_SYMLINK), 0x8000002Du);
  EXPECT_EQ(static_cast<std::uint32_t>(NtStatus::STATUS_USER_SESSION_DELETED), 0xC0000203u);
  EXPECT_EQ(static_cast<std::uint32_t>(NtStatus::STATUS_NETWORK_SESSION_EXPIRED), 0xC000035Cu);
  EXPECT_EQ(static_cast<std::uint32_t>(NtStatus::STATUS_PATH_NOT_COVERED), 0xC0000257u);
  EXPECT_EQ(static_cast<std::uint32_t>(NtStatus::STATUS_IO_TIMEOUT), 0xC00000B5u);
  EXPECT_EQ(static_cast<std::uint32_t>(NtStatus::STATUS_CONNECTION_DISCONNECTED), 0xC000020Cu);
}

TEST(NtStatus, EveryRowHasANameAndAText) {
  const struct {
    std::uint32_t value;
    std::string_view name;
    std::string_view text;
  } rows[] = {
#define SMB3FUSE_NTSTATUS(name, value, text) {value, #name, text},
#include "smb/ntstatus.def"
#undef SMB3FUSE_NTSTATUS
  };
  for (const auto& row : rows) {
    EXPECT_EQ(name_of(static_cast<NtStatus>(row.value)), row.name);
    EXPECT_EQ(text_of(static_cast<NtStatus>(row.value)), row.text);
    EXPECT_GT(row.text.size(), 3u) << row.name;
    EXPECT_NE(row.text.back(), '.') << row.name;
  }
}

TEST(NtStatus, AnUnknownOneIsNamedByItsNumber) {
  const auto unknown = static_cast<NtStatus>(0xC0FFEE00);
  EXPECT_EQ(name_of(unknown), "NTSTATUS 0xC0FFEE00");
  EXPECT_TRUE(text_of(unknown).empty());
  EXPECT_EQ(make_error_code(unknown).message(), "NTSTATUS 0xC0FFEE00");
}

TEST(NtStatus, TravelsInAnErrorCode) {
  const std::error_code error = NtStatus::STATUS_ACCESS_DENIED;
  EXPECT_TRUE(error);
  EXPECT_EQ(error.category(), nt_status_category());
  EXPECT_EQ(error.message(), "access denied (STATUS_ACCESS_DENIED)");
  EXPECT_EQ(nt_status_of(error), NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_FALSE(make_error_code(NtStatus::STATUS_SUCCESS));
  EXPECT_EQ(nt_status_of({}), NtStatus::STATUS_SUCCESS);
  EXPECT_EQ(nt_status_of(std::make_error_code(std::errc::io_error)), NtStatus::STATUS_UNSUCCESSFUL);
}

TEST(NtStatus, OnlyTheHighestSeverityIsAnError) {
  EXPECT_TRUE(is_error(NtStatus::STATUS_ACCESS_DENIED));
  EXPECT_FALSE(is_error(NtStatus::STATUS_BUFFER_OVERFLOW));
  EXPECT_FALSE(is_error(NtStatus::STATUS_PENDING));
  EXPECT_FALSE(is_error(NtStatus::STATUS_SUCCESS));
}

}  // namespace
}  // namespace smb3fuse
