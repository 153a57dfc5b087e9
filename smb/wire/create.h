// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.13, 2.2.14: CREATE.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "smb/wire/codec.h"
#include "smb/wire/create_contexts.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

enum class OplockLevel : std::uint8_t { none = 0x00, level_ii = 0x01, exclusive = 0x08, batch = 0x09, lease = 0xFF };

enum class ImpersonationLevel : std::uint32_t { anonymous = 0, identification = 1, impersonation = 2, delegate = 3 };

enum ShareAccess : std::uint32_t {
  FILE_SHARE_READ = 0x00000001,
  FILE_SHARE_WRITE = 0x00000002,
  FILE_SHARE_DELETE = 0x00000004,
};

enum class CreateDisposition : std::uint32_t {
  supersede = 0,     // replace, or create
  open = 1,          // or fail
  create = 2,        // or fail
  open_if = 3,       // or create
  overwrite = 4,     // truncate, or fail
  overwrite_if = 5,  // truncate, or create
};

enum CreateOptions : std::uint32_t {
  FILE_DIRECTORY_FILE = 0x00000001,
  FILE_WRITE_THROUGH = 0x00000002,
  FILE_SEQUENTIAL_ONLY = 0x00000004,
  FILE_NO_INTERMEDIATE_BUFFERING = 0x00000008,
  FILE_NON_DIRECTORY_FILE = 0x00000040,
  FILE_NO_EA_KNOWLEDGE = 0x00000200,
  FILE_RANDOM_ACCESS = 0x00000800,
  FILE_DELETE_ON_CLOSE = 0x00001000,
  FILE_OPEN_BY_FILE_ID = 0x00002000,
  FILE_OPEN_FOR_BACKUP_INTENT = 0x00004000,
  FILE_NO_COMPRESSION = 0x00008000,
  FILE_OPEN_REPARSE_POINT = 0x00200000,
  FILE_OPEN_NO_RECALL = 0x00400000,
};

// [MS-FSCC] 2.6
enum FileAttributes : std::uint32_t {
  FILE_ATTRIBUTE_READONLY = 0x00000001,
  FILE_ATTRIBUTE_HIDDEN = 0x00000002,
  FILE_ATTRIBUTE_SYSTEM = 0x00000004,
  FILE_ATTRIBUTE_DIRECTORY = 0x00000010,
  FILE_ATTRIBUTE_ARCHIVE = 0x00000020,
  FILE_ATTRIBUTE_NORMAL = 0x00000080,
  FILE_ATTRIBUTE_TEMPORARY = 0x00000100,
  FILE_ATTRIBUTE_SPARSE_FILE = 0x00000200,
  FILE_ATTRIBUTE_REPARSE_POINT = 0x00000400,
  FILE_ATTRIBUTE_COMPRESSED = 0x00000800,
  FILE_ATTRIBUTE_OFFLINE = 0x00001000,
  FILE_ATTRIBUTE_NOT_CONTENT_INDEXED = 0x00002000,
  FILE_ATTRIBUTE_ENCRYPTED = 0x00004000,
  FILE_ATTRIBUTE_INTEGRITY_STREAM = 0x00008000,
  FILE_ATTRIBUTE_NO_SCRUB_DATA = 0x00020000,
  FILE_ATTRIBUTE_RECALL_ON_OPEN = 0x00040000,
  FILE_ATTRIBUTE_PINNED = 0x00080000,
  FILE_ATTRIBUTE_UNPINNED = 0x00100000,
  FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS = 0x00400000,
};

// [MS-SMB2] 2.2.13
struct CreateRequest {
  static constexpr Command kCommand = Command::create;
  OplockLevel requested_oplock_level = OplockLevel::none;
  ImpersonationLevel impersonation_level = ImpersonationLevel::impersonation;
  std::uint32_t desired_access = 0;
  std::uint32_t file_attributes = 0;
  std::uint32_t share_access = 0;
  CreateDisposition create_disposition = CreateDisposition::open;
  std::uint32_t create_options = 0;
  std::u16string name;  // relative to the share, without a leading backslash; empty for its root
  std::vector<CreateContext> create_contexts;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<57>();
    a.template reserved<std::uint8_t>();  // SecurityFlags
    a.field("requested_oplock_level", m.requested_oplock_level);
    a.field("impersonation_level", m.impersonation_level);
    a.template reserved<std::uint64_t>();  // SmbCreateFlags
    a.template reserved<std::uint64_t>();
    a.field("desired_access", m.desired_access);
    a.field("file_attributes", m.file_attributes);
    a.field("share_access", m.share_access);
    a.field("create_disposition", m.create_disposition);
    a.field("create_options", m.create_options);
    a.template offset_of<std::uint16_t>("name_offset", m.name);
    a.template length_of<std::uint16_t>("name_length", m.name);
    a.template offset_of<std::uint32_t>("create_contexts_offset", m.create_contexts);
    a.template length_of<std::uint32_t>("create_contexts_length", m.create_contexts);
    a.data("name", m.name);
    a.template minimum_size<57>();  // [MS-SMB2] 2.2.13 Buffer: at least one byte, even without a name
    a.template optional_data<8>("create_contexts", m.create_contexts);
  }
};

enum class CreateAction : std::uint32_t { superseded = 0, opened = 1, created = 2, overwritten = 3 };

enum CreateResponseFlags : std::uint8_t { SMB2_CREATE_FLAG_REPARSEPOINT = 0x01 };

// [MS-SMB2] 2.2.14
struct CreateResponse {
  static constexpr Command kCommand = Command::create;
  OplockLevel oplock_level = OplockLevel::none;
  std::uint8_t flags = 0;
  CreateAction create_action{};
  FileTime creation_time;
  FileTime last_access_time;
  FileTime last_write_time;
  FileTime change_time;
  std::uint64_t allocation_size = 0;
  std::uint64_t end_of_file = 0;
  std::uint32_t file_attributes = 0;
  FileId file_id;
  std::vector<CreateContext> create_contexts;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<89>();
    a.field("oplock_level", m.oplock_level);
    a.field("flags", m.flags);
    a.field("create_action", m.create_action);
    a.nested("creation_time", m.creation_time);
    a.nested("last_access_time", m.last_access_time);
    a.nested("last_write_time", m.last_write_time);
    a.nested("change_time", m.change_time);
    a.field("allocation_size", m.allocation_size);
    a.field("end_of_file", m.end_of_file);
    a.field("file_attributes", m.file_attributes);
    a.template reserved<std::uint32_t>();
    a.nested("file_id", m.file_id);
    a.template offset_of<std::uint32_t>("create_contexts_offset", m.create_contexts);
    a.template length_of<std::uint32_t>("create_contexts_length", m.create_contexts);
    a.template optional_data<8>("create_contexts", m.create_contexts);
  }
};

}  // namespace smb3fuse::wire
