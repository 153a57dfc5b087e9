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

// A file, or a symbolic link, which is to be found out.
struct Candidate {
  std::u16string path;
  Attributes* attributes;
};

smb1::Outgoing probe(const Smb1Link& link, const std::u16string& path) {
  if (link.requests.is_unix()) return Smb1UnixRequests(link.requests).query_link(path);
  NtCreateParameters parameters;
  parameters.path = path;
  parameters.desired_access = wire::FILE_READ_DATA | wire::FILE_READ_ATTRIBUTES;
  return link.requests.read_whole(parameters, kMfSymlinkSize);
}

std::optional<std::string> unix_target_of(const Smb1Answer& answer, const cifs::CharacterSet& character_set) {
  if (is_error(answer.status)) return std::nullopt;
  auto text = character_set.read(answer.data);
  if (!text) return std::nullopt;
  auto target = wire::to_utf8(*text);
  if (!target || target->find('\0') != target->npos) return std::nullopt;
  return std::move(*target);
}

// Each was read in one message with its open, or is by itself: of a server that takes no chains. What it was opened for
// is then asked for, and whatever stayed open is closed.
Task<void> read_files(std::shared_ptr<Smb1Link> link, std::vector<Candidate> candidates, Smb1Link::Answers answers) {
  Smb1Link::Flight reads;
  std::vector<std::size_t> unread;
  std::vector<std::uint16_t> open;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    link->note_chain(answers[i], cifs::Command::close);
    const auto fid = left_open(answers[i]);
    if (fid) open.push_back(*fid);
    if (!fid || is_error(answers[i].status) || answers[i].find(cifs::Command::read_andx)) continue;
    reads.push_back(link->requests.read(*fid, 0, kMfSymlinkSize));
    unread.push_back(i);
  }
  if (!reads.empty()) {
    Smb1Link::Answers told = co_await link->exchange(std::move(reads));
    for (std::size_t i = 0; i < unread.size(); ++i) answers[unread[i]] = std::move(told[i]);
  }
  for (const std::uint16_t fid : open) link->close_later(fid);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (const auto data = data_of_read(answers[i])) candidates[i].attributes->symlink_target = decode_mfsymlink(*data);
  }
}

Task<void> read_targets(std::shared_ptr<Smb1Link> link, std::vector<Candidate> candidates) {
  Smb1Link::Flight flight;
  for (const Candidate& each : candidates) flight.push_back(probe(*link, each.path));
  Smb1Link::Answers answers = co_await link->exchange(std::move(flight));
  if (!link->requests.is_unix()) {
    auto reading = read_files(link, std::move(candidates), std::move(answers));
    co_await std::move(reading);
    co_return;
  }
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    candidates[i].attributes->symlink_target = unix_target_of(answers[i], link->requests.character_set());
  }
}

}  // namespace

// A link whose probe was cut short would be taken for a file.
Task<void> read_symlink(std::shared_ptr<Smb1Link> link, std::u16string path, Attributes& attributes) {
  if (!may_be_symlink(attributes)) co_return;
  std::vector<Candidate> candidates;
  candidates.push_back({std::move(path), &attributes});
  auto reading = uninterrupted(read_targets(link, std::move(candidates)));
  co_await std::move(reading);
  if (link->requests.is_unix() && !attributes.symlink_target) attributes.symlink_target.emplace();
}

Task<void> read_symlinks(std::shared_ptr<Smb1Link> link, std::u16string prefix, std::vector<DirectoryEntry>& entries) {
  std::vector<Candidate> candidates;
  for (DirectoryEntry& entry : entries) {
    if (!may_be_symlink(entry.attributes)) continue;
    // A name with reserved characters has no way back to a server without Unicode, where they cannot be mapped.
    const auto name = to_wire_path(entry.name, link->name_mapping);
    if (!name || !link->requests.character_set().fits(*name)) continue;
    candidates.push_back({prefix + *name, &entry.attributes});
  }
  if (candidates.empty()) co_return;
  auto reading = uninterrupted(read_targets(link, std::move(candidates)));
  co_await std::move(reading);
}

}  // namespace smb3fuse::client
