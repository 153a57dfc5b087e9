// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_requests.h"

#include <memory>
#include <utility>

#include "smb/cifs/session.h"
#include "smb/cifs/unix.h"
#include "smb/wire/ioctl.h"

namespace smb3fuse::client {
namespace {

// The parameters of no answer of ours are longer.
constexpr std::uint16_t kMaxParameters = 64;
// SMB_QUERY_FILE_ALL_INFO with a long path behind it; what does not fit is only the path's end.
constexpr std::uint16_t kAllInformation = 2048;
constexpr std::uint16_t kFixedInformation = 64;
constexpr std::uint16_t kFsInformation = 512;
// As many as fit.
constexpr std::uint16_t kEntries = 0xFFFF;

wire::FileBasicInformation basic_information(const AttributeChanges& changes) {
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
  return information;
}

template <class Range>
std::vector<Range> ranges_of(std::span<const RangeLock> locks) {
  constexpr std::uint16_t kPid = 1;  // as in each header: see smb1::Connection
  std::vector<Range> ranges;
  for (const RangeLock& each : locks) {
    ranges.push_back(Range::of(kPid, each.range.begin, each.range.end - each.range.begin));
  }
  return ranges;
}

template <class Range>
cifs::Locking<Range> locking(std::uint16_t fid, std::span<const RangeLock> unlocks, std::span<const RangeLock> locks,
                             LockKind kind) {
  cifs::Locking<Range> request;
  request.fid = fid;
  if (kind == LockKind::shared) request.type_of_lock |= cifs::SHARED_LOCK;
  request.unlocks = ranges_of<Range>(unlocks);
  request.locks = ranges_of<Range>(locks);
  return request;
}

}  // namespace

smb1::Outgoing Smb1Requests::make(cifs::MessageBuilder builder) const {
  smb1::Outgoing outgoing;
  outgoing.command = builder.command();
  outgoing.message = builder.take();
  outgoing.tree_id = tree_id_;
  return outgoing;
}

template <class Block>
smb1::Outgoing Smb1Requests::make(const Block& block) const {
  cifs::MessageBuilder builder;
  builder.add(block);
  return make(std::move(builder));
}

smb1::Outgoing Smb1Requests::transact2(cifs::Trans2 subcommand, ByteView parameters, ByteView data,
                                       std::uint16_t max_data) const {
  cifs::Transaction2Request request;
  request.subcommand = static_cast<std::uint16_t>(subcommand);
  request.max_parameter_count = kMaxParameters;
  request.max_data_count = max_data;
  cifs::Transaction2Messages messages = cifs::make_transaction2(request, parameters, data, negotiated_.max_buffer_size);
  smb1::Outgoing outgoing;
  outgoing.command = cifs::Command::transaction2;
  outgoing.message = std::move(messages.first);
  outgoing.secondaries = std::move(messages.secondaries);
  outgoing.tree_id = tree_id_;
  return outgoing;
}

template <class Parameters>
smb1::Outgoing Smb1Requests::trans2(cifs::Trans2 subcommand, const Parameters& parameters, ByteView data,
                                    std::uint16_t max_data) const {
  return transact2(subcommand, wire::encode(parameters), data, max_data);
}

void Smb1Requests::add_read(cifs::MessageBuilder& builder, std::uint16_t fid, std::uint64_t offset,
                            std::uint32_t length) const {
  cifs::ReadRequest request;
  request.fid = fid;
  request.offset = static_cast<std::uint32_t>(offset);
  request.offset_high = static_cast<std::uint32_t>(offset >> 32);
  request.max_count = static_cast<std::uint16_t>(length);
  request.max_count_high = length >> 16;
  if (has_large_files()) {
    builder.add(request);
  } else {
    builder.add(cifs::ReadRequest32{request});
  }
}

cifs::NtCreateRequest Smb1Requests::create_request(const NtCreateParameters& parameters) const {
  cifs::NtCreateRequest request;
  if (parameters.ask_oplock) request.flags = cifs::NT_CREATE_REQUEST_OPLOCK | cifs::NT_CREATE_REQUEST_OPBATCH;
  request.desired_access = parameters.desired_access;
  request.ext_file_attributes = parameters.file_attributes | (is_unix_ ? cifs::FILE_FLAG_POSIX_SEMANTICS : 0);
  request.share_access = wire::FILE_SHARE_READ | wire::FILE_SHARE_WRITE | wire::FILE_SHARE_DELETE;
  request.create_disposition = parameters.create_disposition;
  request.create_options = parameters.create_options | wire::FILE_OPEN_REPARSE_POINT;
  request.name = path_text(parameters.path);
  return request;
}

smb1::Outgoing Smb1Requests::create(const NtCreateParameters& parameters, std::uint32_t first_read) const {
  cifs::MessageBuilder builder;
  builder.add(create_request(parameters));
  if (chains_ && first_read > 0) add_read(builder, cifs::kNoId, 0, first_read);
  return make(std::move(builder));
}

smb1::Outgoing Smb1Requests::read_whole(const NtCreateParameters& parameters, std::uint32_t length) const {
  cifs::CloseRequest close;
  close.fid = cifs::kNoId;
  cifs::MessageBuilder builder;
  builder.add(create_request(parameters));
  if (chains_) {
    add_read(builder, cifs::kNoId, 0, length);
    builder.add(close);
  }
  return make(std::move(builder));
}

void Smb1Requests::add_look(cifs::MessageBuilder& builder, const std::u16string& path) const {
  NtCreateParameters parameters;
  parameters.path = path;
  parameters.desired_access = wire::FILE_READ_ATTRIBUTES;
  cifs::CloseRequest close;
  close.fid = cifs::kNoId;
  builder.add(create_request(parameters)).add(close);
}

smb1::Outgoing Smb1Requests::close(std::uint16_t fid) const {
  cifs::CloseRequest request;
  request.fid = fid;
  return make(request);
}

smb1::Outgoing Smb1Requests::flush(std::uint16_t fid) const { return make(cifs::FlushRequest{fid}); }

smb1::Outgoing Smb1Requests::read(std::uint16_t fid, std::uint64_t offset, std::uint32_t length) const {
  cifs::MessageBuilder builder;
  add_read(builder, fid, offset, length);
  return make(std::move(builder));
}

void Smb1Requests::add_write(cifs::MessageBuilder& builder, std::uint16_t fid, std::uint64_t offset, wire::Payload data,
                             std::uint16_t mode) const {
  cifs::WriteRequest request;
  request.fid = fid;
  request.offset = static_cast<std::uint32_t>(offset);
  request.offset_high = static_cast<std::uint32_t>(offset >> 32);
  request.write_mode = mode;
  request.set_data(data);
  if (has_large_files()) {
    builder.add(request);
  } else {
    builder.add(cifs::WriteRequest32{request});
  }
}

smb1::Outgoing Smb1Requests::write(std::uint16_t fid, std::uint64_t offset, std::vector<cache::Buffer> data,
                                   bool write_through) const {
  std::size_t length = 0;
  for (const cache::Buffer& piece : data) length += piece.size();
  cifs::MessageBuilder builder;
  add_write(builder, fid, offset, wire::Payload::follows(static_cast<std::uint32_t>(length)),
            write_through ? cifs::WRITE_THROUGH : 0);
  smb1::Outgoing outgoing = make(std::move(builder));
  outgoing.payload.assign(data.begin(), data.end());
  outgoing.payload_owner = std::make_shared<const std::vector<cache::Buffer>>(std::move(data));
  return outgoing;
}

smb1::Outgoing Smb1Requests::write_and_close(std::uint16_t fid, ByteView data) const {
  cifs::CloseRequest close;
  close.fid = fid;
  cifs::MessageBuilder builder;
  add_write(builder, fid, 0, wire::Payload::of(data), 0);
  if (chains_) builder.add(close);
  return make(std::move(builder));
}

smb1::Outgoing Smb1Requests::lock(std::uint16_t fid, std::span<const RangeLock> unlocks,
                                  std::span<const RangeLock> locks, LockKind kind) const {
  return has_large_files() ? make(locking<cifs::LockingRange>(fid, unlocks, locks, kind))
                           : make(locking<cifs::LockingRange32>(fid, unlocks, locks, kind));
}

// [MS-CIFS] 3.2.4.18: nothing else is in it, so that the server does not answer.
smb1::Outgoing Smb1Requests::acknowledge(std::uint16_t fid, bool keeps_level_ii) const {
  cifs::LockingRequest request;
  request.fid = fid;
  request.type_of_lock = cifs::OPLOCK_RELEASE;
  request.new_oplock_level = keeps_level_ii ? 1 : 0;
  smb1::Outgoing outgoing = make(request);
  outgoing.is_answered = false;
  return outgoing;
}

smb1::Outgoing Smb1Requests::create_directory(const std::u16string& path) const {
  return make(cifs::CreateDirectoryRequest{path_string(path)});
}

smb1::Outgoing Smb1Requests::delete_directory(const std::u16string& path) const {
  return make(cifs::DeleteDirectoryRequest{path_string(path)});
}

smb1::Outgoing Smb1Requests::remove(const std::u16string& path) const {
  cifs::DeleteRequest request;
  request.name = path_string(path);
  return make(request);
}

smb1::Outgoing Smb1Requests::rename(const std::u16string& from, const std::u16string& to) const {
  cifs::RenameRequest request;
  request.old_name = path_string(from);
  request.new_name = path_string(to);
  return make(request);
}

smb1::Outgoing Smb1Requests::link(const std::u16string& existing, const std::u16string& new_path) const {
  cifs::NtRenameRequest request;
  request.information_level = cifs::NtRenameLevel::set_link_info;
  request.old_name = path_string(existing);
  request.new_name = path_string(new_path);
  return make(request);
}

smb1::Outgoing Smb1Requests::query_all(const std::u16string& path) const {
  const cifs::PathInformationRequest parameters{cifs::level::query_file_all_info, path_text(path)};
  return trans2(cifs::Trans2::query_path_information, parameters, {}, kAllInformation);
}

smb1::Outgoing Smb1Requests::query_all(std::uint16_t fid) const {
  const cifs::QueryFileInformationRequest parameters{fid, cifs::level::query_file_all_info};
  return trans2(cifs::Trans2::query_file_information, parameters, {}, kAllInformation);
}

smb1::Outgoing Smb1Requests::query_internal(const std::u16string& path) const {
  const cifs::PathInformationRequest parameters{cifs::level_of(wire::FileInformationClass::internal), path_text(path)};
  return trans2(cifs::Trans2::query_path_information, parameters, {}, kFixedInformation);
}

smb1::Outgoing Smb1Requests::query_fs(wire::FsInformationClass what, std::uint16_t without_pass_through) const {
  const cifs::QueryFsInformationRequest parameters{has_pass_through() ? cifs::level_of(what) : without_pass_through};
  return trans2(cifs::Trans2::query_fs_information, parameters, {}, kFsInformation);
}

smb1::Outgoing Smb1Requests::set_basic(const std::u16string& path, const AttributeChanges& changes) const {
  const std::uint16_t level =
      has_pass_through() ? cifs::level_of(wire::FileInformationClass::basic) : cifs::level::set_file_basic_info;
  return trans2(cifs::Trans2::set_path_information, cifs::PathInformationRequest{level, path_text(path)},
                wire::encode(basic_information(changes)), 0);
}

smb1::Outgoing Smb1Requests::set_basic(std::uint16_t fid, const AttributeChanges& changes) const {
  const std::uint16_t level =
      has_pass_through() ? cifs::level_of(wire::FileInformationClass::basic) : cifs::level::set_file_basic_info;
  return trans2(cifs::Trans2::set_file_information, cifs::SetFileInformationRequest{fid, level},
                wire::encode(basic_information(changes)), 0);
}

smb1::Outgoing Smb1Requests::set_end_of_file(const std::u16string& path, std::uint64_t end_of_file) const {
  const std::uint16_t level = has_pass_through() ? cifs::level_of(wire::FileInformationClass::end_of_file)
                                                 : cifs::level::set_file_end_of_file_info;
  return trans2(cifs::Trans2::set_path_information, cifs::PathInformationRequest{level, path_text(path)},
                wire::encode(wire::FileEndOfFileInformation{end_of_file}), 0);
}

smb1::Outgoing Smb1Requests::set_end_of_file(std::uint16_t fid, std::uint64_t end_of_file) const {
  const std::uint16_t level = has_pass_through() ? cifs::level_of(wire::FileInformationClass::end_of_file)
                                                 : cifs::level::set_file_end_of_file_info;
  return trans2(cifs::Trans2::set_file_information, cifs::SetFileInformationRequest{fid, level},
                wire::encode(wire::FileEndOfFileInformation{end_of_file}), 0);
}

smb1::Outgoing Smb1Requests::set_name(const std::u16string& path, const std::u16string& name, bool replace) const {
  const cifs::PathInformationRequest parameters{cifs::level_of(wire::FileInformationClass::rename), path_text(path)};
  return trans2(cifs::Trans2::set_path_information, parameters,
                wire::encode(cifs::FileRenameInformation{replace, text(name).bytes}), 0);
}

std::uint16_t Smb1Requests::listing_level() const {
  if (is_unix_) return cifs::unix_level::find;
  return lists_ids_ ? cifs::level::find_file_id_full_directory_info : cifs::level::find_file_full_directory_info;
}

smb1::Outgoing Smb1Requests::find_first(const std::u16string& pattern, std::uint16_t max_data) const {
  cifs::FindFirst2Request parameters;
  parameters.search_count = kEntries;
  parameters.flags = cifs::SMB_FIND_CLOSE_AT_EOS;
  parameters.information_level = listing_level();
  parameters.file_name = path_text(pattern);
  return trans2(cifs::Trans2::find_first2, parameters, {}, max_data);
}

smb1::Outgoing Smb1Requests::find_next(std::uint16_t sid, const cifs::Text& last_name, std::uint16_t max_data) const {
  cifs::FindNext2Request parameters;
  parameters.sid = sid;
  parameters.search_count = kEntries;
  parameters.information_level = listing_level();
  parameters.flags = cifs::SMB_FIND_CLOSE_AT_EOS | cifs::SMB_FIND_CONTINUE_FROM_LAST;
  parameters.file_name = last_name;
  return trans2(cifs::Trans2::find_next2, parameters, {}, max_data);
}

smb1::Outgoing Smb1Requests::find_close(std::uint16_t sid) const { return make(cifs::FindClose2Request{sid}); }

smb1::Outgoing Smb1Requests::notify_change(std::uint16_t fid, std::uint32_t completion_filter,
                                           std::uint32_t max_answer) const {
  cifs::NtTransactRequest request;
  request.function = static_cast<std::uint16_t>(cifs::NtTransact::notify_change);
  request.setup = cifs::notify_setup(completion_filter, fid);
  request.max_parameter_count = max_answer;
  smb1::Outgoing outgoing = make(request);
  outgoing.open_ended = true;
  return outgoing;
}

smb1::Outgoing Smb1Requests::tree_disconnect() const { return make(cifs::TreeDisconnectRequest()); }

smb1::Outgoing Smb1Requests::logoff() const { return make(cifs::LogoffRequest()); }

smb1::Outgoing Smb1Requests::control(std::uint16_t fid, std::uint32_t ctl_code, ByteView input,
                                     std::uint32_t max_data) const {
  cifs::NtTransactRequest request;
  request.function = static_cast<std::uint16_t>(cifs::NtTransact::ioctl);
  request.setup = cifs::ioctl_setup(ctl_code, fid);
  request.total_data_count = static_cast<std::uint32_t>(input.size());
  request.max_data_count = max_data;
  request.data = input;
  return make(request);
}

}  // namespace smb3fuse::client
