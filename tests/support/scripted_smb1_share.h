// SPDX-License-Identifier: Apache-2.0
// Canned answers of a disk share for a ScriptedSmb1Server, as ScriptedShare has them: every name is a regular file with
// `content`, unless it ends in "dir". It keeps count of opens; what is written, renamed or removed is only recorded in
// the server's list of requests.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "smb/cifs/file.h"
#include "smb/cifs/trans2.h"
#include "tests/support/scripted_smb1_server.h"

namespace smb3fuse::test {

class ScriptedSmb1Share {
 public:
  // Outlived by the server's last request.
  explicit ScriptedSmb1Share(ScriptedSmb1Server& server);

  Bytes content = {'h', 'e', 'l', 'l', 'o', ' ', 'w', 'o', 'r', 'l', 'd'};
  cifs::OplockLevel granted = cifs::OplockLevel::none;  // to who asks
  std::vector<std::u16string> names = {u".", u"..", u"a.txt", u"b.txt"};
  bool lists_ids = true;  // else it knows SMB_FIND_FILE_FULL_DIRECTORY_INFO alone

  const std::set<std::uint16_t>& opens() const { return opens_; }  // FIDs
  std::vector<std::u16string> created;                             // the names of all NT_CREATE_ANDX

  // The answer to an NT_CREATE_ANDX, for a test that sees it first.
  Smb1Reply create(const Smb1Request& request);
  Smb1Reply close(const Smb1Request& request);
  // A FID more, however it was opened.
  std::uint16_t open_another();
  Smb1Reply transact(const Smb1Request& request);
  // SMB_QUERY_FILE_ALL_INFO of a file, or a directory.
  Bytes all_info(bool is_directory) const;
  // Entries of SMB_FIND_FILE_ID_FULL_DIRECTORY_INFO.
  Bytes listing() const { return listing_of<cifs::FindFileIdFullDirectoryInfo>(); }

 private:
  bool is_open(const Smb1Request& request, std::uint16_t fid) const;
  template <class Entry>
  Bytes listing_of() const;
  Smb1Reply list(ByteView parameters) const;
  Smb1Reply read(const Smb1Request& request);

  ScriptedSmb1Server& server_;
  std::uint16_t next_fid_ = 0x4001;
  std::set<std::uint16_t> opens_;
};

}  // namespace smb3fuse::test
