// SPDX-License-Identifier: Apache-2.0
// The messages of the UNIX extensions of SMB1, beside those of Smb1Requests. Paths are as there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "smb/cifs/posix_acl.h"
#include "smb/cifs/unix.h"
#include "smb/client/attributes.h"
#include "smb/client/lock_table.h"
#include "smb/client/share.h"
#include "smb/client/smb1_requests.h"

namespace smb3fuse::client {

class Smb1UnixRequests {
 public:
  // `requests` outlives it.
  explicit Smb1UnixRequests(const Smb1Requests& requests) : requests_(requests) {}

  smb1::Outgoing query_info() const;
  smb1::Outgoing set_info(const cifs::CifsUnixInfo& wanted) const;

  smb1::Outgoing query_basic(const std::u16string& path) const;
  smb1::Outgoing query_basic(std::uint16_t fid) const;
  // All but the size, which is set by Smb1Requests: here 0 would be taken for none given (Samba 4.17).
  smb1::Outgoing set_basic(const std::u16string& path, const AttributeChanges& changes) const;
  smb1::Outgoing set_basic(std::uint16_t fid, const AttributeChanges& changes) const;
  smb1::Outgoing make_special(const std::u16string& path, const PosixAttributes& what) const;
  smb1::Outgoing make_directory(const std::u16string& path, std::uint32_t mode) const;

  smb1::Outgoing query_link(const std::u16string& path) const;
  smb1::Outgoing make_link(const std::u16string& path, const std::u16string& target) const;

  smb1::Outgoing query_acls(const std::u16string& path) const;
  smb1::Outgoing query_acls(std::uint16_t fid) const;
  smb1::Outgoing set_acl(std::uint16_t fid, const PosixAclChange& change) const;

  // `path` is that of the request, on the wire.
  smb1::Outgoing open(const std::u16string& path, const OpenRequest& request) const;
  smb1::Outgoing unlink(const std::u16string& path) const;

  smb1::Outgoing lock(std::uint16_t fid, cifs::PosixLockRequest::Kind kind, const LockRange& range) const;

 private:
  smb1::Outgoing query_path(const std::u16string& path, std::uint16_t level, std::uint16_t max_data) const;
  smb1::Outgoing query_file(std::uint16_t fid, std::uint16_t level, std::uint16_t max_data) const;
  smb1::Outgoing set_path(const std::u16string& path, std::uint16_t level, ByteView data) const;
  smb1::Outgoing set_file(std::uint16_t fid, std::uint16_t level, ByteView data) const;

  const Smb1Requests& requests_;
};

// The kind of a file as st_mode has it; 0 for one that is not known.
std::uint32_t mode_of(cifs::UnixType type);

Attributes attributes_of(const cifs::UnixBasic& basic);

// Nothing if they are none: of another version, with tags or numbers that there are not.
std::optional<PosixAcls> acls_of(const cifs::PosixAcls& told);

}  // namespace smb3fuse::client
