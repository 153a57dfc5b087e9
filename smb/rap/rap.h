// SPDX-License-Identifier: Apache-2.0
// The remote administration protocol of LAN Manager, as far as browsing takes it: parameters and data of a TRANSACTION
// on the pipe \PIPE\LANMAN. [MS-RAP] 2.5. All strings are in the server's code page. Sans-io. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smb/wire/bytes.h"

namespace smb3fuse::rap {

inline constexpr std::string_view kPipe = "\\PIPE\\LANMAN";
// What an answer's data may have at most.
inline constexpr std::uint16_t kRoom = 0xFFFF;
inline constexpr std::uint16_t kParameterRoom = 8;

// [MS-RAP] 2.5.6.5.2: names of up to 12 characters, which is why servers leave out longer ones.
struct ShareInfo {
  std::string name;
  std::uint16_t type = 0;
  std::string comment;
  friend bool operator==(const ShareInfo&, const ShareInfo&) = default;
};

// [MS-RAP] 2.5.5.4.2
struct ServerInfo {
  std::string name;
  std::uint32_t types = 0;
  std::string comment;
  friend bool operator==(const ServerInfo&, const ServerInfo&) = default;
};
inline constexpr std::uint32_t kAllTypes = 0xFFFFFFFF;

template <class Info>
struct Enumeration {
  std::uint16_t status = 0;  // a Win32 error
  std::uint16_t available = 0;
  std::vector<Info> entries;
};
inline constexpr std::uint16_t kMoreData = 234;

// NetShareEnum, [MS-RAP] 2.5.6.2; NetServerEnum2, 2.5.5.2, of a workgroup.
Bytes encode_share_enum();
Bytes encode_server_enum(std::uint32_t types, std::string_view group);
// NetServerEnum3, 2.5.5.3: the list from `first` on, which it begins with if it is still there.
Bytes encode_server_enum_from(std::uint32_t types, std::string_view group, std::string_view first);

// Nothing: it makes no sense.
std::optional<Enumeration<ShareInfo>> decode_share_enum(ByteView parameters, ByteView data);
std::optional<Enumeration<ServerInfo>> decode_server_enum(ByteView parameters, ByteView data);

}  // namespace smb3fuse::rap
