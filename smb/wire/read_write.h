// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.19 to 2.2.22: READ and WRITE. The file's data is never copied by the codec: see Payload in types.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

enum ReadFlags : std::uint8_t {
  SMB2_READFLAG_READ_UNBUFFERED = 0x01,
  SMB2_READFLAG_REQUEST_COMPRESSED = 0x02,
};

// [MS-SMB2] 2.2.19. Channel information is only for RDMA.
struct ReadRequest {
  static constexpr Command kCommand = Command::read;
  std::uint8_t padding = 0;  // where in the response the data should stand, counted from its header
  std::uint8_t flags = 0;
  std::uint32_t length = 0;
  std::uint64_t offset = 0;
  FileId file_id;
  std::uint32_t minimum_count = 0;
  std::uint32_t channel = 0;
  std::uint32_t remaining_bytes = 0;
  ByteView read_channel_info;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<49>();
    a.field("padding", m.padding);
    a.field("flags", m.flags);
    a.field("length", m.length);
    a.field("offset", m.offset);
    a.nested("file_id", m.file_id);
    a.field("minimum_count", m.minimum_count);
    a.field("channel", m.channel);
    a.field("remaining_bytes", m.remaining_bytes);
    a.template offset_of<std::uint16_t>("read_channel_info_offset", m.read_channel_info);
    a.template length_of<std::uint16_t>("read_channel_info_length", m.read_channel_info);
    a.optional_data("read_channel_info", m.read_channel_info);
    a.template minimum_size<49>();  // [MS-SMB2] 2.2.19 Buffer: one byte, even without channel information
  }
};

// The offset from the header at which a server's data stands if it follows the fixed part at once.
inline constexpr std::size_t kReadResponseDataOffset = 80;

// [MS-SMB2] 2.2.20
struct ReadResponse {
  static constexpr Command kCommand = Command::read;
  std::uint32_t data_remaining = 0;
  std::uint32_t flags = 0;
  Payload data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<17>();
    a.template offset_of<std::uint8_t>("data_offset", m.data);
    a.template reserved<std::uint8_t>();
    a.template length_of<std::uint32_t>("data_length", m.data);
    a.field("data_remaining", m.data_remaining);
    a.field("flags", m.flags);
    a.data("data", m.data);
  }
};

enum WriteFlags : std::uint32_t {
  SMB2_WRITEFLAG_WRITE_THROUGH = 0x00000001,
  SMB2_WRITEFLAG_WRITE_UNBUFFERED = 0x00000002,
};

// [MS-SMB2] 2.2.21. Channel information is only for RDMA, and then there is no data.
struct WriteRequest {
  static constexpr Command kCommand = Command::write;
  std::uint64_t offset = 0;
  FileId file_id;
  std::uint32_t channel = 0;
  std::uint32_t remaining_bytes = 0;
  ByteView write_channel_info;
  std::uint32_t flags = 0;
  Payload data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<49>();
    a.template offset_of<std::uint16_t>("data_offset", m.data);
    a.template length_of<std::uint32_t>("length", m.data);
    a.field("offset", m.offset);
    a.nested("file_id", m.file_id);
    a.field("channel", m.channel);
    a.field("remaining_bytes", m.remaining_bytes);
    a.template offset_of<std::uint16_t>("write_channel_info_offset", m.write_channel_info);
    a.template length_of<std::uint16_t>("write_channel_info_length", m.write_channel_info);
    a.field("flags", m.flags);
    a.optional_data("write_channel_info", m.write_channel_info);
    a.data("data", m.data);
  }
};

// [MS-SMB2] 2.2.22. The channel information fields are reserved.
struct WriteResponse {
  static constexpr Command kCommand = Command::write;
  std::uint32_t count = 0;
  std::uint32_t remaining = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<17>();
    a.template reserved<std::uint16_t>();
    a.field("count", m.count);
    a.field("remaining", m.remaining);
    a.template reserved<std::uint16_t>();
    a.template reserved<std::uint16_t>();
  }
};

}  // namespace smb3fuse::wire
