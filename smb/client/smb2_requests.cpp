// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_requests.h"

#include <memory>
#include <utility>

#include "smb/wire/change_notify.h"
#include "smb/wire/close.h"
#include "smb/wire/codec.h"
#include "smb/wire/flush.h"
#include "smb/wire/fscc_directory.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/lock.h"
#include "smb/wire/query_directory.h"
#include "smb/wire/query_info.h"
#include "smb/wire/read_write.h"
#include "smb/wire/set_info.h"

namespace smb3fuse::client {

template <class Request>
smb2::Outgoing Smb2Requests::make(const Request& request, std::uint32_t expected_response) const {
  smb2::Outgoing outgoing;
  outgoing.command = Request::kCommand;
  outgoing.body = wire::encode(request);
  outgoing.expected_response = expected_response;
  if constexpr (requires { request.file_id; }) {
    if (request.file_id == wire::FileId::of_previous()) {
      outgoing.file_id_at = wire::offset_of_nested(request, request.file_id);
    }
  }
  outgoing.tree_id = tree_id_;
  outgoing.encrypt = encrypt_;
  return outgoing;
}

template <class Information>
smb2::Outgoing Smb2Requests::set(wire::FileId file, const Information& information) const {
  const Bytes buffer = wire::encode(information);
  wire::SetInfoRequest request;
  request.info_type = wire::InfoType::file;
  request.file_info_class = static_cast<std::uint8_t>(Information::kClass);
  request.file_id = file;
  request.buffer = buffer;
  return make(request);
}

smb2::Outgoing Smb2Requests::create(const CreateParameters& parameters) const {
  wire::CreateRequest request;
  request.desired_access = parameters.desired_access;
  request.file_attributes = parameters.file_attributes;
  request.share_access = wire::FILE_SHARE_READ | wire::FILE_SHARE_WRITE | wire::FILE_SHARE_DELETE;
  request.create_disposition = parameters.create_disposition;
  request.create_options = parameters.create_options | wire::FILE_OPEN_REPARSE_POINT;
  request.name = parameters.path;
  request.requested_oplock_level = parameters.requested_oplock_level;
  if (parameters.ask_file_id)
    request.create_contexts.push_back(wire::make_create_context(wire::QueryOnDiskIdRequest{}));
  if (parameters.lease) request.create_contexts.push_back(*parameters.lease);
  return make(request);
}

smb2::Outgoing Smb2Requests::close(wire::FileId file) const {
  wire::CloseRequest request;
  request.file_id = file;
  return make(request);
}

smb2::Outgoing Smb2Requests::read(wire::FileId file, std::uint64_t offset, std::uint32_t length) const {
  wire::ReadRequest request;
  request.padding = wire::kReadResponseDataOffset;
  request.length = length;
  request.offset = offset;
  request.file_id = file;
  return make(request, length);
}

smb2::Outgoing Smb2Requests::write(wire::FileId file, std::uint64_t offset, std::vector<cache::Buffer> data,
                                   bool write_through) const {
  std::size_t length = 0;
  for (const cache::Buffer& piece : data) length += piece.size();
  wire::WriteRequest request;
  request.offset = offset;
  request.file_id = file;
  request.flags = write_through ? wire::SMB2_WRITEFLAG_WRITE_THROUGH : 0u;
  request.data = wire::Payload::follows(static_cast<std::uint32_t>(length));
  smb2::Outgoing outgoing = make(request);
  outgoing.payload.assign(data.begin(), data.end());
  outgoing.payload_owner = std::make_shared<const std::vector<cache::Buffer>>(std::move(data));
  return outgoing;
}

smb2::Outgoing Smb2Requests::write_bytes(wire::FileId file, std::uint64_t offset, ByteView data) const {
  wire::WriteRequest request;
  request.offset = offset;
  request.file_id = file;
  request.data = wire::Payload::of(data);
  return make(request, static_cast<std::uint32_t>(data.size()));
}

smb2::Outgoing Smb2Requests::flush(wire::FileId file) const {
  wire::FlushRequest request;
  request.file_id = file;
  return make(request);
}

smb2::Outgoing Smb2Requests::lock(wire::FileId file, std::span<const RangeLock> locks) const {
  wire::LockRequest request;
  request.file_id = file;
  for (const RangeLock& each : locks) {
    const std::uint32_t kind =
        each.kind == LockKind::shared ? wire::SMB2_LOCKFLAG_SHARED_LOCK : wire::SMB2_LOCKFLAG_EXCLUSIVE_LOCK;
    request.locks.push_back(
        {each.range.begin, each.range.end - each.range.begin, kind | wire::SMB2_LOCKFLAG_FAIL_IMMEDIATELY});
  }
  return make(request);
}

smb2::Outgoing Smb2Requests::unlock(wire::FileId file, std::span<const RangeLock> locks) const {
  wire::LockRequest request;
  request.file_id = file;
  for (const RangeLock& each : locks) {
    request.locks.push_back({each.range.begin, each.range.end - each.range.begin, wire::SMB2_LOCKFLAG_UNLOCK});
  }
  return make(request);
}

smb2::Outgoing Smb2Requests::acknowledge(const wire::LeaseBreakAcknowledgment& acknowledgment) const {
  return make(acknowledgment);
}

smb2::Outgoing Smb2Requests::acknowledge(const wire::OplockBreak& acknowledgment) const { return make(acknowledgment); }

smb2::Outgoing Smb2Requests::query(wire::FileId file, wire::FileInformationClass what,
                                   std::uint32_t output_buffer_length) const {
  wire::QueryInfoRequest request;
  request.info_type = wire::InfoType::file;
  request.file_info_class = static_cast<std::uint8_t>(what);
  request.output_buffer_length = output_buffer_length;
  request.file_id = file;
  return make(request, output_buffer_length);
}

smb2::Outgoing Smb2Requests::query(wire::FileId file, wire::FsInformationClass what,
                                   std::uint32_t output_buffer_length) const {
  wire::QueryInfoRequest request;
  request.info_type = wire::InfoType::file_system;
  request.file_info_class = static_cast<std::uint8_t>(what);
  request.output_buffer_length = output_buffer_length;
  request.file_id = file;
  return make(request, output_buffer_length);
}

smb2::Outgoing Smb2Requests::query_directory(wire::FileId directory, std::uint32_t output_buffer_length) const {
  wire::QueryDirectoryRequest request;
  request.file_information_class = wire::FileIdFullDirectoryInformation::kClass;
  request.file_id = directory;
  request.output_buffer_length = output_buffer_length;
  request.file_name = u"*";
  return make(request, output_buffer_length);
}

smb2::Outgoing Smb2Requests::change_notify(wire::FileId directory, std::uint32_t completion_filter,
                                           std::uint32_t output_buffer_length) const {
  wire::ChangeNotifyRequest request;
  request.output_buffer_length = output_buffer_length;
  request.file_id = directory;
  request.completion_filter = completion_filter;
  smb2::Outgoing outgoing = make(request, output_buffer_length);
  outgoing.open_ended = true;
  return outgoing;
}

smb2::Outgoing Smb2Requests::control(wire::FileId file, std::uint32_t ctl_code, ByteView input,
                                     std::uint32_t max_output_response) const {
  wire::IoctlRequest request;
  request.ctl_code = ctl_code;
  request.file_id = file;
  request.max_output_response = max_output_response;
  request.input = input;
  return make(request, max_output_response);
}

smb2::Outgoing Smb2Requests::set_basic(wire::FileId file, const AttributeChanges& changes) const {
  const auto time = [](const std::optional<FileTime>& value) {
    return wire::FileTime{static_cast<std::uint64_t>(value.value_or(0))};
  };
  wire::FileBasicInformation information;
  information.creation_time = time(changes.creation_time);
  information.last_access_time = time(changes.last_access_time);
  information.last_write_time = time(changes.last_write_time);
  information.file_attributes = changes.file_attributes.value_or(0);
  // 0 would leave the attributes alone: "none of them" has a bit of its own.
  if (changes.file_attributes == 0u) information.file_attributes = wire::FILE_ATTRIBUTE_NORMAL;
  return set(file, information);
}

smb2::Outgoing Smb2Requests::set_end_of_file(wire::FileId file, std::uint64_t end_of_file) const {
  return set(file, wire::FileEndOfFileInformation{end_of_file});
}

smb2::Outgoing Smb2Requests::set_delete_pending(wire::FileId file) const {
  return set(file, wire::FileDispositionInformation{true});
}

smb2::Outgoing Smb2Requests::set_name(wire::FileId file, const std::u16string& name, bool replace) const {
  return set(file, wire::FileRenameInformation{replace, name});
}

smb2::Outgoing Smb2Requests::add_link(wire::FileId file, const std::u16string& name) const {
  return set(file, wire::FileLinkInformation{false, name});
}

}  // namespace smb3fuse::client
