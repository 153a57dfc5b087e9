// SPDX-License-Identifier: Apache-2.0
// Finding out which files are symbolic links, and where to: native reparse points and Minshall+French files. The only
// attributes that take a second round trip, and only for files that may be links.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "smb/client/attributes.h"
#include "smb/client/smb2_link.h"

namespace smb3fuse::client {

// Does it take reading to know whether this is a link?
bool may_be_symlink(const Attributes& attributes);

// Fills in symlink_target where the file is one.
Task<void> read_symlink(std::shared_ptr<Smb2Link> link, std::u16string path, Attributes& attributes);

// The same for all entries of one listing, side by side.
Task<void> read_symlinks(std::shared_ptr<Smb2Link> link, std::u16string prefix, std::vector<DirectoryEntry>& entries);

}  // namespace smb3fuse::client
