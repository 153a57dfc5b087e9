// SPDX-License-Identifier: Apache-2.0
// Finding out over SMB1 where symbolic links lead: those of the UNIX extensions where they are in use, else
// Minshall+French files, which also have to be told from others. One more round trip, and only for files that may be
// links.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "smb/client/attributes.h"
#include "smb/client/smb1_link.h"

namespace smb3fuse::client {

// Fills in symlink_target where the file is one. One of the UNIX extensions that leads to nobody knows where is empty.
Task<void> read_symlink(std::shared_ptr<Smb1Link> link, std::u16string path, Attributes& attributes);

// The same for all entries of one listing, side by side.
Task<void> read_symlinks(std::shared_ptr<Smb1Link> link, std::u16string prefix, std::vector<DirectoryEntry>& entries);

}  // namespace smb3fuse::client
