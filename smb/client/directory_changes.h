// SPDX-License-Identifier: Apache-2.0
// What a watch on a directory asks for and is told: the same in SMB1 and in SMB2.
#pragma once

#include <cstdint>
#include <vector>

#include "smb/client/path.h"
#include "smb/client/share.h"
#include "smb/status.h"
#include "smb/wire/change_notify.h"

namespace smb3fuse::client {

// All that a listing shows. Not the time of last access: reading would be told.
inline constexpr std::uint32_t kWatched = wire::FILE_NOTIFY_CHANGE_FILE_NAME | wire::FILE_NOTIFY_CHANGE_DIR_NAME |
                                          wire::FILE_NOTIFY_CHANGE_ATTRIBUTES | wire::FILE_NOTIFY_CHANGE_SIZE |
                                          wire::FILE_NOTIFY_CHANGE_LAST_WRITE | wire::FILE_NOTIFY_CHANGE_CREATION;
inline constexpr std::uint32_t kChangesAnswer = 32 * 1024;  // some hundreds of names

// Of a chain of FileNotifyInformation. Nothing: whatever may have changed.
std::vector<DirectoryRight::Change> changes_in(ByteView chain, NameMapping mapping);
bool has_gone(const std::vector<DirectoryRight::Change>& changes);

// A server that answers this tells nobody of changes.
bool knows_no_watches(NtStatus status);

}  // namespace smb3fuse::client
