// SPDX-License-Identifier: Apache-2.0
// QUERY_DIRECTORY, the entries of a listing, and chains that a hostile server would make.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smb/wire/change_notify.h"
#include "smb/wire/fscc_directory.h"
#include "smb/wire/query_directory.h"
#include "smb/wire/utf16.h"
#include "tests/unit/wire/golden.h"
#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::wire {
namespace {

using testing::ElementsAre;

constexpr FileTime kTime{0x01DD7993954FEC1C};

template <class Entry>
Entry only_entry(std::string_view message) {
  static Bytes bytes;  // what the entry looks into
  bytes = from_hex(message);
  const auto response = decoded<QueryDirectoryResponse>(ByteView(bytes).subspan(kSmb2HeaderSize));
  ChainReader<Entry> entries(response.output_buffer);
  const auto entry = entries.next();
  EXPECT_TRUE(entry);
  EXPECT_FALSE(entries.next());
  EXPECT_FALSE(entries.error());
  if (!entry) return {};
  EXPECT_EQ(encode(*entry), Bytes(response.output_buffer.begin(), response.output_buffer.end()));
  EXPECT_EQ(entry->creation_time, kTime);
  EXPECT_EQ(entry->last_access_time, kTime);
  EXPECT_EQ(entry->last_write_time, kTime);
  EXPECT_EQ(entry->change_time, kTime);
  EXPECT_EQ(entry->end_of_file, 0u);
  EXPECT_EQ(entry->allocation_size, 0u);
  EXPECT_EQ(entry->file_attributes, 0x20u);
  EXPECT_EQ(to_utf8(entry->file_name), "oplock.txt");
  for (std::size_t length = 1; length < response.output_buffer.size(); ++length) {
    const ExactCopy cut(response.output_buffer.first(length));
    ChainReader<Entry> broken(cut.view());
    EXPECT_FALSE(broken.next());
    EXPECT_TRUE(broken.error()) << length;
  }
  return *entry;
}

TEST(QueryDirectory, RequestCarriesAPattern) {
  const Golden<QueryDirectoryRequest> request(golden::kQueryDirectoryRequest);
  EXPECT_EQ(request->file_information_class, FileInformationClass::id_full_directory);
  EXPECT_EQ(request->flags, SMB2_RESTART_SCANS);
  EXPECT_EQ(request->output_buffer_length, 4096u);
  EXPECT_EQ(request->file_name, u"o*");
}

TEST(QueryDirectory, EachKindOfEntry) {
  only_entry<FileFullDirectoryInformation>(golden::kQueryDirectoryFull);
  EXPECT_EQ(only_entry<FileIdFullDirectoryInformation>(golden::kQueryDirectoryIdFull).file_id, 0xA88016u);
  EXPECT_EQ(only_entry<FileBothDirectoryInformation>(golden::kQueryDirectoryBoth).short_name_length, 0);
  EXPECT_EQ(only_entry<FileIdBothDirectoryInformation>(golden::kQueryDirectoryIdBoth).file_id, 0xA88016u);
}

TEST(QueryDirectory, ListingIsAChain) {
  const Golden<QueryDirectoryResponse> response(golden::kQueryDirectoryChain);
  std::vector<std::string> names;
  std::vector<std::uint64_t> ids;
  const auto walked = for_each_entry<FileIdBothDirectoryInformation>(response->output_buffer, [&](const auto& entry) {
    names.push_back(to_utf8(entry.file_name).value());
    ids.push_back(entry.file_id);
  });
  EXPECT_TRUE(walked);
  EXPECT_THAT(names, ElementsAre(".", "..", "h.txt", "d"));
  EXPECT_THAT(ids, ElementsAre(0xA74009, 0xA74008, 0xA8800E, 0xA8800D));
}

TEST(QueryDirectory, WalkStopsWhenToldTo) {
  const Golden<QueryDirectoryResponse> response(golden::kQueryDirectoryChain);
  int seen = 0;
  EXPECT_TRUE(
      for_each_entry<FileIdBothDirectoryInformation>(response->output_buffer, [&](const auto&) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

TEST(QueryDirectory, AppendedEntriesFormTheSameChain) {
  const Golden<QueryDirectoryResponse> response(golden::kQueryDirectoryChain);
  Bytes chain;
  std::optional<std::size_t> last;
  EXPECT_TRUE(for_each_entry<FileIdBothDirectoryInformation>(
      response->output_buffer, [&](const auto& entry) { last = append_entry(chain, last, entry); }));
  // smbd 4.17 pads the third entry further than it must: the names agree.
  std::vector<std::string> names;
  EXPECT_TRUE(for_each_entry<FileIdBothDirectoryInformation>(
      chain, [&](const auto& entry) { names.push_back(to_utf8(entry.file_name).value()); }));
  EXPECT_THAT(names, ElementsAre(".", "..", "h.txt", "d"));
}

TEST(QueryDirectory, TruncatedChainGivesItsWholeEntriesThenAnError) {
  const Golden<QueryDirectoryResponse> response(golden::kQueryDirectoryChain);
  const ByteView chain = response->output_buffer;
  for (std::size_t length = 1; length < chain.size(); ++length) {
    const ExactCopy cut(chain.first(length));
    ChainReader<FileIdBothDirectoryInformation> entries(cut.view());
    int seen = 0;
    while (entries.next()) ++seen;
    EXPECT_LT(seen, 4);
    EXPECT_TRUE(entries.error()) << length;
    EXPECT_FALSE(entries.next());
  }
}

// A chain of two notify entries, the least that there is.
class HostileChain : public testing::Test {
 protected:
  HostileChain() {
    const Bytes name = to_utf16le(u"ab");
    const std::size_t first = append_entry(chain_, {}, FileNotifyInformation{NotifyAction::added, {name}});
    append_entry(chain_, first, FileNotifyInformation{NotifyAction::removed, {name}});
  }

  std::optional<DecodeError> walk(std::uint32_t first_offset) {
    store_le(chain_.data(), first_offset);
    const ExactCopy copy(chain_);
    ChainReader<FileNotifyInformation> entries(copy.view());
    seen_ = 0;
    while (entries.next()) ++seen_;
    return entries.error();
  }

  Bytes chain_;
  int seen_ = 0;
};

TEST_F(HostileChain, AsBuiltIsGood) {
  EXPECT_FALSE(walk(16));
  EXPECT_EQ(seen_, 2);
}

TEST_F(HostileChain, ZeroInTheMiddleEndsIt) {
  EXPECT_FALSE(walk(0));
  EXPECT_EQ(seen_, 1);
}

TEST_F(HostileChain, AnUnalignedOffsetIsAnError) {
  for (const std::uint32_t offset : {1u, 2u, 3u, 13u, 18u}) {
    const auto error = walk(offset);
    ASSERT_TRUE(error) << offset;
    EXPECT_EQ(error->problem, DecodeProblem::bad_offset);
    EXPECT_EQ(error->field, "next_entry_offset");
  }
}

TEST_F(HostileChain, AnOffsetPastTheEndOrBackwardsIsAnError) {
  for (const std::uint32_t offset : {32u, 36u, 0x7FFFFFF0u, 0xFFFFFFF0u, 0xFFFFFFFCu}) {
    const auto error = walk(offset);
    ASSERT_TRUE(error) << offset;
    EXPECT_EQ(error->problem, DecodeProblem::bad_offset);
  }
}

TEST_F(HostileChain, AnEntryThatReachesIntoTheNextIsAnError) {
  const auto error = walk(8);
  ASSERT_TRUE(error);
  EXPECT_EQ(to_string(*error), "FileNotifyInformation.file_name_length at offset 8: truncated");
}

TEST_F(HostileChain, ANamePastItsEntryIsAnError) {
  store_le(chain_.data() + 8, std::uint32_t{6});
  const auto error = walk(16);
  ASSERT_TRUE(error);
  EXPECT_EQ(to_string(*error), "FileNotifyInformation.file_name at offset 12: truncated");
  store_le(chain_.data() + 8, std::uint32_t{0xFFFFFFFE});
  EXPECT_TRUE(walk(16));
}

TEST_F(HostileChain, AnOddNameIsAnError) {
  store_le(chain_.data() + 8, std::uint32_t{3});
  const auto error = walk(16);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->problem, DecodeProblem::bad_length);
}

TEST_F(HostileChain, ErrorsInLaterEntriesAreReportedWhereTheyStand) {
  store_le(chain_.data() + 16 + 8, std::uint32_t{400});
  const auto error = walk(16);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->offset, 16u + 12u);
  EXPECT_EQ(seen_, 1);
}

TEST(Chain, AnEmptyBufferIsAnEmptyListing) {
  ChainReader<FileIdFullDirectoryInformation> entries({});
  EXPECT_FALSE(entries.next());
  EXPECT_FALSE(entries.error());
}

}  // namespace
}  // namespace smb3fuse::wire
