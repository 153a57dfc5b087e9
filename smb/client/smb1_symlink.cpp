// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_symlink.h"

#include <sys/stat.h>

#include "smb/client/mfsymlink.h"
#include "smb/client/smb1_unix_requests.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::client {
namespace {

bool may_be_symlink(const Attributes& attributes) {
  if (attributes.posix) return S_ISLNK(attributes.posix->mode);
  return !attributes.is_directory() && attributes.end_of_file == kMfSymlinkSize;
}

smb1::Outgoing probe(const Smb1Link& link, const std::u16string& path) {
  if (link.requests.is_unix()) return Smb1UnixRequests(link.requests).query_link(path);
  NtCreateParameters parameters;
  parameters.path = path;
  parameters.desired_access = wire::FILE_READ_DATA | wire::FILE_READ_ATTRIBUTES;
  return link.requests.read_whole(parameters, kMfSymlinkSize);
}

std::optional<std::string> unix_target_of(const Smb1Answer& answer, bool is_unicode) {
  if (is_error(answer.status)) return std::nullopt;
  auto text = cifs::read_text(answer.data, is_unicode);
  if (!text) return std::nullopt;
  auto target = wire::to_utf8(*text);
  if (!target || target->find('\0') != target->npos) return std::nullopt;
  return std::move(*target);
}

void take_target(Smb1Link& link, const Smb1Answer& answer, Attributes& attributes) {
  if (link.requests.is_unix()) {
    attributes.symlink_target = unix_target_of(answer, link.requests.is_unicode());
    return;
  }
  if (const auto data = data_of_read(answer)) {
    attributes.symlink_target = decode_mfsymlink(*data);
  } else if (const auto created = answer.block<cifs::NtCreateResponse>()) {
    link.close_later(created->fid);  // the chain ended before its CLOSE
  }
}

}  // namespace

Task<void> read_symlink(std::shared_ptr<Smb1Link> link, std::u16string path, Attributes& attributes) {
  if (!may_be_symlink(attributes)) co_return;
  // A link whose probe was cut short would be taken for a file.
  auto probing = uninterrupted(link->exchange(probe(*link, path)));
  const Smb1Answer answer = co_await std::move(probing);
  take_target(*link, answer, attributes);
  if (link->requests.is_unix() && !attributes.symlink_target) attributes.symlink_target.emplace();
}

Task<void> read_symlinks(std::shared_ptr<Smb1Link> link, std::u16string prefix, std::vector<DirectoryEntry>& entries) {
  std::vector<DirectoryEntry*> candidates;
  Smb1Link::Flight flight;
  for (DirectoryEntry& entry : entries) {
    if (!may_be_symlink(entry.attributes)) continue;
    // The name came from the wire, so it has a way back.
    const auto name = to_wire_path(entry.name, link->name_mapping);
    candidates.push_back(&entry);
    flight.push_back(probe(*link, prefix + name.value_or(u"")));
  }
  if (candidates.empty()) co_return;
  auto probing = uninterrupted(link->exchange(std::move(flight)));
  const Smb1Link::Answers answers = co_await std::move(probing);
  for (std::size_t i = 0; i < candidates.size(); ++i) take_target(*link, answers[i], candidates[i]->attributes);
}

}  // namespace smb3fuse::client
