// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_unix_requests.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "smb/cifs/file.h"

namespace smb3fuse::client {
namespace {

constexpr std::uint16_t kFixedInformation = 128;
constexpr std::uint16_t kLongestTarget = 16384;
constexpr std::uint16_t kLongestAcls = 0xFFFF;
constexpr std::uint32_t kPermissions = 07777;

constexpr std::pair<cifs::UnixType, std::uint32_t> kKinds[] = {
    {cifs::UnixType::file, S_IFREG},         {cifs::UnixType::directory, S_IFDIR},
    {cifs::UnixType::symlink, S_IFLNK},      {cifs::UnixType::character_device, S_IFCHR},
    {cifs::UnixType::block_device, S_IFBLK}, {cifs::UnixType::fifo, S_IFIFO},
    {cifs::UnixType::socket, S_IFSOCK},
};

cifs::UnixBasic basic_information(const AttributeChanges& changes) {
  const auto time = [](const std::optional<FileTime>& value) {
    return wire::FileTime{value ? static_cast<std::uint64_t>(*value) : cifs::kUnixNoChange};
  };
  cifs::UnixBasic basic;
  basic.last_access_time = time(changes.last_access_time);
  basic.last_modification_time = time(changes.last_write_time);
  if (changes.mode) basic.permissions = *changes.mode;
  if (changes.uid) basic.uid = *changes.uid;
  if (changes.gid) basic.gid = *changes.gid;
  return basic;
}

std::uint32_t open_mode_of(const OpenRequest& request) {
  std::uint32_t mode = request.read && request.write ? cifs::SMB_O_RDWR
                       : request.write               ? cifs::SMB_O_WRONLY
                                                     : cifs::SMB_O_RDONLY;
  switch (request.disposition) {
    case Disposition::open:
      break;
    case Disposition::create:
      mode |= cifs::SMB_O_CREAT | cifs::SMB_O_EXCL;
      break;
    case Disposition::open_or_create:
      mode |= cifs::SMB_O_CREAT;
      break;
    case Disposition::truncate:
      mode |= cifs::SMB_O_TRUNC;
      break;
    case Disposition::truncate_or_create:
      mode |= cifs::SMB_O_CREAT | cifs::SMB_O_TRUNC;
      break;
  }
  return request.write_through ? mode | cifs::SMB_O_SYNC : mode;
}

cifs::PosixAcls acls_with(const PosixAclChange& change) {
  cifs::PosixAcls acls;
  acls.number_of_access = acls.number_of_default = cifs::PosixAcls::kNoChange;
  (change.is_default ? acls.number_of_default : acls.number_of_access) = static_cast<std::uint16_t>(change.acl.size());
  for (const PosixAce& entry : change.acl) {
    acls.entries.push_back({static_cast<std::uint8_t>(entry.tag), entry.permissions,
                            entry.is_named() ? std::uint64_t{entry.id} : cifs::PosixAce::kNoId});
  }
  return acls;
}

// Nothing for what is no entry.
std::optional<PosixAce> entry_of(const cifs::PosixAce& told) {
  if (!is_posix_tag(told.tag) || told.permissions > kAllPosixPermissions) return std::nullopt;
  PosixAce entry{static_cast<PosixAce::Tag>(told.tag), told.permissions};
  if (!entry.is_named()) return entry;
  if (told.id >= std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  entry.id = static_cast<std::uint32_t>(told.id);
  return entry;
}

}  // namespace

std::uint32_t mode_of(cifs::UnixType type) {
  for (const auto& [known, mode] : kKinds) {
    if (known == type) return mode;
  }
  return 0;
}

Attributes attributes_of(const cifs::UnixBasic& basic) {
  const auto time = [](wire::FileTime value) { return static_cast<FileTime>(value.value); };
  Attributes attributes;
  attributes.file_id = basic.unique_id;
  attributes.end_of_file = basic.end_of_file;
  attributes.allocation_size = basic.number_of_bytes;
  attributes.last_access_time = time(basic.last_access_time);
  attributes.last_write_time = time(basic.last_modification_time);
  attributes.change_time = time(basic.last_status_change);
  attributes.number_of_links = static_cast<std::uint32_t>(basic.links);
  const bool is_directory = basic.type == cifs::UnixType::directory;
  attributes.file_attributes = is_directory ? file_attribute::directory : file_attribute::normal;
  PosixAttributes posix;
  posix.mode = mode_of(basic.type) | (static_cast<std::uint32_t>(basic.permissions) & kPermissions);
  posix.uid = static_cast<std::uint32_t>(basic.uid);
  posix.gid = static_cast<std::uint32_t>(basic.gid);
  posix.device_major = static_cast<std::uint32_t>(basic.device_major);
  posix.device_minor = static_cast<std::uint32_t>(basic.device_minor);
  attributes.posix = posix;
  return attributes;
}

std::optional<PosixAcls> acls_of(const cifs::PosixAcls& told) {
  const std::size_t count = std::size_t{told.number_of_access} + told.number_of_default;
  if (told.version != cifs::PosixAcls::kVersion || told.entries.size() != count) return std::nullopt;
  PosixAcls acls;
  for (const cifs::PosixAce& each : told.entries) {
    const std::optional<PosixAce> entry = entry_of(each);
    if (!entry) return std::nullopt;
    (acls.access.size() < told.number_of_access ? acls.access : acls.by_default).push_back(*entry);
  }
  return acls;
}

smb1::Outgoing Smb1UnixRequests::query_path(const std::u16string& path, std::uint16_t level,
                                            std::uint16_t max_data) const {
  const cifs::PathInformationRequest parameters{level, requests_.path_text(path)};
  return requests_.transact2(cifs::Trans2::query_path_information, wire::encode(parameters), {}, max_data);
}

smb1::Outgoing Smb1UnixRequests::query_file(std::uint16_t fid, std::uint16_t level, std::uint16_t max_data) const {
  const cifs::QueryFileInformationRequest parameters{fid, level};
  return requests_.transact2(cifs::Trans2::query_file_information, wire::encode(parameters), {}, max_data);
}

smb1::Outgoing Smb1UnixRequests::set_path(const std::u16string& path, std::uint16_t level, ByteView data) const {
  const cifs::PathInformationRequest parameters{level, requests_.path_text(path)};
  return requests_.transact2(cifs::Trans2::set_path_information, wire::encode(parameters), data, kFixedInformation);
}

smb1::Outgoing Smb1UnixRequests::set_file(std::uint16_t fid, std::uint16_t level, ByteView data) const {
  const cifs::SetFileInformationRequest parameters{fid, level};
  return requests_.transact2(cifs::Trans2::set_file_information, wire::encode(parameters), data, kFixedInformation);
}

smb1::Outgoing Smb1UnixRequests::query_info() const {
  const cifs::QueryFsInformationRequest parameters{cifs::unix_level::cifs_info};
  return requests_.transact2(cifs::Trans2::query_fs_information, wire::encode(parameters), {}, kFixedInformation);
}

smb1::Outgoing Smb1UnixRequests::set_info(const cifs::CifsUnixInfo& wanted) const {
  const cifs::SetFsInformationRequest parameters{cifs::unix_level::cifs_info};
  return requests_.transact2(cifs::Trans2::set_fs_information, wire::encode(parameters), wire::encode(wanted),
                             kFixedInformation);
}

smb1::Outgoing Smb1UnixRequests::query_basic(const std::u16string& path) const {
  return query_path(path, cifs::unix_level::basic, kFixedInformation);
}

smb1::Outgoing Smb1UnixRequests::query_basic(std::uint16_t fid) const {
  return query_file(fid, cifs::unix_level::basic, kFixedInformation);
}

smb1::Outgoing Smb1UnixRequests::set_basic(const std::u16string& path, const AttributeChanges& changes) const {
  return set_path(path, cifs::unix_level::basic, wire::encode(basic_information(changes)));
}

smb1::Outgoing Smb1UnixRequests::set_basic(std::uint16_t fid, const AttributeChanges& changes) const {
  return set_file(fid, cifs::unix_level::basic, wire::encode(basic_information(changes)));
}

smb1::Outgoing Smb1UnixRequests::make_special(const std::u16string& path, const PosixAttributes& what) const {
  cifs::UnixBasic basic;
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [&](const auto& each) { return each.second == (what.mode & S_IFMT); });
  if (kind != std::end(kKinds)) basic.type = kind->first;
  basic.device_major = what.device_major;
  basic.device_minor = what.device_minor;
  basic.permissions = what.mode & kPermissions;
  return set_path(path, cifs::unix_level::basic, wire::encode(basic));
}

smb1::Outgoing Smb1UnixRequests::make_directory(const std::u16string& path, std::uint32_t mode) const {
  cifs::PosixOpenRequest request;
  request.open_mode =
      cifs::SMB_O_CREAT | cifs::SMB_O_DIRECTORY;  // which Samba 4.17 wants just so: one that is there is refused
  request.permissions = mode;
  return set_path(path, cifs::unix_level::posix_open, wire::encode(request));
}

smb1::Outgoing Smb1UnixRequests::query_link(const std::u16string& path) const {
  return query_path(path, cifs::unix_level::link, kLongestTarget);
}

smb1::Outgoing Smb1UnixRequests::make_link(const std::u16string& path, const std::u16string& target) const {
  return set_path(path, cifs::unix_level::link, wire::encode(requests_.text(target)));
}

smb1::Outgoing Smb1UnixRequests::query_acls(const std::u16string& path) const {
  return query_path(path, cifs::unix_level::posix_acl, kLongestAcls);
}

smb1::Outgoing Smb1UnixRequests::query_acls(std::uint16_t fid) const {
  return query_file(fid, cifs::unix_level::posix_acl, kLongestAcls);
}

smb1::Outgoing Smb1UnixRequests::set_acl(std::uint16_t fid, const PosixAclChange& change) const {
  return set_file(fid, cifs::unix_level::posix_acl, wire::encode(acls_with(change)));
}

smb1::Outgoing Smb1UnixRequests::open(const std::u16string& path, const OpenRequest& request) const {
  cifs::PosixOpenRequest wanted;
  if (request.lease != nullptr) wanted.flags = cifs::NT_CREATE_REQUEST_OPLOCK | cifs::NT_CREATE_REQUEST_OPBATCH;
  wanted.open_mode = open_mode_of(request);
  wanted.permissions = request.create_mode;
  return set_path(path, cifs::unix_level::posix_open, wire::encode(wanted));
}

smb1::Outgoing Smb1UnixRequests::unlink(const std::u16string& path) const {
  return set_path(path, cifs::unix_level::posix_unlink, wire::encode(cifs::PosixUnlinkRequest{}));
}

smb1::Outgoing Smb1UnixRequests::lock(std::uint16_t fid, cifs::PosixLockRequest::Kind kind,
                                      const LockRange& range) const {
  cifs::PosixLockRequest request;
  request.kind = kind;
  request.process_id = 1;  // ours is the table of who holds what: for the server it is all one
  request.start = range.begin;
  request.length = range.end - range.begin;
  return set_file(fid, cifs::unix_level::posix_lock, wire::encode(request));
}

}  // namespace smb3fuse::client
