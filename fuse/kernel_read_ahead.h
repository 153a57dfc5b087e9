// SPDX-License-Identifier: Apache-2.0
// How far the kernel reads ahead in files that go through its page cache. It offers 128 KiB in INIT, which a daemon can
// only lower, so that it asks in pieces of 128 KiB; root may raise it per mount in sysfs, after INIT.
//
// The mount is found in the mount table: a stat of the mountpoint would wait for ourselves.
#pragma once

#include <istream>
#include <optional>
#include <string>

namespace smb3fuse::fs {

// "MAJOR:MINOR" of the device number of what was mounted last at `mountpoint`, an absolute path without links, in a
// table like /proc/self/mountinfo.
std::optional<std::string> find_device(std::istream& mountinfo, const std::string& mountpoint);

// Without the right to do so nothing changes.
void raise_read_ahead(const std::string& mountpoint);

}  // namespace smb3fuse::fs
