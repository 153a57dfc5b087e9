// SPDX-License-Identifier: Apache-2.0
// Parameters and data of transactions on \PIPE\LANMAN: what smbclient -L asked, and what smbd told it and us, both
// 4.17.12 of Debian 12, captured on 2026-11-22.
#pragma once

#include <string_view>

namespace smb3fuse::rap::captured {

inline constexpr std::string_view kServerEnum =
    "680057724c6568447a004231364242447a000100ffff000000804e4253455256455200";
inline constexpr std::string_view kServersParameters = "0000000001000100";
inline constexpr std::string_view kServers = "4e4247524f55500000000000000000000000001000801a0000004e4253455256455200";
inline constexpr std::string_view kSharesParameters = "0000000005000500";
inline constexpr std::string_view kShares =
    "736861726500000000000000000000006400000066696c6d73000000000000000000000065000000706170657200000000000000"
    "000001007600000068696464656e240000000000000000008200000049504324000000000000000000000300830000000046696c"
    "6d73208162657220616c6c657300746865206f6c64206f6e65000049504320536572766963652028746865207072657373290000";

}  // namespace smb3fuse::rap::captured
