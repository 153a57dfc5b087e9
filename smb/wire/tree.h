// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.9 to 2.2.12: TREE_CONNECT and TREE_DISCONNECT.
#pragma once

#include <cstdint>
#include <string>

#include "smb/wire/codec.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

// [MS-SMB2] 2.2.9, dialect 3.1.1
enum TreeConnectFlags : std::uint16_t {
  SMB2_TREE_CONNECT_FLAG_CLUSTER_RECONNECT = 0x0001,
  SMB2_TREE_CONNECT_FLAG_REDIRECT_TO_OWNER = 0x0002,
  SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT = 0x0004,
};

// [MS-SMB2] 2.2.9
struct TreeConnectRequest {
  static constexpr Command kCommand = Command::tree_connect;
  std::uint16_t flags = 0;
  std::u16string path;  // \\server\share

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<9>();
    a.field("flags", m.flags);
    a.template offset_of<std::uint16_t>("path_offset", m.path);
    a.template length_of<std::uint16_t>("path_length", m.path);
    a.data("path", m.path);
  }
};

enum class ShareType : std::uint8_t { disk = 0x01, pipe = 0x02, print = 0x03 };

enum ShareFlags : std::uint32_t {
  SMB2_SHAREFLAG_MANUAL_CACHING = 0x00000000,
  SMB2_SHAREFLAG_AUTO_CACHING = 0x00000010,
  SMB2_SHAREFLAG_VDO_CACHING = 0x00000020,
  SMB2_SHAREFLAG_NO_CACHING = 0x00000030,
  SMB2_SHAREFLAG_CACHING_MASK = 0x00000030,
  SMB2_SHAREFLAG_DFS = 0x00000001,
  SMB2_SHAREFLAG_DFS_ROOT = 0x00000002,
  SMB2_SHAREFLAG_RESTRICT_EXCLUSIVE_OPENS = 0x00000100,
  SMB2_SHAREFLAG_FORCE_SHARED_DELETE = 0x00000200,
  SMB2_SHAREFLAG_ALLOW_NAMESPACE_CACHING = 0x00000400,
  SMB2_SHAREFLAG_ACCESS_BASED_DIRECTORY_ENUM = 0x00000800,
  SMB2_SHAREFLAG_FORCE_LEVELII_OPLOCK = 0x00001000,
  SMB2_SHAREFLAG_ENABLE_HASH_V1 = 0x00002000,
  SMB2_SHAREFLAG_ENABLE_HASH_V2 = 0x00004000,
  SMB2_SHAREFLAG_ENCRYPT_DATA = 0x00008000,
  SMB2_SHAREFLAG_IDENTITY_REMOTING = 0x00040000,
  SMB2_SHAREFLAG_COMPRESS_DATA = 0x00100000,
  SMB2_SHAREFLAG_ISOLATED_TRANSPORT = 0x00200000,
};

enum ShareCapabilities : std::uint32_t {
  SMB2_SHARE_CAP_DFS = 0x00000008,
  SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY = 0x00000010,
  SMB2_SHARE_CAP_SCALEOUT = 0x00000020,
  SMB2_SHARE_CAP_CLUSTER = 0x00000040,
  SMB2_SHARE_CAP_ASYMMETRIC = 0x00000080,
  SMB2_SHARE_CAP_REDIRECT_TO_OWNER = 0x00000100,
};

// [MS-SMB2] 2.2.10
struct TreeConnectResponse {
  static constexpr Command kCommand = Command::tree_connect;
  ShareType share_type{};
  std::uint32_t share_flags = 0;
  std::uint32_t capabilities = 0;
  std::uint32_t maximal_access = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<16>();
    a.field("share_type", m.share_type);
    a.template reserved<std::uint8_t>();
    a.field("share_flags", m.share_flags);
    a.field("capabilities", m.capabilities);
    a.field("maximal_access", m.maximal_access);
  }
};

// [MS-SMB2] 2.2.11
struct TreeDisconnectRequest {
  static constexpr Command kCommand = Command::tree_disconnect;

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template structure_size<4>();
    a.template reserved<std::uint16_t>();
  }
};

// [MS-SMB2] 2.2.12
struct TreeDisconnectResponse {
  static constexpr Command kCommand = Command::tree_disconnect;

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template structure_size<4>();
    a.template reserved<std::uint16_t>();
  }
};

}  // namespace smb3fuse::wire
