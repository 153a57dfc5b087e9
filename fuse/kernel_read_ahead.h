// SPDX-License-Identifier: Apache-2.0
// How far the kernel reads ahead in files that go through its page cache. It offers 128 KiB in INIT, which a daemon can
// only lower, so that it asks in pieces of 128 KiB; root may raise it per mount in sysfs, after INIT.
//
// The mount is found in the mount table: a stat of the mountpoint would wait for ourselves.
#pragma once

#include <string>

namespace smb3fuse::fs {

// `mountpoint`: an absolute path without links. Without the right to do so nothing changes.
void raise_read_ahead(const std::string& mountpoint);

}  // namespace smb3fuse::fs
