// SPDX-License-Identifier: Apache-2.0
// Share over SMB1 with its UNIX extensions: paths, modes, owners, links and special files as POSIX has them. All opens
// are POSIX opens: a file that is removed is gone at once, and lives on for those who have it open so.
#pragma once

#include <memory>
#include <string>

#include "smb/cifs/unix.h"
#include "smb/client/smb1_share.h"

namespace smb3fuse::client {

class Smb1UnixShare final : public Smb1Share {
 public:
  // The link uses the extensions already.
  using Smb1Share::Smb1Share;

  Task<Result<OpenResult>> open(OpenRequest request) override;
  Task<Result<Attributes>> make_directory(std::string path, std::uint32_t mode) override;
  Task<Result<Attributes>> make_special(std::string path, PosixAttributes what) override;
  Task<std::error_code> remove_file(std::string path, RemoveHint hint) override;
  Task<std::error_code> set_attributes(std::string path, AttributeChanges changes) override;
  Task<Result<Attributes>> make_symlink(std::string path, std::string target) override;
  Task<Result<PosixAcls>> posix_acls(std::string path) override;
  bool case_sensitive() const override { return true; }
  bool has_posix_attributes() const override { return true; }
  bool has_posix_acls() const override { return wire().posix_acls; }

 private:
  Task<std::error_code> set_acl(std::u16string path, PosixAclChange change);
  Task<std::error_code> rename_over(std::u16string from, std::u16string to) override;
};

// What we use of the extensions, for the server to be told before it is known what it has: it takes no notice of what
// it has not.
cifs::CifsUnixInfo wanted_unix_extensions();
// Is that enough to do as POSIX does?
bool suffices(const cifs::CifsUnixInfo& offered);

}  // namespace smb3fuse::client
