// SPDX-License-Identifier: Apache-2.0
// The UNIX extensions of SMB1: more levels of TRANSACTION2, where the server has CAP_UNIX. The CIFS Technical Reference
// of SNIA (revision 1.0) has the first of them, Samba has added those of POSIX; there is no other text. What is here
// was compared with messages of smbclient and smbd 4.17.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tl/expected.hpp>
#include <vector>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"

namespace smb3fuse::cifs {

namespace unix_level {
// Of a file system: what its extensions can do, and what of it the client uses.
inline constexpr std::uint16_t cifs_info = 0x0200;
// Of a file.
inline constexpr std::uint16_t basic = 0x0200;
inline constexpr std::uint16_t link = 0x0201;
inline constexpr std::uint16_t find = 0x0202;
inline constexpr std::uint16_t posix_acl = 0x0204;
inline constexpr std::uint16_t posix_lock = 0x0208;
inline constexpr std::uint16_t posix_open = 0x0209;
inline constexpr std::uint16_t posix_unlink = 0x020A;
}  // namespace unix_level

enum UnixCapabilities : std::uint64_t {
  CIFS_UNIX_FCNTL_CAP = 0x01,
  CIFS_UNIX_POSIX_ACL_CAP = 0x02,
  CIFS_UNIX_POSIX_PATHNAMES_CAP = 0x10,
  CIFS_UNIX_POSIX_PATH_OPS_CAP = 0x20,
  CIFS_UNIX_LARGE_READ_CAP = 0x40,  // whatever the length's field can say
};

// Asked for, and told back with what is wanted of it: from then on paths are POSIX paths, if those are among it.
struct CifsUnixInfo {
  std::uint16_t major_version = 1;
  std::uint16_t minor_version = 0;
  std::uint64_t capabilities = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("major_version", m.major_version);
    a.field("minor_version", m.minor_version);
    a.field("capabilities", m.capabilities);
  }
};

// TRANS2_SET_FS_INFORMATION
struct SetFsInformationRequest {
  std::uint16_t information_level = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template reserved<std::uint16_t>();  // FID
    a.field("information_level", m.information_level);
  }
};

enum class UnixType : std::uint32_t {
  file = 0,
  directory = 1,
  symlink = 2,
  character_device = 3,
  block_device = 4,
  fifo = 5,
  socket = 6,
};

inline constexpr std::uint64_t kUnixNoChange = ~std::uint64_t{0};

// SMB_QUERY_FILE_UNIX_BASIC. Set, it changes what is not kUnixNoChange (a time: not 0 either); of a name that is not
// there it makes a device, FIFO or socket.
struct UnixBasic {
  static constexpr std::size_t kSize = 100;
  std::uint64_t end_of_file = kUnixNoChange;
  std::uint64_t number_of_bytes = kUnixNoChange;  // on the disk
  wire::FileTime last_status_change{kUnixNoChange};
  wire::FileTime last_access_time{kUnixNoChange};
  wire::FileTime last_modification_time{kUnixNoChange};
  std::uint64_t uid = kUnixNoChange;
  std::uint64_t gid = kUnixNoChange;
  UnixType type = UnixType::file;
  std::uint64_t device_major = 0;
  std::uint64_t device_minor = 0;
  std::uint64_t unique_id = 0;
  std::uint64_t permissions = kUnixNoChange;
  std::uint64_t links = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("end_of_file", m.end_of_file);
    a.field("number_of_bytes", m.number_of_bytes);
    a.nested("last_status_change", m.last_status_change);
    a.nested("last_access_time", m.last_access_time);
    a.nested("last_modification_time", m.last_modification_time);
    a.field("uid", m.uid);
    a.field("gid", m.gid);
    a.field("type", m.type);
    a.field("device_major", m.device_major);
    a.field("device_minor", m.device_minor);
    a.field("unique_id", m.unique_id);
    a.field("permissions", m.permissions);
    a.field("links", m.links);
  }
};

// SMB_FIND_FILE_UNIX: one entry of a listing. The name ends with a null character.
struct FindFileUnix {
  std::uint32_t next_entry = 0;
  UnixBasic basic;
  ByteView file_name;  // with all that follows

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("next_entry_offset", m.next_entry);
    a.template reserved<std::uint32_t>();  // ResumeKey
    a.nested("basic", m.basic);
    a.data("file_name", m.file_name);
  }
};

// The `count` entries that an answer says it has; their names are cut at their null characters.
tl::expected<std::vector<FindFileUnix>, wire::DecodeError> split_unix_entries(ByteView data, std::size_t count,
                                                                              bool is_unicode);

enum PosixOpenMode : std::uint32_t {
  SMB_O_RDONLY = 0x0001,
  SMB_O_WRONLY = 0x0002,
  SMB_O_RDWR = 0x0004,
  SMB_O_CREAT = 0x0010,
  SMB_O_EXCL = 0x0020,
  SMB_O_TRUNC = 0x0040,
  SMB_O_SYNC = 0x0100,
  SMB_O_DIRECTORY = 0x0200,  // with SMB_O_CREAT: makes one
};

// SMB_POSIX_PATH_OPEN, an information that is set for a path.
struct PosixOpenRequest {
  std::uint32_t flags = 0;  // of NtCreateFlags those of oplocks
  std::uint32_t open_mode = 0;
  std::uint64_t permissions = 0;
  std::uint16_t level = unix_level::basic;  // that is wanted of the file with the answer

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("flags", m.flags);
    a.field("open_mode", m.open_mode);
    a.field("permissions", m.permissions);
    a.field("level", m.level);
  }
};

struct PosixOpenResponse {
  std::uint16_t oplock_level = 0;   // OplockLevel
  std::uint16_t fid = 0;            // 0 of a directory, which is not open
  std::uint32_t create_action = 0;  // wire::CreateAction
  std::uint16_t level = 0;          // of what follows, or 0xFFFF
  ByteView information;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("oplock_level", m.oplock_level);
    a.field("fid", m.fid);
    a.field("create_action", m.create_action);
    a.field("level", m.level);
    a.template reserved<std::uint16_t>();
    a.data("information", m.information);
  }
};

// SMB_POSIX_PATH_UNLINK: the name goes at once, whoever has the file open by POSIX.
struct PosixUnlinkRequest {
  bool is_directory = false;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("is_directory", m.is_directory);
    a.template reserved<std::uint8_t>();
  }
};

// SMB_SET_POSIX_LOCK
struct PosixLockRequest {
  enum class Kind : std::uint16_t { read = 0, write = 1, unlock = 2 };
  Kind kind = Kind::read;
  std::uint16_t flags = 0;  // 1: wait
  std::uint32_t process_id = 0;
  std::uint64_t start = 0;
  std::uint64_t length = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("kind", m.kind);
    a.field("flags", m.flags);
    a.field("process_id", m.process_id);
    a.field("start", m.start);
    a.field("length", m.length);
  }
};

}  // namespace smb3fuse::cifs
