// SPDX-License-Identifier: Apache-2.0
// The requests that a share sends, built for chains: what is the same in all of them is decided here.
// FileId::of_previous() stands for the file of the request before. [MS-SMB2] 3.2.4.1.4
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cache/buffer.h"
#include "smb/client/attributes.h"
#include "smb/client/lock_table.h"
#include "smb/smb2/connection.h"
#include "smb/wire/create.h"
#include "smb/wire/fscc.h"
#include "smb/wire/oplock_break.h"

namespace smb3fuse::client {

// What a CREATE of ours decides. The rest is always the same: everything is shared, as POSIX knows no share modes; a
// link at the end of the path is opened itself.
struct CreateParameters {
  std::u16string path;
  std::uint32_t desired_access = 0;
  wire::CreateDisposition create_disposition = wire::CreateDisposition::open;
  std::uint32_t create_options = 0;
  std::uint32_t file_attributes = 0;
  bool ask_file_id = false;  // with the context that brings the file's id on disk
  wire::OplockLevel requested_oplock_level = wire::OplockLevel::none;
  std::optional<wire::CreateContext> lease;  // SMB2_CREATE_REQUEST_LEASE, with OplockLevel::lease
};

class Smb2Requests {
 public:
  Smb2Requests(std::uint32_t tree_id, bool encrypt) : tree_id_(tree_id), encrypt_(encrypt) {}

  smb2::Outgoing create(const CreateParameters& parameters) const;
  smb2::Outgoing close(wire::FileId file) const;
  smb2::Outgoing read(wire::FileId file, std::uint64_t offset, std::uint32_t length) const;
  smb2::Outgoing write(wire::FileId file, std::uint64_t offset, std::vector<cache::Buffer> data,
                       bool write_through) const;
  // For what is short: `data` is copied.
  smb2::Outgoing write_bytes(wire::FileId file, std::uint64_t offset, ByteView data) const;
  smb2::Outgoing flush(wire::FileId file) const;
  // All of them or none, at once.
  smb2::Outgoing lock(wire::FileId file, std::span<const RangeLock> locks) const;
  smb2::Outgoing unlock(wire::FileId file, std::span<const RangeLock> locks) const;
  smb2::Outgoing acknowledge(const wire::LeaseBreakAcknowledgment& acknowledgment) const;
  smb2::Outgoing acknowledge(const wire::OplockBreak& acknowledgment) const;
  smb2::Outgoing query(wire::FileId file, wire::FileInformationClass what, std::uint32_t output_buffer_length) const;
  smb2::Outgoing query(wire::FileId file, wire::FsInformationClass what, std::uint32_t output_buffer_length) const;
  smb2::Outgoing query_directory(wire::FileId directory, std::uint32_t output_buffer_length) const;
  smb2::Outgoing change_notify(wire::FileId directory, std::uint32_t completion_filter,
                               std::uint32_t output_buffer_length) const;
  smb2::Outgoing control(wire::FileId file, std::uint32_t ctl_code, ByteView input,
                         std::uint32_t max_output_response) const;

  smb2::Outgoing set_basic(wire::FileId file, const AttributeChanges& changes) const;
  smb2::Outgoing set_end_of_file(wire::FileId file, std::uint64_t end_of_file) const;
  smb2::Outgoing set_delete_pending(wire::FileId file) const;
  smb2::Outgoing set_name(wire::FileId file, const std::u16string& name, bool replace) const;
  smb2::Outgoing add_link(wire::FileId file, const std::u16string& name) const;

 private:
  template <class Request>
  smb2::Outgoing make(const Request& request, std::uint32_t expected_response = 0) const;
  template <class Information>
  smb2::Outgoing set(wire::FileId file, const Information& information) const;

  std::uint32_t tree_id_;
  bool encrypt_;
};

}  // namespace smb3fuse::client
