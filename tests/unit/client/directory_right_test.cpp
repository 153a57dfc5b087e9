// SPDX-License-Identifier: Apache-2.0
// Rights to directories on the wire: the lease or the watch that each server has, what is told of changes in every
// order in which it may come, and that what holds a directory open is closed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smb/wire/change_notify.h"
#include "smb/wire/close.h"
#include "smb/wire/create.h"
#include "smb/wire/create_contexts.h"
#include "smb/wire/oplock_break.h"
#include "smb/wire/utf16.h"
#include "tests/unit/client/share_fixture.h"

namespace smb3fuse::client {
namespace {

using test::ServerReply;
using test::ServerRequest;
using testing::ElementsAre;
using testing::IsEmpty;
using wire::Command;

constexpr std::uint32_t kRH = wire::SMB2_LEASE_READ_CACHING | wire::SMB2_LEASE_HANDLE_CACHING;

test::ServerOptions with(std::uint32_t capabilities, wire::Dialect dialect = wire::Dialect::smb_3_1_1) {
  test::ServerOptions options;
  options.dialect = dialect;
  options.capabilities |= capabilities;
  return options;
}

class FakeHolder final : public DirectoryRight::Holder {
 public:
  void handle_right(DirectoryRight&) override { told.emplace_back("right"); }
  bool handle_changes(DirectoryRight&, const std::vector<DirectoryRight::Change>& changes) override {
    if (changes.empty()) told.emplace_back("anything");
    for (const DirectoryRight::Change& change : changes) {
      using Action = DirectoryRight::Change::Action;
      const char sign = change.action == Action::appeared ? '+' : change.action == Action::gone ? '-' : '~';
      told.push_back(sign + change.name);
    }
    if (wants_more) return true;
    right.reset();
    return false;
  }
  void handle_loss(DirectoryRight&, std::function<void()> done) override {
    told.emplace_back("loss");
    if (gives_up_at_once) return done();
    waiting = std::move(done);
  }

  std::vector<std::string> told;
  bool wants_more = true;
  bool gives_up_at_once = true;
  std::function<void()> waiting;
  std::shared_ptr<DirectoryRight> right;
};

class DirectoryRoom : public Room {
 public:
  explicit DirectoryRoom(test::ServerOptions options) : Room(std::move(options)) {
    server.on(Command::create, [this](const ServerRequest& request) { return granted(request); });
    server.on(Command::change_notify, [this](const ServerRequest& request) {
      standing.push_back(request);
      return std::nullopt;
    });
    server.on(Command::oplock_break, [this](const ServerRequest& request) {
      const auto told = request.as<wire::LeaseBreakAcknowledgment>();
      acknowledged.push_back(told.lease_state);
      return test::reply_with(told);
    });
    EXPECT_TRUE(connect()) << error.sentence;
    opens_before = files.opens();
  }
  ~DirectoryRoom() { holder.right.reset(); }

  ServerReply granted(const ServerRequest& request) {
    ServerReply reply = files.create(request);
    const auto asked = request.as<wire::CreateRequest>();
    const auto lease = wire::find_context<wire::CreateLeaseV2>(asked.create_contexts);
    if (!lease || !*lease) return reply;
    leases.push_back(**lease);
    auto response = wire::decode<wire::CreateResponse>(reply.body).value_or(wire::CreateResponse{});
    wire::CreateLeaseV2 told = **lease;
    told.lease_state &= grant;
    told.epoch = 1;
    response.create_contexts.push_back(wire::make_create_context(told));
    response.oplock_level = wire::OplockLevel::lease;
    reply.body = wire::encode(response);
    return reply;
  }
  void ask(std::string path) {
    holder.right = share->ask_directory_right(std::move(path), holder);
    runtime.run();
  }
  // As one that waits for its first change.
  void ask_and_stand(std::string path) {
    ask(std::move(path));
    ASSERT_FALSE(standing.empty());
    server.pend(standing.back());
    runtime.run();
  }
  void tell(const std::vector<std::pair<wire::NotifyAction, std::u16string>>& changes) {
    Bytes chain;
    std::optional<std::size_t> previous;
    for (const auto& [action, name] : changes) {
      const Bytes text = wire::to_utf16le(name);
      wire::FileNotifyInformation entry;
      entry.action = action;
      entry.file_name = wire::Utf16View{text};
      previous = wire::append_entry(chain, previous, entry);
    }
    wire::ChangeNotifyResponse response;
    response.buffer = chain;
    answer(test::reply_with(response));
  }
  void answer(ServerReply reply) {
    const ServerRequest asked = standing.back();
    server.answer(asked, std::move(reply));
    runtime.run();
    heard = files.opens();
    runtime.advance(5ms);  // the next one is in no hurry
  }
  void break_lease(std::uint32_t to) {
    wire::Smb2Header header;
    header.command = Command::oplock_break;
    header.flags = wire::SMB2_FLAGS_SERVER_TO_REDIR;
    header.message_id = wire::kUnsolicitedMessageId;
    const wire::LeaseBreakNotification body{2, wire::SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED,
                                            leases.front().lease_key, kRH, to};
    server.send(server.message_of(header, wire::encode(body)));
    runtime.run();
  }
  std::size_t opens() {
    runtime.advance(10ms);
    return files.opens() - opens_before;
  }

  FakeHolder holder;
  std::uint32_t grant = kRH;
  std::vector<wire::CreateLeaseV2> leases;  // asked for
  std::vector<std::uint32_t> acknowledged;
  std::vector<ServerRequest> standing;  // CHANGE_NOTIFYs that were not answered at once
  std::size_t opens_before = 0;
  std::size_t heard = 0;  // opens when the last answer had come
};

// ---- leases

class DirectoryLease : public testing::Test, protected DirectoryRoom {
 protected:
  DirectoryLease() : DirectoryRoom(with(wire::SMB2_GLOBAL_CAP_LEASING | wire::SMB2_GLOBAL_CAP_DIRECTORY_LEASING)) {}
};

TEST_F(DirectoryLease, IsAskedForToReadAndToKeepTheHandle) {
  ask("dir");
  ASSERT_EQ(leases.size(), 1u);
  EXPECT_EQ(leases[0].lease_state, kRH);
  EXPECT_THAT(holder.told, ElementsAre("right"));
  EXPECT_EQ(server.count(Command::change_notify), 0u);
}

TEST_F(DirectoryLease, IsGivenUpWithItsOpen) {
  ask("dir");
  EXPECT_EQ(opens(), 1u);
  holder.right.reset();
  EXPECT_EQ(opens(), 0u);
}

TEST_F(DirectoryLease, IsLostWithAnyBreakWhichTheCloseAnswers) {
  for (const std::uint32_t left : {wire::SMB2_LEASE_READ_CACHING, wire::SMB2_LEASE_NONE}) {
    ask("dir");
    holder.gives_up_at_once = false;
    break_lease(left);
    EXPECT_EQ(holder.told.back(), "loss");
    EXPECT_EQ(opens(), 1u) << "it is still told to be valid";
    holder.waiting();
    runtime.run();  // no time passes: the server waits for it
    EXPECT_EQ(files.opens(), opens_before);
    EXPECT_THAT(acknowledged, IsEmpty());
    leases.clear();
    holder.gives_up_at_once = true;
  }
}

TEST_F(DirectoryLease, ThatIsBrokenBeforeItIsThereIsNone) {
  ServerRequest kept;
  server.once(Command::create, [&](const ServerRequest& request) {
    kept = request;
    return std::nullopt;
  });
  ask("dir");
  const ServerReply late = granted(kept);  // what the break takes away
  break_lease(wire::SMB2_LEASE_NONE);
  EXPECT_THAT(holder.told, IsEmpty());
  server.answer(kept, late);
  runtime.run();
  EXPECT_THAT(holder.told, ElementsAre("loss"));
  EXPECT_EQ(opens(), 0u);
}

TEST_F(DirectoryLease, ThatIsNotGrantedIsLost) {
  grant = wire::SMB2_LEASE_NONE;
  ask("dir");
  EXPECT_THAT(holder.told, ElementsAre("loss"));
  EXPECT_EQ(opens(), 0u);
}

TEST_F(DirectoryLease, OfADirectoryThatIsNotThereIsLost) {
  server.once(Command::create, test::refuse(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND));
  ask("dir");
  EXPECT_THAT(holder.told, ElementsAre("loss"));
}

TEST_F(DirectoryLease, IsNamedByWhatChangesTheDirectory) {
  ask("dir");
  const wire::LeaseKey key = leases.at(0).lease_key;
  const auto names_parent = [&](const char* what) {
    ASSERT_FALSE(leases.empty()) << what;
    EXPECT_EQ(leases.back().lease_flags, std::uint32_t{wire::SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET}) << what;
    EXPECT_EQ(leases.back().parent_lease_key, key) << what;
    EXPECT_EQ(leases.back().lease_state, std::uint32_t{wire::SMB2_LEASE_NONE}) << what;
    EXPECT_NE(leases.back().lease_key, key) << what;
    leases.clear();
  };
  EXPECT_TRUE(finish(share->make_directory("dir/newdir", 0755)));
  names_parent("mkdir");
  EXPECT_FALSE(finish(share->remove_file("dir/f", {})));
  names_parent("remove");
  EXPECT_FALSE(finish(share->remove_directory("dir/olddir")));
  names_parent("rmdir");
  EXPECT_FALSE(finish(share->rename("dir/f", "dir/g", true, nullptr)));
  names_parent("rename");
  AttributeChanges changes;
  changes.last_write_time = 5;
  EXPECT_FALSE(finish(share->set_attributes("dir/f", changes)));
  names_parent("set_attributes");
  EXPECT_TRUE(finish(share->open(to_write("dir/f"))));
  names_parent("open to write");

  EXPECT_TRUE(finish(share->make_directory("other/newdir", 0755)));
  EXPECT_TRUE(finish(share->stat("dir/f")));
  EXPECT_THAT(leases, IsEmpty()) << "of another directory, or without a change";
  holder.right.reset();
  EXPECT_TRUE(finish(share->make_directory("dir/newdir", 0755)));
  EXPECT_THAT(leases, IsEmpty());
}

// ---- watches

class DirectoryWatch : public testing::Test, protected DirectoryRoom {
 protected:
  DirectoryWatch() : DirectoryRoom(with(wire::SMB2_GLOBAL_CAP_LEASING)) {}
};

TEST_F(DirectoryWatch, IsThereWhenTheServerHasTakenItOn) {
  ask("dir");
  EXPECT_THAT(holder.told, IsEmpty()) << "the directory is open, but nothing watches it yet";
  server.pend(standing.back());
  runtime.run();
  EXPECT_THAT(holder.told, ElementsAre("right"));
  EXPECT_THAT(leases, IsEmpty());
  EXPECT_EQ(standing.back().as<wire::ChangeNotifyRequest>().flags, 0u) << "not of what is below it";
}

TEST_F(DirectoryWatch, TellsWhatHasChangedAndGoesOn) {
  ask_and_stand("dir");
  tell({{wire::NotifyAction::added, u"a"}, {wire::NotifyAction::removed, u"b"}, {wire::NotifyAction::modified, u"c"}});
  tell({{wire::NotifyAction::renamed_old_name, u"d"}, {wire::NotifyAction::renamed_new_name, u"e"}});
  EXPECT_THAT(holder.told, ElementsAre("right", "+a", "-b", "~c", "-d", "+e"));
  EXPECT_EQ(standing.size(), 3u);
  EXPECT_EQ(opens(), 1u);
}

TEST_F(DirectoryWatch, ThatHasMissedChangesTellsThatAnythingMayHaveChanged) {
  ask_and_stand("dir");
  answer({NtStatus::STATUS_NOTIFY_ENUM_DIR, wire::encode(wire::ChangeNotifyResponse{})});
  tell({{wire::NotifyAction::modified, u""}});  // the directory itself
  EXPECT_THAT(holder.told, ElementsAre("right", "anything", "anything"));
  EXPECT_EQ(standing.size(), 3u);
}

TEST_F(DirectoryWatch, IsOverWhenTheDirectoryGoes) {
  for (const NtStatus status : {NtStatus::STATUS_DELETE_PENDING, NtStatus::STATUS_NOTIFY_CLEANUP}) {
    ask_and_stand("dir");
    holder.told.clear();
    answer(test::refuse(status));
    EXPECT_THAT(holder.told, ElementsAre("loss"));
    EXPECT_EQ(heard, opens_before) << "the server waits for the CLOSE";
  }
}

TEST_F(DirectoryWatch, IsOverWhenTheDirectoryWasRemovedBetweenTwoRequests) {
  ask_and_stand("dir");
  wire::FileStandardInformation removed;
  removed.directory = removed.delete_pending = true;
  server.once(Command::query_info, [output = wire::encode(removed)](const ServerRequest&) {
    wire::QueryInfoResponse response;
    response.output_buffer = output;
    return test::reply_with(response);
  });
  tell({{wire::NotifyAction::removed, u"last"}});
  EXPECT_THAT(holder.told, ElementsAre("right", "-last", "loss"));
  EXPECT_EQ(files.opens(), opens_before) << "the server waits for the CLOSE";
}

TEST_F(DirectoryWatch, ThatNobodyWantsAnyMoreIsClosed) {
  ask_and_stand("dir");
  holder.wants_more = false;
  tell({{wire::NotifyAction::added, u"a"}});
  EXPECT_EQ(standing.size(), 1u);
  EXPECT_EQ(opens(), 0u);
}

TEST_F(DirectoryWatch, IsClosedThoughItWasGivenUpBeforeItCame) {
  ServerRequest kept;
  server.once(Command::create, [&](const ServerRequest& request) {
    kept = request;
    return std::nullopt;
  });
  server.once(Command::change_notify, [](const ServerRequest&) { return std::nullopt; });
  ask("dir");
  holder.right.reset();
  server.answer(kept, files.create(kept));
  runtime.run();
  EXPECT_EQ(opens(), 0u);
  EXPECT_THAT(holder.told, IsEmpty());
}

TEST_F(DirectoryWatch, StandsForAsLongAsTheServerLikes) {
  ask_and_stand("dir");
  runtime.advance(10min);  // ECHOs are answered meanwhile
  tell({{wire::NotifyAction::added, u"a"}});
  EXPECT_THAT(holder.told, ElementsAre("right", "+a"));
}

TEST_F(DirectoryWatch, IsNotAskedForAgainWhereTheServerKnowsNone) {
  ask("dir");
  answer(test::refuse(NtStatus::STATUS_NOT_SUPPORTED));
  EXPECT_THAT(holder.told, ElementsAre("loss"));
  EXPECT_EQ(opens(), 0u);
  EXPECT_EQ(share->ask_directory_right("dir", holder), nullptr);
}

TEST_F(DirectoryWatch, IsLostWithTheConnection) {
  ask_and_stand("dir");
  stream->lose(make_error_code(NtStatus::STATUS_CONNECTION_RESET));
  runtime.run();
  EXPECT_EQ(holder.told.back(), "loss");
}

TEST(DirectoryRights, AreNotAskedForWithoutACache) {
  Room room(with(wire::SMB2_GLOBAL_CAP_LEASING | wire::SMB2_GLOBAL_CAP_DIRECTORY_LEASING));
  room.config.caching = false;
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  FakeHolder holder;
  EXPECT_EQ(room.share->ask_directory_right("dir", holder), nullptr);
}

TEST(DirectoryRights, AreWatchesBeforeSmb3) {
  DirectoryRoom room(with(wire::SMB2_GLOBAL_CAP_LEASING, wire::Dialect::smb_2_1));
  room.ask_and_stand("dir");
  EXPECT_THAT(room.holder.told, ElementsAre("right"));
}

}  // namespace
}  // namespace smb3fuse::client
