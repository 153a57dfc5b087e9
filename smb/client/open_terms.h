// SPDX-License-Identifier: Apache-2.0
// What an OpenRequest means on the wire, and the names under which removed files live on until they are closed: the
// same in SMB1 and in SMB2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smb/client/share.h"
#include "smb/wire/create.h"

namespace smb3fuse::client {

wire::CreateDisposition on_wire(Disposition disposition);
std::uint32_t access_of(const OpenRequest& request);

// "dir\.smb3fuse_removed_0123456789abcdef": beside the file, so that no other directory's rights come into play.
std::u16string removed_name_beside(const std::u16string& path);
bool is_removed_name(std::string_view name);

}  // namespace smb3fuse::client
