// SPDX-License-Identifier: Apache-2.0
// [MS-FSCC] 2.1.2: what FSCTL_GET_REPARSE_POINT and FSCTL_SET_REPARSE_POINT carry.
#pragma once

#include <cstdint>
#include <string>

#include "smb/wire/codec.h"

namespace smb3fuse::wire {

// [MS-FSCC] 2.1.2.1
enum ReparseTag : std::uint32_t {
  IO_REPARSE_TAG_MOUNT_POINT = 0xA0000003,
  IO_REPARSE_TAG_SYMLINK = 0xA000000C,
  IO_REPARSE_TAG_DFS = 0x8000000A,
  IO_REPARSE_TAG_DFSR = 0x80000012,
  IO_REPARSE_TAG_DEDUP = 0x80000013,
  IO_REPARSE_TAG_NFS = 0x80000014,
  IO_REPARSE_TAG_AF_UNIX = 0x80000023,
  IO_REPARSE_TAG_LX_SYMLINK = 0xA000001D,
  IO_REPARSE_TAG_LX_FIFO = 0x80000024,
  IO_REPARSE_TAG_LX_CHR = 0x80000025,
  IO_REPARSE_TAG_LX_BLK = 0x80000026,
};

enum SymlinkFlags : std::uint32_t { SYMLINK_FLAG_RELATIVE = 0x00000001 };

// [MS-FSCC] 2.1.2.2 REPARSE_DATA_BUFFER: any reparse point. `data_buffer` is a view.
struct ReparseDataBuffer {
  std::uint32_t reparse_tag = 0;
  ByteView data_buffer;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("reparse_tag", m.reparse_tag);
    a.template length_of<std::uint16_t>("reparse_data_length", m.data_buffer);
    a.template reserved<std::uint16_t>();
    a.data("data_buffer", m.data_buffer);
  }
};

// The part that a symbolic link has in common wherever it stands.
template <class Archive, class Self>
void describe_symbolic_link(Archive& a, Self& m) {
  a.template offset_of<std::uint16_t>("substitute_name_offset", m.substitute_name);
  a.template length_of<std::uint16_t>("substitute_name_length", m.substitute_name);
  a.template offset_of<std::uint16_t>("print_name_offset", m.print_name);
  a.template length_of<std::uint16_t>("print_name_length", m.print_name);
  a.field("flags", m.flags);
  a.offsets_from_here();
  a.data("substitute_name", m.substitute_name);
  a.data("print_name", m.print_name);
}

// [MS-FSCC] 2.1.2.4 Symbolic Link Reparse Data Buffer
struct SymbolicLinkReparseDataBuffer {
  std::u16string substitute_name;
  std::u16string print_name;
  std::uint32_t flags = 0;  // SYMLINK_FLAG_RELATIVE

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template magic<IO_REPARSE_TAG_SYMLINK>("reparse_tag");
    a.template length_of_rest<std::uint16_t, sizeof(std::uint16_t)>("reparse_data_length");
    a.template reserved<std::uint16_t>();
    describe_symbolic_link(a, m);
  }
};

// [MS-FSCC] 2.1.2.5 Mount Point Reparse Data Buffer. Its names end in a NUL that their lengths do not count.
struct MountPointReparseDataBuffer {
  std::u16string substitute_name;
  std::u16string print_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template magic<IO_REPARSE_TAG_MOUNT_POINT>("reparse_tag");
    a.template length_of_rest<std::uint16_t, sizeof(std::uint16_t)>("reparse_data_length");
    a.template reserved<std::uint16_t>();
    a.template offset_of<std::uint16_t>("substitute_name_offset", m.substitute_name);
    a.template length_of<std::uint16_t>("substitute_name_length", m.substitute_name);
    a.template offset_of<std::uint16_t>("print_name_offset", m.print_name);
    a.template length_of<std::uint16_t>("print_name_length", m.print_name);
    a.offsets_from_here();
    a.data("substitute_name", m.substitute_name);
    a.template terminator<char16_t>();
    a.data("print_name", m.print_name);
    a.template terminator<char16_t>();
  }
};

}  // namespace smb3fuse::wire
