// SPDX-License-Identifier: Apache-2.0
// The parameters of the TRANSACTION2 subcommands, and the data that SMB1 has in a form of its own. Most data is that of
// [MS-FSCC], by the pass-through levels of [MS-SMB] 2.2.2.3.5. [MS-CIFS] 2.2.6, 2.2.7, 2.2.8
#pragma once

#include <cstddef>
#include <cstdint>
#include <tl/expected.hpp>
#include <vector>

#include "smb/cifs/header.h"
#include "smb/cifs/text.h"
#include "smb/wire/codec.h"
#include "smb/wire/fscc.h"
#include "smb/wire/fscc_directory.h"

namespace smb3fuse::cifs {

// [MS-CIFS] 2.2.2.2
enum class Trans2 : std::uint16_t {
  find_first2 = 0x0001,
  find_next2 = 0x0002,
  query_fs_information = 0x0003,
  set_fs_information = 0x0004,
  query_path_information = 0x0005,
  set_path_information = 0x0006,
  query_file_information = 0x0007,
  set_file_information = 0x0008,
};

enum class NtTransact : std::uint16_t { ioctl = 0x0002, notify_change = 0x0004 };

// [MS-SMB] 2.2.2.3.5: SMB_INFO_PASSTHROUGH
inline constexpr std::uint16_t kPassThrough = 0x03E8;
constexpr std::uint16_t level_of(wire::FileInformationClass what) {
  return static_cast<std::uint16_t>(kPassThrough + static_cast<std::uint16_t>(what));
}
constexpr std::uint16_t level_of(wire::FsInformationClass what) {
  return static_cast<std::uint16_t>(kPassThrough + static_cast<std::uint16_t>(what));
}

// [MS-CIFS] 2.2.2.3, for servers without pass-through; the listing is [MS-SMB] 2.2.2.3.1.
namespace level {
inline constexpr std::uint16_t find_file_full_directory_info = 0x0102;
inline constexpr std::uint16_t find_file_id_full_directory_info = 0x0105;
inline constexpr std::uint16_t query_fs_size_info = 0x0103;
inline constexpr std::uint16_t query_fs_attribute_info = 0x0105;
inline constexpr std::uint16_t query_file_all_info = 0x0107;
inline constexpr std::uint16_t set_file_basic_info = 0x0101;
inline constexpr std::uint16_t set_file_end_of_file_info = 0x0104;
}  // namespace level

enum FindFlags : std::uint16_t {
  SMB_FIND_CLOSE_AFTER_REQUEST = 0x0001,
  SMB_FIND_CLOSE_AT_EOS = 0x0002,
  SMB_FIND_RETURN_RESUME_KEYS = 0x0004,
  SMB_FIND_CONTINUE_FROM_LAST = 0x0008,
};

// [MS-CIFS] 2.2.6.2.1
struct FindFirst2Request {
  std::uint16_t search_attributes = 0x0016;  // hidden, system, directories
  std::uint16_t search_count = 0;
  std::uint16_t flags = 0;
  std::uint16_t information_level = 0;
  Text file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("search_attributes", m.search_attributes);
    a.field("search_count", m.search_count);
    a.field("flags", m.flags);
    a.field("information_level", m.information_level);
    a.template reserved<std::uint32_t>();  // SearchStorageType
    a.nested("file_name", m.file_name);
  }
};

// [MS-CIFS] 2.2.6.2.2
struct FindFirst2Response {
  std::uint16_t sid = 0;
  std::uint16_t search_count = 0;
  std::uint16_t end_of_search = 0;
  std::uint16_t ea_error_offset = 0;
  std::uint16_t last_name_offset = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("sid", m.sid);
    a.field("search_count", m.search_count);
    a.field("end_of_search", m.end_of_search);
    a.field("ea_error_offset", m.ea_error_offset);
    a.field("last_name_offset", m.last_name_offset);
  }
};

// [MS-CIFS] 2.2.6.3.1
struct FindNext2Request {
  std::uint16_t sid = 0;
  std::uint16_t search_count = 0;
  std::uint16_t information_level = 0;
  std::uint32_t resume_key = 0;
  std::uint16_t flags = 0;
  Text file_name;  // the last one that was told

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("sid", m.sid);
    a.field("search_count", m.search_count);
    a.field("information_level", m.information_level);
    a.field("resume_key", m.resume_key);
    a.field("flags", m.flags);
    a.nested("file_name", m.file_name);
  }
};

// [MS-CIFS] 2.2.6.3.2
struct FindNext2Response {
  std::uint16_t search_count = 0;
  std::uint16_t end_of_search = 0;
  std::uint16_t ea_error_offset = 0;
  std::uint16_t last_name_offset = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("search_count", m.search_count);
    a.field("end_of_search", m.end_of_search);
    a.field("ea_error_offset", m.ea_error_offset);
    a.field("last_name_offset", m.last_name_offset);
  }
};

// [MS-CIFS] 2.2.6.6.1, 2.2.6.7.1: QUERY and SET_PATH_INFORMATION
struct PathInformationRequest {
  std::uint16_t information_level = 0;
  Text file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("information_level", m.information_level);
    a.template reserved<std::uint32_t>();
    a.nested("file_name", m.file_name);
  }
};

// [MS-CIFS] 2.2.6.8.1, 2.2.6.9.1: QUERY_FILE_INFORMATION, and SET_ which has two bytes more.
struct QueryFileInformationRequest {
  std::uint16_t fid = 0;
  std::uint16_t information_level = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("fid", m.fid);
    a.field("information_level", m.information_level);
  }
};

struct SetFileInformationRequest {
  std::uint16_t fid = 0;
  std::uint16_t information_level = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("fid", m.fid);
    a.field("information_level", m.information_level);
    a.template reserved<std::uint16_t>();
  }
};

// [MS-CIFS] 2.2.6.4.1
struct QueryFsInformationRequest {
  std::uint16_t information_level = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("information_level", m.information_level);
  }
};

// [MS-FSCC] 2.4 FileRenameInformation for SMB1: the new name stands in the same directory, or is a whole path where
// the server takes one. It is in the character set of the connection (Samba 4.17).
struct FileRenameInformation {
  static constexpr auto kClass = wire::FileInformationClass::rename;
  bool replace_if_exists = false;
  Bytes file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("replace_if_exists", m.replace_if_exists);
    a.template reserved<std::uint8_t>();
    a.template reserved<std::uint16_t>();
    a.template reserved<std::uint32_t>();  // RootDirectory
    a.template length_of<std::uint32_t>("file_name_length", m.file_name);
    a.data("file_name", m.file_name);
  }
};

// [MS-SMB] 2.2.8.1.2 SMB_FIND_FILE_ID_FULL_DIRECTORY_INFO: FileIdFullDirectoryInformation, with a name in the character
// set of the connection.
struct FindFileIdFullDirectoryInfo {
  static constexpr bool kHasId = true;
  std::uint32_t next_entry = 0;
  std::uint32_t file_index = 0;
  wire::FileTime creation_time;
  wire::FileTime last_access_time;
  wire::FileTime last_write_time;
  wire::FileTime change_time;
  std::uint64_t end_of_file = 0;
  std::uint64_t allocation_size = 0;
  std::uint32_t file_attributes = 0;
  std::uint32_t ea_size = 0;  // the reparse tag, where FILE_ATTRIBUTE_REPARSE_POINT is set
  std::uint64_t file_id = 0;
  ByteView file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("next_entry_offset", m.next_entry);
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
    if constexpr (Self::kHasId) {
      a.template reserved<std::uint32_t>();
      a.field("file_id", m.file_id);
    }
    a.data("file_name", m.file_name);
  }

  // The same in the terms of SMB2, but for the name.
  wire::FileIdFullDirectoryInformation information() const {
    return {file_index,      creation_time,   last_access_time, last_write_time, change_time, end_of_file,
            allocation_size, file_attributes, ea_size,          file_id,         {}};
  }
};

// [MS-CIFS] 2.2.8.1.5 SMB_FIND_FILE_FULL_DIRECTORY_INFO
struct FindFileFullDirectoryInfo : FindFileIdFullDirectoryInfo {
  static constexpr bool kHasId = false;
};

// The `count` entries that an answer says it has: in SMB1 the last one's NextEntryOffset need not be 0 (Samba 4.17).
template <class Entry>
tl::expected<std::vector<Entry>, wire::DecodeError> split_entries(ByteView data, std::size_t count) {
  std::vector<Entry> entries;
  std::size_t at = 0;
  while (entries.size() < count) {
    auto entry = wire::decode<Entry>(data.subspan(at));
    if (!entry) {
      entry.error().offset += at;
      return tl::make_unexpected(entry.error());
    }
    const std::size_t next = entry->next_entry;
    const std::size_t left = data.size() - at;
    entries.push_back(*entry);
    if (entries.size() == count) break;
    if (next == 0 || next >= left) {
      return tl::make_unexpected(
          wire::DecodeError{wire::type_name<Entry>(), "next_entry_offset", at, wire::DecodeProblem::bad_offset});
    }
    at += next;
  }
  return entries;
}

// [MS-CIFS] 2.2.8.3.12 SMB_QUERY_FILE_ALL_INFO, as far as anything of it is wanted. (FileAllInformation has the file's
// id, too; but Samba 4.17 answers that pass-through level in this form.)
struct QueryFileAllInfo {
  wire::FileBasicInformation basic_information;
  wire::FileStandardInformation standard_information;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("basic_information", m.basic_information);
    a.nested("standard_information", m.standard_information);
  }
};

// [MS-CIFS] 2.2.7.2.1 NT_TRANSACT_IOCTL: FunctionCode, FID, IsFctl, IsFlags as the four words of the setup.
constexpr std::uint64_t ioctl_setup(std::uint32_t function_code, std::uint16_t fid) {
  return function_code | std::uint64_t{fid} << 32 | std::uint64_t{1} << 48;
}

// [MS-CIFS] 2.2.7.4.1 NT_TRANSACT_NOTIFY_CHANGE: CompletionFilter, FID, WatchTree.
constexpr std::uint64_t notify_setup(std::uint32_t completion_filter, std::uint16_t fid) {
  return completion_filter | std::uint64_t{fid} << 32;
}

}  // namespace smb3fuse::cifs
