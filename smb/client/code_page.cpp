// SPDX-License-Identifier: Apache-2.0
#include "smb/client/code_page.h"

#include "smb/wire/code_page.h"

namespace smb3fuse::client {

bool is_code_page(std::string_view name) { return wire::CodePage::find(name) != nullptr; }

}  // namespace smb3fuse::client
