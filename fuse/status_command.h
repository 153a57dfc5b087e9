// SPDX-License-Identifier: Apache-2.0
// smb3fuse status: asks the daemons of mounts what they are doing and shows it. It touches no mount: which there are is
// read from the kernel's table, so it works while a server hangs. Main thread.
#pragma once

#include "fuse/command_line.h"
#include "fuse/mount_table.h"

namespace smb3fuse::fs {

// The mount that is meant by a path as typed.
Checked<MountEntry> find_asked_mount(const std::vector<MountEntry>& table, const std::string& given);

// Those that `user` sees without naming one, once each: its own; for root all.
std::vector<MountEntry> mounts_of(const std::vector<MountEntry>& table, uid_t user);

ExitCode run_status(const StatusRequest& request);

}  // namespace smb3fuse::fs
