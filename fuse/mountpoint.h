// SPDX-License-Identifier: Apache-2.0
// Whether a folder can be mounted on, asked before anything else so that the answer is one clear sentence. Main thread.
#pragma once

#include <optional>
#include <string>

namespace smb3fuse::fs {

// What is wrong with it, as a sentence; nothing if it is fit. A dead mount of ours is taken away first.
std::optional<std::string> check_mountpoint(const std::string& path);

}  // namespace smb3fuse::fs
