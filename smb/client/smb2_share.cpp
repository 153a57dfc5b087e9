// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_share.h"

#include <algorithm>
#include <utility>

#include "smb/client/mfsymlink.h"
#include "smb/client/open_terms.h"
#include "smb/client/smb2_convert.h"
#include "smb/client/smb2_directory.h"
#include "smb/client/smb2_directory_right.h"
#include "smb/client/smb2_open.h"
#include "smb/client/smb2_symlink.h"
#include "smb/wire/codec.h"
#include "smb/wire/query_info.h"

namespace smb3fuse::client {
namespace {

constexpr wire::FileId kPrevious = wire::FileId::of_previous();

Result<wire::CreateResponse> created_of(const Answer& answer) {
  if (is_error(answer.status)) return tl::make_unexpected(make_error_code(answer.status));
  auto created = wire::decode<wire::CreateResponse>(answer.body);
  if (!created) return tl::make_unexpected(malformed(created.error()));
  return std::move(*created);
}

template <class Information>
std::optional<Information> information_of(const Answer& answer) {
  if (is_error(answer.status)) return std::nullopt;
  const auto response = wire::decode<wire::QueryInfoResponse>(answer.body);
  if (!response) return std::nullopt;
  const auto information = wire::decode<Information>(response->output_buffer);
  return information ? std::optional<Information>(*information) : std::nullopt;
}

template <class Information>
FileSystemInfo units_of(const Information& information) {
  FileSystemInfo info;
  info.block_size = std::uint64_t{information.sectors_per_allocation_unit} * information.bytes_per_sector;
  info.total_blocks = information.total_allocation_units;
  info.maximum_name_length = kMaximumComponent;
  return info;
}

}  // namespace

Result<std::u16string> Smb2Share::wire_path(const std::string& path) const {
  auto below = to_wire_path(path, link_->name_mapping);
  if (!below || traits_.prefix.empty()) return below;
  return below->empty() ? traits_.prefix : traits_.prefix + u'\\' + *below;
}

bool Smb2Share::is_hidden_name(const std::string& name) const { return is_removed_name(name); }

std::shared_ptr<DirectoryRight> Smb2Share::ask_directory_right(std::string path, DirectoryRight::Holder& holder) {
  const auto on_server = wire_path(path);
  return on_server ? Smb2DirectoryRight::ask(link_, *on_server, holder) : nullptr;
}

Task<Result<Attributes>> Smb2Share::stat(std::string path) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  CreateParameters parameters;
  parameters.path = *on_server;
  parameters.desired_access = wire::FILE_READ_ATTRIBUTES;
  parameters.ask_file_id = true;
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters));
  chain.push_back(link_->requests.query(kPrevious, wire::FileInformationClass::standard, kFixedInformationBuffer));
  chain.push_back(link_->requests.close(kPrevious));
  const Smb2Link::Answers answers = co_await link_->exchange_and_close(std::move(chain));
  Result<Attributes> attributes = attributes_of(answers[0], answers[1]);
  if (attributes) co_await read_symlink(link_, *on_server, *attributes);
  co_return attributes;
}

Task<Result<OpenResult>> Smb2Share::open(OpenRequest request) {
  const auto on_server = wire_path(request.path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  CreateParameters parameters;
  parameters.path = *on_server;
  parameters.desired_access = access_of(request);
  parameters.create_disposition = on_wire(request.disposition);
  parameters.create_options = wire::FILE_NON_DIRECTORY_FILE | (request.write_through ? wire::FILE_WRITE_THROUGH : 0u);
  parameters.file_attributes = new_file_attributes(request);
  parameters.ask_file_id = true;
  auto* lease = static_cast<Smb2Lease*>(request.lease);
  if (lease != nullptr) link_->leases.begin_open(*lease, parameters, Smb2Leases::Wanted::all);
  if (request.write || request.disposition != Disposition::open) link_->leases.name_parent(parameters);
  const std::uint32_t first_read = std::min(request.first_read, maximum_read());
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters));
  if (first_read > 0) chain.push_back(link_->requests.read(kPrevious, 0, first_read));
  const Smb2Link::Answers answers = co_await link_->exchange(std::move(chain));

  const auto created = created_of(answers[0]);
  if (lease != nullptr) link_->leases.end_open(*lease, created ? &*created : nullptr);
  // [MS-SMB2] 3.3.5.9.8: a lease is under one name, and this is a hard link's other one.
  if (lease != nullptr && answers[0].status == NtStatus::STATUS_INVALID_PARAMETER) {
    request.lease = nullptr;
    Result<OpenResult> without = co_await open(std::move(request));
    co_return without;
  }
  if (!created) co_return tl::make_unexpected(created.error());
  OpenResult result;
  result.attributes = attributes_of(*created);
  result.open = std::make_unique<Smb2Open>(link_, created->file_id, result.attributes.file_id, request.write_through);
  result.created = created->create_action == wire::CreateAction::created;
  if (first_read > 0) {
    // A read that failed will be told to whoever reads.
    if (auto data = data_of_read(answers[1]); data && data->size() <= first_read) {
      result.first = std::move(*data);
      result.first_read_done = true;
    }
  }
  co_return result;
}

Task<Result<std::unique_ptr<DirectoryStream>>> Smb2Share::open_directory(std::string path) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  CreateParameters parameters;
  parameters.path = *on_server;
  parameters.desired_access = wire::FILE_LIST_DIRECTORY | wire::FILE_READ_ATTRIBUTES;
  parameters.create_options = wire::FILE_DIRECTORY_FILE;
  parameters.ask_file_id = true;
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters));
  for (std::uint32_t page = 0; page < kFirstPages; ++page) {
    chain.push_back(link_->requests.query_directory(kPrevious, Smb2Directory::page_size(*link_)));
  }
  const Smb2Link::Answers answers = co_await link_->exchange(std::move(chain));

  if (is_error(answers[0].status)) co_return tl::make_unexpected(make_error_code(answers[0].status));
  const auto created = wire::decode<wire::CreateResponse>(answers[0].body);
  if (!created) co_return tl::make_unexpected(malformed(created.error()));
  auto stream = std::make_unique<Smb2Directory>(
      link_, created->file_id, on_server->empty() ? std::u16string() : *on_server + u'\\', attributes_of(*created));
  for (std::size_t page = 1; page < answers.size(); ++page) stream->take(answers[page]);
  co_return std::unique_ptr<DirectoryStream>(std::move(stream));
}

Task<Result<Attributes>> Smb2Share::make_directory(std::string path, std::uint32_t) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  CreateParameters parameters;
  parameters.path = *on_server;
  parameters.desired_access = wire::FILE_READ_ATTRIBUTES;
  parameters.create_disposition = wire::CreateDisposition::create;
  parameters.create_options = wire::FILE_DIRECTORY_FILE;
  parameters.file_attributes = wire::FILE_ATTRIBUTE_DIRECTORY;
  parameters.ask_file_id = true;
  link_->leases.name_parent(parameters);
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters));
  chain.push_back(link_->requests.close(kPrevious));
  const Smb2Link::Answers answers = co_await link_->exchange_and_close(std::move(chain));
  if (const auto error = first_error(answers)) co_return tl::make_unexpected(error);
  const auto created = wire::decode<wire::CreateResponse>(answers[0].body);
  if (!created) co_return tl::make_unexpected(malformed(created.error()));
  co_return attributes_of(*created);
}

Task<std::error_code> Smb2Share::remove(std::u16string path, bool clear_readonly, bool keep_for_opens) {
  const bool plain = !clear_readonly && !keep_for_opens;
  CreateParameters parameters;
  parameters.path = path;
  parameters.desired_access = wire::DELETE | (clear_readonly ? wire::FILE_WRITE_ATTRIBUTES : 0u);
  parameters.create_options = wire::FILE_NON_DIRECTORY_FILE | (plain ? wire::FILE_DELETE_ON_CLOSE : 0u);
  link_->leases.name_parent(parameters);
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters));
  if (clear_readonly) {
    AttributeChanges writable;
    writable.file_attributes = file_attribute::normal;
    chain.push_back(link_->requests.set_basic(kPrevious, writable));
  }
  if (keep_for_opens) chain.push_back(link_->requests.set_name(kPrevious, removed_name_beside(path), false));
  if (!plain) chain.push_back(link_->requests.set_delete_pending(kPrevious));
  chain.push_back(link_->requests.close(kPrevious));
  const std::error_code error = co_await link_->run(std::move(chain));
  co_return error;
}

Task<Result<PosixAcls>> Smb2Share::posix_acls(std::string) {
  co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_NOT_SUPPORTED));
}

Task<Result<Attributes>> Smb2Share::make_special(std::string, PosixAttributes) {
  co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_NOT_SUPPORTED));
}

Task<std::error_code> Smb2Share::remove_file(std::string path, RemoveHint hint) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return on_server.error();
  const bool readonly = (hint.file_attributes & file_attribute::readonly) != 0;
  std::error_code error = co_await remove(*on_server, readonly, hint.keep_for_opens);
  // The hint was out of date: it has become read-only meanwhile.
  if (error == NtStatus::STATUS_CANNOT_DELETE && !readonly) {
    error = co_await remove(*on_server, true, hint.keep_for_opens);
  }
  co_return error;
}

Task<std::error_code> Smb2Share::remove_directory(std::string path) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return on_server.error();
  CreateParameters parameters;
  parameters.path = *on_server;
  parameters.desired_access = wire::DELETE;
  parameters.create_options = wire::FILE_DIRECTORY_FILE;
  link_->leases.name_parent(parameters);
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters));
  // Not FILE_DELETE_ON_CLOSE: Windows would find out at the close, and not tell, that the directory is not empty.
  chain.push_back(link_->requests.set_delete_pending(kPrevious));
  chain.push_back(link_->requests.close(kPrevious));
  const std::error_code error = co_await link_->run(std::move(chain));
  co_return error;
}

Task<std::error_code> Smb2Share::rename(std::string from, std::string to, bool replace, Lease* lease) {
  const auto source = wire_path(from);
  if (!source) co_return source.error();
  const auto target = wire_path(to);
  if (!target) co_return target.error();
  CreateParameters parameters;
  parameters.path = *source;
  parameters.desired_access = wire::DELETE | wire::FILE_READ_ATTRIBUTES;
  // A server breaks the handle rights of all leases but that of the open which renames.
  auto* moved = static_cast<Smb2Lease*>(lease);
  if (moved != nullptr) link_->leases.begin_open(*moved, parameters, Smb2Leases::Wanted::kept);
  link_->leases.name_parent(parameters);
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters));
  chain.push_back(link_->requests.set_name(kPrevious, *target, replace));
  chain.push_back(link_->requests.close(kPrevious));
  std::error_code error = co_await link_->run(std::move(chain));
  // Samba 4.17 takes the right of the handle from others before it renames, but lets only the last request of a message
  // wait for that.
  if (error == NtStatus::STATUS_INTERNAL_ERROR) {
    Smb2Link::Chain again;
    again.push_back(link_->requests.create(parameters));
    again.push_back(link_->requests.set_name(kPrevious, *target, replace));
    const Smb2Link::Answers answers = co_await link_->exchange(std::move(again));
    error = first_error(answers);
    if (const auto created = created_of(answers[0])) link_->close_later(created->file_id);
  }
  if (moved != nullptr) link_->leases.end_open(*moved, nullptr);
  // [MS-SMB2] 3.3.5.9.8: a lease is of one file under one name, and this is another one.
  if (moved != nullptr && error == NtStatus::STATUS_INVALID_PARAMETER) {
    error = co_await rename(std::move(from), std::move(to), replace, nullptr);
  }
  co_return error;
}

Task<std::error_code> Smb2Share::link(std::string existing, std::string new_path) {
  const auto source = wire_path(existing);
  if (!source) co_return source.error();
  const auto target = wire_path(new_path);
  if (!target) co_return target.error();
  CreateParameters parameters;
  parameters.path = *source;
  parameters.desired_access = wire::FILE_READ_ATTRIBUTES | wire::FILE_WRITE_ATTRIBUTES;
  parameters.create_options = wire::FILE_NON_DIRECTORY_FILE;
  link_->leases.name_parent(parameters);
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters));
  chain.push_back(link_->requests.add_link(kPrevious, *target));
  chain.push_back(link_->requests.close(kPrevious));
  const std::error_code error = co_await link_->run(std::move(chain));
  co_return error;
}

Task<std::error_code> Smb2Share::set_attributes(std::string path, AttributeChanges changes) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return on_server.error();
  CreateParameters parameters;
  parameters.path = *on_server;
  if (changes.touches_basic()) parameters.desired_access |= wire::FILE_WRITE_ATTRIBUTES;
  if (changes.end_of_file) parameters.desired_access |= wire::FILE_WRITE_DATA;
  link_->leases.name_parent(parameters);
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters));
  if (changes.end_of_file) chain.push_back(link_->requests.set_end_of_file(kPrevious, *changes.end_of_file));
  if (changes.touches_basic()) chain.push_back(link_->requests.set_basic(kPrevious, changes));
  chain.push_back(link_->requests.close(kPrevious));
  const std::error_code error = co_await link_->run(std::move(chain));
  co_return error;
}

Task<Result<Attributes>> Smb2Share::make_symlink(std::string path, std::string target) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  const auto form = encode_mfsymlink(target);
  if (!form) co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_NAME_TOO_LONG));
  CreateParameters parameters;
  parameters.path = *on_server;
  parameters.desired_access = wire::FILE_WRITE_DATA | wire::FILE_READ_ATTRIBUTES;
  parameters.create_disposition = wire::CreateDisposition::create;
  parameters.create_options = wire::FILE_NON_DIRECTORY_FILE;
  parameters.file_attributes = wire::FILE_ATTRIBUTE_NORMAL;
  parameters.ask_file_id = true;
  link_->leases.name_parent(parameters);
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters));
  chain.push_back(link_->requests.write_bytes(kPrevious, 0, *form));
  chain.push_back(link_->requests.close(kPrevious));
  const Smb2Link::Answers answers = co_await link_->exchange_and_close(std::move(chain));
  if (const auto error = first_error(answers)) co_return tl::make_unexpected(error);
  const auto created = wire::decode<wire::CreateResponse>(answers[0].body);
  if (!created) co_return tl::make_unexpected(malformed(created.error()));
  Attributes attributes = attributes_of(*created);
  attributes.end_of_file = kMfSymlinkSize;
  attributes.symlink_target = std::move(target);
  co_return attributes;
}

Task<Result<FileSystemInfo>> Smb2Share::file_system_info() {
  constexpr std::uint32_t kBuffer = 64;
  CreateParameters parameters;
  parameters.path = traits_.prefix;
  parameters.desired_access = wire::FILE_READ_ATTRIBUTES;
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters));
  chain.push_back(link_->requests.query(kPrevious, wire::FsInformationClass::full_size, kBuffer));
  chain.push_back(link_->requests.query(kPrevious, wire::FsInformationClass::size, kBuffer));
  chain.push_back(link_->requests.close(kPrevious));
  const Smb2Link::Answers answers = co_await link_->exchange_and_close(std::move(chain));
  if (is_error(answers[0].status)) co_return tl::make_unexpected(make_error_code(answers[0].status));
  // impacket 0.10 knows only the smaller class, and answers the other one with nothing.
  if (const auto full = information_of<wire::FileFsFullSizeInformation>(answers[1])) {
    FileSystemInfo info = units_of(*full);
    info.free_blocks = full->actual_available_allocation_units;
    info.available_blocks = full->caller_available_allocation_units;
    co_return info;
  }
  const auto size = information_of<wire::FileFsSizeInformation>(answers[2]);
  if (!size) co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE));
  FileSystemInfo info = units_of(*size);
  info.free_blocks = info.available_blocks = size->available_allocation_units;
  co_return info;
}

}  // namespace smb3fuse::client
