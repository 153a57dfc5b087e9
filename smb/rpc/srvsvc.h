// SPDX-License-Identifier: Apache-2.0
// NetrShareEnum at level 1: the shares of a server, with types and comments. [MS-SRVS] 3.1.4.8. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "smb/rpc/pdu.h"

namespace smb3fuse::rpc {

// 4b324fc8-1670-01d3-1278-5a47bf6ee188, version 3.0; the pipe is called "srvsvc". [MS-SRVS] 2.1
inline constexpr Interface kSrvsvc{
    {0xC8, 0x4F, 0x32, 0x4B, 0x70, 0x16, 0xD3, 0x01, 0x12, 0x78, 0x5A, 0x47, 0xBF, 0x6E, 0xE1, 0x88}, 3, 0};
inline constexpr std::uint16_t kNetrShareEnum = 15;

// [MS-SRVS] 2.2.2.4
enum class ShareKind : std::uint32_t { disk = 0, printer = 1, device = 2, pipe = 3 };

struct ShareInfo {
  std::u16string name;
  ShareKind kind = ShareKind::disk;
  bool special = false;  // for administrators: C$, ADMIN$, IPC$
  std::u16string comment;
  friend bool operator==(const ShareInfo&, const ShareInfo&) = default;
};

struct ShareEnumeration {
  std::vector<ShareInfo> shares;
  std::uint32_t resume = 0;  // where to go on
  std::uint32_t status = 0;  // a Win32 error
};
inline constexpr std::uint32_t kMoreData = 234;

Bytes encode_share_enum(std::u16string_view server, std::uint32_t resume);
// Nothing: it makes no sense.
std::optional<ShareEnumeration> decode_share_enum(ByteView stub);

}  // namespace smb3fuse::rpc
