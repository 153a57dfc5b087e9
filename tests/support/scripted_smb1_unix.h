// SPDX-License-Identifier: Apache-2.0
// The UNIX extensions over a ScriptedSmb1Share: what it is asked by them is answered with what stands here and written
// down in words, "open /f" or "set basic 4001"; a test can have the next question of a kind refused.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smb/cifs/posix_acl.h"
#include "smb/cifs/unix.h"
#include "tests/support/scripted_smb1_share.h"

namespace smb3fuse::test {

class ScriptedSmb1Unix {
 public:
  // Both outlived by the server's last request.
  ScriptedSmb1Unix(ScriptedSmb1Server& server, ScriptedSmb1Share& files);

  cifs::CifsUnixInfo offered;
  // Of every file; directories have their own kind, and names that end in "link" are links to `target`.
  cifs::UnixBasic basic;
  std::optional<cifs::UnixBasic> told_by_open;  // where an open tells something else
  std::u16string target = u"over there";
  cifs::PosixAcls acls;

  // "basic", "link", "acls", "open", "unlink", "set basic", ...
  void refuse(const std::string& kind, NtStatus status) { refusals_[kind].push_back(status); }
  // What has been asked since the last time.
  std::vector<std::string> asked() { return std::exchange(asked_, {}); }

  std::vector<cifs::PosixOpenRequest> opens;
  std::vector<cifs::UnixBasic> basics_set;
  std::vector<cifs::PosixAcls> acls_set;
  std::vector<cifs::PosixLockRequest> locks;

 private:
  // A question, its object (a path or a FID) and what came with it.
  struct Question {
    std::string kind;
    std::string object;
    ByteView data;
  };

  Smb1Reply transact(const Smb1Request& request);
  Smb1Reply answer(const Question& question);
  Smb1Reply open(const Question& question);
  Smb1Reply list() const;
  cifs::UnixBasic basic_of(const std::string& object) const;

  ScriptedSmb1Server& server_;
  ScriptedSmb1Share& files_;
  std::vector<std::string> asked_;
  std::map<std::string, std::deque<NtStatus>> refusals_;
};

}  // namespace smb3fuse::test
