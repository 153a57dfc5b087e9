// SPDX-License-Identifier: Apache-2.0
// Names where an SMB1 server has no Unicode. The scripted server has a byte where its names have a character, so that
// "\x84" is what a server with code page 850 calls u00e4.
#include "smb/cifs/trans2.h"
#include "smb/client/mfsymlink.h"
#include "tests/unit/client/smb1_fixture.h"

namespace smb3fuse::client {
namespace {

using cifs::Command;
using test::Smb1Request;

test::Smb1ServerOptions without_unicode() {
  test::Smb1ServerOptions options;
  options.extended_security = false;
  options.unicode = false;
  return options;
}

class Smb1CodePage : public testing::Test {
 protected:
  void connect() { ASSERT_TRUE(room.connect()) << room.error.sentence; }
  std::vector<std::string> names_of_next(DirectoryStream& directory) {
    const auto page = room.finish(directory.next());
    EXPECT_TRUE(page);
    std::vector<std::string> names;
    if (page) {
      for (const DirectoryEntry& entry : *page) names.push_back(entry.name);
    }
    return names;
  }
  std::vector<std::string> listed() {
    const auto directory = room.finish(room.share->open_directory("dir"));
    EXPECT_TRUE(directory);
    return directory ? names_of_next(**directory) : std::vector<std::string>();
  }

  Smb1Room room{without_unicode()};
};

TEST_F(Smb1CodePage, NamesAreSentInIt) {
  connect();
  ASSERT_TRUE(room.finish(room.share->open(Smb1Room::to_read("Gr\u00f6\u00dfe/\u00e4.txt"))));
  EXPECT_EQ(room.files.created.back(), u"\\Gr\x94\xE1\x65\\\x84.txt");
}

TEST_F(Smb1CodePage, NamesAreReadInIt) {
  room.files.names = {u".", u"..", u"a.txt", u"\x84.txt"};
  connect();
  EXPECT_EQ(listed(), (std::vector<std::string>{"a.txt", "\u00e4.txt"}));
}

TEST_F(Smb1CodePage, TheUserSaysWhich) {
  room.config.code_page = "866";
  room.files.names = {u"\x84.txt"};
  connect();
  EXPECT_EQ(listed(), std::vector<std::string>{"\u0414.txt"});
  ASSERT_TRUE(room.finish(room.share->open(Smb1Room::to_read("\u0414"))));
  EXPECT_EQ(room.files.created.back(), u"\\\x84");
}

TEST_F(Smb1CodePage, WhatItLacksIsRefusedHere) {
  connect();
  const auto refused = std::make_error_code(std::errc::illegal_byte_sequence);
  for (const char* name : {"\u65e5\u672c", "dir/\u20ac", "a\u2014b", "with a colon: mapped beyond it"}) {
    EXPECT_EQ(room.finish(room.share->stat(name)).error(), refused) << name;
    EXPECT_EQ(room.finish(room.share->make_directory(name, 0755)).error(), refused) << name;
    EXPECT_EQ(room.finish(room.share->rename("a.txt", name, true, nullptr)), refused) << name;
    EXPECT_EQ(room.finish(room.share->remove_file(name, {})), refused) << name;
  }
  EXPECT_TRUE(room.server.requests.empty());
}

TEST_F(Smb1CodePage, WhatIsNoTextIsLeftOutOfListings) {
  room.config.code_page = "ASCII";
  room.files.names = {u"a.txt", u"\x84.txt"};
  connect();
  EXPECT_EQ(listed(), std::vector<std::string>{"a.txt"});
}

// The server's own rules may differ from those by which we map such names.
TEST_F(Smb1CodePage, NamesWithReservedCharactersAreShownButNotOpened) {
  room.files.names = {u"a:b", u"ends in a full stop."};
  room.files.content.resize(kMfSymlinkSize);  // as large as a link
  connect();
  EXPECT_EQ(listed(), (std::vector<std::string>{"a:b", "ends in a full stop."}));
  EXPECT_EQ(room.finish(room.share->stat("a:b")).error(), std::make_error_code(std::errc::illegal_byte_sequence));
  EXPECT_EQ(room.server.count(Command::nt_create_andx), 0u);
}

// Otherwise the server would begin again in front of it, and so for ever.
TEST_F(Smb1CodePage, AListingGoesOnBehindANameThatIsNoText) {
  room.config.code_page = "ASCII";
  room.files.names = {u"a.txt", u"\x84.txt"};
  connect();
  room.server.once(Command::transaction2, [&](const Smb1Request&) {
    cifs::FindFirst2Response found;
    found.search_count = 2;
    return test::reply_to_transaction(wire::encode(found), room.files.listing());
  });
  Bytes continued_behind;
  room.server.on(Command::transaction2, [&](const Smb1Request& request) {
    const auto asked = request.as<cifs::Transaction2Request>();
    if (asked.subcommand != static_cast<std::uint16_t>(cifs::Trans2::find_next2)) {
      constexpr bool kDirectory = true;
      return test::reply_to_transaction(Bytes(2), room.files.all_info(kDirectory));
    }
    continued_behind =
        wire::decode<cifs::FindNext2Request>(asked.parameters).value_or(cifs::FindNext2Request()).file_name.bytes;
    return test::refuse_in_smb1(NtStatus::STATUS_NO_MORE_FILES);
  });
  const auto directory = room.finish(room.share->open_directory("dir"));
  ASSERT_TRUE(directory);
  EXPECT_EQ(names_of_next(**directory), std::vector<std::string>{"a.txt"});
  EXPECT_TRUE(names_of_next(**directory).empty());
  EXPECT_EQ(continued_behind, (Bytes{0x84, '.', 't', 'x', 't', 0}));
}

TEST_F(Smb1CodePage, ARenameThatReplacesNamesTheTargetInIt) {
  connect();
  room.server.once(Command::rename, test::refuse_in_smb1(NtStatus::STATUS_OBJECT_NAME_COLLISION));
  EXPECT_FALSE(room.finish(room.share->rename("dir/a", "dir/\u00fcb", true, nullptr)));
  const auto set = room.server.requests.back().as<cifs::Transaction2Request>();
  const auto information = wire::decode<cifs::FileRenameInformation>(set.data);
  ASSERT_TRUE(information);
  EXPECT_TRUE(information->replace_if_exists);
  EXPECT_EQ(information->file_name, (Bytes{0x81, 'b'}));
}

TEST_F(Smb1CodePage, UsersAndSharesAreNamedInIt) {
  room.config.credentials.user = "J\u00fcrgen";
  room.config.share = "Gr\u00f6\u00dfe";
  room.server.on(Command::session_setup_andx, [](const Smb1Request& request) {
    const auto asked = request.as<cifs::SessionSetupRequest>();
    std::size_t user_at = asked.oem_password.size() + asked.unicode_password.size();
    EXPECT_EQ(request.text_at(user_at), u"J\x81rgen");
    EXPECT_EQ(asked.capabilities & cifs::CAP_UNICODE, 0u);
    return test::reply_in_smb1(cifs::SessionSetupResponse());
  });
  room.server.once(Command::tree_connect_andx, [](const Smb1Request& request) {
    std::size_t path_at = request.as<cifs::TreeConnectRequest>().password.size();
    EXPECT_EQ(request.text_at(path_at), u"\\\\nas\\Gr\x94\xE1\x65");
    return test::refuse_in_smb1(NtStatus::STATUS_BAD_NETWORK_NAME);
  });
  EXPECT_FALSE(room.connect());
  EXPECT_EQ(room.error.step, ConnectStep::tree_connect);
}

TEST_F(Smb1CodePage, NamesOfUsersAndSharesThatItLacksAreTold) {
  room.config.share = "\u65e5\u672c";
  ASSERT_FALSE(room.connect());
  EXPECT_EQ(room.error.sentence,
            "the name of the share or of the folder cannot be said in code page 850, and the server has no Unicode: "
            "name the server's own code page with codepage=");
  room.config.share = "media";
  room.config.credentials.user = "\u65e5\u672c";
  ASSERT_FALSE(room.connect());
  EXPECT_EQ(room.error.sentence,
            "the name of the user or of the domain cannot be said in code page 850, and the server has no Unicode: "
            "name the server's own code page with codepage=");
  EXPECT_EQ(room.server.count(Command::session_setup_andx), 0u);
}

TEST_F(Smb1CodePage, OneThatThisSystemLacksIsTold) {
  room.config.code_page = "99999";
  ASSERT_FALSE(room.connect());
  EXPECT_EQ(room.error.sentence,
            "the server has no Unicode, and this system no code page 99999: name another one with codepage=");
}

TEST(Smb1WithUnicode, NeedsNoCodePage) {
  Smb1Room room;
  room.config.code_page = "99999";
  ASSERT_TRUE(room.connect()) << room.error.sentence;
  ASSERT_TRUE(room.finish(room.share->open(Smb1Room::to_read("\u65e5\u672c"))));
  EXPECT_EQ(room.files.created.back(), u"\\\u65e5\u672c");
}

}  // namespace
}  // namespace smb3fuse::client
