// SPDX-License-Identifier: Apache-2.0
// Where the control sockets of a user's mounts lie: in a folder that nobody else may enter, under a name that follows
// from the mounted file system's device number. So a socket is found by the mount table alone, wherever the mount has
// been moved to, and without a question to a server that may hang. Any thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace smb3fuse::fs {

// The best first. Root's is in /run. A user's is in $XDG_RUNTIME_DIR, as far as it is known whose that is, or in
// /run/user, or, where there is no such thing (containers, cron), in /tmp.
std::vector<std::string> control_folders(uid_t owner);

// "0:47" is "0-47.socket".
std::string control_socket_name(std::string_view device);

// Makes the folder, if it is missing. False: it is not ours alone.
bool make_control_folder(const std::string& folder);

// Sockets that nobody listens on: of daemons that were killed.
void remove_stale_sockets(const std::string& folder);

}  // namespace smb3fuse::fs
