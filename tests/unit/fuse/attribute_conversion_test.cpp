// SPDX-License-Identifier: Apache-2.0
#include "fuse/attribute_conversion.h"

#include <gtest/gtest.h>

#include <limits>

namespace smb3fuse::fs {
namespace {

namespace bit = client::file_attribute;

constexpr client::FileTime kUnixEpoch = 116'444'736'000'000'000;

TEST(FileTimes, KeepOneHundredNanoseconds) {
  const timespec time = timespec_of(kUnixEpoch + 15'000'001);
  EXPECT_EQ(time.tv_sec, 1);
  EXPECT_EQ(time.tv_nsec, 500'000'100);
  EXPECT_EQ(file_time_of({1, 500'000'199}), kUnixEpoch + 15'000'001);
}

TEST(FileTimes, BeforeTheUnixEpochCountNanosecondsForwards) {
  const timespec time = timespec_of(kUnixEpoch - 1);
  EXPECT_EQ(time.tv_sec, -1);
  EXPECT_EQ(time.tv_nsec, 999'999'900);
  EXPECT_EQ(file_time_of(time), kUnixEpoch - 1);
}

TEST(FileTimes, NotGivenIsShownAsTheEpoch) {
  EXPECT_EQ(timespec_of(0).tv_sec, 0);
  EXPECT_EQ(timespec_of(0).tv_nsec, 0);
}

TEST(FileTimes, OutOfRangeBecomeTheEndsAndNeverMeanDoNotChange) {
  EXPECT_EQ(file_time_of({std::numeric_limits<time_t>::min(), 0}), 1);
  EXPECT_EQ(file_time_of({-20'000'000'000, 0}), 1);
  EXPECT_GT(file_time_of({std::numeric_limits<time_t>::max(), 999'999'999}), kUnixEpoch);
}

TEST(FileTimes, AreWrittenAsIso8601) { EXPECT_EQ(iso8601_of(kUnixEpoch + 1), "1970-01-01T00:00:00.0000001Z"); }

client::Attributes regular_file() {
  client::Attributes attributes;
  attributes.end_of_file = 1000;
  attributes.allocation_size = 4096;
  attributes.last_write_time = kUnixEpoch + 50'000'000;
  attributes.file_attributes = bit::archive;
  return attributes;
}

TEST(StatOf, ShowsAFile) {
  const struct stat shown = stat_of(regular_file(), 42, 2, {.uid = 5, .gid = 6, .file_mode = 0664});
  EXPECT_EQ(shown.st_mode, S_IFREG | 0664U);
  EXPECT_EQ(shown.st_ino, 42U);
  EXPECT_EQ(shown.st_nlink, 2U);
  EXPECT_EQ(shown.st_uid, 5U);
  EXPECT_EQ(shown.st_size, 1000);
  EXPECT_EQ(shown.st_blocks, 8);
  EXPECT_EQ(shown.st_mtim.tv_sec, 5);
  EXPECT_EQ(shown.st_ctim.tv_sec, 5) << "a time that the server does not keep follows the last write";
}

TEST(StatOf, TakesTheWriteBitsFromAReadOnlyFileButNotFromADirectory) {
  client::Attributes attributes = regular_file();
  attributes.file_attributes |= bit::readonly;
  EXPECT_EQ(stat_of(attributes, 1, 1, {.file_mode = 0775}).st_mode, S_IFREG | 0555U);
  attributes.file_attributes |= bit::directory;
  EXPECT_EQ(stat_of(attributes, 1, 1, {.directory_mode = 0775}).st_mode, S_IFDIR | 0775U);
}

TEST(StatOf, ShowsALinkWithTheLengthOfItsTarget) {
  client::Attributes attributes = regular_file();
  attributes.symlink_target = "to/here";
  const struct stat shown = stat_of(attributes, 1, 1, {});
  EXPECT_EQ(shown.st_mode, S_IFLNK | 0777U);
  EXPECT_EQ(shown.st_size, 7);
}

TEST(Chmod, KeepsOnlyWhetherAFileMayBeWritten) {
  client::Attributes attributes = regular_file();
  EXPECT_EQ(file_attributes_after_chmod(attributes, 0444), bit::archive | bit::readonly);
  attributes.file_attributes = bit::readonly;
  EXPECT_EQ(file_attributes_after_chmod(attributes, 0644), bit::normal) << "0 would mean do not change";
  attributes.file_attributes = bit::normal;
  EXPECT_EQ(file_attributes_after_chmod(attributes, 0444), bit::readonly) << "NORMAL stands alone";
  attributes.file_attributes = bit::directory;
  EXPECT_EQ(file_attributes_after_chmod(attributes, 0555), bit::directory);
}

TEST(Listings, LeaveOpenWhatIsALink) {
  client::Attributes attributes = regular_file();
  EXPECT_TRUE(is_told_completely(attributes));
  attributes.end_of_file = 1067;
  EXPECT_FALSE(is_told_completely(attributes)) << "the size of a Minshall+French link";
  attributes.symlink_target = "x";
  EXPECT_TRUE(is_told_completely(attributes));
  attributes = regular_file();
  attributes.file_attributes |= bit::reparse_point;
  EXPECT_FALSE(is_told_completely(attributes));
}

TEST(Names, AreMeasuredInUtf16Units) {
  EXPECT_FALSE(name_too_long(std::string(255, 'a')));
  EXPECT_TRUE(name_too_long(std::string(256, 'a')));
  std::string umlauts;
  for (int i = 0; i < 255; ++i) umlauts += "\xC3\xA4";
  EXPECT_FALSE(name_too_long(umlauts));
  std::string surrogates;
  for (int i = 0; i < 128; ++i) surrogates += "\xF0\x9F\x98\x80";
  EXPECT_TRUE(name_too_long(surrogates));
}

}  // namespace
}  // namespace smb3fuse::fs
