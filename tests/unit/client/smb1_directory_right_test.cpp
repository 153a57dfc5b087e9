// SPDX-License-Identifier: Apache-2.0
// Rights to directories over SMB1: when the watch counts, what it tells, and that nothing stands once it is given up.
#include <gmock/gmock.h>

#include "smb/cifs/trans2.h"
#include "smb/wire/change_notify.h"
#include "smb/wire/utf16.h"
#include "tests/unit/client/smb1_fixture.h"

namespace smb3fuse::client {
namespace {

using cifs::Command;
using test::Smb1Request;
using testing::ElementsAre;
using testing::IsEmpty;

class Smb1DirectoryRightTest : public testing::Test, public DirectoryRight::Holder {
 protected:
  void SetUp() override {
    room.server.on(Command::nt_transact, [this](const Smb1Request& request) {
      standing.push_back(request);
      return std::nullopt;
    });
    room.server.on(Command::nt_cancel, [this](const Smb1Request& request) {
      EXPECT_EQ(request.header.mid, standing.back().header.mid);
      room.server.answer(standing.back(), test::refuse_in_smb1(NtStatus::STATUS_CANCELLED));
      return std::nullopt;
    });
    ASSERT_TRUE(room.connect()) << room.error.sentence;
  }
  void TearDown() override { right.reset(); }

  void handle_right(DirectoryRight&) override { told.emplace_back("right"); }
  bool handle_changes(DirectoryRight&, const std::vector<DirectoryRight::Change>& changes) override {
    if (changes.empty()) told.emplace_back("anything");
    for (const DirectoryRight::Change& change : changes) {
      using Action = DirectoryRight::Change::Action;
      const char sign = change.action == Action::appeared ? '+' : change.action == Action::gone ? '-' : '~';
      told.push_back(sign + change.name);
    }
    if (!wants_more) right.reset();
    return wants_more;
  }
  void handle_loss(DirectoryRight&, std::function<void()> done) override {
    told.emplace_back("loss");
    done();
  }

  void ask() {
    right = room.share->ask_directory_right("dir", *this);
    room.runtime.run();
  }
  void tell(wire::NotifyAction action, std::u16string_view name) {
    const Bytes text = wire::to_utf16le(name);
    wire::FileNotifyInformation change;
    change.action = action;
    change.file_name = wire::Utf16View{text};
    room.server.answer(standing.back(), test::reply_to_nt_transact(wire::encode(change)));
    room.runtime.run();
    room.runtime.advance(10ms);
  }

  std::vector<Smb1Request> standing;  // outlives the room, which answers to its last
  std::vector<std::string> told;
  Smb1Room room;
  bool wants_more = true;
  std::shared_ptr<DirectoryRight> right;
};

TEST_F(Smb1DirectoryRightTest, IsThereWhenAQuestionBehindTheWatchIsAnswered) {
  std::optional<Smb1Request> look;
  room.server.once(Command::transaction2, [&](const Smb1Request& request) {
    look = request;
    return std::nullopt;
  });
  ask();
  ASSERT_EQ(standing.size(), 1u);
  EXPECT_THAT(told, IsEmpty());
  room.server.answer(*look, test::reply_to_transaction(Bytes(2), room.files.all_info(true)));
  room.runtime.run();
  EXPECT_THAT(told, ElementsAre("right"));
  room.runtime.advance(10min);
  EXPECT_THAT(told, ElementsAre("right")) << "a watch may stand for ever";
}

TEST_F(Smb1DirectoryRightTest, TellsWhatHasChangedAndWatchesOn) {
  ask();
  tell(wire::NotifyAction::added, u"new");
  tell(wire::NotifyAction::removed, u"old");
  EXPECT_THAT(told, ElementsAre("right", "+new", "-old"));
  EXPECT_EQ(standing.size(), 3u);
}

TEST_F(Smb1DirectoryRightTest, TooManyChangesMayBeAny) {
  ask();
  room.server.answer(standing.back(), test::reply_to_nt_transact({}, NtStatus::STATUS_NOTIFY_ENUM_DIR));
  room.runtime.run();
  EXPECT_THAT(told, ElementsAre("right", "anything"));
}

TEST_F(Smb1DirectoryRightTest, IsCancelledAndClosedWhenItIsGivenUp) {
  ask();
  right.reset();
  room.runtime.advance(10ms);
  EXPECT_EQ(room.server.count(Command::nt_cancel), 1u);
  EXPECT_TRUE(room.files.opens().empty());
  EXPECT_THAT(told, ElementsAre("right"));
}

TEST_F(Smb1DirectoryRightTest, GivenUpAtAChangeStandsNoMore) {
  ask();
  wants_more = false;
  tell(wire::NotifyAction::added, u"new");
  EXPECT_EQ(standing.size(), 1u);
  EXPECT_EQ(room.server.count(Command::nt_cancel), 0u);
  EXPECT_TRUE(room.files.opens().empty());
}

TEST_F(Smb1DirectoryRightTest, GivenUpBeforeItIsOpenIsClosedLater) {
  right = room.share->ask_directory_right("dir", *this);
  right.reset();
  room.runtime.advance(10ms);
  EXPECT_EQ(room.files.created.back(), u"\\dir");
  EXPECT_TRUE(room.files.opens().empty());
  EXPECT_THAT(standing, IsEmpty());
}

TEST_F(Smb1DirectoryRightTest, IsLostWithTheDirectory) {
  ask();
  cifs::QueryFileAllInfo all;
  all.standard_information.delete_pending = true;
  room.server.once(Command::transaction2, test::reply_to_transaction(Bytes(2), wire::encode(all)));
  tell(wire::NotifyAction::removed, u"last");
  EXPECT_THAT(told, ElementsAre("right", "-last", "loss"));
  EXPECT_TRUE(room.files.opens().empty());
}

TEST_F(Smb1DirectoryRightTest, IsNotAskedForAgainWhereThereIsNone) {
  room.server.once(Command::nt_transact, test::refuse_in_smb1(NtStatus::STATUS_NOT_SUPPORTED));
  ask();
  EXPECT_THAT(told, testing::Contains("loss"));
  room.runtime.advance(10ms);
  EXPECT_TRUE(room.files.opens().empty());
  EXPECT_EQ(room.share->ask_directory_right("dir", *this), nullptr);
}

TEST_F(Smb1DirectoryRightTest, LeavesMostOfTheWindowToOthers) {
  std::vector<std::shared_ptr<DirectoryRight>> rights;
  for (int i = 0; i < 60; ++i) rights.push_back(room.share->ask_directory_right("dir", *this));
  room.runtime.run();
  EXPECT_EQ(standing.size(), 12u);  // of 50
  EXPECT_EQ(rights[12], nullptr);
  // They are given up last first, as the server of this test expects it.
  while (!rights.empty()) {
    if (rights.back() != nullptr) {
      rights.pop_back();
      room.runtime.run();
      standing.pop_back();
    } else {
      rights.pop_back();
    }
  }
  EXPECT_NE(room.share->ask_directory_right("dir", *this), nullptr);
}

}  // namespace
}  // namespace smb3fuse::client
