// SPDX-License-Identifier: Apache-2.0
// SOURCE, what to mount: //server[:port]/share[/sub/dir], \\server\share\sub,
// smb://[domain;][user@]server[:port]/share/sub, file://server/share/sub, or /server/share (mount(8) may merge the
// slashes); without a share, all of the server's. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fuse/input_error.h"

namespace smb3fuse::fs {

struct Source {
  std::string server;  // a name, or an address literal without brackets
  std::optional<std::uint16_t> port;
  std::string share;  // empty: all of them
  std::string path;   // of the folder that becomes the mount's root: no '/' at either end, "" the share's root
  std::optional<std::string> domain;    // from a URL only
  std::optional<std::string> username;  // from a URL only

  friend bool operator==(const Source&, const Source&) = default;
};

// A password in a URL is refused: it would stand in the process list and in the shell's history.
Checked<Source> parse_source(std::string_view text);

// A server alone, in the same forms without a share, or its bare name; `share` and `path` stay empty.
Checked<Source> parse_server(std::string_view text);

// "//server[:port][/share[/sub/dir]]": how the mount table names it. Without user and domain.
std::string to_string(const Source& source);

// Overwrites the password of a URL with 'x', in place; leaves every other text alone.
void scrub_url_password(char* text);

}  // namespace smb3fuse::fs
