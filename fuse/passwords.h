// SPDX-License-Identifier: Apache-2.0
// Where a password may come from when neither option nor credentials file gave one. Main thread, before the mount:
// the prompt changes signal handlers while it waits.
#pragma once

#include <optional>
#include <string>

#include "fuse/input_error.h"
#include "smb/crypto/secret.h"

namespace smb3fuse::fs {

// $PASSWD, else the first line of descriptor $PASSWD_FD, else the first line of file $PASSWD_FILE; nothing when none is
// set. All three are unset; PASSWD is overwritten first, so that /proc/PID/environ does not show it either.
Checked<std::optional<crypto::Secret>> take_password_from_environment();

// Asks on the terminal with echo off; echo is restored whatever ends the wait, signals included.
Checked<crypto::Secret> prompt_for_password(const std::string& prompt, const char* terminal);

}  // namespace smb3fuse::fs
