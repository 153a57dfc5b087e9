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
// Of a file that it makes, where a server keeps no modes.
std::uint32_t new_file_attributes(const OpenRequest& request);

// Of a path on the wire, whose parts are separated by '\' or, by POSIX, '/'.
std::u16string parent_of(const std::u16string& path, char16_t separator = u'\\');

// "dir\.smb3fuse_removed_0123456789abcdef": beside the file, so that no other directory's rights come into play.
std::u16string removed_name_beside(const std::u16string& path, char16_t separator = u'\\');
// "dir/smb3fuse_moving_0123456789abcdef": for a moment, on the way from another directory to what it is beside.
std::u16string moving_name_beside(const std::u16string& path, char16_t separator);
// Either of them.
bool is_removed_name(std::string_view name);

}  // namespace smb3fuse::client
