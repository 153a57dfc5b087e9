// SPDX-License-Identifier: Apache-2.0
// Canned answers of a disk share for a ScriptedServer: every name is a regular file with `content`, unless it ends in
// "dir" or is asked for as a directory. It keeps count of opens, so that a test sees what was left open, and nothing
// else: what is written, renamed or removed is only recorded in the server's list of requests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "smb/wire/create.h"
#include "smb/wire/query_directory.h"
#include "smb/wire/query_info.h"
#include "smb/wire/read_write.h"
#include "tests/support/scripted_server.h"

namespace smb3fuse::test {

class ScriptedShare {
 public:
  // Outlived by the server's last request.
  explicit ScriptedShare(ScriptedServer& server);

  Bytes content = {'h', 'e', 'l', 'l', 'o', ' ', 'w', 'o', 'r', 'l', 'd'};
  std::uint32_t file_attributes = wire::FILE_ATTRIBUTE_NORMAL;  // of what is no directory
  // What one QUERY_DIRECTORY after the other brings.
  std::vector<std::vector<std::u16string>> pages = {{u".", u"..", u"a.txt", u"b.txt"}, {u"c.txt"}};
  std::uint32_t entry_size = 11;  // EndOfFile of each entry

  std::size_t opens() const { return opens_.size(); }
  std::vector<std::u16string> created;  // the names of all CREATEs that succeeded

  // The answer to a CREATE, for one that the test has kept back.
  ServerReply create(const ServerRequest& request);

  static Bytes listing(const std::vector<std::u16string>& names, std::uint32_t entry_size);

 private:
  struct OpenState {
    std::size_t pages_told = 0;
  };

  void install();
  // The open that a request names, directly or as the one before it. Null: there is none.
  OpenState* find(const ServerRequest& request, wire::FileId file);
  ServerReply query_info(const ServerRequest& request);
  ServerReply query_directory(const ServerRequest& request);
  ServerReply read(const ServerRequest& request);

  ScriptedServer& server_;
  std::uint64_t next_file_ = 1;
  std::map<wire::FileId, OpenState> opens_;
};

}  // namespace smb3fuse::test
