// SPDX-License-Identifier: Apache-2.0
// What the messages of the UNIX extensions say: paths, and what is asked for of a file and set.
#include "smb/client/smb1_unix_requests.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "smb/cifs/block.h"
#include "smb/cifs/session.h"
#include "smb/cifs/transaction.h"

namespace smb3fuse::client {
namespace {

// A TRANSACTION2 as it goes out; views look into `message`.
struct Sent {
  explicit Sent(smb1::Outgoing outgoing) : message(std::move(outgoing.message)) {
    const auto blocks = cifs::split_blocks(message);
    EXPECT_TRUE(blocks);
    if (!blocks) return;
    const auto decoded = cifs::decode<cifs::Transaction2Request>(blocks->front());
    EXPECT_TRUE(decoded);
    if (decoded) request = *decoded;
  }
  Sent(const Sent&) = delete;

  std::uint16_t level(std::size_t at = 0) const { return wire::load_le<std::uint16_t>(request.parameters.data() + at); }
  std::u16string path() const {
    constexpr std::size_t kBeforeThePath = 6;
    return cifs::CharacterSet().read(request.parameters.subspan(kBeforeThePath)).value_or(u"?");
  }
  template <class T>
  T data() const {
    const auto decoded = wire::decode<T>(request.data);
    EXPECT_TRUE(decoded);
    return decoded.value_or(T{});
  }

  Bytes message;
  cifs::Transaction2Request request;
};

class Smb1UnixRequestsTest : public testing::Test {
 protected:
  Smb1UnixRequestsTest() { requests.use_unix_extensions(); }

  static smb1::Negotiated negotiated() {
    smb1::Negotiated negotiated;
    negotiated.capabilities = cifs::CAP_UNICODE | cifs::CAP_UNIX;
    negotiated.max_buffer_size = 16644;
    return negotiated;
  }
  cifs::PosixOpenRequest opened(const OpenRequest& request) {
    const Sent sent(unix_requests.open(u"f", request));
    EXPECT_EQ(sent.level(), cifs::unix_level::posix_open);
    return sent.data<cifs::PosixOpenRequest>();
  }

  Smb1Requests requests{7, negotiated()};
  Smb1UnixRequests unix_requests{requests};
};

TEST_F(Smb1UnixRequestsTest, NameFilesByPosixPaths) {
  EXPECT_EQ(Sent(unix_requests.query_basic(u"a:b/c*\\d")).path(), u"/a:b/c*\\d");
  EXPECT_EQ(Sent(unix_requests.unlink(u"")).path(), u"/");
  EXPECT_EQ(Sent(Smb1Requests(7, negotiated()).query_all(u"a\\b")).path(), u"\\a\\b") << "without the extensions";
}

TEST_F(Smb1UnixRequestsTest, OpenAsOpen2Says) {
  OpenRequest request;
  EXPECT_EQ(opened(request).open_mode, cifs::SMB_O_RDONLY);
  request.write = true;
  request.create_mode = 0751;
  request.disposition = Disposition::create;
  EXPECT_EQ(opened(request).open_mode, cifs::SMB_O_RDWR | cifs::SMB_O_CREAT | cifs::SMB_O_EXCL);
  EXPECT_EQ(opened(request).permissions, 0751u);
  EXPECT_EQ(opened(request).level, cifs::unix_level::basic);
  request.read = false;
  request.disposition = Disposition::truncate_or_create;
  request.write_through = true;
  EXPECT_EQ(opened(request).open_mode, cifs::SMB_O_WRONLY | cifs::SMB_O_CREAT | cifs::SMB_O_TRUNC | cifs::SMB_O_SYNC);
  request.disposition = Disposition::open_or_create;
  request.write_through = false;
  EXPECT_EQ(opened(request).open_mode, cifs::SMB_O_WRONLY | cifs::SMB_O_CREAT);
  request.disposition = Disposition::truncate;
  EXPECT_EQ(opened(request).open_mode, cifs::SMB_O_WRONLY | cifs::SMB_O_TRUNC);
  EXPECT_EQ(opened(request).flags, 0u) << "no oplock for nobody";
}

TEST_F(Smb1UnixRequestsTest, SetWhatIsGivenAndNothingElse) {
  AttributeChanges changes;
  changes.mode = 0604;
  changes.gid = 9;
  changes.last_write_time = 132'000'000'000'000'000;
  changes.end_of_file = 0;
  const Sent sent(unix_requests.set_basic(u"f", changes));
  EXPECT_EQ(sent.level(), cifs::unix_level::basic);
  const auto set = sent.data<cifs::UnixBasic>();
  EXPECT_EQ(set.permissions, 0604u);
  EXPECT_EQ(set.gid, 9u);
  EXPECT_EQ(set.last_modification_time.value, 132'000'000'000'000'000u);
  EXPECT_EQ(set.uid, cifs::kUnixNoChange);
  EXPECT_EQ(set.last_access_time.value, cifs::kUnixNoChange);
  EXPECT_EQ(set.end_of_file, cifs::kUnixNoChange) << "0 would not be taken for a size";
}

TEST_F(Smb1UnixRequestsTest, MakeSpecialFilesOfEachKind) {
  const std::pair<mode_t, cifs::UnixType> kinds[] = {{S_IFCHR, cifs::UnixType::character_device},
                                                     {S_IFBLK, cifs::UnixType::block_device},
                                                     {S_IFIFO, cifs::UnixType::fifo},
                                                     {S_IFSOCK, cifs::UnixType::socket}};
  for (const auto& [kind, type] : kinds) {
    PosixAttributes what;
    what.mode = kind | 0640;
    what.device_major = 1;
    what.device_minor = 3;
    const Sent sent(unix_requests.make_special(u"f", what));
    const auto made = sent.data<cifs::UnixBasic>();
    EXPECT_EQ(made.type, type);
    EXPECT_EQ(made.permissions, 0640u);
    EXPECT_EQ(made.device_major, 1u);
    EXPECT_EQ(made.device_minor, 3u);
  }
}

TEST_F(Smb1UnixRequestsTest, LockBytesFromTo) {
  const Sent sent(unix_requests.lock(0x1234, cifs::PosixLockRequest::Kind::write, {5, 12}));
  EXPECT_EQ(wire::load_le<std::uint16_t>(sent.request.parameters.data()), 0x1234);
  EXPECT_EQ(sent.level(2), cifs::unix_level::posix_lock);
  const auto lock = sent.data<cifs::PosixLockRequest>();
  EXPECT_EQ(lock.kind, cifs::PosixLockRequest::Kind::write);
  EXPECT_EQ(lock.start, 5u);
  EXPECT_EQ(lock.length, 7u);
}

TEST_F(Smb1UnixRequestsTest, SetOneListAndLeaveTheOther) {
  using Tag = PosixAce::Tag;
  PosixAclChange change;
  change.acl = {{Tag::user_obj, 6}, {Tag::user, 7, 1001}, {Tag::mask, 7}};
  const Sent sent(unix_requests.set_acl(0x1234, change));
  EXPECT_EQ(sent.level(2), cifs::unix_level::posix_acl);
  const auto set = sent.data<cifs::PosixAcls>();
  EXPECT_EQ(set.number_of_access, 3);
  EXPECT_EQ(set.number_of_default, cifs::PosixAcls::kNoChange);
  ASSERT_EQ(set.entries.size(), 3u);
  EXPECT_EQ(set.entries[0].id, cifs::PosixAce::kNoId);
  EXPECT_EQ(set.entries[1].tag, 0x02);
  EXPECT_EQ(set.entries[1].permissions, 7);
  EXPECT_EQ(set.entries[1].id, 1001u);

  const PosixAclChange none{.is_default = true, .acl = {}};
  const Sent removed(unix_requests.set_acl(0x1234, none));
  EXPECT_EQ(removed.level(2), cifs::unix_level::posix_acl);
  const auto nothing = removed.data<cifs::PosixAcls>();
  EXPECT_EQ(nothing.number_of_access, cifs::PosixAcls::kNoChange);
  EXPECT_EQ(nothing.number_of_default, 0);
  EXPECT_TRUE(nothing.entries.empty());
}

class UnixAcls : public testing::Test {
 protected:
  UnixAcls() {
    told.number_of_access = 2;
    told.number_of_default = 1;
    told.entries = {{0x01, 6, 0}, {0x08, 4, 100}, {0x20, 0, cifs::PosixAce::kNoId}};
  }
  cifs::PosixAcls told;
};

TEST_F(UnixAcls, AreBothListsOfAFile) {
  using Tag = PosixAce::Tag;
  const PosixAcls expected{{{Tag::user_obj, 6}, {Tag::group, 4, 100}}, {{Tag::other, 0}}};
  EXPECT_EQ(acls_of(told), expected);
}

TEST_F(UnixAcls, AreRefusedWhereTheyAreNone) {
  const auto refused = [this](auto edit) {
    cifs::PosixAcls edited = told;
    edit(edited);
    return !acls_of(edited).has_value();
  };
  EXPECT_TRUE(refused([](cifs::PosixAcls& acls) { acls.version = 2; }));
  EXPECT_TRUE(refused([](cifs::PosixAcls& acls) { acls.number_of_access = 3; })) << "more than there are";
  EXPECT_TRUE(refused([](cifs::PosixAcls& acls) { acls.number_of_default = 0; })) << "fewer";
  EXPECT_TRUE(refused([](cifs::PosixAcls& acls) { acls.entries[0].tag = 0; }));
  EXPECT_TRUE(refused([](cifs::PosixAcls& acls) { acls.entries[0].tag = 0x03; }));
  EXPECT_TRUE(refused([](cifs::PosixAcls& acls) { acls.entries[0].tag = 0x40; }));
  EXPECT_TRUE(refused([](cifs::PosixAcls& acls) { acls.entries[0].permissions = 8; }));
  EXPECT_TRUE(refused([](cifs::PosixAcls& acls) { acls.entries[1].id = 0xFFFFFFFF; })) << "nobody's number";
}

TEST(UnixAttributes, AreThoseOfStat2) {
  cifs::UnixBasic told;
  told.end_of_file = 5;
  told.number_of_bytes = 4096;
  told.last_status_change.value = 3;
  told.last_access_time.value = 1;
  told.last_modification_time.value = 2;
  told.uid = 1000;
  told.gid = 100;
  told.type = cifs::UnixType::directory;
  told.unique_id = 77;
  told.permissions = 01755;
  told.links = 4;
  const Attributes attributes = attributes_of(told);
  EXPECT_TRUE(attributes.is_directory());
  EXPECT_EQ(attributes.file_id, 77u);
  EXPECT_EQ(attributes.end_of_file, 5u);
  EXPECT_EQ(attributes.allocation_size, 4096u);
  EXPECT_EQ(attributes.change_time, 3);
  EXPECT_EQ(attributes.last_access_time, 1);
  EXPECT_EQ(attributes.last_write_time, 2);
  EXPECT_EQ(attributes.number_of_links, 4u);
  const PosixAttributes posix{.mode = S_IFDIR | 01755, .uid = 1000, .gid = 100};
  EXPECT_EQ(attributes.posix, posix);
}

TEST(UnixAttributes, HaveNoKindThatIsNotKnown) {
  cifs::UnixBasic told;
  told.type = static_cast<cifs::UnixType>(99);
  told.permissions = ~std::uint64_t{0};
  EXPECT_EQ(attributes_of(told).posix->mode, 07777u);
}

}  // namespace
}  // namespace smb3fuse::client
