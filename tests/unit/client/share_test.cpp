// SPDX-License-Identifier: Apache-2.0
// A connected share: how operations look on the wire, how a session that expires is renewed, and what is not believed.
#include <gtest/gtest.h>

#include "smb/client/mfsymlink.h"
#include "smb/wire/close.h"
#include "smb/wire/create.h"
#include "smb/wire/fscc.h"
#include "smb/wire/lock.h"
#include "smb/wire/query_directory.h"
#include "smb/wire/read_write.h"
#include "smb/wire/set_info.h"
#include "tests/unit/client/share_fixture.h"

namespace smb3fuse::client {
namespace {

using test::ServerRequest;
using wire::Command;

class ShareTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(room.connect()) << room.error.sentence; }
  std::vector<Command> commands_since(std::size_t first) const {
    std::vector<Command> commands;
    for (std::size_t i = first; i < room.server.requests.size(); ++i) {
      commands.push_back(room.server.requests[i].header.command);
    }
    return commands;
  }
  std::size_t asked() const { return room.server.requests.size(); }

  Room room;
};

// ---- one message for one operation

TEST_F(ShareTest, StatIsOneMessage) {
  const std::size_t first = asked();
  const auto attributes = room.finish(room.share->stat("a/b:c"));
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->end_of_file, 11u);
  EXPECT_EQ(attributes->number_of_links, 1u);
  EXPECT_EQ(attributes->file_id, 4711u);
  EXPECT_EQ(commands_since(first), (std::vector{Command::create, Command::query_info, Command::close}));
  EXPECT_EQ(room.files.created.back(), u"a\\b\uF022c");
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_F(ShareTest, LocksAreChangedInOneMessageThatNeverWaits) {
  std::vector<wire::LockRequest> locks;
  NtStatus refusal = NtStatus::STATUS_SUCCESS;  // of what is taken in the end
  room.server.on(Command::lock, [&](const ServerRequest& request) {
    locks.push_back(request.as<wire::LockRequest>());
    const bool last = locks.size() % 3 == 0;
    return last && is_error(refusal) ? test::refuse(refusal) : test::reply_with(wire::LockResponse{});
  });
  const auto opened = room.finish(room.share->open(Room::to_write("f")));
  ASSERT_TRUE(opened);
  const LockPlan plan{.beside = {{{0, 5}, LockKind::shared}},
                      .drop = {{{0, 10}, LockKind::exclusive}, {{20, 30}, LockKind::shared}},
                      .take = {{{1u << 30, kWholeFile.end}, LockKind::exclusive}}};
  const std::size_t first = asked();
  const LockAnswer answer = room.finish(opened->open->change_locks(plan));
  EXPECT_EQ(commands_since(first),
            (std::vector{Command::lock, Command::lock, Command::lock, Command::query_info, Command::query_info}));
  EXPECT_FALSE(answer.error);
  EXPECT_TRUE(answer.beside && answer.dropped && answer.taken);
  ASSERT_TRUE(answer.attributes);
  EXPECT_EQ(answer.attributes->end_of_file, 11u);
  EXPECT_EQ(answer.attributes->file_id, 4711u);
  ASSERT_EQ(locks.size(), 3u);
  ASSERT_EQ(locks[0].locks.size(), 1u);
  EXPECT_EQ(locks[0].locks[0].length, 5u);
  EXPECT_EQ(locks[0].locks[0].flags, wire::SMB2_LOCKFLAG_SHARED_LOCK | wire::SMB2_LOCKFLAG_FAIL_IMMEDIATELY);
  ASSERT_EQ(locks[1].locks.size(), 2u);
  EXPECT_EQ(locks[1].locks[1].offset, 20u);
  EXPECT_EQ(locks[1].locks[1].length, 10u);
  EXPECT_EQ(locks[1].locks[1].flags, wire::SMB2_LOCKFLAG_UNLOCK);
  ASSERT_EQ(locks[2].locks.size(), 1u);
  EXPECT_EQ(locks[2].locks[0].length, (std::uint64_t{1} << 63) - (1u << 30));
  EXPECT_EQ(locks[2].locks[0].flags, wire::SMB2_LOCKFLAG_EXCLUSIVE_LOCK | wire::SMB2_LOCKFLAG_FAIL_IMMEDIATELY);

  refusal = NtStatus::STATUS_LOCK_NOT_GRANTED;
  const LockAnswer refused = room.finish(opened->open->change_locks(plan));
  EXPECT_EQ(refused.error, NtStatus::STATUS_LOCK_NOT_GRANTED);
  EXPECT_TRUE(refused.beside && refused.dropped);
  EXPECT_FALSE(refused.taken || refused.attributes);
}

TEST_F(ShareTest, OpenBringsTheFirstBytesAlong) {
  const std::size_t sends = room.stream->send_calls();
  auto opened = room.finish(room.share->open(Room::to_read("f", 5)));
  ASSERT_TRUE(opened);
  EXPECT_EQ(room.stream->send_calls(), sends + 1);
  EXPECT_TRUE(opened->first_read_done);
  EXPECT_EQ(Bytes(opened->first.bytes().begin(), opened->first.bytes().end()), (Bytes{'h', 'e', 'l', 'l', 'o'}));
  EXPECT_EQ(room.files.opens(), 1u);
  opened->open.reset();
  room.runtime.advance(10ms);
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_F(ShareTest, CloseGoesOutWithTheNextRequest) {
  auto opened = room.finish(room.share->open(Room::to_read("f")));
  ASSERT_TRUE(opened);
  const std::size_t sends = room.stream->send_calls();
  opened->open.reset();
  EXPECT_TRUE(room.finish(room.share->stat("g")));
  EXPECT_EQ(room.stream->send_calls(), sends + 1);
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_F(ShareTest, RemoveOfAReadOnlyFileClearsTheAttributeInTheSameMessage) {
  const std::size_t first = asked();
  Share::RemoveHint hint;
  hint.file_attributes = file_attribute::readonly;
  EXPECT_EQ(room.finish(room.share->remove_file("f", hint)), std::error_code());
  EXPECT_EQ(commands_since(first),
            (std::vector{Command::create, Command::set_info, Command::set_info, Command::close}));
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_F(ShareTest, RemoveTriesAgainWhenTheFileHasBecomeReadOnly) {
  room.server.once(Command::create, test::refuse(NtStatus::STATUS_CANNOT_DELETE));
  EXPECT_EQ(room.finish(room.share->remove_file("f", {})), std::error_code());
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_F(ShareTest, RemoveOfAFileThatWeHoldRenamesItOutOfSight) {
  Share::RemoveHint hint;
  hint.keep_for_opens = true;
  const std::size_t first = asked();
  EXPECT_EQ(room.finish(room.share->remove_file("d/f", hint)), std::error_code());
  const auto set = room.server.requests[first + 1].as<wire::SetInfoRequest>();
  const auto rename = wire::decode<wire::FileRenameInformation>(set.buffer);
  ASSERT_TRUE(rename);
  ASSERT_TRUE(rename->file_name.starts_with(u"d\\.smb3fuse_removed_"));
  EXPECT_TRUE(room.share->is_hidden_name(".smb3fuse_removed_0123"));
  EXPECT_FALSE(room.share->is_hidden_name("smb3fuse_removed_"));
}

// Samba 4.17 lets no other request wait, e.g. until other clients have given up the file's handle.
TEST_F(ShareTest, RenameThatHasToWaitIsSentAgainAsTheLastOfItsMessage) {
  room.server.once(Command::set_info, test::refuse(NtStatus::STATUS_INTERNAL_ERROR));
  const std::size_t first = asked();
  EXPECT_EQ(room.finish(room.share->rename("a", "b", true, nullptr)), std::error_code());
  EXPECT_EQ(commands_since(first),
            (std::vector{Command::create, Command::set_info, Command::close, Command::create, Command::set_info}));
  room.runtime.advance(1s);
  EXPECT_EQ(room.files.opens(), 0u);
}

// ---- listings

TEST_F(ShareTest, ListsSeveralPagesWithoutTheDots) {
  auto stream = room.finish(room.share->open_directory("x dir"));
  ASSERT_TRUE(stream);
  std::vector<std::string> names;
  for (;;) {
    const auto page = room.finish((*stream)->next());
    ASSERT_TRUE(page);
    if (page->empty()) break;
    for (const DirectoryEntry& entry : *page) names.push_back(entry.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"a.txt", "b.txt", "c.txt"}));
  stream->reset();
  room.runtime.advance(10ms);
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_F(ShareTest, ListsNoNameThatCouldLeaveTheMount) {
  room.files.pages = {{u".", u"..", u"../etc", u"a/b", u"", std::u16string(u"n\0l", 3), std::u16string(1, 0xD800)},
                      {u"\uF029\uF029", u"good"}};
  auto stream = room.finish(room.share->open_directory("dir"));
  ASSERT_TRUE(stream);
  const auto page = room.finish((*stream)->next());
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 1u);
  EXPECT_EQ(page->front().name, "good");
}

TEST_F(ShareTest, GivesAnErrorForAListingThatIsBroken) {
  room.server.once(Command::query_directory, [](const ServerRequest&) {
    Bytes chain = test::ScriptedShare::listing({u"a", u"b"}, 1);
    wire::store_le(chain.data(), std::uint32_t{7});
    wire::QueryDirectoryResponse response;
    response.output_buffer = chain;
    return test::reply_with(response);
  });
  auto stream = room.finish(room.share->open_directory("dir"));
  ASSERT_TRUE(stream);
  const auto page = room.finish((*stream)->next());
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error(), NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
}

TEST_F(ShareTest, FindsLinksInAListing) {
  room.files.content = *encode_mfsymlink("../target");
  room.files.entry_size = kMfSymlinkSize;
  room.files.pages = {{u"link1", u"link2"}};
  auto stream = room.finish(room.share->open_directory("x\ndir"));
  ASSERT_TRUE(stream);
  const auto page = room.finish((*stream)->next());
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 2u);
  for (const DirectoryEntry& entry : *page) EXPECT_EQ(entry.attributes.symlink_target, "../target");
  EXPECT_EQ(room.files.created.back(), u"x\uF00Adir\\link2");
  EXPECT_EQ(room.files.opens(), 1u);  // the directory
}

// ---- what a server says of reads and writes

TEST_F(ShareTest, ReadOfMoreThanWasAskedForIsNotBelieved) {
  auto opened = room.finish(room.share->open(Room::to_read("f")));
  ASSERT_TRUE(opened);
  room.server.once(Command::read, [](const ServerRequest&) {
    static const Bytes kMuch(100, 'x');
    wire::ReadResponse response;
    response.data = wire::Payload::of(kMuch);
    return test::reply_with(response);
  });
  const auto error = room.finish([&](Open::Done done) {
    opened->open->read(0, 50, [done](std::error_code told, const cache::Buffer&) { done(told); });
  });
  EXPECT_EQ(error, NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
}

TEST_F(ShareTest, ReadPastTheEndIsEmptyAndNoError) {
  auto opened = room.finish(room.share->open(Room::to_read("f")));
  ASSERT_TRUE(opened);
  const auto error = room.finish([&](Open::Done done) {
    opened->open->read(100, 50, [done](std::error_code told, const cache::Buffer& data) {
      EXPECT_TRUE(data.empty());
      done(told);
    });
  });
  EXPECT_EQ(error, std::error_code());
}

TEST_F(ShareTest, WriteOfLessThanWasSentIsAnError) {
  auto opened = room.finish(room.share->open(Room::to_write("f")));
  ASSERT_TRUE(opened);
  room.server.once(Command::write, test::reply_with(wire::WriteResponse{3}));
  const auto error = room.finish([&](Open::Done done) {
    opened->open->write(0, {room.pool.copy_of(Bytes(10, 'x'))}, {}, false,
                        [done](std::error_code told, std::error_code) { done(told); });
  });
  EXPECT_EQ(error, NtStatus::STATUS_DISK_FULL);
}

// ---- a part that fails leaves no open behind, whether the server goes on or not

class FailedPart : public testing::TestWithParam<bool> {};

TEST_P(FailedPart, LeavesNoOpenBehind) {
  Room room;
  ASSERT_TRUE(room.connect());
  room.server.fail_whole_compounds = GetParam();
  const auto fail_next = [&](Command command) {
    room.server.once(command, test::refuse(NtStatus::STATUS_INSUFFICIENT_RESOURCES));
  };
  fail_next(Command::query_info);
  EXPECT_FALSE(room.finish(room.share->stat("f")));
  fail_next(Command::query_info);
  static_cast<void>(room.finish(room.share->file_system_info()));  // asks in another way
  fail_next(Command::write);
  EXPECT_FALSE(room.finish(room.share->make_symlink("l", "t")));
  fail_next(Command::set_info);
  EXPECT_TRUE(room.finish(room.share->rename("a", "b", false, nullptr)));
  fail_next(Command::set_info);
  EXPECT_TRUE(room.finish(room.share->link("a", "b")));
  fail_next(Command::set_info);
  EXPECT_TRUE(room.finish(room.share->remove_directory("dir")));
  room.files.content.resize(kMfSymlinkSize);  // looks like a link: is probed
  fail_next(Command::read);
  EXPECT_TRUE(room.finish(room.share->stat("f")));
  room.runtime.advance(10ms);
  EXPECT_EQ(room.files.opens(), 0u);
}

INSTANTIATE_TEST_SUITE_P(ServerThat, FailedPart, testing::Bool(),
                         [](const auto& told) { return told.param ? "FailsTheRestToo" : "GoesOn"; });

// ---- the session expires

TEST_F(ShareTest, SessionThatExpiresIsSetUpAnewAndTheRequestRepeated) {
  room.server.expire_session();
  const std::size_t set_up = room.server.count(Command::session_setup);
  EXPECT_TRUE(room.finish(room.share->stat("a")));
  EXPECT_EQ(room.server.count(Command::session_setup), set_up + 2);
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_F(ShareTest, RequestsWaitWhileTheSessionIsSetUpAnew) {
  room.server.expire_session();
  std::vector<int> done;
  for (int i = 0; i < 3; ++i) {
    spawn([](Room& where, std::vector<int>& told, int number) -> Task<void> {
      const auto attributes = co_await where.share->stat("f");
      EXPECT_TRUE(attributes);
      told.push_back(number);
    }(room, done, i));
  }
  room.runtime.run();
  EXPECT_EQ(done, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(room.server.count(Command::session_setup), 4u);  // once for all of them
}

TEST_F(ShareTest, WriteKeepsItsDataForTheRepetition) {
  auto opened = room.finish(room.share->open(Room::to_write("f")));
  ASSERT_TRUE(opened);
  room.server.expire_session();
  const auto error = room.finish([&](Open::Done done) {
    opened->open->write(0, {room.pool.copy_of(Bytes(10, 'x'))}, {}, false,
                        [done](std::error_code told, std::error_code) { done(told); });
  });
  EXPECT_EQ(error, std::error_code());
  const auto last = room.server.requests.back().as<wire::WriteRequest>();
  EXPECT_EQ(Bytes(last.data.bytes.begin(), last.data.bytes.end()), Bytes(10, 'x'));
}

TEST_F(ShareTest, SessionThatCannotBeSetUpAnewFailsWhatWaited) {
  room.server.expire_session();
  room.server.on(Command::session_setup,
                 [](const ServerRequest&) { return test::refuse(NtStatus::STATUS_ACCOUNT_DISABLED); });
  const auto attributes = room.finish(room.share->stat("a"));
  ASSERT_FALSE(attributes);
  EXPECT_EQ(attributes.error(), NtStatus::STATUS_ACCOUNT_DISABLED);
}

TEST_F(ShareTest, SessionThatExpiresAtOnceIsSetUpAnewOnceForEachRequest) {
  room.server.on(Command::create,
                 [](const ServerRequest&) { return test::refuse(NtStatus::STATUS_NETWORK_SESSION_EXPIRED); });
  for (std::size_t requests = 1; requests <= 2; ++requests) {
    const auto attributes = room.finish(room.share->stat("a"));
    ASSERT_FALSE(attributes);
    EXPECT_EQ(attributes.error(), NtStatus::STATUS_NETWORK_SESSION_EXPIRED);
    EXPECT_EQ(room.server.count(Command::session_setup), 2 + 2 * requests);
  }
}

// ---- time

TEST_F(ShareTest, EchoesWhileNobodyAsksForAnything) {
  room.runtime.advance(5min);
  EXPECT_GE(room.server.count(Command::echo), 4u);
  EXPECT_LE(room.server.count(Command::echo), 5u);
  EXPECT_TRUE(room.finish(room.share->stat("a")));
}

TEST_F(ShareTest, RequestThatIsNeverAnsweredTimesOutAloneWhileTheServerLives) {
  room.server.once(Command::create, [](const ServerRequest&) { return std::nullopt; });
  room.server.once(Command::query_info, [](const ServerRequest&) { return std::nullopt; });
  room.server.once(Command::close, [](const ServerRequest&) { return std::nullopt; });
  const auto began = room.runtime.now();
  const auto attributes = room.finish(room.share->stat("a"));
  ASSERT_FALSE(attributes);
  EXPECT_EQ(attributes.error(), NtStatus::STATUS_IO_TIMEOUT);
  EXPECT_EQ(room.runtime.now() - began, 30s);
  EXPECT_TRUE(room.finish(room.share->stat("b")));
}

// An append may ask through an open that another handle closes meanwhile.
TEST(Open, MayGoBeforeItsAttributesAreTold) {
  Room room;
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  auto opened = room.finish(room.share->open(Room::to_read("f")));
  ASSERT_TRUE(opened);
  std::optional<Result<Attributes>> told;
  spawn([](Task<Result<Attributes>> asked, std::optional<Result<Attributes>>& answer) -> Task<void> {
    Result<Attributes> result = co_await std::move(asked);
    answer.emplace(std::move(result));
  }(opened->open->attributes(), told));
  opened->open.reset();
  room.runtime.advance(1s);
  ASSERT_TRUE(told && *told);
  EXPECT_EQ((*told)->file_id, opened->attributes.file_id);
}

}  // namespace
}  // namespace smb3fuse::client
