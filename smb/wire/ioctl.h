// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.31, 2.2.32: IOCTL, the control codes that a file client uses, and the structures they carry.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/header.h"
#include "smb/wire/negotiate.h"

namespace smb3fuse::wire {

// [MS-SMB2] 2.2.31, [MS-FSCC] 2.3
enum ControlCode : std::uint32_t {
  FSCTL_DFS_GET_REFERRALS = 0x00060194,
  FSCTL_DFS_GET_REFERRALS_EX = 0x000601B0,
  FSCTL_SET_REPARSE_POINT = 0x000900A4,
  FSCTL_GET_REPARSE_POINT = 0x000900A8,
  FSCTL_DELETE_REPARSE_POINT = 0x000900AC,
  FSCTL_SET_SPARSE = 0x000900C4,
  FSCTL_QUERY_ALLOCATED_RANGES = 0x000940CF,
  FSCTL_SET_ZERO_DATA = 0x000980C8,
  FSCTL_DUPLICATE_EXTENTS_TO_FILE = 0x00098344,
  FSCTL_PIPE_PEEK = 0x0011400C,
  FSCTL_PIPE_WAIT = 0x00110018,
  FSCTL_PIPE_TRANSCEIVE = 0x0011C017,
  FSCTL_SRV_REQUEST_RESUME_KEY = 0x00140078,
  FSCTL_SRV_ENUMERATE_SNAPSHOTS = 0x00144064,
  FSCTL_LMR_REQUEST_RESILIENCY = 0x001401D4,
  FSCTL_QUERY_NETWORK_INTERFACE_INFO = 0x001401FC,
  FSCTL_VALIDATE_NEGOTIATE_INFO = 0x00140204,
  FSCTL_SRV_COPYCHUNK = 0x001440F2,
  FSCTL_SRV_COPYCHUNK_WRITE = 0x001480F2,
};

enum IoctlFlags : std::uint32_t { SMB2_0_IOCTL_IS_FSCTL = 0x00000001 };

// [MS-SMB2] 2.2.31. The buffers are views.
struct IoctlRequest {
  static constexpr Command kCommand = Command::ioctl;
  std::uint32_t ctl_code = 0;
  FileId file_id;  // FileId::of_previous() for codes that need no file
  std::uint32_t max_input_response = 0;
  std::uint32_t max_output_response = 0;
  std::uint32_t flags = SMB2_0_IOCTL_IS_FSCTL;
  ByteView input;
  ByteView output;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<57>();
    a.template reserved<std::uint16_t>();
    a.field("ctl_code", m.ctl_code);
    a.nested("file_id", m.file_id);
    a.template offset_of<std::uint32_t>("input_offset", m.input);
    a.template length_of<std::uint32_t>("input_count", m.input);
    a.field("max_input_response", m.max_input_response);
    a.template offset_of<std::uint32_t>("output_offset", m.output);
    a.template length_of<std::uint32_t>("output_count", m.output);
    a.field("max_output_response", m.max_output_response);
    a.field("flags", m.flags);
    a.template reserved<std::uint32_t>();
    a.optional_data("input", m.input);
    a.template optional_data<8>("output", m.output);
    a.template minimum_size<57>();
  }
};

// [MS-SMB2] 2.2.32
struct IoctlResponse {
  static constexpr Command kCommand = Command::ioctl;
  std::uint32_t ctl_code = 0;
  FileId file_id;
  std::uint32_t flags = 0;
  ByteView input;
  ByteView output;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<49>();
    a.template reserved<std::uint16_t>();
    a.field("ctl_code", m.ctl_code);
    a.nested("file_id", m.file_id);
    a.template offset_of<std::uint32_t>("input_offset", m.input);
    a.template length_of<std::uint32_t>("input_count", m.input);
    a.template offset_of<std::uint32_t>("output_offset", m.output);
    a.template length_of<std::uint32_t>("output_count", m.output);
    a.field("flags", m.flags);
    a.template reserved<std::uint32_t>();
    a.data("input", m.input);
    a.template data<8>("output", m.output);
  }
};

// [MS-SMB2] 2.2.31.4: what the client said in NEGOTIATE, said again under a signature.
struct ValidateNegotiateInfoRequest {
  std::uint32_t capabilities = 0;
  Guid guid;
  std::uint16_t security_mode = 0;
  std::vector<Dialect> dialects;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("capabilities", m.capabilities);
    a.nested("guid", m.guid);
    a.field("security_mode", m.security_mode);
    a.template count_of<std::uint16_t>("dialect_count", m.dialects);
    a.items("dialects", m.dialects);
  }
};

// [MS-SMB2] 2.2.32.6: what the server said.
struct ValidateNegotiateInfoResponse {
  std::uint32_t capabilities = 0;
  Guid guid;
  std::uint16_t security_mode = 0;
  Dialect dialect{};

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("capabilities", m.capabilities);
    a.nested("guid", m.guid);
    a.field("security_mode", m.security_mode);
    a.field("dialect", m.dialect);
  }
};

enum NetworkInterfaceCapability : std::uint32_t { RSS_CAPABLE = 0x00000001, RDMA_CAPABLE = 0x00000002 };

// [MS-SMB2] 2.2.32.5 NETWORK_INTERFACE_INFO, a chain.
struct NetworkInterfaceInfo {
  static constexpr std::size_t kChainAlignment = 8;
  std::uint32_t if_index = 0;
  std::uint32_t capability = 0;
  std::uint64_t link_speed = 0;                       // bits a second
  std::array<std::uint8_t, 128> sock_addr_storage{};  // [MS-SMB2] 2.2.32.5.1

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.next_entry_offset();
    a.field("if_index", m.if_index);
    a.field("capability", m.capability);
    a.template reserved<std::uint32_t>();
    a.field("link_speed", m.link_speed);
    a.fixed("sock_addr_storage", m.sock_addr_storage);
  }
};

using ResumeKey = std::array<std::uint8_t, 24>;

// [MS-SMB2] 2.2.32.3 SRV_REQUEST_RESUME_KEY response; its context is reserved.
struct SrvRequestResumeKeyResponse {
  ResumeKey resume_key{};

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.fixed("resume_key", m.resume_key);
    a.template reserved<std::uint32_t>();  // ContextLength
    a.template minimum_size<32>();         // Windows and Samba send four bytes more; nobody has to
  }
};

// [MS-SMB2] 2.2.31.1.1
struct SrvCopychunk {
  std::uint64_t source_offset = 0;
  std::uint64_t target_offset = 0;
  std::uint32_t length = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("source_offset", m.source_offset);
    a.field("target_offset", m.target_offset);
    a.field("length", m.length);
    a.template reserved<std::uint32_t>();
  }
};

// [MS-SMB2] 2.2.31.1
struct SrvCopychunkCopy {
  ResumeKey source_key{};
  std::vector<SrvCopychunk> chunks;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.fixed("source_key", m.source_key);
    a.template count_of<std::uint32_t>("chunk_count", m.chunks);
    a.template reserved<std::uint32_t>();
    a.items("chunks", m.chunks);
  }
};

// [MS-SMB2] 2.2.32.1: what was copied; with STATUS_INVALID_PARAMETER, the server's limits instead.
struct SrvCopychunkResponse {
  std::uint32_t chunks_written = 0;
  std::uint32_t chunk_bytes_written = 0;
  std::uint32_t total_bytes_written = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("chunks_written", m.chunks_written);
    a.field("chunk_bytes_written", m.chunk_bytes_written);
    a.field("total_bytes_written", m.total_bytes_written);
  }
};

// [MS-FSCC] 2.3 FILE_SET_SPARSE_BUFFER
struct FileSetSparseBuffer {
  bool set_sparse = true;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("set_sparse", m.set_sparse);
  }
};

// [MS-FSCC] 2.3 FILE_ZERO_DATA_INFORMATION
struct FileZeroDataInformation {
  std::uint64_t file_offset = 0;
  std::uint64_t beyond_final_zero = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("file_offset", m.file_offset);
    a.field("beyond_final_zero", m.beyond_final_zero);
  }
};

// [MS-FSCC] 2.3: the request holds one, the answer (FileAllocatedRanges) any number.
struct FileAllocatedRangeBuffer {
  std::uint64_t file_offset = 0;
  std::uint64_t length = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("file_offset", m.file_offset);
    a.field("length", m.length);
  }
};

// [MS-FSCC] 2.3
struct FileAllocatedRanges {
  std::vector<FileAllocatedRangeBuffer> ranges;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.rest_items("ranges", m.ranges);
  }
};

}  // namespace smb3fuse::wire
