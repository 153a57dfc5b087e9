// SPDX-License-Identifier: Apache-2.0
// From a validated command line to a mount, and to its end: password, background, connection, kernel, loop. Each step
// that fails says so in one sentence that begins with the step. Main thread, which becomes the loop thread.
#pragma once

#include <string_view>

#include "fuse/command_line.h"

namespace smb3fuse::fs {

// Returns when the mount is gone, or was not made; in the background only in the child (see ReadyPipe).
ExitCode run_mount(MountConfig config, std::string_view version);

// What the options say of the connection to `source`.
client::ConnectConfig connect_config(const Source& source, const MountOptions& options, auth::Credentials credentials);

}  // namespace smb3fuse::fs
