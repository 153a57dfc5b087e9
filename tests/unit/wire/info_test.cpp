// SPDX-License-Identifier: Apache-2.0
// QUERY_INFO, SET_INFO, and the [MS-FSCC] structures they carry. The golden file has 19 bytes, one link, the inode
// number 0xA88014, and the name \golden.txt.
#include <gtest/gtest.h>

#include "smb/wire/fscc.h"
#include "smb/wire/query_info.h"
#include "smb/wire/set_info.h"
#include "smb/wire/utf16.h"
#include "tests/unit/wire/golden.h"
#include "tests/unit/wire/wire_test.h"

namespace smb3fuse::wire {
namespace {

constexpr std::uint64_t kInode = 0xA88014;
constexpr FileTime kCreated{0x01DD799394AA06EB};
constexpr FileTime kRead{0x01DD799394AA845C};
constexpr FileTime kWritten{0x01DD799394AAB5A2};

// The answer to QUERY_INFO, decoded, and checked to encode to the same bytes and to be refused when it is cut short.
template <class T>
struct Answer {
  explicit Answer(std::string_view message, std::size_t may_be_cut = 0) : response(message) {
    const ByteView buffer = response->output_buffer;
    value = decoded<T>(buffer);
    EXPECT_EQ(encode(value), Bytes(buffer.begin(), buffer.end())) << print(value);
    for (std::size_t length = 0; length < buffer.size(); ++length) {
      const ExactCopy cut(buffer.first(length));
      EXPECT_EQ(decode<T>(cut.view()).has_value(), may_be_cut != 0 && length >= may_be_cut) << length;
    }
  }
  const T* operator->() const { return &value; }

  Golden<QueryInfoResponse> response;
  T value;
};

// The bytes that a SET_INFO request carries, checked as above.
template <class T>
struct Question {
  explicit Question(std::string_view message) : request(message) {
    const ByteView buffer = request->buffer;
    EXPECT_EQ(request->info_type, InfoType::file);
    EXPECT_EQ(request->file_info_class, static_cast<std::uint8_t>(T::kClass));
    value = decoded<T>(buffer);
    EXPECT_EQ(encode(value), Bytes(buffer.begin(), buffer.end())) << print(value);
    for (std::size_t length = 0; length < buffer.size(); ++length) {
      const ExactCopy cut(buffer.first(length));
      EXPECT_FALSE(decode<T>(cut.view())) << length;
    }
  }
  const T* operator->() const { return &value; }

  Golden<SetInfoRequest> request;
  T value;
};

TEST(QueryInfo, RequestAsksForAClass) {
  const Golden<QueryInfoRequest> request(golden::kQueryInfoRequest);
  EXPECT_EQ(request->info_type, InfoType::file);
  EXPECT_EQ(request->file_info_class, static_cast<std::uint8_t>(FileInformationClass::all));
  EXPECT_EQ(request->output_buffer_length, 104u);
  EXPECT_EQ(request->file_id.persistent_id, 0xAC8D56BAu);
  EXPECT_TRUE(request->input_buffer.empty());
}

TEST(QueryInfo, Basic) {
  const Answer<FileBasicInformation> basic(golden::kQueryBasic);
  EXPECT_EQ(basic->creation_time, kCreated);
  EXPECT_EQ(basic->last_access_time, kRead);
  EXPECT_EQ(basic->last_write_time, kWritten);
  EXPECT_EQ(basic->change_time, kWritten);
  EXPECT_EQ(basic->file_attributes, 0x20u);
}

TEST(QueryInfo, Standard) {
  const Answer<FileStandardInformation> standard(golden::kQueryStandard, 22);
  EXPECT_EQ(standard->allocation_size, 4096u);
  EXPECT_EQ(standard->end_of_file, 19u);
  EXPECT_EQ(standard->number_of_links, 1u);
  EXPECT_FALSE(standard->delete_pending);
  EXPECT_FALSE(standard->directory);
}

TEST(QueryInfo, InternalEaAndAttributeTag) {
  EXPECT_EQ(Answer<FileInternalInformation>(golden::kQueryInternal)->index_number, kInode);
  EXPECT_EQ(Answer<FileEaInformation>(golden::kQueryEa)->ea_size, 0u);
  const Answer<FileAttributeTagInformation> tag(golden::kQueryAttributeTag);
  EXPECT_EQ(tag->file_attributes, 0x20u);
  EXPECT_EQ(tag->reparse_tag, 0u);
}

TEST(QueryInfo, All) {
  const Answer<FileAllInformation> all(golden::kQueryAll, 100);
  EXPECT_EQ(all->basic_information.last_write_time, kWritten);
  EXPECT_EQ(all->standard_information.end_of_file, 19u);
  EXPECT_EQ(all->internal_information.index_number, kInode);
  EXPECT_EQ(all->access_information.access_flags, 0x0013019Fu);
  EXPECT_EQ(all->position_information.current_byte_offset, 19u);
  EXPECT_EQ(all->alignment_information.alignment_requirement, 0u);
  EXPECT_EQ(to_utf8(all->name_information.file_name), "\\golden.txt");
}

TEST(QueryInfo, AllWithANameCutShortByTheBuffer) {
  const Golden<QueryInfoResponse> response(golden::kQueryAllCut);
  EXPECT_EQ(response.header.status, NtStatus::STATUS_BUFFER_OVERFLOW);
  const auto all = decoded<FileAllInformation>(response->output_buffer);
  EXPECT_EQ(all.internal_information.index_number, kInode);
  EXPECT_EQ(to_utf8(all.name_information.file_name), "\\g");
}

TEST(QueryInfo, NetworkOpen) {
  const Answer<FileNetworkOpenInformation> open(golden::kQueryNetworkOpen);
  EXPECT_EQ(open->creation_time, kCreated);
  EXPECT_EQ(open->change_time, kWritten);
  EXPECT_EQ(open->allocation_size, 4096u);
  EXPECT_EQ(open->end_of_file, 19u);
  EXPECT_EQ(open->file_attributes, 0x20u);
}

TEST(QueryInfo, Streams) {
  const Golden<QueryInfoResponse> response(golden::kQueryStream);
  ChainReader<FileStreamInformation> streams(response->output_buffer);
  const auto stream = streams.next();
  ASSERT_TRUE(stream);
  EXPECT_EQ(to_utf8(stream->stream_name), "::$DATA");
  EXPECT_EQ(stream->stream_size, 19u);
  EXPECT_EQ(stream->stream_allocation_size, 4096u);
  EXPECT_FALSE(streams.next());
  EXPECT_FALSE(streams.error());
}

TEST(QueryInfo, ExtendedAttributes) {
  const Golden<QueryInfoResponse> response(golden::kQueryFullEa);
  std::string seen;
  const auto walked = for_each_entry<FileFullEaInformation>(response->output_buffer, [&](const auto& ea) {
    seen += ea.ea_name + "=" + std::string(ea.ea_value.begin(), ea.ea_value.end()) + ";";
  });
  EXPECT_TRUE(walked);
  EXPECT_EQ(seen, "user=abc;other=wxyz;");
}

TEST(QueryInfo, Volume) {
  const Answer<FileFsVolumeInformation> volume(golden::kQueryFsVolume, 18);
  EXPECT_EQ(volume->volume_creation_time, kRead);
  EXPECT_EQ(volume->volume_serial_number, 0x2C543C3Du);
  EXPECT_FALSE(volume->supports_objects);
  EXPECT_EQ(to_utf8(volume->volume_label), "share");
}

TEST(QueryInfo, Space) {
  const Answer<FileFsSizeInformation> size(golden::kQueryFsSize);
  EXPECT_EQ(size->total_allocation_units, 0x0FBF8E74u);
  EXPECT_EQ(size->available_allocation_units, 0x04F25F54u);
  EXPECT_EQ(size->sectors_per_allocation_unit, 2u);
  EXPECT_EQ(size->bytes_per_sector, 512u);
  const Answer<FileFsFullSizeInformation> full(golden::kQueryFsFullSize);
  EXPECT_EQ(full->total_allocation_units, size->total_allocation_units);
  EXPECT_EQ(full->caller_available_allocation_units, size->available_allocation_units);
  EXPECT_EQ(full->actual_available_allocation_units, size->available_allocation_units);
  EXPECT_EQ(full->bytes_per_sector, 512u);
}

TEST(QueryInfo, FileSystemAttributes) {
  const Answer<FileFsAttributeInformation> attributes(golden::kQueryFsAttribute, 12);
  EXPECT_EQ(attributes->file_system_attributes, FILE_CASE_SENSITIVE_SEARCH | FILE_CASE_PRESERVED_NAMES |
                                                    FILE_UNICODE_ON_DISK | FILE_PERSISTENT_ACLS | FILE_VOLUME_QUOTAS |
                                                    FILE_SUPPORTS_SPARSE_FILES | FILE_SUPPORTS_OBJECT_IDS);
  EXPECT_EQ(attributes->maximum_component_name_length, 255u);
  EXPECT_EQ(to_utf8(attributes->file_system_name), "NTFS");
}

TEST(QueryInfo, DeviceObjectIdAndSectorSize) {
  const Answer<FileFsDeviceInformation> device(golden::kQueryFsDevice);
  EXPECT_EQ(device->device_type, 7u);  // FILE_DEVICE_DISK
  EXPECT_EQ(device->characteristics, 0x20u);
  const Answer<FileFsObjectIdInformation> id(golden::kQueryFsObjectId);
  EXPECT_EQ(to_string(id->object_id), "73923651-e5fd-ff4e-91cc-d50f13310bfc");
  EXPECT_EQ(id->extended_info[0], 0x61);
  const Answer<FileFsSectorSizeInformation> sector(golden::kQueryFsSectorSize);
  EXPECT_EQ(sector->logical_bytes_per_sector, 512u);
  EXPECT_EQ(sector->flags, 3u);
}

TEST(SetInfo, TimesAreLeftAloneByZero) {
  const Question<FileBasicInformation> basic(golden::kSetBasic);
  EXPECT_EQ(basic->creation_time, FileTime::unchanged());
  EXPECT_EQ(to_timespec(basic->last_write_time).tv_sec, 1577836800);  // 2020-01-01
  EXPECT_EQ(basic->file_attributes, 0u);
}

TEST(SetInfo, Sizes) {
  EXPECT_EQ(Question<FileEndOfFileInformation>(golden::kSetEndOfFile)->end_of_file, 10u);
  EXPECT_EQ(Question<FileAllocationInformation>(golden::kSetAllocation)->allocation_size, 4096u);
}

TEST(SetInfo, Names) {
  const Question<FileRenameInformation> rename(golden::kSetRename);
  EXPECT_TRUE(rename->replace_if_exists);
  EXPECT_EQ(rename->file_name, u"renamed.txt");
  const Question<FileLinkInformation> link(golden::kSetLink);
  EXPECT_FALSE(link->replace_if_exists);
  EXPECT_EQ(link->file_name, u"link.txt");
}

TEST(SetInfo, ShortNamesArePaddedToWhatWindowsDemands) {
  EXPECT_EQ(encode(FileRenameInformation{true, u"a"}).size(), 24u);
  EXPECT_EQ(encode(FileLinkInformation{false, u"a"}).size(), 24u);
  EXPECT_EQ(encode(FileRenameInformationEx{0, u"abc"}).size(), 26u);
}

TEST(SetInfo, DispositionAndExtendedAttribute) {
  EXPECT_TRUE(Question<FileDispositionInformation>(golden::kSetDisposition)->delete_pending);
  const Question<FileFullEaInformation> ea(golden::kSetFullEa);
  EXPECT_EQ(ea->ea_name, "user");
  EXPECT_EQ(ea->ea_value.size(), 3u);
}

// By the layouts of [MS-FSCC] 2.4: Samba 4.17 has neither class.
TEST(SetInfo, PosixSemantics) {
  const FileRenameInformationEx rename{FILE_RENAME_REPLACE_IF_EXISTS | FILE_RENAME_POSIX_SEMANTICS, u"ab"};
  const Bytes bytes = from_hex("03000000 00000000 0000000000000000 04000000 61006200");
  EXPECT_EQ(encode(rename), bytes);
  EXPECT_EQ(decoded<FileRenameInformationEx>(bytes).file_name, u"ab");
  EXPECT_EQ(encode(FileDispositionInformationEx{FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS}),
            from_hex("03000000"));
}

}  // namespace
}  // namespace smb3fuse::wire
