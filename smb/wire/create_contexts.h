// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.13.2, 2.2.14.2: the contexts that ride on CREATE. A context is a tag and bytes; the structures below
// are the bytes of those we know, each with its tag.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

// [MS-SMB2] 2.2.13.2 SMB2_CREATE_CONTEXT. Name and data are copies of a few dozen bytes: nobody has to keep alive what
// they were made from.
struct CreateContext {
  static constexpr std::size_t kChainAlignment = 8;
  std::string name;  // four characters, or the 16 bytes of a GUID
  Bytes data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.next_entry_offset();
    a.template offset_of<std::uint16_t>("name_offset", m.name);
    a.template length_of<std::uint16_t>("name_length", m.name);
    a.template reserved<std::uint16_t>();
    a.template offset_of<std::uint16_t>("data_offset", m.data);
    a.template length_of<std::uint32_t>("data_length", m.data);
    a.data("name", m.name);
    a.template optional_data<8>("data", m.data);
  }
};

// [MS-SMB2] 2.2.13.2.5, request
struct QueryMaximalAccessRequest {
  static constexpr std::string_view kTag = "MxAc";

  template <class Archive, class Self>
  static void describe(Archive&, Self&) {}
};

// [MS-SMB2] 2.2.14.2.5
struct QueryMaximalAccessResponse {
  static constexpr std::string_view kTag = "MxAc";
  NtStatus query_status{};
  std::uint32_t maximal_access = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("query_status", m.query_status);
    a.field("maximal_access", m.maximal_access);
  }
};

// [MS-SMB2] 2.2.13.2.9
struct QueryOnDiskIdRequest {
  static constexpr std::string_view kTag = "QFid";

  template <class Archive, class Self>
  static void describe(Archive&, Self&) {}
};

// [MS-SMB2] 2.2.14.2.9
struct QueryOnDiskIdResponse {
  static constexpr std::string_view kTag = "QFid";
  std::uint64_t disk_file_id = 0;
  std::uint64_t volume_id = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("disk_file_id", m.disk_file_id);
    a.field("volume_id", m.volume_id);
    a.template reserved<std::uint64_t>();
    a.template reserved<std::uint64_t>();
  }
};

enum LeaseState : std::uint32_t {
  SMB2_LEASE_NONE = 0x00,
  SMB2_LEASE_READ_CACHING = 0x01,
  SMB2_LEASE_HANDLE_CACHING = 0x02,
  SMB2_LEASE_WRITE_CACHING = 0x04,
};

enum LeaseFlags : std::uint32_t {
  SMB2_LEASE_FLAG_BREAK_IN_PROGRESS = 0x00000002,
  SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET = 0x00000004,
};

// [MS-SMB2] 2.2.13.2.8, 2.2.14.2.10: SMB2_CREATE_REQUEST_LEASE and its answer, one layout.
struct CreateLease {
  static constexpr std::string_view kTag = "RqLs";
  static constexpr std::size_t kDataLength = 32;  // tells it from version 2
  LeaseKey lease_key;
  std::uint32_t lease_state = SMB2_LEASE_NONE;
  std::uint32_t lease_flags = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("lease_key", m.lease_key);
    a.field("lease_state", m.lease_state);
    a.field("lease_flags", m.lease_flags);
    a.template reserved<std::uint64_t>();  // LeaseDuration
  }
};

// [MS-SMB2] 2.2.13.2.10, 2.2.14.2.11: version 2, of SMB 3.
struct CreateLeaseV2 {
  static constexpr std::string_view kTag = "RqLs";
  static constexpr std::size_t kDataLength = 52;
  LeaseKey lease_key;
  std::uint32_t lease_state = SMB2_LEASE_NONE;
  std::uint32_t lease_flags = 0;
  LeaseKey parent_lease_key;
  std::uint16_t epoch = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("lease_key", m.lease_key);
    a.field("lease_state", m.lease_state);
    a.field("lease_flags", m.lease_flags);
    a.template reserved<std::uint64_t>();  // LeaseDuration
    a.nested("parent_lease_key", m.parent_lease_key);
    a.field("epoch", m.epoch);
    a.template reserved<std::uint16_t>();
  }
};

// [MS-SMB2] 2.2.13.2.3
struct DurableHandleRequest {
  static constexpr std::string_view kTag = "DHnQ";

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template reserved<std::uint64_t>();
    a.template reserved<std::uint64_t>();
  }
};

// [MS-SMB2] 2.2.14.2.3
struct DurableHandleResponse {
  static constexpr std::string_view kTag = "DHnQ";

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template reserved<std::uint64_t>();
  }
};

// [MS-SMB2] 2.2.13.2.4
struct DurableHandleReconnect {
  static constexpr std::string_view kTag = "DHnC";
  FileId data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("data", m.data);
  }
};

enum DurableHandleFlags : std::uint32_t { SMB2_DHANDLE_FLAG_PERSISTENT = 0x00000002 };

// [MS-SMB2] 2.2.13.2.11
struct DurableHandleRequestV2 {
  static constexpr std::string_view kTag = "DH2Q";
  std::uint32_t timeout = 0;  // milliseconds; 0 leaves it to the server
  std::uint32_t flags = 0;
  Guid create_guid;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("timeout", m.timeout);
    a.field("flags", m.flags);
    a.template reserved<std::uint64_t>();
    a.nested("create_guid", m.create_guid);
  }
};

// [MS-SMB2] 2.2.14.2.12
struct DurableHandleResponseV2 {
  static constexpr std::string_view kTag = "DH2Q";
  std::uint32_t timeout = 0;
  std::uint32_t flags = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("timeout", m.timeout);
    a.field("flags", m.flags);
  }
};

// [MS-SMB2] 2.2.13.2.12
struct DurableHandleReconnectV2 {
  static constexpr std::string_view kTag = "DH2C";
  FileId file_id;
  Guid create_guid;
  std::uint32_t flags = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("file_id", m.file_id);
    a.nested("create_guid", m.create_guid);
    a.field("flags", m.flags);
  }
};

// [MS-SMB2] 2.2.13.2.6
struct AllocationSizeRequest {
  static constexpr std::string_view kTag = "AlSi";
  std::uint64_t allocation_size = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("allocation_size", m.allocation_size);
  }
};

// [MS-SMB2] 2.2.13.2.7: the file as it was at that time (a previous version).
struct TimewarpToken {
  static constexpr std::string_view kTag = "TWrp";
  FileTime timestamp;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.nested("timestamp", m.timestamp);
  }
};

template <class T>
CreateContext make_create_context(const T& context) {
  return {std::string(T::kTag), encode(context)};
}

// The first context with T's tag (and T's length, where versions differ by it), decoded; nothing if there is none.
template <class T>
tl::expected<std::optional<T>, DecodeError> find_context(const std::vector<CreateContext>& contexts) {
  for (const CreateContext& context : contexts) {
    if (context.name != T::kTag) continue;
    if constexpr (requires { T::kDataLength; }) {
      if (context.data.size() != T::kDataLength) continue;
    }
    tl::expected<T, DecodeError> found = decode<T>(context.data);
    if (!found) return tl::unexpected(found.error());
    return std::optional<T>(std::move(*found));
  }
  return std::optional<T>();
}

}  // namespace smb3fuse::wire
