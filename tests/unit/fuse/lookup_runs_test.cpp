// SPDX-License-Identifier: Apache-2.0
#include "fuse/lookup_runs.h"

#include <gtest/gtest.h>

namespace smb3fuse::fs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr LookupRuns::Directory kFolder = 7;

class Runs : public testing::Test {
 protected:
  // Asks so often; how often it was told to list.
  int ask(int times, LookupRuns::Directory directory = kFolder) {
    int listings = 0;
    for (int i = 0; i < times; ++i) listings += runs.handle_ask(directory, parent, now) ? 1 : 0;
    return listings;
  }

  LookupRuns::Directory parent = 1;
  client::TimePoint now{std::chrono::hours(1)};
  LookupRuns runs{seconds(1)};
};

TEST_F(Runs, ListsADirectoryWhoseNamesAreAskedForOneByOne) {
  EXPECT_EQ(ask(3), 0);
  EXPECT_EQ(ask(1), 1);
  EXPECT_EQ(ask(3), 0);
}

TEST_F(Runs, ListsWithTheFirstQuestionAgainWhatHasPaid) {
  EXPECT_EQ(ask(4), 1);
  for (int i = 0; i < 4; ++i) runs.handle_answered(kFolder);
  now += seconds(2);
  EXPECT_EQ(ask(1), 1);
  now += seconds(2);
  EXPECT_EQ(ask(3), 0) << "the last one was of no use";
  EXPECT_EQ(ask(1), 1);
}

TEST_F(Runs, ListsNothingForNamesInManyDirectories) {
  for (LookupRuns::Directory each = 1; each < 2000; ++each) EXPECT_EQ(ask(1, each), 0);
}

TEST_F(Runs, ListsTheNeighboursOfTwoSuchDirectoriesWithTheFirstQuestion) {
  EXPECT_EQ(ask(4, 10), 1);
  EXPECT_EQ(ask(4, 11), 1);
  for (LookupRuns::Directory each = 12; each < 100; ++each) {
    EXPECT_EQ(ask(1, each), 1);
    for (int i = 0; i < 3; ++i) runs.handle_answered(each);
  }
  parent = 2;
  EXPECT_EQ(ask(1, 100), 0) << "that lies elsewhere";
}

TEST_F(Runs, StopsThatWhereItIsInVain) {
  ask(4, 10);
  ask(4, 11);
  int listings = 0;
  for (LookupRuns::Directory each = 12; each < 100; ++each) listings += ask(1, each);
  EXPECT_EQ(listings, 4);
}

TEST_F(Runs, ListsNothingForNamesNowAndThen) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ask(1), 0);
    now += milliseconds(500);
  }
}

TEST_F(Runs, ListsAGreatDirectoryForManyQuestionsOnly) {
  ask(4);
  runs.handle_listed(kFolder, 6400, true);
  EXPECT_EQ(ask(99), 0);
  EXPECT_EQ(ask(1), 1);
}

TEST_F(Runs, ListsNoDirectoryAgainThatIsTooGreat) {
  ask(4);
  runs.handle_listed(kFolder, 8192, false);
  EXPECT_EQ(ask(100'000), 0);
}

TEST_F(Runs, ListsNothingWhereListingsAreNotKept) {
  LookupRuns none{client::Duration::zero()};
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(none.handle_ask(kFolder, parent, now));
}

}  // namespace
}  // namespace smb3fuse::fs
