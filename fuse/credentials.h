// SPDX-License-Identifier: Apache-2.0
// Who logs on, and with which password: what the options said, completed by a credentials file, the environment and
// the terminal. Secrets are moved, never copied to where nobody wipes them. Main thread, before the mount.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuse/input_error.h"
#include "smb/client/connect.h"

namespace smb3fuse::fs {

// What options and URL said of the logon. Which kind it is they say by `guest` and `sec=none`, else it is `password`.
struct CredentialOptions {
  auth::Credentials::Kind kind = auth::Credentials::Kind::password;
  std::optional<std::string> username;
  std::optional<std::string> domain;
  std::optional<crypto::Secret> password;
  std::optional<std::string> file;  // a credentials file's path
};

// What a credentials file held.
struct CredentialFile {
  std::optional<std::string> username;
  std::optional<std::string> domain;
  std::optional<crypto::Secret> password;
  bool readable_by_others = false;
};

// The format of mount.cifs: lines username=, password=, domain= (user, pass, dom), '#' comments. A byte order mark,
// blanks before a name and CR at the end of a line are tolerated; a value is everything behind '=', blanks included.
Checked<CredentialFile> read_credential_file(const std::string& path);

// Completes the options: user name from URL, file, $USER, the account's name; password from option, file, $PASSWD,
// $PASSWD_FD, $PASSWD_FILE (wiped and unset whether used or not), or a prompt on `terminal`. Appends to `warnings`.
// `server` names in the prompt what the password is for.
Checked<auth::Credentials> complete_credentials(CredentialOptions options, std::string_view server,
                                                std::vector<std::string>& warnings, const char* terminal = "/dev/tty");

}  // namespace smb3fuse::fs
