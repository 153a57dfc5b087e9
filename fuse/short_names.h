// SPDX-License-Identifier: Apache-2.0
// Short names for sources, as drive letters are: "x: = //corpserver/public" in a file of the user's or the system's,
// and x:/docs stands for //corpserver/public/docs. Any thread.
//
//   # comment
//   x:     = //corpserver/public
//   films: = smb://alice@nas/media/films -o cred=/home/user/.nas,ro
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuse/input_error.h"

namespace smb3fuse::fs {

// "x:", "x:/docs" or "x:\docs": letters, digits, '-' and '_' before a colon, and no "//" behind it, as URLs have.
bool is_short_name(std::string_view source);

// Where the tables are, the user's first: it is believed before the system's.
std::vector<std::string> short_name_files();

struct Expansion {
  std::string source;   // what stands in the table, with what followed the short name
  std::string options;  // as behind -o; "" none
};

// Case means nothing. A table with a mistake is refused with its line; a table that is not there is empty.
Checked<Expansion> expand_short_name(std::string_view source, const std::vector<std::string>& files);

}  // namespace smb3fuse::fs
