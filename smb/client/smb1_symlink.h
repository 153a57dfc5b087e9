// SPDX-License-Identifier: Apache-2.0
// Finding out over SMB1 which files are symbolic links, and where to: Minshall+French files. One more round trip, and
// only for files that may be links.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "smb/client/attributes.h"
#include "smb/client/smb1_link.h"

namespace smb3fuse::client {

// Fills in symlink_target where the file is one.
Task<void> read_symlink(std::shared_ptr<Smb1Link> link, std::u16string path, Attributes& attributes);

// The same for all entries of one listing, side by side.
Task<void> read_symlinks(std::shared_ptr<Smb1Link> link, std::u16string prefix, std::vector<DirectoryEntry>& entries);

}  // namespace smb3fuse::client
