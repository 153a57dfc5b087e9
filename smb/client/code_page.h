// SPDX-License-Identifier: Apache-2.0
// What a user may name the code page of an SMB1 server without Unicode: see wire::CodePage, which it is found by.
#pragma once

#include <string_view>

namespace smb3fuse::client {

inline constexpr std::string_view kUsualCodePage = "850";  // that of Samba, unless its dos charset says otherwise

bool is_code_page(std::string_view name);

}  // namespace smb3fuse::client
