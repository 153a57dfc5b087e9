// SPDX-License-Identifier: Apache-2.0
#include "fuse/file_runs.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace smb3fuse::fs {
namespace {

constexpr FileRuns::Directory kFolder = 7;
using Names = std::vector<std::string>;

std::string name_of(std::size_t i) { return fmt::format("f{:03}", i); }

class FileRunsTest : public testing::Test {
 protected:
  // Listed backwards, with inode numbers in no order.
  void begin(std::size_t count) {
    std::vector<FileRuns::Listed> files;
    for (std::size_t i = count; i-- > 0;) files.push_back({name_of(i), (i * 37) % 101, true});
    runs.begin(kFolder, std::move(files));
  }
  Names open(std::size_t i) { return runs.handle_open(kFolder, name_of(i)); }

  FileRuns runs;
};

TEST_F(FileRunsTest, AdvisesAWindowAfterTheThirdFileInARow) {
  begin(100);
  EXPECT_EQ(open(0), Names{});
  EXPECT_EQ(open(1), Names{});
  EXPECT_EQ(open(2), (Names{"f003", "f004", "f005", "f006"}));
}

// The folders of a tree, alike.
class FileRunsOfATree : public testing::Test {
 protected:
  void begin(FileRuns::Directory folder, std::size_t count = 20) {
    std::vector<FileRuns::Listed> files;
    for (std::size_t i = 0; i < count; ++i) files.push_back({name_of(i), count - i, true});
    runs.begin(folder, std::move(files));
  }
  std::size_t open(FileRuns::Directory folder, std::size_t i) { return runs.handle_open(folder, name_of(i)).size(); }
  void read_all(FileRuns::Directory folder, std::size_t count = 20) {
    begin(folder, count);
    std::size_t ahead = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (ahead > 0) {
        runs.handle_use(folder);
        --ahead;
      }
      ahead += open(folder, i);
    }
  }

  FileRuns runs;
};

TEST_F(FileRunsOfATree, BeginsTheNextFolderAsTheLastOneWasLeft) {
  EXPECT_FALSE(runs.is_proven());
  read_all(1);
  EXPECT_TRUE(runs.is_proven());
  begin(2);
  EXPECT_EQ(open(2, 0), 19U);
  EXPECT_EQ(open(2, 0), 0U) << "told again when the open is done";
  begin(3);
  EXPECT_EQ(open(3, 1), 0U) << "not the first one";
}

TEST_F(FileRunsOfATree, BeginsTheNextFolderInTheSameOrder) {
  begin(1);
  std::size_t ahead = 0;
  for (std::size_t i = 20; i-- > 0;) {  // by inode number
    if (ahead > 0) runs.handle_use(1);
    ahead += open(1, i);
  }
  begin(2);
  EXPECT_EQ(open(2, 0), 0U);
  begin(3);
  EXPECT_EQ(open(3, 19), 19U);
}

TEST_F(FileRunsOfATree, StopsAtTwoFoldersOfWhichOnlyTheFirstFileWasRead) {
  read_all(1);
  std::size_t wasted = 0;
  for (FileRuns::Directory folder = 2; folder < 60; ++folder) {
    begin(folder);
    wasted += open(folder, 0);
  }
  EXPECT_EQ(wasted, 2 * 19U);
}

TEST_F(FileRunsOfATree, GoesOnThroughSmallFolders) {
  read_all(1);
  for (FileRuns::Directory folder = 2; folder < 60; ++folder) read_all(folder, 1 + folder % 4);
  begin(60);
  EXPECT_EQ(open(60, 0), 19U);
}

TEST_F(FileRunsTest, FollowsTheOrderOfTheListing) {
  begin(100);
  open(50);
  open(49);
  EXPECT_EQ(open(48), (Names{"f047", "f046", "f045", "f044"}));
}

TEST_F(FileRunsTest, FollowsTheOrderOfInodeNumbers) {
  runs.begin(kFolder, {{"c", 5, true}, {"x", 1, true}, {"a", 3, true}, {"y", 2, true}});
  runs.handle_open(kFolder, "x");
  runs.handle_open(kFolder, "y");
  EXPECT_EQ(runs.handle_open(kFolder, "a"), Names{"c"});
}

TEST_F(FileRunsTest, WidensTheWindowAsItIsUsed) {
  begin(100);
  for (std::size_t i = 0; i < 3; ++i) open(i);
  runs.handle_use(kFolder);
  EXPECT_EQ(open(3).size(), 5U);  // to the eighth after it
  runs.handle_use(kFolder);
  EXPECT_EQ(open(4).size(), 9U);
}

TEST_F(FileRunsTest, AdvisesNothingTwice) {
  begin(100);
  for (std::size_t i = 0; i < 3; ++i) open(i);
  EXPECT_EQ(open(3), Names{"f007"});
}

TEST_F(FileRunsTest, AdvisesTheSameAgainToTheNextProgram) {
  begin(100);
  for (std::size_t i = 0; i < 3; ++i) open(i);
  for (int i = 0; i < 4; ++i) runs.handle_use(kFolder);
  open(0);
  open(1);
  EXPECT_EQ(open(2).front(), "f003");
}

TEST_F(FileRunsTest, AdvisesNothingForFilesAtRandom) {
  begin(100);
  for (std::size_t i = 0; i < 1000; ++i) EXPECT_EQ(open((i * 41) % 97), Names{}) << i;
}

TEST_F(FileRunsTest, LeavesOutWhatIsNotWorthIt) {
  runs.begin(kFolder, {{"a", 1, true}, {"b", 2, true}, {"c", 3, true}, {"huge", 4, false}, {"small", 5, true}});
  for (const char* name : {"a", "b"}) runs.handle_open(kFolder, name);
  EXPECT_EQ(runs.handle_open(kFolder, "c"), Names{"small"});
}

TEST_F(FileRunsTest, AsksForMoreProofWhereItWasWrong) {
  begin(100);
  for (std::size_t i = 0; i < 4; ++i) open(i);
  begin(100);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(open(i), Names{});
  EXPECT_NE(open(4), Names{});
}

TEST_F(FileRunsTest, KnowsNothingOfOtherFolders) {
  begin(3);
  EXPECT_EQ(runs.handle_open(kFolder + 1, "f000"), Names{});
  EXPECT_EQ(runs.handle_open(kFolder, "unheard of"), Names{});
  for (FileRuns::Directory other = 100; other < 200; ++other) runs.begin(other, {});
  EXPECT_FALSE(runs.knows(kFolder, "f000"));
}

}  // namespace
}  // namespace smb3fuse::fs
