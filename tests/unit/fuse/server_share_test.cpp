// SPDX-License-Identifier: Apache-2.0
#include "smb/client/server_share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/manual_runtime.h"
#include "tests/unit/fuse/fake_share.h"

namespace smb3fuse::fs::test {
namespace {

using client::ConnectError;
using client::ConnectStep;
using client::ListedShare;
using client::ShareKind;
using testing::ElementsAre;
using testing::IsEmpty;

class ServerShareTest : public testing::Test, public client::Lease::Holder {
 protected:
  ServerShareTest() {
    client::ServerShare::Access access;
    access.list = [this]() -> client::Task<client::ServerShare::Listed> {
      ++lists;
      co_return shares;
    };
    access.connect = [this](std::string name) { return connect(std::move(name)); };
    server.emplace(runtime, "nas", std::move(access), shares);
  }

  client::Task<client::ServerShare::Connected> connect(std::string name) {
    connected.push_back(name);
    if (held) {
      auto wait = [&](auto done) { go_on = [done] { done(true); }; };
      co_await client::callback<bool>(wait);
    }
    if (refused != NtStatus::STATUS_SUCCESS) {
      co_return tl::make_unexpected(ConnectError{ConnectStep::tree_connect, make_error_code(refused), "no"});
    }
    auto share = std::make_unique<FakeShare>(runtime, pool);
    share->put("same", name);  // has the same file id in each
    share->put_folder("folder");
    share->rights = client::Rights{true, true, true};
    members[name] = share.get();
    co_return share;
  }

  template <class T>
  T run(client::Task<T> task) {
    std::optional<T> result = runtime.finish(std::move(task));
    EXPECT_TRUE(result);
    return std::move(*result);
  }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    auto stream = run(server->open_directory(""));
    EXPECT_TRUE(stream);
    const auto page = run((*stream)->next());
    for (const client::DirectoryEntry& entry : *page) found.push_back(entry.name);
    EXPECT_THAT(*run((*stream)->next()), IsEmpty());
    return found;
  }
  void handle_break(client::Rights left, std::function<void()> done) override {
    broken_to = left;
    done();
  }

  smb3fuse::test::ManualRuntime runtime;
  cache::BufferPool pool;
  std::vector<ListedShare> shares{{"films", ShareKind::disk, false, ""},    {"Music", ShareKind::disk, false, ""},
                                  {"paper", ShareKind::printer, false, ""}, {"hidden$", ShareKind::disk, false, ""},
                                  {"C$", ShareKind::disk, true, ""},        {"IPC$", ShareKind::pipe, true, ""}};
  int lists = 0;
  bool held = false;
  std::function<void()> go_on;
  NtStatus refused = NtStatus::STATUS_SUCCESS;
  std::vector<std::string> connected;
  std::map<std::string, FakeShare*> members;
  std::optional<client::Rights> broken_to;
  std::optional<client::ServerShare> server;
};

TEST_F(ServerShareTest, ShowsDisksThatAreNotHidden) {
  EXPECT_THAT(names(), ElementsAre("films", "Music"));
  EXPECT_TRUE(run(server->stat("films"))->is_directory());
  EXPECT_NE(run(server->stat("films"))->file_id, run(server->stat("Music"))->file_id);
  EXPECT_EQ(run(server->stat("MUSIC"))->file_id, run(server->stat("Music"))->file_id);
  EXPECT_THAT(connected, IsEmpty());
  EXPECT_EQ(lists, 0);
}

TEST_F(ServerShareTest, AsksForTheSharesAgainAfterAWhile) {
  runtime.advance(std::chrono::minutes(1));
  shares.pop_back();
  shares.push_back({"new", ShareKind::disk, false, ""});
  EXPECT_THAT(names(), ElementsAre("films", "Music", "new"));
  EXPECT_EQ(lists, 1);
}

TEST_F(ServerShareTest, ConnectsAShareOnceWhenItIsEntered) {
  EXPECT_TRUE(run(server->stat("films/same")));
  EXPECT_TRUE(run(server->stat("Films/folder")));
  EXPECT_TRUE(run(server->open_directory("films")));
  EXPECT_THAT(connected, ElementsAre("films"));
  EXPECT_THAT(members["films"]->asked(), ElementsAre("stat same", "stat folder", "list "));
}

TEST_F(ServerShareTest, ConnectsOnceForTwoThatEnterAtATime) {
  held = true;
  int answered = 0;
  const auto ask = [&](std::string path) -> client::Task<void> {
    const auto told = co_await server->stat(std::move(path));
    if (told) ++answered;
  };
  client::spawn(ask("films/same"));
  client::spawn(ask("films/folder"));
  EXPECT_EQ(answered, 0);
  go_on();
  EXPECT_EQ(answered, 2);
  EXPECT_THAT(connected, ElementsAre("films"));
}

TEST_F(ServerShareTest, FindsAHiddenShareByItsName) {
  const auto folder = run(server->stat("hidden$"));
  ASSERT_TRUE(folder);
  EXPECT_TRUE(folder->is_directory());
  EXPECT_THAT(connected, ElementsAre("hidden$"));
}

TEST_F(ServerShareTest, RemembersThatThereIsNoSuchShare) {
  for (const NtStatus status : {NtStatus::STATUS_BAD_NETWORK_NAME, NtStatus::STATUS_BAD_DEVICE_TYPE}) {
    refused = status;
    connected.clear();
    runtime.advance(std::chrono::minutes(2));
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(run(server->stat("IPC$")).error(), NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
      EXPECT_THAT(connected, ElementsAre("IPC$"));
    }
  }
  EXPECT_EQ(run(server->stat(".hidden")).error(), NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_THAT(connected, ElementsAre("IPC$"));
}

TEST_F(ServerShareTest, TriesAgainWhereItWasRefused) {
  refused = NtStatus::STATUS_ACCESS_DENIED;
  EXPECT_EQ(run(server->open_directory("films")).error(), NtStatus::STATUS_ACCESS_DENIED);
  refused = NtStatus::STATUS_SUCCESS;
  EXPECT_TRUE(run(server->open_directory("films")));
  EXPECT_THAT(connected, ElementsAre("films", "films"));
}

TEST_F(ServerShareTest, TellsFilesOfTwoSharesApart) {
  const auto film = run(server->stat("films/same"));
  const auto song = run(server->stat("Music/same"));
  ASSERT_EQ(members["films"]->tree["same"]->attributes.file_id, members["Music"]->tree["same"]->attributes.file_id);
  EXPECT_NE(film->file_id, song->file_id);

  client::OpenRequest request;
  request.path = "films/same";
  const auto opened = run(server->open(std::move(request)));
  EXPECT_EQ(opened->attributes.file_id, film->file_id);
  EXPECT_EQ(run(opened->open->attributes())->file_id, film->file_id);
  const auto stream = run(server->open_directory("films"));
  EXPECT_EQ((*stream)->attributes().file_id, run(server->stat("films"))->file_id);
  const auto page = run((*stream)->next());
  const auto same = std::find_if(page->begin(), page->end(), [](const auto& entry) { return entry.name == "same"; });
  ASSERT_NE(same, page->end());
  EXPECT_EQ(same->attributes.file_id, film->file_id);
}

TEST_F(ServerShareTest, LetsNothingGoFromOneShareToAnother) {
  constexpr bool kReplace = true;
  EXPECT_EQ(run(server->rename("films/same", "Music/other", kReplace, nullptr)), NtStatus::STATUS_NOT_SAME_DEVICE);
  EXPECT_EQ(run(server->link("films/same", "Music/other")), NtStatus::STATUS_NOT_SAME_DEVICE);
  EXPECT_THAT(connected, IsEmpty());
  EXPECT_FALSE(run(server->rename("films/same", "FILMS/other", kReplace, nullptr)));
  EXPECT_THAT(members["films"]->asked(), ElementsAre("rename same other"));
}

TEST_F(ServerShareTest, LetsNobodyChangeTheFolderOfShares) {
  constexpr auto kReadOnly = NtStatus::STATUS_MEDIA_WRITE_PROTECTED;
  client::OpenRequest making;
  making.path = "file";
  making.disposition = client::Disposition::open_or_create;
  EXPECT_EQ(run(server->open(std::move(making))).error(), kReadOnly);
  EXPECT_EQ(run(server->make_directory("folder", 0755)).error(), kReadOnly);
  EXPECT_EQ(run(server->make_symlink("link", "target")).error(), kReadOnly);
  EXPECT_EQ(run(server->remove_directory("films")), kReadOnly);
  EXPECT_EQ(run(server->remove_file("films", {})), kReadOnly);
  EXPECT_EQ(run(server->rename("films", "movies", false, nullptr)), kReadOnly);
  EXPECT_EQ(run(server->rename("films/same", "same", false, nullptr)), kReadOnly);
  EXPECT_EQ(run(server->link("films/same", "same")), kReadOnly);
  EXPECT_EQ(run(server->set_attributes("films", {})), kReadOnly);
  EXPECT_THAT(connected, IsEmpty());
}

TEST_F(ServerShareTest, TellsTheSpaceOfTheSharesThatAreConnected) {
  const auto space = [this] {
    const auto info = run(server->file_system_info());
    return std::pair(info->block_size * info->total_blocks, info->block_size * info->free_blocks);
  };
  EXPECT_EQ(space(), std::pair(std::uint64_t{0}, std::uint64_t{0}));
  EXPECT_TRUE(run(server->stat("films/same")));
  EXPECT_EQ(space(), std::pair(std::uint64_t{4'096'000}, std::uint64_t{2'048'000}));
  EXPECT_TRUE(run(server->stat("Music/same")));
  EXPECT_EQ(space(), std::pair(std::uint64_t{8'192'000}, std::uint64_t{4'096'000}));
}

TEST_F(ServerShareTest, TakesAFilesLeaseWhereTheFileIs) {
  const std::unique_ptr<client::Lease> lease = server->make_lease(*this);
  EXPECT_EQ(lease->rights(), client::Rights{});
  client::OpenRequest request;
  request.path = "films/same";
  request.lease = lease.get();
  const auto opened = run(server->open(std::move(request)));
  ASSERT_TRUE(opened);
  EXPECT_EQ(lease->rights(), (client::Rights{true, true, true}));
  bool answered = false;
  members["films"]->leases.front()->take_back({true, false, false}, [&] { answered = true; });
  EXPECT_EQ(broken_to, (client::Rights{true, false, false}));
  EXPECT_TRUE(answered);
}

TEST_F(ServerShareTest, AsksForRightsToFoldersOfSharesThatAreConnected) {
  struct Nobody final : client::DirectoryRight::Holder {
    void handle_right(client::DirectoryRight&) override {}
    bool handle_changes(client::DirectoryRight&, const std::vector<client::DirectoryRight::Change>&) override {
      return true;
    }
    void handle_loss(client::DirectoryRight&, std::function<void()> done) override { done(); }
  } holder;
  EXPECT_EQ(server->ask_directory_right("", holder), nullptr);
  EXPECT_EQ(server->ask_directory_right("films", holder), nullptr);
  EXPECT_TRUE(run(server->stat("films/same")));
  members["films"]->offers_directory_rights = true;
  EXPECT_NE(server->ask_directory_right("films/folder", holder), nullptr);
}

}  // namespace
}  // namespace smb3fuse::fs::test
