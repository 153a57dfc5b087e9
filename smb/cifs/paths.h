// SPDX-License-Identifier: Apache-2.0
// What is done by a path alone: CREATE_DIRECTORY, DELETE_DIRECTORY, DELETE, RENAME, NT_RENAME, FIND_CLOSE2.
// [MS-CIFS] 2.2.4.1, 2.2.4.2, 2.2.4.7, 2.2.4.8, 2.2.4.66
#pragma once

#include <cstdint>

#include "smb/cifs/block.h"
#include "smb/cifs/text.h"

namespace smb3fuse::cifs {

// BufferFormat 4, and the path.
struct PathString {
  static constexpr std::uint8_t kBufferFormat = 0x04;
  Text path;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    std::uint8_t buffer_format = kBufferFormat;
    a.field("buffer_format", buffer_format);
    a.nested("path", m.path);
  }
};

template <Command Code>
struct DirectoryRequest {
  static constexpr Command kCode = Code;
  static constexpr std::uint8_t kWords = 0;
  PathString name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.nested("name", m.name);
  }
};

using CreateDirectoryRequest = DirectoryRequest<Command::create_directory>;
using DeleteDirectoryRequest = DirectoryRequest<Command::delete_directory>;

// [MS-CIFS] 2.2.1.2.4 SMB_FILE_ATTRIBUTES: files with these are meant, too.
inline constexpr std::uint16_t kHiddenAndSystem = 0x0006;
inline constexpr std::uint16_t kDirectoriesToo = 0x0010;

// The name is a pattern: one with wildcards deletes all that match.
struct DeleteRequest {
  static constexpr Command kCode = Command::remove;
  static constexpr std::uint8_t kWords = 1;
  std::uint16_t search_attributes = kHiddenAndSystem;
  PathString name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("search_attributes", m.search_attributes);
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.nested("name", m.name);
  }
};

// The old name is a pattern, too. An existing new name is STATUS_OBJECT_NAME_COLLISION.
struct RenameRequest {
  static constexpr Command kCode = Command::rename;
  static constexpr std::uint8_t kWords = 1;
  std::uint16_t search_attributes = kHiddenAndSystem | kDirectoriesToo;
  PathString old_name;
  PathString new_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("search_attributes", m.search_attributes);
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.nested("old_name", m.old_name);
    a.nested("new_name", m.new_name);
  }
};

// [MS-CIFS] 2.2.4.66.1 InformationLevel
enum class NtRenameLevel : std::uint16_t { set_link_info = 0x0103, rename_file = 0x0104 };

struct NtRenameRequest {
  static constexpr Command kCode = Command::nt_rename;
  static constexpr std::uint8_t kWords = 4;
  std::uint16_t search_attributes = kHiddenAndSystem | kDirectoriesToo;
  NtRenameLevel information_level = NtRenameLevel::rename_file;
  PathString old_name;
  PathString new_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("search_attributes", m.search_attributes);
    a.field("information_level", m.information_level);
    a.template reserved<std::uint32_t>();
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.nested("old_name", m.old_name);
    a.nested("new_name", m.new_name);
  }
};

// [MS-CIFS] 2.2.4.48.1
struct FindClose2Request {
  static constexpr Command kCode = Command::find_close2;
  static constexpr std::uint8_t kWords = 1;
  std::uint16_t sid = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("sid", m.sid);
    a.template reserved<std::uint16_t>();  // ByteCount
  }
};

}  // namespace smb3fuse::cifs
