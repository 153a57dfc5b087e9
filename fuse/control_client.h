// SPDX-License-Identifier: Apache-2.0
// The asking end of a control socket: takes what the daemon tells, as long as that is the right one and does not take
// too long. Main thread of a command of its own; it blocks.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <tl/expected.hpp>

namespace smb3fuse::fs {

enum class ControlError : std::uint8_t {
  missing,     // there is no socket, or nobody behind it
  forbidden,   // it may not be asked by us
  stranger,    // it is not the daemon of that user
  silent,      // nothing came in time
  busy,        // it serves others just now
  unreadable,  // it said more than it ever has to say
};

tl::expected<std::string, ControlError> ask_control_socket(const std::string& path, uid_t owner,
                                                           std::chrono::milliseconds patience);

}  // namespace smb3fuse::fs
