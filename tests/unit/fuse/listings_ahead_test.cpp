// SPDX-License-Identifier: Apache-2.0
#include "fuse/listings_ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "fake_kernel.h"
#include "fake_share.h"
#include "tests/support/manual_runtime.h"

namespace smb3fuse::fs::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using namespace std::chrono_literals;

std::string folder_name(int i) { return "d" + std::to_string(10 + i); }

// Opens directories as Vfs does, in virtual time, in front of a server in memory.
class ListingsAheadTest : public testing::Test {
 protected:
  struct Opened {
    NodeRef node;
    std::shared_ptr<Listing> listing;
    std::unique_ptr<client::DirectoryStream> stream;
  };

  ListingsAheadTest() {
    for (int i = 0; i < 30; ++i) {
      share.put_folder(folder_name(i));
      share.put(folder_name(i) + "/file");
    }
  }

  // Opens and reads it. Nothing, if there is no answer yet.
  std::optional<Opened> open(const std::string& name) {
    auto opened = std::make_shared<std::optional<Opened>>();
    client::spawn(open_into(name, opened));
    runtime.run();
    return std::move(*opened);
  }
  client::Task<void> open_into(std::string name, std::shared_ptr<std::optional<Opened>> result) {
    NodeRef node =
        name.empty() ? nodes.pin(kRootId) : nodes.adopt(nodes.root(), name, share.tree.at(name)->attributes, false);
    ListingsAhead::Taken taken = co_await ahead.take(*node);
    if (taken.listing == nullptr) {
      taken.listing = std::make_shared<Listing>();
      taken.listing->asked = nodes.asked_now(runtime.now());
      auto stream = co_await share.open_directory(name);
      taken.stream = std::move(*stream);
      nodes.follow(*node, taken.listing);
    }
    while (!taken.listing->complete) {
      co_await read_page(share, *taken.stream, *taken.listing);
      ahead.note_listed(*node, *taken.listing);
    }
    kept.push_back(taken.listing);
    Opened opened{std::move(node), std::move(taken.listing), std::move(taken.stream)};
    result->emplace(std::move(opened));
  }
  // Until the first listings have been asked for.
  void begin_walk() {
    open("");
    open(folder_name(0));
    open(folder_name(1));
  }
  Node& node_of(const std::string& name) { return *nodes.root().children.at(name); }

  smb3fuse::test::ManualRuntime runtime;
  cache::BufferPool pool;
  FakeShare share{runtime, pool};
  Nodes nodes{share.root_attributes(), true};
  std::vector<std::shared_ptr<Listing>> kept;
  KernelNotifier notifier{runtime};
  FolderRights rights{runtime, share, nodes, notifier, 0s, nullptr};
  ListingsAhead ahead{runtime, share, nodes, rights, 1s};
};

TEST_F(ListingsAheadTest, AsksForTheNextFoldersBehindWhatAProgramWaitsFor) {
  open("");
  open(folder_name(0));
  EXPECT_THAT(share.asked(), ElementsAre("list ", "list d10"));
  open(folder_name(1));
  EXPECT_THAT(share.asked(), ElementsAre("list d11", "list d12", "list d13", "list d14", "list d15", "list d16",
                                         "list d17", "list d18", "list d19"));
}

TEST_F(ListingsAheadTest, AnswersFromWhatCameAhead) {
  begin_walk();
  share.asked();
  const std::optional<Opened> opened = open(folder_name(2));
  EXPECT_THAT(share.asked(), Not(Contains("list d12")));
  EXPECT_TRUE(opened->listing->complete);
  EXPECT_THAT(opened->listing->entries, SizeIs(1));
  EXPECT_EQ(ahead.counts().used, 1U);
  for (int i = 3; i < 30; ++i) open(folder_name(i));
  EXPECT_EQ(ahead.counts().asked, 28U);
  EXPECT_EQ(ahead.counts().used, 28U);
}

TEST_F(ListingsAheadTest, AnswersASecondOpenAsWell) {
  begin_walk();
  const std::optional<Opened> first = open(folder_name(2));
  share.asked();
  const std::optional<Opened> second = open(folder_name(2));
  EXPECT_THAT(share.asked(), IsEmpty());
  EXPECT_EQ(second->listing, first->listing);
}

TEST_F(ListingsAheadTest, WaitsForAListingOnItsWay) {
  open("");
  open(folder_name(0));
  share.hold();
  auto first = std::make_shared<std::optional<Opened>>();
  auto second = std::make_shared<std::optional<Opened>>();
  client::spawn(open_into(folder_name(1), std::make_shared<std::optional<Opened>>()));
  runtime.run();
  share.asked();
  client::spawn(open_into(folder_name(2), first));
  client::spawn(open_into(folder_name(2), second));
  runtime.run();
  EXPECT_THAT(share.asked(), IsEmpty());
  EXPECT_FALSE(first->has_value());
  share.release();
  runtime.run();
  EXPECT_TRUE(first->has_value());
  EXPECT_TRUE(second->has_value());
  EXPECT_THAT(share.asked(), Not(Contains("list d12")));
}

TEST_F(ListingsAheadTest, ListsAgainWhatIsTooOld) {
  begin_walk();
  runtime.advance(999ms);
  share.asked();
  open(folder_name(2));
  EXPECT_THAT(share.asked(), Not(Contains("list d12")));
  runtime.advance(1ms);
  open(folder_name(3));
  EXPECT_THAT(share.asked(), Contains("list d13"));
}

TEST_F(ListingsAheadTest, GivesUpWhatNobodyUses) {
  begin_walk();
  EXPECT_EQ(nodes.size(), 1U + 8) << "the root, and what the listings are for";
  runtime.advance(2s);
  EXPECT_EQ(ahead.counts().unused, 8U);
  EXPECT_EQ(nodes.size(), 1U);
}

TEST_F(ListingsAheadTest, ListsAgainWhatWeHaveChanged) {
  begin_walk();
  nodes.note_entry(node_of(folder_name(2)), "new", true, share.now());
  nodes.note_change(node_of(folder_name(3)));
  share.asked();
  open(folder_name(2));
  EXPECT_THAT(share.asked(), Contains("list d12"));
  open(folder_name(3));
  EXPECT_THAT(share.asked(), Contains("list d13"));
}

TEST_F(ListingsAheadTest, ListsAgainWhatWeChangedWhileItWasListed) {
  open("");
  open(folder_name(0));
  share.hold();
  client::spawn(open_into(folder_name(1), std::make_shared<std::optional<Opened>>()));
  runtime.run();
  auto opened = std::make_shared<std::optional<Opened>>();
  client::spawn(open_into(folder_name(2), opened));
  nodes.note_entry(node_of(folder_name(2)), "new", true, share.now());
  share.asked();
  share.release();
  runtime.run();
  EXPECT_THAT(share.asked(), Contains("list d12"));
  EXPECT_TRUE(opened->has_value());
}

TEST_F(ListingsAheadTest, KeepsNoPartOfALargeFolder) {
  for (int i = 0; i < 5000; ++i) share.put(folder_name(2) + "/" + std::to_string(i));
  begin_walk();
  EXPECT_EQ(ahead.counts().unused, 1U);
  share.asked();
  EXPECT_THAT(open(folder_name(2))->listing->entries, SizeIs(5001));
  EXPECT_THAT(share.asked(), Contains("list d12"));
}

TEST_F(ListingsAheadTest, HandsALargeFolderToWhoWaitsForIt) {
  for (int i = 0; i < 5000; ++i) share.put(folder_name(2) + "/" + std::to_string(i));
  open("");
  open(folder_name(0));
  share.hold();
  client::spawn(open_into(folder_name(1), std::make_shared<std::optional<Opened>>()));
  runtime.run();
  auto first = std::make_shared<std::optional<Opened>>();
  auto second = std::make_shared<std::optional<Opened>>();
  client::spawn(open_into(folder_name(2), first));
  client::spawn(open_into(folder_name(2), second));
  share.asked();
  share.release();
  runtime.run();
  EXPECT_THAT((*first)->listing->entries, SizeIs(5001));
  EXPECT_THAT((*second)->listing->entries, SizeIs(5001));
  EXPECT_THAT(share.asked(), Not(Contains("list d12")));
}

TEST_F(ListingsAheadTest, ListsTheFolderThatIsWalkedAgainBeforeItsListingIsTooOld) {
  begin_walk();
  const auto is_fresh = [&] {
    const std::shared_ptr<Listing> listing = nodes.root().listing.lock();
    return listing != nullptr && listing->complete && listing->asked.at + 1s > runtime.now();
  };
  kept.clear();  // as if many others had been listed since
  std::ptrdiff_t again = 0;
  for (int i = 2; i < 30; ++i) {
    runtime.advance(100ms);
    share.asked();
    open(folder_name(i));
    EXPECT_TRUE(is_fresh()) << i;
    const std::vector<std::string> asked = share.asked();
    again += std::count(asked.begin(), asked.end(), "list ");
  }
  EXPECT_THAT(again, testing::AllOf(testing::Ge(4), testing::Le(6))) << "twice a second";
}

TEST_F(ListingsAheadTest, BearsFoldersThatAreGone) {
  open("");
  for (int i = 2; i < 30; ++i) {
    share.tree.erase(folder_name(i));
    share.tree.erase(folder_name(i) + "/file");
  }
  open(folder_name(0));
  open(folder_name(1));
  EXPECT_EQ(ahead.counts().asked, 8U);
  EXPECT_EQ(ahead.counts().unused, 8U);
}

TEST_F(ListingsAheadTest, MayEndWhileListingsAreOnTheirWay) {
  std::optional<ListingsAhead> short_lived(std::in_place, runtime, share, nodes, rights, client::Duration(1s));
  const auto visit = [&](Node& node) {
    client::spawn(
        [](ListingsAhead& to, Node& opened) -> client::Task<void> { co_await to.take(opened); }(*short_lived, node));
    runtime.run();
  };
  Listing listing;
  for (int i = 0; i < 30; ++i) listing.add({folder_name(i), share.tree.at(folder_name(i))->attributes});
  visit(nodes.root());
  short_lived->note_listed(nodes.root(), listing);
  std::vector<NodeRef> pinned;
  for (int i = 0; i < 30; ++i) {
    pinned.push_back(nodes.adopt(nodes.root(), folder_name(i), share.tree.at(folder_name(i))->attributes, false));
  }
  share.hold();
  visit(*pinned[0]);
  visit(*pinned[1]);
  EXPECT_EQ(short_lived->counts().asked, 8U);
  short_lived.reset();
  share.release();
  runtime.run();
}

TEST_F(ListingsAheadTest, DoesNothingWithoutValidity) {
  ListingsAhead off(runtime, share, nodes, rights, client::Duration::zero());
  Listing listing;
  for (int i = 0; i < 30; ++i) listing.add({folder_name(i), share.tree.at(folder_name(i))->attributes});
  off.note_listed(nodes.root(), listing);
  for (int i = 0; i < 5; ++i) {
    NodeRef node = nodes.adopt(nodes.root(), folder_name(i), share.tree.at(folder_name(i))->attributes, false);
    EXPECT_EQ(runtime.finish(off.take(*node))->listing, nullptr);
  }
  EXPECT_THAT(share.asked(), IsEmpty());
}

// The same through the kernel's requests.
class WalkTest : public testing::Test {
 protected:
  WalkTest() {
    kernel.init();
    for (int i = 0; i < 20; ++i) {
      kernel.share.put_folder(folder_name(i));
      kernel.share.put(folder_name(i) + "/file" + std::to_string(i));
    }
  }
  std::uint64_t open(NodeId node) { return kernel.open_directory(node).fh; }
  void close(NodeId node, std::uint64_t handle) { kernel.close_file(node, handle, FUSE_RELEASEDIR); }
  std::vector<std::string> read(NodeId node, std::uint64_t handle, std::uint64_t offset = 0) {
    std::vector<std::string> names;
    for (;;) {
      fuse_read_in in{};
      in.fh = handle;
      in.offset = offset;
      in.size = 4096;
      const Reply reply = kernel.ask(FUSE_READDIR, node, raw(in));
      EXPECT_EQ(reply.error, 0);
      if (reply.body.empty()) return names;
      for (std::size_t at = 0; at < reply.body.size();) {
        const auto entry = reply.as<fuse_dirent>(at);
        names.push_back(reply.body.substr(at + FUSE_NAME_OFFSET, entry.namelen));
        offset = entry.off;
        at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen);
      }
    }
  }
  std::vector<std::string> visit(NodeId node) {
    const std::uint64_t handle = open(node);
    const std::vector<std::string> names = read(node, handle);
    close(node, handle);
    return names;
  }

  FakeKernel kernel;
};

TEST_F(WalkTest, ShowsWhatWasListedAheadAndListsAnewFromTheStart) {
  visit(kRootId);
  std::vector<NodeId> nodes;
  for (int i = 0; i < 3; ++i) nodes.push_back(kernel.lookup(kRootId, folder_name(i)).nodeid);
  visit(nodes[0]);
  visit(nodes[1]);
  kernel.share.asked();

  const std::uint64_t handle = open(nodes[2]);
  EXPECT_THAT(read(nodes[2], handle), ElementsAre(".", "..", "file2"));
  EXPECT_THAT(kernel.share.asked(), Not(Contains("list d12")));
  EXPECT_EQ(kernel.vfs.listings_ahead().used, 1U);

  kernel.share.put(folder_name(2) + "/new");
  EXPECT_THAT(read(nodes[2], handle, 2), ElementsAre("file2")) << "an offset that was told";
  EXPECT_THAT(read(nodes[2], handle), ElementsAre(".", "..", "file2", "new"));
  EXPECT_THAT(kernel.share.asked(), Contains("list d12"));
  close(nodes[2], handle);
}

TEST_F(WalkTest, ShowsWhatWeMadeInAFolderListedAhead) {
  visit(kRootId);
  std::vector<NodeId> nodes;
  for (int i = 0; i < 3; ++i) nodes.push_back(kernel.lookup(kRootId, folder_name(i)).nodeid);
  visit(nodes[0]);
  visit(nodes[1]);
  const Reply created = kernel.create(nodes[2], "new", O_WRONLY);
  EXPECT_EQ(created.error, 0);
  EXPECT_THAT(visit(nodes[2]), ElementsAre(".", "..", "file2", "new"));
}

}  // namespace
}  // namespace smb3fuse::fs::test
