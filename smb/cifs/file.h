// SPDX-License-Identifier: Apache-2.0
// Opens and what is done with them: NT_CREATE_ANDX, READ_ANDX, WRITE_ANDX, LOCKING_ANDX, FLUSH, CLOSE.
// [MS-CIFS] 2.2.4.5, 2.2.4.6, 2.2.4.32, 2.2.4.42, 2.2.4.43, 2.2.4.64
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "smb/cifs/block.h"
#include "smb/cifs/text.h"
#include "smb/wire/create.h"

namespace smb3fuse::cifs {

// Without CAP_LARGE_FILES no file is larger: offsets have 32 bits, in the forms of messages whose names end in 32.
inline constexpr std::uint64_t kLargestFile32 = 0xFFFFFFFF;

enum NtCreateFlags : std::uint32_t {
  NT_CREATE_REQUEST_OPLOCK = 0x00000002,
  NT_CREATE_REQUEST_OPBATCH = 0x00000004,
  NT_CREATE_OPEN_TARGET_DIR = 0x00000008,
  NT_CREATE_REQUEST_EXTENDED_RESPONSE = 0x00000010,
};

// [MS-CIFS] 2.2.1.2.3 SMB_EXT_FILE_ATTR: the file is opened by POSIX' rules, which for Samba are those of its UNIX
// extensions.
inline constexpr std::uint32_t FILE_FLAG_POSIX_SEMANTICS = 0x01000000;

// [MS-CIFS] 2.2.4.64.1. Dispositions, options and share access are those of SMB2.
struct NtCreateRequest {
  static constexpr Command kCode = Command::nt_create_andx;
  static constexpr std::uint8_t kWords = 24;
  std::uint32_t flags = 0;
  std::uint32_t root_directory_fid = 0;
  std::uint32_t desired_access = 0;
  std::uint64_t allocation_size = 0;
  std::uint32_t ext_file_attributes = 0;
  std::uint32_t share_access = 0;
  wire::CreateDisposition create_disposition = wire::CreateDisposition::open;
  std::uint32_t create_options = 0;
  wire::ImpersonationLevel impersonation_level = wire::ImpersonationLevel::impersonation;
  std::uint8_t security_flags = 0;
  Text name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template reserved<std::uint8_t>();
    a.template length_of<std::uint16_t>("name_length", m.name.bytes);
    a.field("flags", m.flags);
    a.field("root_directory_fid", m.root_directory_fid);
    a.field("desired_access", m.desired_access);
    a.field("allocation_size", m.allocation_size);
    a.field("ext_file_attributes", m.ext_file_attributes);
    a.field("share_access", m.share_access);
    a.field("create_disposition", m.create_disposition);
    a.field("create_options", m.create_options);
    a.field("impersonation_level", m.impersonation_level);
    a.field("security_flags", m.security_flags);
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.nested("name", m.name);
  }
};

// [MS-CIFS] 2.2.4.64.2, NewOpLockLevel of 2.2.4.32.1 (which has no exclusive and no batch)
enum class OplockLevel : std::uint8_t { none = 0, exclusive = 1, batch = 2, level_ii = 3 };

// [MS-CIFS] 2.2.4.64.2. The extended form of [MS-SMB] 2.2.4.9.2 has more words, which nobody fills in.
struct NtCreateResponse {
  static constexpr Command kCode = Command::nt_create_andx;
  static constexpr std::uint8_t kMinimumWords = 34;
  OplockLevel oplock_level = OplockLevel::none;
  std::uint16_t fid = 0;
  wire::CreateAction create_action{};  // CreateDisposition
  wire::FileTime creation_time;
  wire::FileTime last_access_time;
  wire::FileTime last_write_time;
  wire::FileTime change_time;
  std::uint32_t file_attributes = 0;
  std::uint64_t allocation_size = 0;
  std::uint64_t end_of_file = 0;
  std::uint16_t resource_type = 0;
  std::uint16_t nm_pipe_status = 0;
  bool directory = false;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("oplock_level", m.oplock_level);
    a.field("fid", m.fid);
    a.field("create_action", m.create_action);
    a.nested("creation_time", m.creation_time);
    a.nested("last_access_time", m.last_access_time);
    a.nested("last_write_time", m.last_write_time);
    a.nested("change_time", m.change_time);
    a.field("file_attributes", m.file_attributes);
    a.field("allocation_size", m.allocation_size);
    a.field("end_of_file", m.end_of_file);
    a.field("resource_type", m.resource_type);
    a.field("nm_pipe_status", m.nm_pipe_status);
    a.field("directory", m.directory);
  }
};

// [MS-CIFS] 2.2.4.42.1, [MS-SMB] 2.2.4.2.1
struct ReadRequest {
  static constexpr Command kCode = Command::read_andx;
  static constexpr std::uint8_t kWords = 12;
  std::uint16_t fid = 0;
  std::uint32_t offset = 0;
  std::uint16_t max_count = 0;
  std::uint16_t min_count = 0;
  std::uint32_t max_count_high = 0;
  std::uint16_t remaining = 0;
  std::uint32_t offset_high = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("fid", m.fid);
    a.field("offset", m.offset);
    a.field("max_count", m.max_count);
    a.field("min_count", m.min_count);
    a.field("max_count_high", m.max_count_high);
    a.field("remaining", m.remaining);
    if constexpr (Self::kWords == kWords) a.field("offset_high", m.offset_high);
    a.template reserved<std::uint16_t>();  // ByteCount
  }
};

struct ReadRequest32 : ReadRequest {
  static constexpr std::uint8_t kWords = 10;
};

// [MS-CIFS] 2.2.4.42.2, [MS-SMB] 2.2.4.2.2
struct ReadResponse {
  static constexpr Command kCode = Command::read_andx;
  static constexpr std::uint8_t kMinimumWords = 12;
  std::uint16_t available = 0;
  std::uint16_t data_compaction_mode = 0;
  std::uint16_t data_length = 0;
  std::uint16_t data_offset = 0;
  std::uint16_t data_length_high = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("available", m.available);
    a.field("data_compaction_mode", m.data_compaction_mode);
    a.template reserved<std::uint16_t>();
    a.field("data_length", m.data_length);
    a.field("data_offset", m.data_offset);
    a.field("data_length_high", m.data_length_high);
    a.template reserved<std::uint64_t>();
  }

  // Where in the whole message the data lies; nothing if that is not behind the block's words and within the message.
  std::optional<ByteView> data(const Block& block, ByteView message) const;
};

enum WriteMode : std::uint16_t { WRITE_THROUGH = 0x0001 };

// [MS-CIFS] 2.2.4.43.1, [MS-SMB] 2.2.4.3.1
struct WriteRequest {
  static constexpr Command kCode = Command::write_andx;
  static constexpr std::uint8_t kWords = 14;
  std::uint16_t fid = 0;
  std::uint32_t offset = 0;
  std::uint16_t write_mode = 0;
  std::uint16_t remaining = 0;
  std::uint16_t data_length_high = 0;
  std::uint16_t data_length = 0;
  std::uint32_t offset_high = 0;
  std::uint16_t byte_count = 0;  // the low 16 bits of what follows, padding included
  wire::Payload data;

  // Sets all fields that say how long it is.
  void set_data(wire::Payload payload);

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("fid", m.fid);
    a.field("offset", m.offset);
    a.template reserved<std::uint32_t>();  // Timeout
    a.field("write_mode", m.write_mode);
    a.field("remaining", m.remaining);
    a.field("data_length_high", m.data_length_high);
    a.field("data_length", m.data_length);
    a.template offset_of<std::uint16_t>("data_offset", m.data);
    if constexpr (Self::kWords == kWords) a.field("offset_high", m.offset_high);
    a.field("byte_count", m.byte_count);
    a.template reserved<std::uint8_t>();  // Pad: so many that data in the first block stands at a multiple of 4
    a.data("data", m.data);
  }
};

struct WriteRequest32 : WriteRequest {
  static constexpr std::uint8_t kWords = 12;
};

// [MS-CIFS] 2.2.4.43.2, [MS-SMB] 2.2.4.3.2
struct WriteResponse {
  static constexpr Command kCode = Command::write_andx;
  static constexpr std::uint8_t kMinimumWords = 6;
  std::uint16_t count = 0;
  std::uint16_t available = 0;
  std::uint16_t count_high = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("count", m.count);
    a.field("available", m.available);
    a.field("count_high", m.count_high);
  }

  std::uint32_t written() const { return count | std::uint32_t{count_high} << 16; }
};

enum TypeOfLock : std::uint8_t {
  READ_WRITE_LOCK = 0x00,
  SHARED_LOCK = 0x01,
  OPLOCK_RELEASE = 0x02,
  CHANGE_LOCKTYPE = 0x04,
  CANCEL_LOCK = 0x08,
  LARGE_FILES = 0x10,
};

// [MS-CIFS] 2.2.4.32.1 LOCKING_ANDX_RANGE64
struct LockingRange {
  static constexpr std::uint8_t kTypeOfLock = LARGE_FILES;
  std::uint16_t pid = 0;
  std::uint32_t byte_offset_high = 0;
  std::uint32_t byte_offset_low = 0;
  std::uint32_t length_in_bytes_high = 0;
  std::uint32_t length_in_bytes_low = 0;

  static LockingRange of(std::uint16_t pid, std::uint64_t offset, std::uint64_t length) {
    return {pid, static_cast<std::uint32_t>(offset >> 32), static_cast<std::uint32_t>(offset),
            static_cast<std::uint32_t>(length >> 32), static_cast<std::uint32_t>(length)};
  }

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("pid", m.pid);
    a.template reserved<std::uint16_t>();
    a.field("byte_offset_high", m.byte_offset_high);
    a.field("byte_offset_low", m.byte_offset_low);
    a.field("length_in_bytes_high", m.length_in_bytes_high);
    a.field("length_in_bytes_low", m.length_in_bytes_low);
  }
};

// [MS-CIFS] 2.2.4.32.1 LOCKING_ANDX_RANGE32
struct LockingRange32 {
  static constexpr std::uint8_t kTypeOfLock = READ_WRITE_LOCK;
  std::uint16_t pid = 0;
  std::uint32_t byte_offset = 0;
  std::uint32_t length_in_bytes = 0;

  // `offset` is within 32 bits; what lies beyond the largest file is left out.
  static LockingRange32 of(std::uint16_t pid, std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t fits = std::min(length, kLargestFile32 - offset);
    return {pid, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(fits)};
  }

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("pid", m.pid);
    a.field("byte_offset", m.byte_offset);
    a.field("length_in_bytes", m.length_in_bytes);
  }
};

// [MS-CIFS] 2.2.4.32.1. From a server it is an oplock break, [MS-CIFS] 3.3.4.2, and has no ranges.
template <class Range>
struct Locking {
  static constexpr Command kCode = Command::locking_andx;
  static constexpr std::uint8_t kWords = 8;
  std::uint16_t fid = 0;
  std::uint8_t type_of_lock = Range::kTypeOfLock;
  std::uint8_t new_oplock_level = 0;  // 1: level II is left
  std::uint32_t timeout = 0;          // 0: refuse what cannot be had at once
  std::vector<Range> unlocks;
  std::vector<Range> locks;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("fid", m.fid);
    a.field("type_of_lock", m.type_of_lock);
    a.field("new_oplock_level", m.new_oplock_level);
    a.field("timeout", m.timeout);
    a.template count_of<std::uint16_t>("number_of_requested_unlocks", m.unlocks);
    a.template count_of<std::uint16_t>("number_of_requested_locks", m.locks);
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.items("unlocks", m.unlocks);
    a.items("locks", m.locks);
  }
};

using LockingRequest = Locking<LockingRange>;
using LockingRequest32 = Locking<LockingRange32>;

// [MS-CIFS] 2.2.4.5.1
struct CloseRequest {
  static constexpr Command kCode = Command::close;
  static constexpr std::uint8_t kWords = 3;
  std::uint16_t fid = 0;
  std::uint32_t last_time_modified = 0xFFFFFFFF;  // which leaves it to the server

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("fid", m.fid);
    a.field("last_time_modified", m.last_time_modified);
    a.template reserved<std::uint16_t>();  // ByteCount
  }
};

// [MS-CIFS] 2.2.4.6.1
struct FlushRequest {
  static constexpr Command kCode = Command::flush;
  static constexpr std::uint8_t kWords = 1;
  std::uint16_t fid = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("fid", m.fid);
    a.template reserved<std::uint16_t>();  // ByteCount
  }
};

}  // namespace smb3fuse::cifs
