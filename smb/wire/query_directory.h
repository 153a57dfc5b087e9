// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.33, 2.2.34: QUERY_DIRECTORY.
#pragma once

#include <cstdint>
#include <string>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/fscc.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

enum QueryDirectoryFlags : std::uint8_t {
  SMB2_RESTART_SCANS = 0x01,
  SMB2_RETURN_SINGLE_ENTRY = 0x02,
  SMB2_INDEX_SPECIFIED = 0x04,
  SMB2_REOPEN = 0x10,
};

// [MS-SMB2] 2.2.33
struct QueryDirectoryRequest {
  static constexpr Command kCommand = Command::query_directory;
  FileInformationClass file_information_class{};
  std::uint8_t flags = 0;
  std::uint32_t file_index = 0;
  FileId file_id;
  std::uint32_t output_buffer_length = 0;
  std::u16string file_name;  // a pattern

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<33>();
    a.field("file_information_class", m.file_information_class);
    a.field("flags", m.flags);
    a.field("file_index", m.file_index);
    a.nested("file_id", m.file_id);
    a.template offset_of<std::uint16_t>("file_name_offset", m.file_name);
    a.template length_of<std::uint16_t>("file_name_length", m.file_name);
    a.field("output_buffer_length", m.output_buffer_length);
    a.optional_data("file_name", m.file_name);
  }
};

// [MS-SMB2] 2.2.34: the buffer is a chain of entries of the class that was asked for; read it with ChainReader.
struct QueryDirectoryResponse {
  static constexpr Command kCommand = Command::query_directory;
  ByteView output_buffer;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<9>();
    a.template offset_of<std::uint16_t>("output_buffer_offset", m.output_buffer);
    a.template length_of<std::uint32_t>("output_buffer_length", m.output_buffer);
    a.data("output_buffer", m.output_buffer);
  }
};

}  // namespace smb3fuse::wire
