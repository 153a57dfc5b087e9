// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.35, 2.2.36: CHANGE_NOTIFY, and the entries of its answer, [MS-FSCC] 2.7.1.
#pragma once

#include <cstddef>
#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

enum ChangeNotifyFlags : std::uint16_t { SMB2_WATCH_TREE = 0x0001 };

enum CompletionFilter : std::uint32_t {
  FILE_NOTIFY_CHANGE_FILE_NAME = 0x00000001,
  FILE_NOTIFY_CHANGE_DIR_NAME = 0x00000002,
  FILE_NOTIFY_CHANGE_ATTRIBUTES = 0x00000004,
  FILE_NOTIFY_CHANGE_SIZE = 0x00000008,
  FILE_NOTIFY_CHANGE_LAST_WRITE = 0x00000010,
  FILE_NOTIFY_CHANGE_LAST_ACCESS = 0x00000020,
  FILE_NOTIFY_CHANGE_CREATION = 0x00000040,
  FILE_NOTIFY_CHANGE_EA = 0x00000080,
  FILE_NOTIFY_CHANGE_SECURITY = 0x00000100,
  FILE_NOTIFY_CHANGE_STREAM_NAME = 0x00000200,
  FILE_NOTIFY_CHANGE_STREAM_SIZE = 0x00000400,
  FILE_NOTIFY_CHANGE_STREAM_WRITE = 0x00000800,
};

// [MS-SMB2] 2.2.35
struct ChangeNotifyRequest {
  static constexpr Command kCommand = Command::change_notify;
  std::uint16_t flags = 0;
  std::uint32_t output_buffer_length = 0;
  FileId file_id;
  std::uint32_t completion_filter = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<32>();
    a.field("flags", m.flags);
    a.field("output_buffer_length", m.output_buffer_length);
    a.nested("file_id", m.file_id);
    a.field("completion_filter", m.completion_filter);
    a.template reserved<std::uint32_t>();
  }
};

// [MS-SMB2] 2.2.36: the buffer is a chain of FileNotifyInformation.
struct ChangeNotifyResponse {
  static constexpr Command kCommand = Command::change_notify;
  ByteView buffer;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<9>();
    a.template offset_of<std::uint16_t>("output_buffer_offset", m.buffer);
    a.template length_of<std::uint32_t>("output_buffer_length", m.buffer);
    a.data("buffer", m.buffer);
  }
};

enum class NotifyAction : std::uint32_t {
  added = 0x00000001,
  removed = 0x00000002,
  modified = 0x00000003,
  renamed_old_name = 0x00000004,
  renamed_new_name = 0x00000005,
  added_stream = 0x00000006,
  removed_stream = 0x00000007,
  modified_stream = 0x00000008,
  removed_by_delete = 0x00000009,
  id_not_tunnelled = 0x0000000A,
  tunnelled_id_collision = 0x0000000B,
};

// [MS-FSCC] 2.7.1 FILE_NOTIFY_INFORMATION
struct FileNotifyInformation {
  static constexpr std::size_t kChainAlignment = 4;
  NotifyAction action{};
  Utf16View file_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.next_entry_offset();
    a.field("action", m.action);
    a.template length_of<std::uint32_t>("file_name_length", m.file_name);
    a.data("file_name", m.file_name);
  }
};

}  // namespace smb3fuse::wire
