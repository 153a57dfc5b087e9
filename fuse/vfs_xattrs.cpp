// SPDX-License-Identifier: Apache-2.0
// Vfs: extended attributes, which are the time of birth, and the access control lists where the server has them. Those
// come with nothing else, so they are asked for file by file; but ahead of who asks for one after another (ls -l), and
// for a while only once as long as the file's time of change stands still.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "fuse/errno_map.h"
#include "fuse/posix_acl_xattr.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs {
namespace {

constexpr std::string_view kBirthTime = "user.smb3fuse.btime";
// What has changed longer ago than this cannot change again without another time of change, by whatever clock: theirs
// may be off by so much, and times of file systems by a tick.
constexpr client::FileTime kSettled = 5 * 10'000'000;  // five seconds
// Not for longer, because Samba 4.17 tells only the fraction of a second of the time of change: two may look the same.
constexpr client::Duration kRemembered = std::chrono::minutes(1);
constexpr std::size_t kMostFiles = 4096;  // of a folder to look through

bool is_acl_name(std::string_view name) { return name == kAccessAclName || name == kDefaultAclName; }

void reply_value(Request& request, const std::string& value, std::size_t size) {
  if (size == 0) {
    request.reply_size(value.size());
  } else if (size < value.size()) {
    request.reply_error(ERANGE);
  } else {
    request.reply_bytes(value);
  }
}

}  // namespace

// ---- what the server has told of access control lists

bool Vfs::has_acls(const Node& node) const { return share_.has_posix_acls() && node.kind != FileKind::symlink; }

bool Vfs::knows_acls(const Node& node) const {
  if (node.acls == nullptr || !node.acls->told) return false;
  const NodeAcls& acls = *node.acls;
  if (acls.asked.change < node.last_change || acls.change_time != node.attributes.change_time) return false;
  const client::Duration age = runtime_.now() - acls.asked.at;
  return age < validity_of(node.attributes) || (age < kRemembered && acls.is_settled && is_known(node));
}

client::Task<client::Result<client::PosixAcls>> Vfs::ask_for_acls(Node& node) {
  const std::shared_ptr<OpenFile> open_file = node.file.lock();
  if (has_open(open_file)) {
    client::Result<client::PosixAcls> told = co_await open_file->file.posix_acls();
    co_return told;
  }
  std::optional<std::string> path = nodes_.path_of(node);
  if (!path) co_return tl::make_unexpected(make_errno(ESTALE));
  client::Result<client::PosixAcls> told = co_await share_.posix_acls(std::move(*path));
  if (!told && errno_of(told.error()) == ENOENT) told = tl::make_unexpected(note_stale_name(node));
  co_return told;
}

client::Task<client::Result<client::PosixAcls>> Vfs::fetch_acls(Node& node) {
  if (node.acls == nullptr) node.acls = std::make_unique<NodeAcls>();
  NodeAcls& acls = *node.acls;
  acls.is_underway = true;
  const Asked asked = ask();
  const client::FileTime asked_time = share_.now();
  // Others may come to wait for it.
  auto asking = client::uninterrupted(ask_for_acls(node));
  client::Result<client::PosixAcls> answer = co_await std::move(asking);
  acls.is_underway = false;
  if (answer) {
    acls.told = *answer;
    acls.asked = asked;
    acls.change_time = node.attributes.change_time;
    acls.is_settled = acls.change_time + kSettled < asked_time;
  }
  for (const auto& done : std::exchange(acls.waiting, {})) done(answer);
  co_return answer;
}

client::Task<client::Result<client::PosixAcls>> Vfs::acls_of(Node& node) {
  const bool is_used = node.acls != nullptr && std::exchange(node.acls->is_ahead, false);
  if (is_used && !node.names.empty()) acl_runs_.handle_use(node.names.back().parent->id);
  const bool are_known = knows_acls(node);
  if (is_used || !are_known) ask_acls_beside(node);
  if (are_known) co_return *node.acls->told;
  if (node.acls == nullptr || !node.acls->is_underway) {
    client::Result<client::PosixAcls> fetched = co_await fetch_acls(node);
    co_return fetched;
  }
  auto wait = [&](auto done) { node.acls->waiting.push_back(std::move(done)); };
  client::Result<client::PosixAcls> told = co_await client::callback<client::Result<client::PosixAcls>>(wait);
  co_return told;
}

// ---- ahead of need

void Vfs::begin_acl_run(Node& directory) {
  const std::shared_ptr<Listing> listing = directory.listing.lock();
  if (listing == nullptr || listing->entries.size() > kMostFiles) return;
  std::vector<FileRuns::Listed> files;
  for (const client::DirectoryEntry& entry : listing->entries) {
    const client::Attributes& attributes = entry.attributes;
    const bool worth_it = is_told_completely(attributes) && !attributes.is_symlink();
    files.push_back({entry.name, nodes_.inode_number_of(directory, entry.name, attributes), worth_it});
  }
  acl_runs_.begin(directory.id, std::move(files));
}

// Beside a question that is about to be sent, which goes first.
void Vfs::ask_acls_beside(const Node& node) {
  if (!config_.prefetch) return;
  runtime_.post([this, weak = std::weak_ptr(buried_), id = node.id] {
    const auto alive = weak.lock();
    const NodeRef pinned = alive ? nodes_.pin(id) : NodeRef();
    if (pinned) ask_acls_after(*pinned);
  });
}

void Vfs::ask_acls_after(const Node& node) {
  if (node.names.empty()) return;
  Node& directory = *node.names.back().parent;
  const std::string name = node.names.back().text;
  if (!acl_runs_.knows(directory.id, name)) begin_acl_run(directory);
  for (const std::string& next : acl_runs_.handle_open(directory.id, name)) {
    NodeRef ahead = nodes_.pin_child(directory, next);
    if (!ahead || !has_acls(*ahead) || knows_acls(*ahead)) continue;
    if (ahead->acls == nullptr || !ahead->acls->is_underway) client::spawn(fetch_acls_ahead(std::move(ahead)));
  }
}

client::Task<void> Vfs::fetch_acls_ahead(NodeRef node) {
  if (node->acls == nullptr) node->acls = std::make_unique<NodeAcls>();
  node->acls->is_ahead = true;
  co_await fetch_acls(*node);
}

// ---- what programs ask

// The birth time is there for who asks for it by name, and not listed: a copying program would put it on its copies.
client::Task<void> Vfs::get_extended_attribute(Request request, NodeId id, std::string name, std::size_t size) {
  const NodeRef node = nodes_.pin(id);
  if (!node) {
    request.reply_error(ESTALE);
    co_return;
  }
  if (is_acl_name(name) && has_acls(*node)) {
    const client::Result<client::PosixAcls> acls = co_await acls_of(*node);
    if (!acls) {
      request.reply_error(errno_of(acls.error()));
      co_return;
    }
    const client::PosixAcl& acl = name == kAccessAclName ? acls->access : acls->by_default;
    const bool is_there = name == kAccessAclName ? is_extended(acl) : !acl.empty();
    if (is_there) {
      reply_value(request, xattr_of(acl), size);
    } else {
      request.reply_error(ENODATA);
    }
    co_return;
  }
  if (name != kBirthTime) {
    request.reply_error(name.starts_with("user.") ? ENODATA : EOPNOTSUPP);
    co_return;
  }
  std::error_code error;
  if (!is_known(*node)) error = co_await refresh(*node);
  if (error || node->attributes.creation_time == 0) {
    request.reply_error(error ? errno_of(error) : ENODATA);
    co_return;
  }
  reply_value(request, iso8601_of(node->attributes.creation_time), size);
}

client::Task<void> Vfs::list_extended_attributes(Request request, NodeId id, std::size_t size) {
  const NodeRef node = nodes_.pin(id);
  if (!node) {
    request.reply_error(ESTALE);
    co_return;
  }
  std::string names;
  if (has_acls(*node)) {
    const client::Result<client::PosixAcls> acls = co_await acls_of(*node);
    const int error = acls ? 0 : errno_of(acls.error());
    if (error != 0 && error != EOPNOTSUPP) {
      request.reply_error(error);
      co_return;
    }
    if (acls && is_extended(acls->access)) names.append(kAccessAclName).push_back('\0');
    if (acls && !acls->by_default.empty()) names.append(kDefaultAclName).push_back('\0');
  }
  reply_value(request, names, size);
}

client::Task<void> Vfs::set_extended_attribute(Request request, NodeId id, std::string name, std::string value) {
  std::optional<client::PosixAcl> acl = acl_of_xattr(value);
  if (is_acl_name(name) && !acl) {
    request.reply_error(EINVAL);
    co_return;
  }
  co_await change_acl(std::move(request), id, std::move(name), std::move(acl).value_or(client::PosixAcl()));
}

client::Task<void> Vfs::remove_extended_attribute(Request request, NodeId id, std::string name) {
  co_await change_acl(std::move(request), id, std::move(name), client::PosixAcl());
}

client::Task<void> Vfs::change_acl(Request request, NodeId id, std::string name, client::PosixAcl acl) {
  const NodeRef node = nodes_.pin(id);
  if (!node) {
    request.reply_error(ESTALE);
    co_return;
  }
  if (!is_acl_name(name) || !has_acls(*node)) {
    request.reply_error(EOPNOTSUPP);
    co_return;
  }
  client::PosixAclChange change{name == kDefaultAclName, std::move(acl)};
  const std::error_code error = co_await change_acl(*node, std::move(change));
  request.reply_error(errno_of(error));
}

client::Task<std::error_code> Vfs::change_acl(Node& node, client::PosixAclChange change) {
  if (change.is_default && !node.is_directory()) {
    co_return change.acl.empty() ? std::error_code() : make_errno(EACCES);
  }
  if (change.acl.empty() && !change.is_default) {
    client::Result<client::PosixAcls> now = co_await acls_of(node);
    if (!now) co_return now.error();
    if (!is_extended(now->access)) co_return std::error_code();
    change.acl = without_extension(now->access);
  }
  client::AttributeChanges changes;
  changes.acl = std::move(change);
  const std::error_code error = co_await apply(node, std::move(changes));
  if (error) co_return error;
  // The kernel does not know that the mode follows the list. A folder's notification may have to wait for this very
  // answer: it is not waited for.
  if (node.is_directory()) {
    kernel_.invalidate_attributes(node.id);
  } else {
    co_await client::callback<bool>([&](auto done) { kernel_.invalidate_attributes(node.id, std::move(done)); });
  }
  co_return std::error_code();
}

}  // namespace smb3fuse::fs
