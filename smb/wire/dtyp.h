// SPDX-License-Identifier: Apache-2.0
// [MS-DTYP]: the types that the protocols share: FILETIME, GUID, SID. And the identifiers of open files and leases.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smb3fuse::wire {

// [MS-DTYP] 2.3.3 FILETIME: 100 ns since 1601-01-01 UTC.
struct FileTime {
  std::uint64_t value = 0;

  // [MS-FSCC] 2.4 FileBasicInformation: in a request to set times, 0 leaves one alone; -1 stops the server from
  // updating it by itself, -2 lets it again.
  static constexpr FileTime unchanged() { return {0}; }
  static constexpr FileTime frozen() { return {UINT64_MAX}; }
  static constexpr FileTime thawed() { return {UINT64_MAX - 1}; }

  friend auto operator<=>(const FileTime&, const FileTime&) = default;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("value", m.value);
  }
};

// Exact: each FILETIME of a year up to 30827 has its timespec. Values past that (the top bit set) are read as negative,
// as Windows does.
std::timespec to_timespec(FileTime time);

// Rounded down to 100 ns, and held within what FILETIME can say. A time that would come out as one of the special
// values above is moved by 100 ns.
FileTime to_file_time(const std::timespec& time);

// [MS-DTYP] 2.3.4.2 GUID, as the 16 bytes of the packet representation.
struct Guid {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(const Guid&, const Guid&) = default;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.fixed("bytes", m.bytes);
  }
};

// "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
std::string to_string(const Guid& guid);

// [MS-SMB2] 2.2.14.1 SMB2_FILEID: the server's name for an open.
struct FileId {
  std::uint64_t persistent_id = 0;  // Persistent
  std::uint64_t volatile_id = 0;    // Volatile

  // [MS-SMB2] 3.2.4.1.4: in a related compound, "the file that the request before me opened".
  static constexpr FileId of_previous() { return {UINT64_MAX, UINT64_MAX}; }

  friend auto operator<=>(const FileId&, const FileId&) = default;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("persistent_id", m.persistent_id);
    a.field("volatile_id", m.volatile_id);
  }
};

// [MS-SMB2] 2.2.13.2.8 LeaseKey: the client's name for a lease.
struct LeaseKey {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(const LeaseKey&, const LeaseKey&) = default;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.fixed("bytes", m.bytes);
  }
};

// [MS-DTYP] 2.4.2.2 SID
struct Sid {
  static constexpr std::size_t kMaxSubAuthorities = 15;

  std::uint8_t revision = 1;
  std::array<std::uint8_t, 6> identifier_authority{};  // big-endian
  std::vector<std::uint32_t> sub_authority;

  friend auto operator<=>(const Sid&, const Sid&) = default;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("revision", m.revision);
    a.template count_of<std::uint8_t, kMaxSubAuthorities>("sub_authority_count", m.sub_authority);
    a.fixed("identifier_authority", m.identifier_authority);
    a.items("sub_authority", m.sub_authority);
  }
};

// [MS-DTYP] 2.4.2.1: "S-1-5-21-..." and back.
std::string to_string(const Sid& sid);
std::optional<Sid> parse_sid(std::string_view text);

// [MS-DTYP] 2.4.3 ACCESS_MASK, [MS-SMB2] 2.2.13.1
enum AccessMask : std::uint32_t {
  FILE_READ_DATA = 0x00000001,
  FILE_LIST_DIRECTORY = 0x00000001,
  FILE_WRITE_DATA = 0x00000002,
  FILE_ADD_FILE = 0x00000002,
  FILE_APPEND_DATA = 0x00000004,
  FILE_ADD_SUBDIRECTORY = 0x00000004,
  FILE_READ_EA = 0x00000008,
  FILE_WRITE_EA = 0x00000010,
  FILE_EXECUTE = 0x00000020,
  FILE_TRAVERSE = 0x00000020,
  FILE_DELETE_CHILD = 0x00000040,
  FILE_READ_ATTRIBUTES = 0x00000080,
  FILE_WRITE_ATTRIBUTES = 0x00000100,
  DELETE = 0x00010000,
  READ_CONTROL = 0x00020000,
  WRITE_DAC = 0x00040000,
  WRITE_OWNER = 0x00080000,
  SYNCHRONIZE = 0x00100000,
  ACCESS_SYSTEM_SECURITY = 0x01000000,
  MAXIMUM_ALLOWED = 0x02000000,
  GENERIC_ALL = 0x10000000,
  GENERIC_EXECUTE = 0x20000000,
  GENERIC_WRITE = 0x40000000,
  GENERIC_READ = 0x80000000,
};

}  // namespace smb3fuse::wire
