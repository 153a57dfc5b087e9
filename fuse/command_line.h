// SPDX-License-Identifier: Apache-2.0
// The command: smb3fuse SOURCE MOUNTPOINT [-o options] [switches], also as mount(8) calls /sbin/mount.smb3fuse, in any
// order of arguments; or a command of its own: smb3fuse status, lookup, register, list. Main thread, first thing in
// main(): it scrubs passwords out of argv in place.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fuse/input_error.h"
#include "fuse/options.h"
#include "fuse/source.h"

namespace smb3fuse::fs {

// mount(8) documents these exit codes for its helpers.
enum class ExitCode : int { success = 0, usage = 1, system = 2, mount_failure = 32 };

// Everything between argv and a mount, validated, except for the password: complete_credentials() finds that.
struct MountConfig {
  Source source;           // its port and user are already merged into options
  std::string mountpoint;  // absolute (the daemon changes its folder); not looked at yet
  MountOptions options;
  bool foreground = false;
  bool debug = false;  // implies foreground
  bool verbose = false;
  bool fake = false;  // mount -f: everything is checked, nothing is mounted
  std::vector<std::string> warnings;
};

// Of one mount, or of all that the user has.
struct StatusRequest {
  std::optional<std::string> mountpoint;  // absolute
  bool json = false;
};

// Who has a NetBIOS name, or which names an address has.
struct LookupRequest {
  std::string name;  // NAME, NAME#1d for another service than files, or an IPv4 address
  client::DialPolicy dial;
};

// Holds a NetBIOS name until a signal comes.
struct RegisterRequest {
  std::string name;  // NAME, or NAME#00 for another service than files
  client::DialPolicy dial;
};

// The shares of a server, or the machines of the neighbourhood.
struct ListRequest {
  std::optional<Source> server;  // its port and user are already merged into options
  MountOptions options;
  std::vector<std::string> warnings;
};

struct ShowHelp {};
struct ShowVersion {};

using Command =
    std::variant<MountConfig, StatusRequest, LookupRequest, RegisterRequest, ListRequest, ShowHelp, ShowVersion>;

// An InputError here means ExitCode::usage.
Checked<Command> parse_command_line(int argc, char** argv);

std::string help_text();
std::string version_text(std::string_view version);

}  // namespace smb3fuse::fs
