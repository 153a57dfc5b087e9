// SPDX-License-Identifier: Apache-2.0
// Messages without Unicode: what the golden ones mean, and that ours are the same bytes.
#include <utility>

#include "smb/cifs/file.h"
#include "smb/cifs/paths.h"
#include "smb/cifs/session.h"
#include "smb/cifs/trans2.h"
#include "smb/cifs/transaction.h"
#include "tests/unit/cifs/cifs_test.h"
#include "tests/unit/cifs/oem_golden.h"

namespace smb3fuse::cifs {
namespace {

class Oem : public testing::Test {
 protected:
  const CharacterSet western{wire::CodePage::find("850")};
};

TEST_F(Oem, UsersAndDomains) {
  const GoldenMessage asked(golden::kOemSessionSetupRequest);
  EXPECT_EQ(asked.header.flags2 & SMB_FLAGS2_UNICODE, 0);
  auto request = asked.as<SessionSetupRequest>();
  request.names.clear();
  for (const auto* name : {u"J\u00fcrgen", u"GR\u00d6\u00dfE", u"Unix", u"Samba"}) {
    request.names.push_back(western.text(name));
  }
  EXPECT_EQ(built(request), asked.rest());
}

TEST_F(Oem, ThePasswordAsItIs) {
  const GoldenMessage asked(golden::kOemPlaintextSessionSetupRequest);
  auto request = asked.as<SessionSetupRequest>();
  EXPECT_EQ(Bytes(request.oem_password.begin(), request.oem_password.end()), (Bytes{'s', 'e', 'c', 'r', 'e', 't', 0}));
  EXPECT_TRUE(request.unicode_password.empty());
  request.is_plaintext = true;
  request.names.clear();
  for (const auto* name : {u"tester", u"WORKGROUP", u"Unix", u"Samba"}) request.names.push_back(western.text(name));
  EXPECT_EQ(built(request), asked.rest());
}

TEST_F(Oem, Shares) {
  TreeConnectRequest request;
  request.flags = 0x000C;
  static constexpr std::uint8_t kNone[] = {0};
  request.password = kNone;
  request.path = western.text(u"\\\\127.0.0.1\\GR\u00d6\u00dfE");
  request.service = make_oem("?????");
  EXPECT_EQ(built(request), GoldenMessage(golden::kOemTreeConnectRequest).rest());
}

TEST_F(Oem, PathsEndWithOneNullAndAreNotAligned) {
  EXPECT_EQ(built(CreateDirectoryRequest{{western.text(u"\\T\u00fcr")}}),
            GoldenMessage(golden::kOemCreateDirectoryRequest).rest());
  DeleteRequest remove;
  remove.name = {western.text(u"\\T\u00fcr\\\u00e4hnlich")};
  EXPECT_EQ(built(remove), GoldenMessage(golden::kOemDeleteRequest).rest());
  RenameRequest rename;
  rename.old_name = {western.text(u"\\T\u00fcr\\Gr\u00f6\u00dfe.txt")};
  rename.new_name = {western.text(u"\\T\u00fcr\\\u00e4hnlich")};
  EXPECT_EQ(built(rename), GoldenMessage(golden::kOemRenameRequest).rest());
}

TEST_F(Oem, OpensByName) {
  const GoldenMessage asked(golden::kOemNtCreateRequest);
  auto request = asked.as<NtCreateRequest>();
  request.name = western.text(u"\\T\u00fcr\\Gr\u00f6\u00dfe.txt");
  const Bytes ours = built(request);
  // smbclient counts the null character as part of the name, and adds another one behind it.
  Bytes same = asked.rest();
  same.pop_back();
  constexpr std::size_t kNameLengthAt = 6;
  constexpr std::size_t kByteCountAt = 1 + 2 * NtCreateRequest::kWords;
  --same[kNameLengthAt];
  --same[kByteCountAt];
  EXPECT_EQ(ours, same);
}

TEST_F(Oem, Listings) {
  const GoldenMessage asked(golden::kOemFindFirst2Request);
  const auto request = asked.as<Transaction2Request>();
  auto find = wire::decoded<FindFirst2Request>(request.parameters);
  find.file_name = western.text(u"\\T\u00fcr\\*");
  EXPECT_EQ(wire::encode(find), Bytes(request.parameters.begin(), request.parameters.end()));

  // The last entry's name, which has its length in front.
  const GoldenMessage answered(golden::kOemFindFirst2Response);
  const auto part = decode_transaction(answered.blocks.front());
  ASSERT_TRUE(part);
  const ByteView last = part->data.subspan(0x60 + 0x64);
  constexpr std::size_t kNameLengthAt = 60;
  constexpr std::size_t kNameAt = 94;
  const auto length = wire::load_le<std::uint32_t>(last.data() + kNameLengthAt);
  EXPECT_EQ(western.read(last.subspan(kNameAt, length)), u"\u00e4hnlich");
}

// As no client of ours was seen to send it: what Samba 4.17 reads, the name in the connection's character set.
TEST_F(Oem, TheNameOfARenameThatReplaces) {
  const FileRenameInformation information{true, western.text(u"\u00fc").bytes};
  EXPECT_EQ(wire::encode(information), (Bytes{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x81}));
}

TEST(CharacterSet, ReadsWhatItCanSay) {
  const CharacterSet unicode;
  const CharacterSet western(wire::CodePage::find("850"));
  EXPECT_TRUE(unicode.is_unicode());
  EXPECT_TRUE(unicode.fits(u"\u65e5\u672c"));
  EXPECT_FALSE(western.is_unicode());
  EXPECT_FALSE(western.fits(u"\u65e5\u672c"));
  EXPECT_TRUE(western.fits(u"\u00e4"));
  EXPECT_EQ(western.read(Bytes{'a', 0x84}), u"a\u00e4");
  EXPECT_EQ(CharacterSet(wire::CodePage::find("ASCII")).read(Bytes{0x84}), std::nullopt);
  EXPECT_EQ(unicode.read(Bytes{'a', 0, 'b'}), std::nullopt);
}

TEST(CharacterSet, LeavesOutTheNullCharactersThatAServerCounts) {
  const CharacterSet unicode;
  const CharacterSet western(wire::CodePage::find("850"));
  EXPECT_EQ(western.read(Bytes{'a', 'b', 0}), u"ab");
  EXPECT_EQ(western.quote(Bytes{'a', 'b', 0}).bytes, (Bytes{'a', 'b'}));
  EXPECT_EQ(unicode.read(Bytes{'a', 1, 0, 0}), u"\u0161");
  EXPECT_EQ(unicode.quote(Bytes{0, 1, 0, 0}).bytes, (Bytes{0, 1}));
  EXPECT_EQ(unicode.quote(Bytes{0, 0}).bytes, Bytes());
}

// What comes is quoted as it came, even what is no text.
TEST(CharacterSet, QuotesWhatItCannotRead) {
  const CharacterSet ascii(wire::CodePage::find("ASCII"));
  EXPECT_EQ(ascii.quote(Bytes{'a', 0x84, 0}).bytes, (Bytes{'a', 0x84}));
  EXPECT_FALSE(ascii.quote(Bytes{0x84}).is_unicode);
}

TEST(OemMessages, AreRefusedWhenTheyAreCutShort) {
  for (const std::string_view hex : golden::kOemMessages) {
    const Bytes whole = wire::from_hex(hex);
    ASSERT_TRUE(split_blocks(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const wire::ExactCopy cut(ByteView(whole).first(size));
      EXPECT_FALSE(split_blocks(cut.view())) << hex.substr(0, 80) << " of " << size << " bytes";
    }
  }
}

}  // namespace
}  // namespace smb3fuse::cifs
