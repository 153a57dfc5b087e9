// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_unix_share.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "smb/client/open_terms.h"
#include "smb/client/smb1_unix_requests.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::client {
namespace {

// The server's clock is known as well as that, and its file system's may lag behind by a tick.
constexpr FileTime kClocksDiffer = 5 * 10'000'000;  // five seconds

constexpr std::uint64_t kNeeded = cifs::CIFS_UNIX_POSIX_PATHNAMES_CAP | cifs::CIFS_UNIX_POSIX_PATH_OPS_CAP;

struct Opened {
  cifs::PosixOpenResponse response;
  Attributes attributes;
};

Result<Opened> opened_of(Smb1Link& link, const Smb1Answer& answer) {
  const auto response = information_of<cifs::PosixOpenResponse>(answer);
  if (!response) return tl::make_unexpected(response.error());
  const auto basic = wire::decode<cifs::UnixBasic>(response->information);
  if (!basic) {
    if (response->fid != 0) link.close_later(response->fid);
    return tl::make_unexpected(Smb1Answer::malformed(basic.error()));
  }
  return Opened{*response, attributes_of(*basic)};
}

// What an open that is none by POSIX has read, and as it told the file.
struct Ahead {
  Attributes attributes;
  cache::Buffer data;
};

// A POSIX open cannot bring the first bytes along: an open that is none does, in front of it. Nobody waits for the
// answer: if the server takes the POSIX open first, the other may wait until we give up the oplock that came with it.
std::shared_ptr<std::optional<Ahead>> read_ahead(Smb1Link& link, const std::u16string& path, std::uint32_t length) {
  NtCreateParameters parameters;
  parameters.path = path;
  parameters.desired_access = wire::FILE_READ_DATA | wire::FILE_READ_ATTRIBUTES;
  parameters.create_options = wire::FILE_NON_DIRECTORY_FILE;
  auto ahead = std::make_shared<std::optional<Ahead>>();
  link.exchange(link.requests.read_whole(parameters, length), [ahead, &link](const Smb1Answer& answer) {
    const auto created = answer.block<cifs::NtCreateResponse>();
    const auto data = data_of_read(answer);
    if (const auto fid = left_open(answer)) link.close_later(*fid);
    if (data && created) *ahead = Ahead{attributes_of(*created), *data};
  });
  return ahead;
}

// All of what was asked for, and nobody has changed the file since it was read.
bool is_good(const Ahead& ahead, std::uint32_t length, const Attributes& opened, FileTime asked_at) {
  const Attributes& then = ahead.attributes;
  return then.last_write_time == opened.last_write_time && then.end_of_file == opened.end_of_file &&
         opened.change_time < asked_at - kClocksDiffer &&
         ahead.data.size() == std::min<std::uint64_t>(length, opened.end_of_file);
}

// As the answer to an NT_CREATE_ANDX would say it.
cifs::NtCreateResponse grant_of(const cifs::PosixOpenResponse& response) {
  cifs::NtCreateResponse grant;
  grant.fid = response.fid;
  grant.oplock_level = static_cast<cifs::OplockLevel>(response.oplock_level);
  return grant;
}

}  // namespace

cifs::CifsUnixInfo wanted_unix_extensions() {
  cifs::CifsUnixInfo wanted;
  wanted.capabilities = kNeeded | cifs::CIFS_UNIX_FCNTL_CAP | cifs::CIFS_UNIX_POSIX_ACL_CAP;
  return wanted;
}

bool suffices(const cifs::CifsUnixInfo& offered) { return (offered.capabilities & kNeeded) == kNeeded; }

Task<Result<OpenResult>> Smb1UnixShare::open(OpenRequest request) {
  const auto on_server = wire_path(request.path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  auto* lease = static_cast<Smb1Lease*>(request.lease);
  if (lease != nullptr) wire().leases.begin_open();
  const std::uint32_t first_read = first_read_of(request);
  const FileTime asked_at = now();
  std::shared_ptr<std::optional<Ahead>> ahead;
  // Two opens of one file that wait for another client stop Samba 4.17's smbd for 5 to 10 seconds: it blocks in the
  // second one, and what wakes it there goes to the first.
  if (first_read > 0 && !wire().leases.is_contended()) ahead = read_ahead(wire(), *on_server, first_read);
  Smb1Link::Flight flight;
  flight.push_back(Smb1UnixRequests(wire().requests).open(*on_server, request));
  flight.push_back(Smb1UnixRequests(wire().requests).query_basic(*on_server));
  const Smb1Link::Answers answers = co_await wire().exchange(std::move(flight));
  const Result<Opened> opened = opened_of(wire(), answers[0]);
  if (lease != nullptr) {
    cifs::NtCreateResponse grant;
    if (opened) grant = grant_of(opened->response);
    wire().leases.end_open(*lease, opened ? &grant : nullptr);
  }
  if (!opened) co_return tl::make_unexpected(opened.error());
  OpenResult result;
  result.attributes = opened->attributes;
  result.open = adopt(opened->response.fid, result.attributes, request.write_through);
  result.created = opened->response.create_action == static_cast<std::uint32_t>(wire::CreateAction::created);
  if (ahead && *ahead && is_good(**ahead, first_read, result.attributes, asked_at)) {
    result.first = (*ahead)->data;
    result.first_read_done = true;
  }
  // While others have it open, too, Samba 4.17 tells with an open when they last said that they wrote, which is not the
  // time of the file. If the question behind the open was answered before it, it is asked again.
  Result<Attributes> told = unix_attributes_of(answers[1]);
  const bool is_of_then =
      told && told->change_time == result.attributes.change_time && told->end_of_file == result.attributes.end_of_file;
  if (!is_of_then) told = co_await result.open->attributes();
  if (told) result.attributes = std::move(*told);
  co_return result;
}

Task<Result<Attributes>> Smb1UnixShare::make_directory(std::string path, std::uint32_t mode) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  const Smb1Answer answer =
      co_await wire().exchange(Smb1UnixRequests(wire().requests).make_directory(*on_server, mode));
  Result<Opened> made = opened_of(wire(), answer);
  if (!made) co_return tl::make_unexpected(made.error());
  co_return std::move(made->attributes);
}

Task<Result<Attributes>> Smb1UnixShare::make_special(std::string path, PosixAttributes what) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  Result<Attributes> made = co_await make(*on_server, Smb1UnixRequests(wire().requests).make_special(*on_server, what));
  co_return made;
}

Task<Result<Attributes>> Smb1UnixShare::make_symlink(std::string path, std::string target) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  const auto text = wire::to_utf16(target);
  if (!text) co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_OBJECT_NAME_INVALID));
  if (!wire().requests.character_set().fits(*text)) {
    co_return tl::make_unexpected(std::make_error_code(std::errc::illegal_byte_sequence));
  }
  Result<Attributes> made = co_await make(*on_server, Smb1UnixRequests(wire().requests).make_link(*on_server, *text));
  if (made) made->symlink_target = std::move(target);
  co_return made;
}

Task<std::error_code> Smb1UnixShare::remove_file(std::string path, RemoveHint) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return on_server.error();
  std::error_code error = co_await wire().run(Smb1UnixRequests(wire().requests).unlink(*on_server));
  // Somebody has it open otherwise than by POSIX: it goes when they close it.
  if (error == NtStatus::STATUS_SHARING_VIOLATION) error = co_await remove_open(*on_server);
  co_return error;
}

Task<std::error_code> Smb1UnixShare::set_attributes(std::string path, AttributeChanges changes) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return on_server.error();
  const Smb1UnixRequests requests(wire().requests);
  std::error_code error;
  if (changes.end_of_file) {
    error = co_await wire().run(wire().requests.set_end_of_file(*on_server, *changes.end_of_file));
  }
  if (!error && changes.acl) error = co_await set_acl(*on_server, *changes.acl);
  if (!error && (changes.touches_basic() || changes.touches_posix())) {
    error = co_await wire().run(requests.set_basic(*on_server, changes));
  }
  co_return error;
}

// By path Samba 4.17 wants a right that the owner of a file has only if he may execute it. It asks nothing of what is
// open, and this open takes no oplock back.
Task<std::error_code> Smb1UnixShare::set_acl(std::u16string path, PosixAclChange change) {
  NtCreateParameters parameters;
  parameters.path = std::move(path);
  parameters.desired_access = wire::FILE_READ_ATTRIBUTES;
  const Smb1Answer answer = co_await wire().exchange(wire().requests.create(parameters));
  const auto created = answer.block<cifs::NtCreateResponse>();
  if (!created) co_return created.error();
  auto setting = uninterrupted(wire().run(Smb1UnixRequests(wire().requests).set_acl(created->fid, change)));
  const std::error_code error = co_await std::move(setting);
  wire().close_later(created->fid);
  co_return error;
}

Task<Result<PosixAcls>> Smb1UnixShare::posix_acls(std::string path) {
  const auto on_server = wire_path(path);
  if (!on_server) co_return tl::make_unexpected(on_server.error());
  const Smb1Answer answer = co_await wire().exchange(Smb1UnixRequests(wire().requests).query_acls(*on_server));
  co_return acls_of(answer);
}

// From another directory, or where it is hidden, it comes under a name that no listing shows first: the target is
// replaced in one step.
Task<std::error_code> Smb1UnixShare::rename_over(std::u16string from, std::u16string to) {
  constexpr char16_t kSeparator = separator_of(NameMapping::posix);
  const std::u16string parent = parent_of(from, kSeparator);
  const bool is_hidden = from.substr(parent.empty() ? 0 : parent.size() + 1).starts_with(u'.');
  if (!is_hidden && parent == parent_of(to, kSeparator)) {
    const std::error_code error = co_await rename_within(std::move(from), std::move(to));
    co_return error;
  }
  const std::u16string beside = moving_name_beside(to, kSeparator);
  std::error_code error = co_await wire().run(wire().requests.rename(from, beside));
  if (error) co_return error;
  error = co_await rename_within(beside, to);
  if (error) co_await wire().run(wire().requests.rename(beside, from));
  co_return error;
}

}  // namespace smb3fuse::client
