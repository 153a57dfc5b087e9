// SPDX-License-Identifier: Apache-2.0
// What the rows of the option table write to; parse_options() makes MountOptions of it. For fuse/option*.cpp alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fuse/options.h"

namespace smb3fuse::fs {

struct OptionDraft {
  MountOptions options;
  std::vector<std::string> warnings;

  bool resolve_given = false;  // the list may go on in options of its own: resolve=dns,netbios
  bool guest = false;
  bool null_session = false;    // sec=none
  bool security_signs = false;  // sec=ntlmsspi
  bool uid_given = false;       // implies forceuid unless noforceuid says otherwise, as in cifs.ko
  bool gid_given = false;
  std::optional<bool> force_uid;
  std::optional<bool> force_gid;
};

}  // namespace smb3fuse::fs
