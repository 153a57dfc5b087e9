// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_share.h"

#include <algorithm>
#include <utility>

#include "smb/client/mfsymlink.h"
#include "smb/client/open_terms.h"
#include "smb/client/smb1_directory.h"
#include "smb/client/smb1_directory_right.h"
#include "smb/client/smb1_open.h"
#include "smb/client/smb1_symlink.h"
#include "smb/wire/codec.h"

namespace smb3fuse::client {
namespace {

// DELETE and RENAME take patterns, and so would do to many files what was meant for one. [MS-CIFS] 2.2.1.1.3
constexpr std::u16string_view kWildcards = u"*?<>\"";

// Does a server refuse with `error` how it was asked, rather than what? (impacket 0.10 says of a path that is good that
// it is not.)
bool may_be_done_otherwise(const std::error_code& error) {
  return error == NtStatus::STATUS_NOT_SUPPORTED || error == NtStatus::STATUS_NOT_IMPLEMENTED ||
         error == NtStatus::STATUS_INVALID_PARAMETER || error == NtStatus::STATUS_INVALID_INFO_CLASS ||
         error == NtStatus::STATUS_INVALID_LEVEL || error == NtStatus::STATUS_OBJECT_PATH_SYNTAX_BAD;
}

// Bytes of a READ_ANDX behind an open, whose answers share our buffer of 64 KiB less a byte.
constexpr std::uint32_t kMostInChain = 60 * 1024;

template <class Information>
FileSystemInfo units_of(const Information& information) {
  FileSystemInfo info;
  info.block_size = std::uint64_t{information.sectors_per_allocation_unit} * information.bytes_per_sector;
  info.total_blocks = information.total_allocation_units;
  info.maximum_name_length = kMaximumComponent;
  return info;
}

}  // namespace

Result<std::u16string> Smb1Share::wire_path(const std::string& path) const {
  auto below = to_wire_path(path, link_->name_mapping);
  if (!below) return below;
  const bool is_pattern = !link_->requests.is_unix() && below->find_first_of(kWildcards) != below->npos;
  if (is_pattern) return tl::make_unexpected(make_error_code(NtStatus::STATUS_OBJECT_NAME_INVALID));
  if (!link_->requests.character_set().fits(*below)) {
    return tl::make_unexpected(std::make_error_code(std::errc::illegal_byte_sequence));
  }
  if (traits_.prefix.empty()) return below;
  return below->empty() ? traits_.prefix : traits_.prefix + separator_of(link_->name_mapping) + *below;
}

// Nothing of what is to be written: Samba 4.17 answers with memory that it has given back where the open had to wait
// for another client's oplock and the READ behind it then meets that client's lock. Whoever locks what he reads opens
// it to write, too, as a rule.
std::uint32_t Smb1Share::first_read_of(const OpenRequest& request) const {
  return request.write ? 0 : std::min({request.first_read, maximum_read(), kMostInChain});
}

std::unique_ptr<Open> Smb1Share::adopt(std::uint16_t fid, const Attributes& known, bool write_through) const {
  return std::make_unique<Smb1Open>(link_, fid, known, write_through);
}

bool Smb1Share::is_hidden_name(const std::string& name) const { return is_removed_name(name); }

std::shared_ptr<DirectoryRight> Smb1Share::ask_directory_right(std::string path, DirectoryRight::Holder& holder) {
  auto on_server = wire_path(path);
  return on_server ? Smb1DirectoryRight::ask(link_, std::move(*on_server), holder) : nullptr;
}

Task<Result<Attributes>> Smb1Share::stat(std::string path) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  Smb1Link::Flight flight;
  ask_attributes(link_->requests, *on_server, flight);
  const Smb1Link::Answers answers = co_await link_->exchange(std::move(flight));
  Result<Attributes> attributes = attributes_from(link_->requests, answers, 0);
  if (attributes) co_await read_symlink(link_, *on_server, *attributes);
  co_return attributes;
}

Task<Result<OpenResult>> Smb1Share::open(OpenRequest request) {
  const auto on_server = wire_path(request.path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  auto* lease = static_cast<Smb1Lease*>(request.lease);
  NtCreateParameters parameters;
  parameters.path = *on_server;
  parameters.desired_access = access_of(request);
  parameters.create_disposition = on_wire(request.disposition);
  parameters.create_options = wire::FILE_NON_DIRECTORY_FILE | (request.write_through ? wire::FILE_WRITE_THROUGH : 0u);
  parameters.file_attributes = new_file_attributes(request);
  parameters.ask_oplock = lease != nullptr;
  if (lease != nullptr) link_->leases.begin_open();
  const std::uint32_t first_read = first_read_of(request);
  Smb1Link::Flight flight;
  flight.push_back(link_->requests.create(parameters, first_read));
  // The answer to NT_CREATE_ANDX has no room for the file's id.
  if (link_->requests.has_pass_through()) flight.push_back(link_->requests.query_internal(*on_server));
  const Smb1Link::Answers answers = co_await link_->exchange(std::move(flight));

  const auto created = answers[0].block<cifs::NtCreateResponse>();
  if (lease != nullptr) link_->leases.end_open(*lease, created ? &*created : nullptr);
  if (!created) co_return tl::make_unexpected(created.error());
  OpenResult result;
  result.attributes = attributes_of(*created);
  if (answers.size() > 1) result.attributes.file_id = file_id_of(answers[1]);
  result.open = adopt(created->fid, result.attributes, request.write_through);
  result.created = created->create_action == wire::CreateAction::created;
  if (first_read > 0) {
    link_->note_chain(answers[0], cifs::Command::read_andx);
    // A read that failed will be told to whoever reads.
    const auto data = data_of_read(answers[0]);
    const std::uint64_t expected = std::min<std::uint64_t>(first_read, created->end_of_file);
    if (data && data->size() <= first_read && data->size() >= expected) {
      result.first = *data;
      result.first_read_done = true;
    }
  }
  co_return result;
}

Task<Result<std::unique_ptr<DirectoryStream>>> Smb1Share::open_directory(std::string path) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  const std::u16string prefix = on_server->empty() ? std::u16string() : *on_server + separator_of(link_->name_mapping);
  Smb1Link::Flight flight;
  flight.push_back(link_->requests.find_first(prefix + u'*', link_->data_size));
  ask_attributes(link_->requests, *on_server, flight);
  Smb1Link::Answers answers = co_await link_->exchange(std::move(flight));
  const auto attributes = attributes_from(link_->requests, answers, 1);
  if (!attributes) co_return tl::make_unexpected(attributes.error());
  if (!attributes->is_directory()) co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_NOT_A_DIRECTORY));
  if (!link_->requests.has_pass_through() && may_be_done_otherwise(error_of(answers[0]))) {
    link_->requests.list_without_ids();
    Smb1Answer again = co_await link_->exchange(link_->requests.find_first(prefix + u'*', link_->data_size));
    answers[0] = std::move(again);
  }
  // What no page has brought is told here, as an open would.
  if (answers[0].status == NtStatus::STATUS_ACCESS_DENIED) {
    co_return tl::make_unexpected(make_error_code(answers[0].status));
  }
  co_return std::unique_ptr<DirectoryStream>(std::make_unique<Smb1Directory>(link_, prefix, *attributes, answers[0]));
}

Task<Result<Attributes>> Smb1Share::make_directory(std::string path, std::uint32_t) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  Result<Attributes> made = co_await make(*on_server, link_->requests.create_directory(*on_server));
  co_return made;
}

Task<Result<Attributes>> Smb1Share::make(std::u16string path, smb1::Outgoing request) {
  Smb1Link::Flight flight;
  flight.push_back(std::move(request));
  ask_attributes(link_->requests, path, flight);
  const Smb1Link::Answers answers = co_await link_->exchange(std::move(flight));
  if (const auto error = error_of(answers[0])) co_return tl::make_unexpected(error);
  Result<Attributes> attributes = attributes_from(link_->requests, answers, 1);
  if (attributes) co_return attributes;
  // The server looked before it made it.
  Smb1Link::Flight again;
  ask_attributes(link_->requests, path, again);
  const Smb1Link::Answers told = co_await link_->exchange(std::move(again));
  co_return attributes_from(link_->requests, told, 0);
}

Task<Result<Attributes>> Smb1Share::make_special(std::string, PosixAttributes) {
  co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_NOT_SUPPORTED));
}

Task<Result<PosixAcls>> Smb1Share::posix_acls(std::string) {
  co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_NOT_SUPPORTED));
}

// DELETE shares the file with nobody. By an open that does, it vanishes with the last open.
Task<std::error_code> Smb1Share::remove_open(std::u16string path) {
  NtCreateParameters parameters;
  parameters.path = std::move(path);
  parameters.desired_access = wire::DELETE;
  parameters.create_options = wire::FILE_NON_DIRECTORY_FILE | wire::FILE_DELETE_ON_CLOSE;
  const Smb1Answer answer = co_await link_->exchange(link_->requests.create(parameters));
  const auto created = answer.block<cifs::NtCreateResponse>();
  if (!created) co_return created.error();
  auto closing = uninterrupted(link_->run(link_->requests.close(created->fid)));
  const std::error_code error = co_await std::move(closing);
  co_return error;
}

Task<std::error_code> Smb1Share::remove(std::u16string path) {
  std::error_code error = co_await link_->run(link_->requests.remove(path));
  if (error == NtStatus::STATUS_CANNOT_DELETE) {
    AttributeChanges writable;
    writable.file_attributes = file_attribute::normal;
    error = co_await set(path, writable);
    if (!error) error = co_await link_->run(link_->requests.remove(path));
  }
  if (error == NtStatus::STATUS_SHARING_VIOLATION) error = co_await remove_open(std::move(path));
  co_return error;
}

Task<std::error_code> Smb1Share::remove_file(std::string path, RemoveHint hint) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return on_server.error();
  if (!hint.keep_for_opens) {
    const std::error_code error = co_await remove(*on_server);
    co_return error;
  }
  const std::u16string aside = removed_name_beside(*on_server);
  const std::error_code error = co_await link_->run(link_->requests.rename(*on_server, aside));
  if (error) co_return error;
  auto removing = uninterrupted(remove(aside));
  const std::error_code removed = co_await std::move(removing);
  co_return removed;
}

Task<std::error_code> Smb1Share::remove_directory(std::string path) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return on_server.error();
  const std::error_code error = co_await link_->run(link_->requests.delete_directory(*on_server));
  co_return error;
}

// FileRenameInformation: replaces what is there, and both stand in one directory.
Task<std::error_code> Smb1Share::rename_within(std::u16string from, std::u16string to) {
  const std::u16string name = to.substr(to.rfind(separator_of(link_->name_mapping)) + 1);
  constexpr bool kReplace = true;
  const std::error_code error = co_await link_->run(link_->requests.set_name(from, name, kReplace));
  co_return error;
}

// RENAME replaces nothing. Within one directory there is a request that does, in one step. Else what is there is put
// aside and comes back if the rest fails.
Task<std::error_code> Smb1Share::rename_over(std::u16string from, std::u16string to) {
  if (link_->requests.has_pass_through() && parent_of(from) == parent_of(to)) {
    const std::error_code error = co_await rename_within(std::move(from), std::move(to));
    co_return error;
  }
  const std::u16string aside = removed_name_beside(to);
  std::error_code error = co_await link_->run(link_->requests.rename(to, aside));
  if (error) co_return error;
  error = co_await link_->run(link_->requests.rename(from, to));
  if (error) {
    co_await link_->run(link_->requests.rename(aside, to));
    co_return error;
  }
  error = co_await remove(aside);
  // Only a directory can be meant where it is none to remove.
  if (error == NtStatus::STATUS_FILE_IS_A_DIRECTORY) {
    error = co_await link_->run(link_->requests.delete_directory(aside));
  }
  co_return error;
}

Task<std::error_code> Smb1Share::rename(std::string from, std::string to, bool replace, Lease*) {
  const auto source = wire_path(from);
  if (!source) co_return source.error();
  const auto target = wire_path(to);
  if (!target) co_return target.error();
  std::error_code error = co_await link_->run(link_->requests.rename(*source, *target));
  if (replace && error == NtStatus::STATUS_OBJECT_NAME_COLLISION) {
    auto renaming = uninterrupted(rename_over(*source, *target));
    error = co_await std::move(renaming);
  }
  co_return error;
}

Task<std::error_code> Smb1Share::link(std::string existing, std::string new_path) {
  const auto source = wire_path(existing);
  if (!source) co_return source.error();
  const auto target = wire_path(new_path);
  if (!target) co_return target.error();
  const std::error_code error = co_await link_->run(link_->requests.link(*source, *target));
  co_return error;
}

Task<std::error_code> Smb1Share::set_attributes(std::string path, AttributeChanges changes) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return on_server.error();
  if (const auto error = link_->check_end(changes.end_of_file.value_or(0))) co_return error;
  const std::error_code error = co_await set(*on_server, std::move(changes));
  co_return error;
}

Task<std::error_code> Smb1Share::set(std::u16string path, AttributeChanges changes) {
  std::error_code error = make_error_code(NtStatus::STATUS_NOT_SUPPORTED);
  if (link_->sets_by_path) error = co_await set_by_path(path, changes);
  if (link_->requests.has_pass_through() || !may_be_done_otherwise(error)) co_return error;
  error = co_await set_by_open(std::move(path), std::move(changes));
  if (!error) link_->sets_by_path = false;
  co_return error;
}

Task<std::error_code> Smb1Share::set_by_path(std::u16string path, AttributeChanges changes) {
  if (changes.end_of_file) {
    const std::error_code error = co_await link_->run(link_->requests.set_end_of_file(path, *changes.end_of_file));
    if (error || !changes.touches_basic()) co_return error;
  }
  const std::error_code error = co_await link_->run(link_->requests.set_basic(path, changes));
  co_return error;
}

Task<std::error_code> Smb1Share::set_by_open(std::u16string path, AttributeChanges changes) {
  NtCreateParameters parameters;
  parameters.path = std::move(path);
  if (changes.end_of_file) parameters.desired_access |= wire::FILE_WRITE_DATA;
  if (changes.touches_basic()) parameters.desired_access |= wire::FILE_WRITE_ATTRIBUTES;
  const Smb1Answer answer = co_await link_->exchange(link_->requests.create(parameters));
  const auto created = answer.block<cifs::NtCreateResponse>();
  if (!created) co_return created.error();
  const std::unique_ptr<Open> open = adopt(created->fid, attributes_of(*created), false);
  const std::error_code error = co_await open->set_attributes(std::move(changes));
  co_return error;
}

Task<Result<Attributes>> Smb1Share::make_symlink(std::string path, std::string target) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  const auto form = encode_mfsymlink(target);
  if (!form) co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_NAME_TOO_LONG));
  NtCreateParameters parameters;
  parameters.path = *on_server;
  parameters.desired_access = wire::FILE_WRITE_DATA | wire::FILE_READ_ATTRIBUTES;
  parameters.create_disposition = wire::CreateDisposition::create;
  parameters.create_options = wire::FILE_NON_DIRECTORY_FILE;
  parameters.file_attributes = wire::FILE_ATTRIBUTE_NORMAL;
  const Smb1Answer opened = co_await link_->exchange(link_->requests.create(parameters));
  const auto created = opened.block<cifs::NtCreateResponse>();
  if (!created) co_return tl::make_unexpected(created.error());
  // From here on there is a file, which has to become the link.
  Smb1Link::Flight flight;
  flight.push_back(link_->requests.write_and_close(created->fid, *form));
  ask_attributes(link_->requests, *on_server, flight);
  auto writing = uninterrupted(link_->exchange(std::move(flight)));
  const Smb1Link::Answers answers = co_await std::move(writing);
  if (const auto error = error_of(answers[0])) {
    link_->close_later(created->fid);
    co_return tl::make_unexpected(error);
  }
  link_->note_chain(answers[0], cifs::Command::close);
  if (!answers[0].find(cifs::Command::close)) link_->close_later(created->fid);
  Attributes attributes = attributes_of(*created);
  if (auto told = attributes_from(link_->requests, answers, 1)) attributes = std::move(*told);
  attributes.end_of_file = kMfSymlinkSize;
  attributes.symlink_target = std::move(target);
  co_return attributes;
}

Task<Result<FileSystemInfo>> Smb1Share::file_system_info() {
  const Smb1Answer answer = co_await link_->exchange(
      link_->requests.query_fs(wire::FsInformationClass::full_size, cifs::level::query_fs_size_info));
  if (!link_->requests.has_pass_through()) {
    const auto size = information_of<wire::FileFsSizeInformation>(answer);
    if (!size) co_return tl::make_unexpected(size.error());
    FileSystemInfo info = units_of(*size);
    info.free_blocks = info.available_blocks = size->available_allocation_units;
    co_return info;
  }
  const auto full = information_of<wire::FileFsFullSizeInformation>(answer);
  if (!full) co_return tl::make_unexpected(full.error());
  FileSystemInfo info = units_of(*full);
  info.free_blocks = full->actual_available_allocation_units;
  info.available_blocks = full->caller_available_allocation_units;
  co_return info;
}

}  // namespace smb3fuse::client
