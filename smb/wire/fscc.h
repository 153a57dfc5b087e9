// SPDX-License-Identifier: Apache-2.0
// [MS-FSCC]: what QUERY_INFO and SET_INFO carry: information about files and file systems. Directory listings are in
// fscc_directory.h. Sizes and offsets are signed in the specification and never negative in practice: unsigned here.
//
// Names are views of the buffer that was decoded. Structures are cited by name: their sections are renumbered with each
// revision of the specification.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"

namespace smb3fuse::wire {

// [MS-SMB2] 2.2.37 InfoType
enum class InfoType : std::uint8_t { file = 0x01, file_system = 0x02, security = 0x03, quota = 0x04 };

// [MS-FSCC] 2.4
enum class FileInformationClass : std::uint8_t {
  directory = 1,
  full_directory = 2,
  both_directory = 3,
  basic = 4,
  standard = 5,
  internal = 6,
  ea = 7,
  access = 8,
  name = 9,
  rename = 10,
  link = 11,
  names = 12,
  disposition = 13,
  position = 14,
  full_ea = 15,
  mode = 16,
  alignment = 17,
  all = 18,
  allocation = 19,
  end_of_file = 20,
  alternate_name = 21,
  stream = 22,
  pipe = 23,
  compression = 28,
  network_open = 34,
  attribute_tag = 35,
  id_both_directory = 37,
  id_full_directory = 38,
  valid_data_length = 39,
  normalized_name = 48,
  id = 59,
  id_extd_directory = 60,
  disposition_ex = 64,
  rename_ex = 65,
};

// [MS-FSCC] 2.5
enum class FsInformationClass : std::uint8_t {
  volume = 1,
  size = 3,
  device = 4,
  attribute = 5,
  control = 6,
  full_size = 7,
  object_id = 8,
  sector_size = 11,
};

// [MS-DTYP] 2.4.7 SECURITY_INFORMATION, the AdditionalInformation of InfoType::security
enum SecurityInformation : std::uint32_t {
  OWNER_SECURITY_INFORMATION = 0x00000001,
  GROUP_SECURITY_INFORMATION = 0x00000002,
  DACL_SECURITY_INFORMATION = 0x00000004,
  SACL_SECURITY_INFORMATION = 0x00000008,
};

// ---- Files, queried --------------------------------------------------------------------------------------------

// [MS-FSCC] 2.4 FileBasicInformation; queried and set.
struct FileBasicInformation {
  static constexpr auto kClass = FileInformationClass::basic;
  FileTime creation_time;
  FileTime last_access_time;
  FileTime last_write_time;
  FileTime change_time;
  std::uint32_t file_attributes = 0;  // set: 0 leaves them alone

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("creation_time", m.creation_time);
    a.nested("last_access_time", m.last_access_time);
    a.nested("last_write_time", m.last_write_time);
    a.nested("change_time", m.change_time);
    a.field("file_attributes", m.file_attributes);
    a.template reserved<std::uint32_t>();
  }
};

// [MS-FSCC] 2.4 FileStandardInformation
struct FileStandardInformation {
  static constexpr auto kClass = FileInformationClass::standard;
  std::uint64_t allocation_size = 0;
  std::uint64_t end_of_file = 0;
  std::uint32_t number_of_links = 0;
  bool delete_pending = false;
  bool directory = false;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("allocation_size", m.allocation_size);
    a.field("end_of_file", m.end_of_file);
    a.field("number_of_links", m.number_of_links);
    a.field("delete_pending", m.delete_pending);
    a.field("directory", m.directory);
    a.template minimum_size<24>();  // Reserved; impacket 0.10 leaves it out
  }
};

// [MS-FSCC] 2.4 FileInternalInformation
struct FileInternalInformation {
  static constexpr auto kClass = FileInformationClass::internal;
  std::uint64_t index_number = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("index_number", m.index_number);
  }
};

// [MS-FSCC] 2.4 FileEaInformation
struct FileEaInformation {
  static constexpr auto kClass = FileInformationClass::ea;
  std::uint32_t ea_size = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("ea_size", m.ea_size);
  }
};

// [MS-FSCC] 2.4 FileAccessInformation
struct FileAccessInformation {
  static constexpr auto kClass = FileInformationClass::access;
  std::uint32_t access_flags = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("access_flags", m.access_flags);
  }
};

// [MS-FSCC] 2.4 FilePositionInformation
struct FilePositionInformation {
  static constexpr auto kClass = FileInformationClass::position;
  std::uint64_t current_byte_offset = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("current_byte_offset", m.current_byte_offset);
  }
};

// [MS-FSCC] 2.4 FileModeInformation
struct FileModeInformation {
  static constexpr auto kClass = FileInformationClass::mode;
  std::uint32_t mode = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("mode", m.mode);
  }
};

// [MS-FSCC] 2.4 FileAlignmentInformation
struct FileAlignmentInformation {
  static constexpr auto kClass = FileInformationClass::alignment;
  std::uint32_t alignment_requirement = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("alignment_requirement", m.alignment_requirement);
  }
};

// [MS-FSCC] 2.1.7 FILE_NAME_INFORMATION: also FileNormalizedNameInformation and FileAlternateNameInformation. The name
// is cut short by a buffer that was too small.
struct FileNameInformation {
  static constexpr auto kClass = FileInformationClass::name;
  Utf16View file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template length_of<std::uint32_t>("file_name_length", m.file_name);
    a.cut_data("file_name", m.file_name);
  }
};

// [MS-FSCC] 2.4 FileAllInformation. With STATUS_BUFFER_OVERFLOW its name is cut short, and the rest good.
struct FileAllInformation {
  static constexpr auto kClass = FileInformationClass::all;
  FileBasicInformation basic_information;
  FileStandardInformation standard_information;
  FileInternalInformation internal_information;
  FileEaInformation ea_information;
  FileAccessInformation access_information;
  FilePositionInformation position_information;
  FileModeInformation mode_information;
  FileAlignmentInformation alignment_information;
  FileNameInformation name_information;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("basic_information", m.basic_information);
    a.nested("standard_information", m.standard_information);
    a.template reserved<std::uint16_t>();
    a.nested("internal_information", m.internal_information);
    a.nested("ea_information", m.ea_information);
    a.nested("access_information", m.access_information);
    a.nested("position_information", m.position_information);
    a.nested("mode_information", m.mode_information);
    a.nested("alignment_information", m.alignment_information);
    a.nested("name_information", m.name_information);
  }
};

// [MS-FSCC] 2.4 FileNetworkOpenInformation
struct FileNetworkOpenInformation {
  static constexpr auto kClass = FileInformationClass::network_open;
  FileTime creation_time;
  FileTime last_access_time;
  FileTime last_write_time;
  FileTime change_time;
  std::uint64_t allocation_size = 0;
  std::uint64_t end_of_file = 0;
  std::uint32_t file_attributes = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("creation_time", m.creation_time);
    a.nested("last_access_time", m.last_access_time);
    a.nested("last_write_time", m.last_write_time);
    a.nested("change_time", m.change_time);
    a.field("allocation_size", m.allocation_size);
    a.field("end_of_file", m.end_of_file);
    a.field("file_attributes", m.file_attributes);
    a.template reserved<std::uint32_t>();
  }
};

// [MS-FSCC] 2.4 FileAttributeTagInformation
struct FileAttributeTagInformation {
  static constexpr auto kClass = FileInformationClass::attribute_tag;
  std::uint32_t file_attributes = 0;
  std::uint32_t reparse_tag = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("file_attributes", m.file_attributes);
    a.field("reparse_tag", m.reparse_tag);
  }
};

// [MS-FSCC] 2.4 FileIdInformation
struct FileIdInformation {
  static constexpr auto kClass = FileInformationClass::id;
  std::uint64_t volume_serial_number = 0;
  Guid file_id;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("volume_serial_number", m.volume_serial_number);
    a.nested("file_id", m.file_id);
  }
};

// [MS-FSCC] 2.4 FileStreamInformation, a chain.
struct FileStreamInformation {
  static constexpr auto kClass = FileInformationClass::stream;
  static constexpr std::size_t kChainAlignment = 8;
  std::uint64_t stream_size = 0;
  std::uint64_t stream_allocation_size = 0;
  Utf16View stream_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.next_entry_offset();
    a.template length_of<std::uint32_t>("stream_name_length", m.stream_name);
    a.field("stream_size", m.stream_size);
    a.field("stream_allocation_size", m.stream_allocation_size);
    a.data("stream_name", m.stream_name);
  }
};

enum EaFlags : std::uint8_t { FILE_NEED_EA = 0x80 };

// [MS-FSCC] 2.4 FileFullEaInformation, a chain; queried and set.
struct FileFullEaInformation {
  static constexpr auto kClass = FileInformationClass::full_ea;
  static constexpr std::size_t kChainAlignment = 4;
  std::uint8_t flags = 0;
  std::string ea_name;
  ByteView ea_value;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.next_entry_offset();
    a.field("flags", m.flags);
    a.template length_of<std::uint8_t>("ea_name_length", m.ea_name);
    a.template length_of<std::uint16_t>("ea_value_length", m.ea_value);
    a.data("ea_name", m.ea_name);
    a.template reserved<std::uint8_t>();  // the name's terminator, which its length does not count
    a.data("ea_value", m.ea_value);
  }
};

// ---- Files, set ------------------------------------------------------------------------------------------------

// [MS-FSCC] 2.4 FileRenameInformation for SMB2
struct FileRenameInformation {
  static constexpr auto kClass = FileInformationClass::rename;
  bool replace_if_exists = false;
  std::u16string file_name;  // from the root of the share

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("replace_if_exists", m.replace_if_exists);
    a.template reserved<std::uint8_t>();
    a.template reserved<std::uint16_t>();
    a.template reserved<std::uint32_t>();
    a.template reserved<std::uint64_t>();  // RootDirectory
    a.template length_of<std::uint32_t>("file_name_length", m.file_name);
    a.data("file_name", m.file_name);
    a.template minimum_size<24>();  // Windows refuses less, however short the name
  }
};

enum RenameFlags : std::uint32_t {
  FILE_RENAME_REPLACE_IF_EXISTS = 0x00000001,
  FILE_RENAME_POSIX_SEMANTICS = 0x00000002,
  FILE_RENAME_IGNORE_READONLY_ATTRIBUTE = 0x00000040,
};

// [MS-FSCC] 2.4 FileRenameInformationEx
struct FileRenameInformationEx {
  static constexpr auto kClass = FileInformationClass::rename_ex;
  std::uint32_t flags = 0;
  std::u16string file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("flags", m.flags);
    a.template reserved<std::uint32_t>();
    a.template reserved<std::uint64_t>();  // RootDirectory
    a.template length_of<std::uint32_t>("file_name_length", m.file_name);
    a.data("file_name", m.file_name);
    a.template minimum_size<24>();
  }
};

// [MS-FSCC] 2.4 FileLinkInformation for SMB2
struct FileLinkInformation {
  static constexpr auto kClass = FileInformationClass::link;
  bool replace_if_exists = false;
  std::u16string file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("replace_if_exists", m.replace_if_exists);
    a.template reserved<std::uint8_t>();
    a.template reserved<std::uint16_t>();
    a.template reserved<std::uint32_t>();
    a.template reserved<std::uint64_t>();  // RootDirectory
    a.template length_of<std::uint32_t>("file_name_length", m.file_name);
    a.data("file_name", m.file_name);
    a.template minimum_size<24>();
  }
};

// [MS-FSCC] 2.4 FileDispositionInformation
struct FileDispositionInformation {
  static constexpr auto kClass = FileInformationClass::disposition;
  bool delete_pending = false;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("delete_pending", m.delete_pending);
  }
};

enum DispositionFlags : std::uint32_t {
  FILE_DISPOSITION_DO_NOT_DELETE = 0x00000000,
  FILE_DISPOSITION_DELETE = 0x00000001,
  FILE_DISPOSITION_POSIX_SEMANTICS = 0x00000002,
  FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK = 0x00000004,
  FILE_DISPOSITION_ON_CLOSE = 0x00000008,
  FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE = 0x00000010,
};

// FileDispositionInformationEx, by its Windows name FILE_DISPOSITION_INFORMATION_EX
struct FileDispositionInformationEx {
  static constexpr auto kClass = FileInformationClass::disposition_ex;
  std::uint32_t flags = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("flags", m.flags);
  }
};

// [MS-FSCC] 2.4 FileEndOfFileInformation
struct FileEndOfFileInformation {
  static constexpr auto kClass = FileInformationClass::end_of_file;
  std::uint64_t end_of_file = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("end_of_file", m.end_of_file);
  }
};

// [MS-FSCC] 2.4 FileAllocationInformation
struct FileAllocationInformation {
  static constexpr auto kClass = FileInformationClass::allocation;
  std::uint64_t allocation_size = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("allocation_size", m.allocation_size);
  }
};

// ---- File systems ----------------------------------------------------------------------------------------------

// [MS-FSCC] 2.5 FileFsVolumeInformation
struct FileFsVolumeInformation {
  static constexpr auto kClass = FsInformationClass::volume;
  FileTime volume_creation_time;
  std::uint32_t volume_serial_number = 0;
  bool supports_objects = false;
  Utf16View volume_label;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("volume_creation_time", m.volume_creation_time);
    a.field("volume_serial_number", m.volume_serial_number);
    a.template length_of<std::uint32_t>("volume_label_length", m.volume_label);
    a.field("supports_objects", m.supports_objects);
    a.template reserved<std::uint8_t>();
    a.cut_data("volume_label", m.volume_label);
  }
};

// [MS-FSCC] 2.5 FileFsSizeInformation
struct FileFsSizeInformation {
  static constexpr auto kClass = FsInformationClass::size;
  std::uint64_t total_allocation_units = 0;
  std::uint64_t available_allocation_units = 0;
  std::uint32_t sectors_per_allocation_unit = 0;
  std::uint32_t bytes_per_sector = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("total_allocation_units", m.total_allocation_units);
    a.field("available_allocation_units", m.available_allocation_units);
    a.field("sectors_per_allocation_unit", m.sectors_per_allocation_unit);
    a.field("bytes_per_sector", m.bytes_per_sector);
  }
};

// [MS-FSCC] 2.5 FileFsFullSizeInformation
struct FileFsFullSizeInformation {
  static constexpr auto kClass = FsInformationClass::full_size;
  std::uint64_t total_allocation_units = 0;
  std::uint64_t caller_available_allocation_units = 0;
  std::uint64_t actual_available_allocation_units = 0;
  std::uint32_t sectors_per_allocation_unit = 0;
  std::uint32_t bytes_per_sector = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("total_allocation_units", m.total_allocation_units);
    a.field("caller_available_allocation_units", m.caller_available_allocation_units);
    a.field("actual_available_allocation_units", m.actual_available_allocation_units);
    a.field("sectors_per_allocation_unit", m.sectors_per_allocation_unit);
    a.field("bytes_per_sector", m.bytes_per_sector);
  }
};

// [MS-FSCC] 2.5 FileFsDeviceInformation
struct FileFsDeviceInformation {
  static constexpr auto kClass = FsInformationClass::device;
  std::uint32_t device_type = 0;
  std::uint32_t characteristics = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("device_type", m.device_type);
    a.field("characteristics", m.characteristics);
  }
};

// [MS-FSCC] 2.5
enum FileSystemAttributes : std::uint32_t {
  FILE_CASE_SENSITIVE_SEARCH = 0x00000001,
  FILE_CASE_PRESERVED_NAMES = 0x00000002,
  FILE_UNICODE_ON_DISK = 0x00000004,
  FILE_PERSISTENT_ACLS = 0x00000008,
  FILE_FILE_COMPRESSION = 0x00000010,
  FILE_VOLUME_QUOTAS = 0x00000020,
  FILE_SUPPORTS_SPARSE_FILES = 0x00000040,
  FILE_SUPPORTS_REPARSE_POINTS = 0x00000080,
  FILE_SUPPORTS_REMOTE_STORAGE = 0x00000100,
  FILE_SUPPORTS_POSIX_UNLINK_RENAME = 0x00000400,
  FILE_SUPPORTS_OBJECT_IDS = 0x00010000,
  FILE_SUPPORTS_ENCRYPTION = 0x00020000,
  FILE_NAMED_STREAMS = 0x00040000,
  FILE_READ_ONLY_VOLUME = 0x00080000,
  FILE_SUPPORTS_TRANSACTIONS = 0x00200000,
  FILE_SUPPORTS_HARD_LINKS = 0x00400000,
  FILE_SUPPORTS_EXTENDED_ATTRIBUTES = 0x00800000,
  FILE_SUPPORTS_OPEN_BY_FILE_ID = 0x01000000,
  FILE_SUPPORTS_USN_JOURNAL = 0x02000000,
  FILE_SUPPORTS_INTEGRITY_STREAMS = 0x04000000,
  FILE_SUPPORTS_BLOCK_REFCOUNTING = 0x08000000,
  FILE_SUPPORTS_SPARSE_VDL = 0x10000000,
};

// [MS-FSCC] 2.5 FileFsAttributeInformation
struct FileFsAttributeInformation {
  static constexpr auto kClass = FsInformationClass::attribute;
  std::uint32_t file_system_attributes = 0;
  std::uint32_t maximum_component_name_length = 0;  // characters
  Utf16View file_system_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("file_system_attributes", m.file_system_attributes);
    a.field("maximum_component_name_length", m.maximum_component_name_length);
    a.template length_of<std::uint32_t>("file_system_name_length", m.file_system_name);
    a.cut_data("file_system_name", m.file_system_name);
  }
};

// [MS-FSCC] 2.5 FileFsSectorSizeInformation
struct FileFsSectorSizeInformation {
  static constexpr auto kClass = FsInformationClass::sector_size;
  std::uint32_t logical_bytes_per_sector = 0;
  std::uint32_t physical_bytes_per_sector_for_atomicity = 0;
  std::uint32_t physical_bytes_per_sector_for_performance = 0;
  std::uint32_t file_system_effective_physical_bytes_per_sector_for_atomicity = 0;
  std::uint32_t flags = 0;
  std::uint32_t byte_offset_for_sector_alignment = 0;
  std::uint32_t byte_offset_for_partition_alignment = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("logical_bytes_per_sector", m.logical_bytes_per_sector);
    a.field("physical_bytes_per_sector_for_atomicity", m.physical_bytes_per_sector_for_atomicity);
    a.field("physical_bytes_per_sector_for_performance", m.physical_bytes_per_sector_for_performance);
    a.field("file_system_effective_physical_bytes_per_sector_for_atomicity",
            m.file_system_effective_physical_bytes_per_sector_for_atomicity);
    a.field("flags", m.flags);
    a.field("byte_offset_for_sector_alignment", m.byte_offset_for_sector_alignment);
    a.field("byte_offset_for_partition_alignment", m.byte_offset_for_partition_alignment);
  }
};

// [MS-FSCC] 2.5 FileFsObjectIdInformation
struct FileFsObjectIdInformation {
  static constexpr auto kClass = FsInformationClass::object_id;
  Guid object_id;
  std::array<std::uint8_t, 48> extended_info{};

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("object_id", m.object_id);
    a.fixed("extended_info", m.extended_info);
  }
};

}  // namespace smb3fuse::wire
