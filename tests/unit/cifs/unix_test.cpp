// SPDX-License-Identifier: Apache-2.0
// What the golden messages of the UNIX extensions mean, and that ours are the same bytes.
#include "smb/cifs/unix.h"

#include <gtest/gtest.h>

#include "smb/cifs/file.h"
#include "smb/cifs/header.h"
#include "smb/cifs/posix_acl.h"
#include "smb/cifs/text.h"
#include "smb/cifs/trans2.h"
#include "smb/cifs/transaction.h"
#include "tests/unit/cifs/cifs_test.h"
#include "tests/unit/cifs/unix_golden.h"

namespace smb3fuse::cifs {
namespace {

constexpr bool kUnicode = true;

// A TRANSACTION2 that was asked for or answered; views look into the message.
struct Asked {
  explicit Asked(std::string_view hex) : message(hex), request(message.as<Transaction2Request>()) {}
  GoldenMessage message;
  Transaction2Request request;
};

struct Answered {
  explicit Answered(std::string_view hex) : message(hex) {
    const auto decoded = decode_transaction(message.blocks.at(0));
    EXPECT_TRUE(decoded);
    if (decoded) part = *decoded;
  }
  GoldenMessage message;
  TransactionPart part;
};

Bytes copy_of(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

TEST(UnixExtensions, AreOfferedAndTakenUp) {
  const Asked asked(golden::kQueryUnixInfoRequest);
  EXPECT_EQ(copy_of(asked.request.parameters), wire::encode(QueryFsInformationRequest{unix_level::cifs_info}));
  const Answered answered(golden::kQueryUnixInfoResponse);
  const auto offered = wire::decoded<CifsUnixInfo>(answered.part.data);
  EXPECT_EQ(offered.major_version, 1);
  EXPECT_EQ(offered.minor_version, 0);
  EXPECT_EQ(offered.capabilities, 0x17Bu);

  const Asked taken(golden::kSetUnixInfoRequest);
  EXPECT_EQ(taken.request.subcommand, static_cast<std::uint16_t>(Trans2::set_fs_information));
  EXPECT_EQ(copy_of(taken.request.parameters), wire::encode(SetFsInformationRequest{unix_level::cifs_info}));
  EXPECT_EQ(copy_of(taken.request.data), wire::encode(offered));
}

TEST(UnixExtensions, MakeAFolderByOpeningIt) {
  const Asked asked(golden::kPosixMkdirRequest);
  PosixOpenRequest request;
  request.open_mode = SMB_O_CREAT | SMB_O_DIRECTORY;
  request.permissions = 0750;
  request.level = 0xFFFF;
  EXPECT_EQ(copy_of(asked.request.data), wire::encode(request));
  const Answered answered(golden::kPosixMkdirResponse);
  const auto response = wire::decoded<PosixOpenResponse>(answered.part.data);
  EXPECT_EQ(response.fid, 0);
  EXPECT_EQ(response.create_action, static_cast<std::uint32_t>(wire::CreateAction::created));
  EXPECT_EQ(response.level, 0xFFFF);
  EXPECT_TRUE(response.information.empty());
}

TEST(UnixExtensions, OpenAFileAndTellWhatItIsLike) {
  const Asked asked(golden::kPosixOpenRequest);
  PosixOpenRequest request;
  request.open_mode = SMB_O_RDWR | SMB_O_CREAT;
  request.permissions = 0640;
  request.level = 0xFFFF;
  EXPECT_EQ(copy_of(asked.request.data), wire::encode(request));
  const Answered answered(golden::kPosixOpenResponse);
  const auto response = wire::decoded<PosixOpenResponse>(answered.part.data);
  EXPECT_EQ(response.oplock_level, static_cast<std::uint16_t>(OplockLevel::batch));
  EXPECT_EQ(response.fid, 0x7827);
  EXPECT_EQ(response.level, unix_level::basic);
  const auto basic = wire::decoded<UnixBasic>(response.information);
  EXPECT_EQ(basic.permissions, 0644u);
  EXPECT_EQ(basic.links, 1u);
}

TEST(UnixExtensions, TellModeOwnerAndKindOfAFile) {
  const Asked asked(golden::kQueryUnixBasicRequest);
  EXPECT_EQ(copy_of(asked.request.parameters),
            wire::encode(PathInformationRequest{unix_level::basic, make_unicode(u"/d1/f")}));
  const Answered answered(golden::kQueryUnixBasicResponse);
  EXPECT_EQ(answered.part.data.size(), UnixBasic::kSize);
  const auto basic = wire::decoded<UnixBasic>(answered.part.data);
  EXPECT_EQ(basic.end_of_file, 0u);
  EXPECT_EQ(basic.last_modification_time.value, 0x01dd7a116999ec2au);
  EXPECT_EQ(basic.uid, 0u);
  EXPECT_EQ(basic.gid, 1001u);
  EXPECT_EQ(basic.type, UnixType::file);
  EXPECT_EQ(basic.unique_id, 0x29e00bu);
  EXPECT_EQ(basic.permissions, 0640u);
  EXPECT_EQ(basic.links, 1u);
  EXPECT_EQ(wire::encode(basic), copy_of(answered.part.data));
}

TEST(UnixExtensions, ChangeAModeAndLeaveTheRest) {
  const Asked asked(golden::kSetUnixBasicRequest);
  const auto set = wire::decoded<UnixBasic>(asked.request.data);
  EXPECT_EQ(set.permissions, 0604u);
  const UnixBasic nothing;
  EXPECT_EQ(set.end_of_file, nothing.end_of_file);
  EXPECT_EQ(set.last_access_time, nothing.last_access_time);
  EXPECT_EQ(set.last_modification_time, nothing.last_modification_time);
  EXPECT_EQ(static_cast<std::uint32_t>(set.uid), static_cast<std::uint32_t>(nothing.uid)) << "smbclient sends 32 bits";
  EXPECT_EQ(static_cast<std::uint32_t>(set.gid), static_cast<std::uint32_t>(nothing.gid));
}

TEST(UnixExtensions, MakeAndFollowALink) {
  const Asked made(golden::kMakeUnixLinkRequest);
  EXPECT_EQ(copy_of(made.request.parameters),
            wire::encode(PathInformationRequest{unix_level::link, make_unicode(u"/s1")}));
  EXPECT_EQ(copy_of(made.request.data), wire::encode(make_unicode(u"d1/f")));
  const Answered told(golden::kQueryUnixLinkResponse);
  EXPECT_EQ(CharacterSet().read(told.part.data), u"d1/f");
}

TEST(UnixExtensions, LockAndRemove) {
  const Asked lock(golden::kPosixLockRequest);
  PosixLockRequest request;
  request.flags = 1;
  request.process_id = 22557;
  request.length = 16;
  EXPECT_EQ(copy_of(lock.request.data), wire::encode(request));
  const Asked unlinked(golden::kPosixUnlinkRequest);
  EXPECT_EQ(copy_of(unlinked.request.data), wire::encode(PosixUnlinkRequest{}));
  EXPECT_EQ(wire::encode(PosixUnlinkRequest{true}), (Bytes{1, 0}));
}

struct Ace {
  std::uint8_t tag;
  std::uint8_t permissions;
  std::uint64_t id;
};

void expect_entries(const PosixAcls& told, const std::vector<Ace>& expected) {
  ASSERT_EQ(told.entries.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(told.entries[i].tag, expected[i].tag) << i;
    EXPECT_EQ(told.entries[i].permissions, expected[i].permissions) << i;
    EXPECT_EQ(told.entries[i].id, expected[i].id) << i;
  }
}

TEST(UnixExtensions, TellTheAccessControlListOfAFile) {
  const Asked asked(golden::kQueryPosixAclRequest);
  EXPECT_EQ(copy_of(asked.request.parameters),
            wire::encode(PathInformationRequest{unix_level::posix_acl, make_unicode(u"/f")}));
  const Answered answered(golden::kQueryPosixAclResponse);
  const auto told = wire::decoded<PosixAcls>(answered.part.data);
  EXPECT_EQ(told.version, PosixAcls::kVersion);
  EXPECT_EQ(told.number_of_access, 7);
  EXPECT_EQ(told.number_of_default, 0);
  constexpr std::uint64_t kNobody = PosixAce::kNoId;
  expect_entries(told, {{0x01, 6, 1001},
                        {0x02, 6, 1001},
                        {0x02, 4, 65534},
                        {0x04, 4, 0},
                        {0x08, 7, 100},
                        {0x10, 7, kNobody},
                        {0x20, 4, kNobody}});
  EXPECT_EQ(wire::encode(told), copy_of(answered.part.data));
}

TEST(UnixExtensions, TellWhatIsMadeInAFolderBehindItsOwnList) {
  const Answered answered(golden::kQueryDefaultAclResponse);
  const auto told = wire::decoded<PosixAcls>(answered.part.data);
  EXPECT_EQ(told.number_of_access, 3);
  EXPECT_EQ(told.number_of_default, 5);
  constexpr std::uint64_t kNobody = PosixAce::kNoId;
  expect_entries(told, {{0x01, 7, 1001},
                        {0x04, 7, 0},
                        {0x20, 7, kNobody},
                        {0x01, 7, 1001},
                        {0x02, 7, 1001},
                        {0x04, 5, 0},
                        {0x10, 7, kNobody},
                        {0x20, 0, kNobody}});
}

TEST(UnixListing, HasNamesThatEndWithANullCharacter) {
  const Answered answered(golden::kFindUnixResponse);
  const auto found = wire::decoded<FindFirst2Response>(answered.part.parameters);
  const auto entries = split_unix_entries(answered.part.data, found.search_count, kUnicode);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 4u);
  const std::u16string_view names[] = {u".", u"..", u"f", u"l"};
  const UnixType types[] = {UnixType::directory, UnixType::directory, UnixType::file, UnixType::symlink};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(CharacterSet().read((*entries)[i].file_name), names[i]);
    EXPECT_EQ((*entries)[i].basic.type, types[i]);
  }
  EXPECT_FALSE(split_unix_entries(answered.part.data, 5, kUnicode));
  EXPECT_TRUE(split_unix_entries({}, 0, kUnicode)->empty());
}

TEST(UnixListing, EndsANameInOemWithOneByte) {
  FindFileUnix entry;
  const Bytes name = {'a', 'b', 0, 'x'};
  entry.file_name = name;
  const Bytes data = wire::encode(entry);
  const auto entries = split_unix_entries(data, 1, !kUnicode);
  ASSERT_TRUE(entries);
  EXPECT_EQ(copy_of((*entries)[0].file_name), (Bytes{'a', 'b'}));
}

TEST(UnixMessages, AreRefusedWhenTheyAreCutShort) {
  for (const std::string_view hex : golden::kUnixMessages) {
    const Bytes whole = wire::from_hex(hex);
    ASSERT_TRUE(split_blocks(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const wire::ExactCopy cut(ByteView(whole).first(size));
      EXPECT_FALSE(split_blocks(cut.view())) << hex.substr(0, 80) << " of " << size << " bytes";
    }
  }
}

template <class Structure>
void refuse_every_cut(ByteView whole, std::size_t least) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const wire::ExactCopy cut(whole.first(size));
    EXPECT_EQ(wire::decode<Structure>(cut.view()).has_value(), size >= least) << size;
  }
}

TEST(UnixInformation, IsRefusedWhenItIsCutShort) {
  refuse_every_cut<CifsUnixInfo>(Answered(golden::kQueryUnixInfoResponse).part.data, 12);
  refuse_every_cut<UnixBasic>(Answered(golden::kQueryUnixBasicResponse).part.data, UnixBasic::kSize);
  constexpr std::size_t kBeforeTheInformation = 12;
  refuse_every_cut<PosixOpenResponse>(Answered(golden::kPosixOpenResponse).part.data, kBeforeTheInformation);
  const Answered acls(golden::kQueryPosixAclResponse);
  constexpr std::size_t kHead = 6;
  constexpr std::size_t kEntry = 10;
  for (std::size_t size = 0; size < acls.part.data.size(); ++size) {
    const wire::ExactCopy cut(acls.part.data.first(size));
    const bool is_whole = size >= kHead && (size - kHead) % kEntry == 0;
    EXPECT_EQ(wire::decode<PosixAcls>(cut.view()).has_value(), is_whole) << size;
  }
  const Answered listed(golden::kFindUnixResponse);
  const ByteView whole = listed.part.data;
  constexpr std::size_t kLastName = 340 + 108;
  for (std::size_t size = 0; size < kLastName; ++size) {
    const wire::ExactCopy cut(whole.first(size));
    EXPECT_FALSE(split_unix_entries(cut.view(), 4, kUnicode)) << size;
  }
}

}  // namespace
}  // namespace smb3fuse::cifs
