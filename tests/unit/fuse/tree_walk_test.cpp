// SPDX-License-Identifier: Apache-2.0
#include "fuse/tree_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace smb3fuse::fs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

constexpr client::Duration kValidity = 1s;

std::vector<std::string> numbered(const std::string& prefix, int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(prefix + std::to_string(100 + i));
  return names;
}

// A tree on a server, told of as the file system would tell it.
class TreeWalkTest : public testing::Test {
 protected:
  // The folder and its sub-folders in the order of its listing; inode numbers as the tree grows.
  void put(const std::string& path, const std::vector<std::string>& names) {
    tree_[path] = names;
    for (const std::string& name : names) numbers_.emplace(path + "/" + name, numbers_.size() + 1);
  }
  TreeWalk::Place place_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const TreeWalk::Folder folder = ids_.emplace(path, ids_.size() + 1).first->second;
    if (slash == std::string::npos) return {.folder = folder};
    return {.folder = folder, .parent = place_of(path.substr(0, slash)).folder, .name = path.substr(slash + 1)};
  }
  void list(const std::string& path) {
    std::vector<TreeWalk::Subfolder> shown;
    for (const std::string& name : tree_[path]) shown.push_back({name, numbers_[path + "/" + name]});
    walk_->handle_listing(place_of(path), std::move(shown), now_);
  }
  // What a program does: it opens the folder and reads it, from what was listed ahead if it was.
  void visit(const std::string& path) {
    walk_->handle_open(place_of(path), now_);
    const auto found = ahead_.find(path);
    if (found == ahead_.end()) {
      now_ += 20ms;
      list(path);
    } else {
      walk_->handle_use(found->second, now_);
      ahead_.erase(found);
    }
    now_ += 1ms;
  }
  // What is advised, as paths; it is asked for.
  std::vector<std::string> advice() {
    std::vector<std::string> paths;
    for (const TreeWalk::Next& next : walk_->advise()) {
      const auto parent =
          std::find_if(ids_.begin(), ids_.end(), [&](auto& each) { return each.second == next.parent; });
      paths.push_back(parent->first + "/" + next.name);
      ahead_[paths.back()] = next.ticket;
    }
    return paths;
  }
  // The listings asked for come, and what they show may be advice in turn.
  void answer(std::vector<std::string> paths, std::size_t entries = 10) {
    for (const std::string& path : paths) {
      walk_->handle_arrival(ahead_.at(path), entries);
      list(path);
    }
  }
  void visit_all(const std::string& folder, const std::vector<std::string>& names) {
    for (const std::string& name : names) visit(folder + "/" + name);
  }
  // All of the tree below, depth first, in the order that `sorted` gives; answers come at once.
  void walk_through(const std::string& path, const std::function<void(std::vector<std::string>&)>& sorted) {
    visit(path);
    for (std::vector<std::string> come = advice(); !come.empty(); come = advice()) answer(come);
    std::vector<std::string> names = tree_[path];
    sorted(names);
    for (const std::string& name : names) walk_through(path + "/" + name, sorted);
  }

  std::optional<TreeWalk> walk_{std::in_place, kValidity};
  client::TimePoint now_{std::chrono::hours(1)};
  std::map<std::string, std::vector<std::string>> tree_;
  std::map<std::string, std::uint64_t> numbers_;
  std::map<std::string, TreeWalk::Folder> ids_;
  std::map<std::string, TreeWalk::Ticket> ahead_;
};

TEST_F(TreeWalkTest, ForetellsNothingFromAListingAndOneFolderOfIt) {
  put("top", numbered("d", 20));
  visit("top");
  EXPECT_THAT(advice(), IsEmpty());
  visit("top/d100");
  EXPECT_THAT(advice(), IsEmpty());
}

TEST_F(TreeWalkTest, ForetellsTheNextFoldersAfterTwoInOrder) {
  put("top", numbered("d", 20));
  visit("top");
  visit_all("top", {"d100", "d101"});
  EXPECT_THAT(advice(), ElementsAre("top/d102", "top/d103", "top/d104", "top/d105", "top/d106", "top/d107", "top/d108",
                                    "top/d109"));
  EXPECT_THAT(advice(), IsEmpty()) << "twice";
}

TEST_F(TreeWalkTest, KnowsTheOrderOfTheListing) {
  put("top", {"f", "k", "c", "l", "b", "a", "e", "d", "g", "j", "i", "h"});
  visit("top");
  visit_all("top", {"f", "k"});
  std::vector<std::string> next = advice();
  next.resize(3);
  EXPECT_THAT(next, ElementsAre("top/c", "top/l", "top/b"));
}

TEST_F(TreeWalkTest, KnowsTheOrderOfNames) {
  put("top", {"f", "k", "C", "l", "b", "a", "e", "d", "g", "J", "i", "h"});
  visit("top");
  visit_all("top", {"C", "J"});
  std::vector<std::string> next = advice();
  next.resize(3);
  EXPECT_THAT(next, ElementsAre("top/a", "top/b", "top/d"));
}

TEST_F(TreeWalkTest, KnowsTheOrderOfDictionaries) {
  put("top", {"f", "k", "C", "l", "b", "_a", "e", "D", "g", "J", "i", "h"});
  visit("top");
  visit_all("top", {"_a", "b"});
  std::vector<std::string> next = advice();
  next.resize(4);
  EXPECT_THAT(next, ElementsAre("top/C", "top/D", "top/e", "top/f"));
}

TEST_F(TreeWalkTest, KnowsTheOrderOfInodeNumbers) {
  const std::vector<std::string> names{"f", "k", "c", "l", "b", "a", "e", "d", "g", "j", "i", "h"};
  put("top", names);
  tree_["top"] = {"h", "i", "a", "f", "k", "d", "c", "l", "b", "e", "g", "j"};
  visit("top");
  visit_all("top", {"f", "k"});
  std::vector<std::string> next = advice();
  next.resize(3);
  EXPECT_THAT(next, ElementsAre("top/c", "top/l", "top/b"));
}

TEST_F(TreeWalkTest, TurnsToAnotherOrderThatHeldSoFar) {
  // By name and as listed alike, at first.
  put("top", {"a", "b", "d", "c", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"});
  visit("top");
  visit_all("top", {"a", "b"});
  answer(advice());
  visit("top/c");
  EXPECT_THAT(ahead_, testing::Contains(testing::Key("top/d")));
  std::vector<std::string> next = advice();
  next.resize(2);
  EXPECT_THAT(next, ElementsAre("top/k", "top/l"));
}

TEST_F(TreeWalkTest, LeavesOutHiddenFoldersUntilOneIsOpened) {
  std::vector<std::string> names = numbered("d", 20);
  names.insert(names.begin(), {".a", ".b"});
  names.insert(names.begin() + 5, ".c");
  put("top", names);
  visit("top");
  visit_all("top", {"d100", "d101"});
  std::vector<std::string> next = advice();
  next.resize(2);
  EXPECT_THAT(next, ElementsAre("top/d102", "top/d103"));

  put("other", names);
  visit("other");
  visit_all("other", {".a", ".b", "d100", "d101"});
  next = advice();
  next.resize(3);
  EXPECT_THAT(next, ElementsAre("other/d102", "other/.c", "other/d103"));
}

TEST_F(TreeWalkTest, ForetellsWhatIsBelowAFolderBeforeTheNext) {
  put("top", numbered("d", 20));
  put("top/d102", {"x", "y"});
  visit("top");
  visit_all("top", {"d100", "d101"});
  answer(advice());
  visit("top/d102");
  std::vector<std::string> next = advice();
  next.resize(3);
  EXPECT_THAT(next, ElementsAre("top/d102/x", "top/d102/y", "top/d110"));
}

TEST_F(TreeWalkTest, LeavesOutWhatIsBelowForAProgramThatDoesNotEnter) {
  put("top", numbered("d", 20));
  for (const std::string& name : tree_["top"]) put("top/" + name, {"x", "y"});
  visit("top");
  visit_all("top", {"d100", "d101"});
  answer(advice());
  visit_all("top", {"d102", "d103"});
  EXPECT_THAT(advice(), ElementsAre("top/d110", "top/d111", "top/d112", "top/d113", "top/d114", "top/d115", "top/d116",
                                    "top/d117", "top/d118", "top/d119"));
}

TEST_F(TreeWalkTest, WidensTheWindowWithEachListingUsed) {
  put("top", numbered("d", 300));
  visit("top");
  visit_all("top", {"d100", "d101"});
  std::vector<std::size_t> sizes;
  for (int i = 2; i < 8; ++i) {
    const std::vector<std::string> next = advice();
    sizes.push_back(next.size());
    answer(next);
    visit("top/d" + std::to_string(100 + i));
  }
  EXPECT_THAT(sizes, ElementsAre(8, 9, 17, 1, 1, 1)) << "8, 16 and 32 ahead";
}

TEST_F(TreeWalkTest, StopsWhenListingsAreNotUsedAndThenAsksForMoreEvidence) {
  put("top", numbered("d", 300));
  visit("top");
  visit_all("top", {"d100", "d101"});
  answer(advice());
  for (const auto& [path, ticket] : std::exchange(ahead_, {})) walk_->handle_waste(ticket);
  EXPECT_EQ(walk_->counts().unused, 8U);
  visit_all("top", {"d110", "d111", "d112"});
  EXPECT_THAT(advice(), IsEmpty());
  visit_all("top", {"d113", "d114", "d115"});
  EXPECT_THAT(advice(), SizeIs(8));
}

TEST_F(TreeWalkTest, StaysWithinWhatASlowProgramUsesInTime) {
  put("top", numbered("d", 300));
  visit("top");
  for (int i = 0; i < 8; ++i) {
    now_ += 200ms;
    visit("top/d" + std::to_string(100 + i));
  }
  EXPECT_THAT(advice(), SizeIs(2));
}

TEST_F(TreeWalkTest, StaysWithinTheEntriesThatMayBeKept) {
  put("top", numbered("d", 300));
  visit("top");
  visit_all("top", {"d100", "d101"});
  answer(advice(), 4000);
  visit("top/d102");
  EXPECT_THAT(advice(), SizeIs(1));
  visit_all("top", {"d103", "d104", "d105"});
  EXPECT_THAT(advice(), SizeIs(3)) << "each is expected to be as large as those before";
}

TEST_F(TreeWalkTest, StartsAnewAfterAPause) {
  put("top", numbered("d", 300));
  visit("top");
  visit_all("top", {"d100", "d101"});
  answer(advice());
  now_ += 2s;
  visit("top/d102");
  EXPECT_THAT(advice(), IsEmpty());
}

TEST_F(TreeWalkTest, EndsWithTheFirstFolderThatNoOrderForetells) {
  put("top", numbered("d", 300));
  visit("top");
  visit_all("top", {"d100", "d101"});
  answer(advice());
  visit("top/d200");
  EXPECT_THAT(advice(), IsEmpty());
}

TEST_F(TreeWalkTest, TakesAFolderOpenedTwiceForOne) {
  put("top", numbered("d", 20));
  visit("top");
  visit("top");
  visit_all("top", {"d100", "d100", "d101", "d101"});
  EXPECT_THAT(advice(), SizeIs(8));
}

TEST_F(TreeWalkTest, RecognizesASecondWalkThroughTheSameTree) {
  put("top", numbered("d", 12));
  for (int i = 0; i < 2; ++i) {
    visit("top");
    EXPECT_THAT(advice(), IsEmpty());
    visit_all("top", {"d100", "d101"});
    EXPECT_THAT(advice(), SizeIs(8));
    visit_all("top", {"d102", "d103", "d104", "d105", "d106", "d107", "d108", "d109", "d110", "d111"});
    advice();
  }
}

TEST_F(TreeWalkTest, FollowsAListingThatIsToldInPages) {
  put("top", numbered("d", 12));
  visit("top");
  visit_all("top", {"d100", "d101"});
  put("top", numbered("d", 300));
  list("top");
  EXPECT_THAT(advice(), SizeIs(8));
  for (int i = 2; i < 12; ++i) visit("top/d" + std::to_string(100 + i));
  EXPECT_THAT(advice(), testing::Contains("top/d112"));
}

TEST_F(TreeWalkTest, BeginsAnewInAFolderThatHasChanged) {
  put("top", numbered("d", 20));
  visit("top");
  visit_all("top", {"d100", "d101"});
  answer(advice());
  put("top", numbered("e", 20));
  list("top");
  visit("top/e105");
  EXPECT_THAT(advice(), IsEmpty());
}

TEST_F(TreeWalkTest, WastesNothingOnAWholeTreeInAnyOrder) {
  std::minstd_rand random(1);
  put("top", numbered("a", 7));
  for (const std::string& a : tree_["top"]) {
    put("top/" + a, numbered("b", static_cast<int>(random() % 9)));
    for (const std::string& b : tree_["top/" + a]) put("top/" + a + "/" + b, numbered("c", 3));
  }
  for (auto& [path, names] : tree_) std::shuffle(names.begin(), names.end(), random);
  const auto folders = numbers_.size();
  const std::vector<std::function<void(std::vector<std::string>&)>> orders{
      [](std::vector<std::string>&) {},
      [](std::vector<std::string>& names) { std::sort(names.begin(), names.end()); },
  };
  for (const auto& order : orders) {
    walk_.emplace(kValidity);
    walk_through("top", order);
    EXPECT_THAT(ahead_, IsEmpty());
    EXPECT_EQ(walk_->counts().asked, walk_->counts().used);
    EXPECT_GT(walk_->counts().used, folders * 8 / 10);
  }
}

TEST_F(TreeWalkTest, ForetellsNothingToAProgramThatGoesDownATreeAtRandom) {
  put("top", numbered("a", 12));
  for (const std::string& a : tree_["top"]) {
    put("top/" + a, numbered("b", 12));
    for (const std::string& b : tree_["top/" + a]) put("top/" + a + "/" + b, numbered("c", 12));
  }
  std::minstd_rand random(1);
  for (int i = 0; i < 2'000; ++i) {
    std::string path = "top";
    visit(path);
    for (unsigned depth = random() % 4; depth > 0; --depth) {
      path += "/" + tree_[path][random() % 12];
      visit(path);
    }
    advice();
  }
  EXPECT_EQ(walk_->counts().asked, 0U);
}

TEST_F(TreeWalkTest, ForetellsNothingToAProgramThatOpensFoldersAtRandom) {
  put("top", numbered("a", 100));
  visit("top");
  std::minstd_rand random(1);
  for (int i = 0; i < 2'000; ++i) {
    visit("top/" + tree_["top"][random() % 100]);
    advice();
  }
  EXPECT_EQ(walk_->counts().asked, 0U);
}

TEST_F(TreeWalkTest, AsksLittleInVainOfManyShuffledFolders) {
  std::minstd_rand random(1);
  unsigned opened = 0;
  for (int i = 0; i < 500; ++i) {
    const std::string path = "top" + std::to_string(i);
    put(path, numbered("d", 30));
    visit(path);
    std::vector<std::string> names = tree_[path];
    std::shuffle(names.begin(), names.end(), random);
    for (const std::string& name : names) {
      visit(path + "/" + name);
      answer(advice());
      ++opened;
    }
    for (const auto& [wasted, ticket] : std::exchange(ahead_, {})) walk_->handle_waste(ticket);
  }
  EXPECT_LT(walk_->counts().unused, opened / 1000);
}

TEST_F(TreeWalkTest, BearsATreeThatHoldsItself) {
  walk_->handle_listing({.folder = 1, .parent = 2, .name = "a"}, {{"b", 1}, {"c", 2}}, now_);
  walk_->handle_listing({.folder = 2, .parent = 1, .name = "b"}, {{"a", 3}, {"d", 4}}, now_);
  for (const char* name : {"a", "d"}) walk_->handle_open({.folder = 1, .parent = 2, .name = name}, now_);
  walk_->advise();
}

TEST_F(TreeWalkTest, ForgetsTheTreesThatWereWalkedLongAgo) {
  for (int i = 0; i < 2000; ++i) {
    const std::string path = "top" + std::to_string(i);
    put(path, numbered("d", 100));
    visit(path);
  }
  visit_all("top1999", {"d100", "d101"});
  EXPECT_THAT(advice(), SizeIs(8));
  visit_all("top0", {"d100", "d101"});
  EXPECT_THAT(advice(), IsEmpty());
}

}  // namespace
}  // namespace smb3fuse::fs
