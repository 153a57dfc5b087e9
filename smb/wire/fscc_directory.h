// SPDX-License-Identifier: Apache-2.0
// [MS-FSCC]: the entries of a directory listing. A listing is a chain of one kind of them, walked with
// ChainReader or for_each_entry (codec.h), which decode an entry when it is asked for. Names are views of the listing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/fscc.h"

namespace smb3fuse::wire {

// The fields that the first part of every entry has in common.
template <class Archive, class Self>
void describe_directory_entry(Archive& a, Self& m) {
  a.next_entry_offset();
  a.field("file_index", m.file_index);
  a.nested("creation_time", m.creation_time);
  a.nested("last_access_time", m.last_access_time);
  a.nested("last_write_time", m.last_write_time);
  a.nested("change_time", m.change_time);
  a.field("end_of_file", m.end_of_file);
  a.field("allocation_size", m.allocation_size);
  a.field("file_attributes", m.file_attributes);
  a.template length_of<std::uint32_t>("file_name_length", m.file_name);
  a.field("ea_size", m.ea_size);
}

// The 8.3 name of some entries: a fixed field, of which the length says how many bytes count.
template <class Archive, class Self>
void describe_short_name(Archive& a, Self& m) {
  a.field("short_name_length", m.short_name_length);
  a.template reserved<std::uint8_t>();
  a.fixed("short_name", m.short_name);
}

// [MS-FSCC] 2.4 FileFullDirectoryInformation
struct FileFullDirectoryInformation {
  static constexpr auto kClass = FileInformationClass::full_directory;
  static constexpr std::size_t kChainAlignment = 8;
  std::uint32_t file_index = 0;
  FileTime creation_time;
  FileTime last_access_time;
  FileTime last_write_time;
  FileTime change_time;
  std::uint64_t end_of_file = 0;
  std::uint64_t allocation_size = 0;
  std::uint32_t file_attributes = 0;
  std::uint32_t ea_size = 0;  // the reparse tag, where FILE_ATTRIBUTE_REPARSE_POINT is set
  Utf16View file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    describe_directory_entry(a, m);
    a.data("file_name", m.file_name);
  }
};

// [MS-FSCC] 2.4 FileIdFullDirectoryInformation
struct FileIdFullDirectoryInformation {
  static constexpr auto kClass = FileInformationClass::id_full_directory;
  static constexpr std::size_t kChainAlignment = 8;
  std::uint32_t file_index = 0;
  FileTime creation_time;
  FileTime last_access_time;
  FileTime last_write_time;
  FileTime change_time;
  std::uint64_t end_of_file = 0;
  std::uint64_t allocation_size = 0;
  std::uint32_t file_attributes = 0;
  std::uint32_t ea_size = 0;  // the reparse tag, where FILE_ATTRIBUTE_REPARSE_POINT is set
  std::uint64_t file_id = 0;
  Utf16View file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    describe_directory_entry(a, m);
    a.template reserved<std::uint32_t>();
    a.field("file_id", m.file_id);
    a.data("file_name", m.file_name);
  }
};

// [MS-FSCC] 2.4 FileBothDirectoryInformation
struct FileBothDirectoryInformation {
  static constexpr auto kClass = FileInformationClass::both_directory;
  static constexpr std::size_t kChainAlignment = 8;
  std::uint32_t file_index = 0;
  FileTime creation_time;
  FileTime last_access_time;
  FileTime last_write_time;
  FileTime change_time;
  std::uint64_t end_of_file = 0;
  std::uint64_t allocation_size = 0;
  std::uint32_t file_attributes = 0;
  std::uint32_t ea_size = 0;  // the reparse tag, where FILE_ATTRIBUTE_REPARSE_POINT is set
  std::uint8_t short_name_length = 0;
  std::array<std::uint8_t, 24> short_name{};
  Utf16View file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    describe_directory_entry(a, m);
    describe_short_name(a, m);
    a.data("file_name", m.file_name);
  }
};

// [MS-FSCC] 2.4 FileIdBothDirectoryInformation
struct FileIdBothDirectoryInformation {
  static constexpr auto kClass = FileInformationClass::id_both_directory;
  static constexpr std::size_t kChainAlignment = 8;
  std::uint32_t file_index = 0;
  FileTime creation_time;
  FileTime last_access_time;
  FileTime last_write_time;
  FileTime change_time;
  std::uint64_t end_of_file = 0;
  std::uint64_t allocation_size = 0;
  std::uint32_t file_attributes = 0;
  std::uint32_t ea_size = 0;  // the reparse tag, where FILE_ATTRIBUTE_REPARSE_POINT is set
  std::uint8_t short_name_length = 0;
  std::array<std::uint8_t, 24> short_name{};
  std::uint64_t file_id = 0;
  Utf16View file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    describe_directory_entry(a, m);
    describe_short_name(a, m);
    a.template reserved<std::uint16_t>();
    a.field("file_id", m.file_id);
    a.data("file_name", m.file_name);
  }
};

}  // namespace smb3fuse::wire
