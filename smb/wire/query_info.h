// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.37, 2.2.38: QUERY_INFO.
#pragma once

#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/fscc.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

// [MS-SMB2] 2.2.37
struct QueryInfoRequest {
  static constexpr Command kCommand = Command::query_info;
  InfoType info_type{};
  std::uint8_t file_info_class = 0;  // FileInformationClass or FsInformationClass, as info_type says; else 0
  std::uint32_t output_buffer_length = 0;
  std::uint32_t additional_information = 0;  // SecurityInformation
  std::uint32_t flags = 0;
  FileId file_id;
  ByteView input_buffer;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<41>();
    a.field("info_type", m.info_type);
    a.field("file_info_class", m.file_info_class);
    a.field("output_buffer_length", m.output_buffer_length);
    a.template offset_of<std::uint16_t>("input_buffer_offset", m.input_buffer);
    a.template reserved<std::uint16_t>();
    a.template length_of<std::uint32_t>("input_buffer_length", m.input_buffer);
    a.field("additional_information", m.additional_information);
    a.field("flags", m.flags);
    a.nested("file_id", m.file_id);
    a.optional_data("input_buffer", m.input_buffer);
  }
};

// [MS-SMB2] 2.2.38
struct QueryInfoResponse {
  static constexpr Command kCommand = Command::query_info;
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
