// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.39, 2.2.40: SET_INFO.
#pragma once

#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/fscc.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

// [MS-SMB2] 2.2.39
struct SetInfoRequest {
  static constexpr Command kCommand = Command::set_info;
  InfoType info_type{};
  std::uint8_t file_info_class = 0;          // FileInformationClass or FsInformationClass, as info_type says; else 0
  std::uint32_t additional_information = 0;  // SecurityInformation
  FileId file_id;
  ByteView buffer;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<33>();
    a.field("info_type", m.info_type);
    a.field("file_info_class", m.file_info_class);
    a.template length_of<std::uint32_t>("buffer_length", m.buffer);
    a.template offset_of<std::uint16_t>("buffer_offset", m.buffer);
    a.template reserved<std::uint16_t>();
    a.field("additional_information", m.additional_information);
    a.nested("file_id", m.file_id);
    a.data("buffer", m.buffer);
  }
};

// [MS-SMB2] 2.2.40
struct SetInfoResponse {
  static constexpr Command kCommand = Command::set_info;

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template structure_size<2>();
  }
};

}  // namespace smb3fuse::wire
