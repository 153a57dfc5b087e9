// SPDX-License-Identifier: Apache-2.0
// Vfs: what makes, finds, moves and removes names.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/sysmacros.h>

#include "fuse/errno_map.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs {

namespace {
bool is_readonly(const Node& node) { return (node.attributes.file_attributes & client::file_attribute::readonly) != 0; }
}  // namespace

client::Result<std::string> Vfs::path_in(const NodeRef& parent, const std::string& name) const {
  if (!parent) return tl::unexpected(make_errno(ESTALE));
  if (name_too_long(name)) return tl::unexpected(make_errno(ENAMETOOLONG));
  if (share_.is_hidden_name(name)) return tl::unexpected(make_errno(ENOENT));
  std::optional<std::string> path = nodes_.path_of(*parent, name);
  if (!path) return tl::unexpected(make_errno(ESTALE));
  return std::move(*path);
}

client::Task<void> Vfs::lookup(Request request, NodeId parent_id, std::string name) {
  const NodeRef parent = nodes_.pin(parent_id);
  client::Result<std::string> path = path_in(parent, name);
  if (!path) {
    request.reply_error(errno_of(path.error()));
    co_return;
  }
  Asked asked = ask();
  const client::DirectoryEntry* listed = nullptr;
  const Listed told = find_listed(*parent, name, listed, asked);
  if (told != Listed::unknown) lookup_runs_.handle_answered(parent_id);
  if (told == Listed::absent || (told == Listed::unknown && is_known_missing(*parent, name, asked))) {
    reply_missing(request, *parent, name, asked);
    co_return;
  }
  if (told == Listed::present) {
    const NodeRef node = nodes_.adopt(*parent, name, listed->attributes, false);
    learn(*node, listed->attributes, asked);
    reply_entry(request, *node, asked);
    co_return;
  }
  const NodeId above = parent->names.empty() ? 0 : parent->names.back().parent->id;
  if (lookup_runs_.handle_ask(parent_id, above, runtime_.now())) client::spawn(list_for_lookups(nodes_.pin(parent_id)));
  asked = ask();
  client::Result<client::Attributes> answer = co_await share_.stat(std::move(*path));
  if (!answer) {
    const int error = errno_of(answer.error());
    if (error == ENOENT) {
      nodes_.note_missing(*parent, name, asked);
      reply_missing(request, *parent, name, asked);
    } else {
      request.reply_error(error);
    }
    co_return;
  }
  const NodeRef node = nodes_.adopt(*parent, name, *answer, false);
  learn(*node, *answer, asked);
  reply_entry(request, *node, asked);
}

void Vfs::note_making(Node& parent, const std::string& name) {
  nodes_.forget_missing(parent, name);
  rights_.note_own(parent, name, FolderRights::Action::appeared);
}

void Vfs::note_made(Node& parent, const std::string& name) {
  nodes_.note_entry(parent, name, true, share_.now());
  rights_.note_made(parent, name);
}

void Vfs::reply_made(Request& request, Node& parent, const std::string& name,
                     const client::Result<client::Attributes>& made, const Asked& asked) {
  if (!made) {
    request.reply_error(errno_of(made.error()));
    return;
  }
  note_made(parent, name);
  const NodeRef node = nodes_.adopt(parent, name, *made, true);
  learn(*node, *made, asked);
  reply_entry(request, *node, asked);
}

// What is new is empty: the names that are about to be made in it need not be looked up first.
void Vfs::keep_empty_listing(const NodeRef& directory, const Asked& asked) {
  if (!directory) return;
  auto listing = std::make_shared<Listing>();
  listing->asked = asked;
  listing->complete = true;
  nodes_.follow(*directory, listing);
  keep_listing(listing);
}

client::Task<void> Vfs::make_directory(Request request, NodeId parent_id, std::string name, mode_t mode) {
  const NodeRef parent = nodes_.pin(parent_id);
  client::Result<std::string> path = path_in(parent, name);
  if (!path) {
    request.reply_error(errno_of(path.error()));
    co_return;
  }
  note_making(*parent, name);
  const Asked asked = ask();
  client::Result<client::Attributes> made = co_await share_.make_directory(std::move(*path), mode & kPermissions);
  reply_made(request, *parent, name, made, asked);
  if (made) count_folder(*parent, 1);
  if (made) keep_empty_listing(nodes_.pin_child(*parent, name), asked);
}

client::Task<void> Vfs::make_symlink(Request request, NodeId parent_id, std::string name, std::string target) {
  const NodeRef parent = nodes_.pin(parent_id);
  client::Result<std::string> path = path_in(parent, name);
  if (!path) {
    request.reply_error(errno_of(path.error()));
    co_return;
  }
  note_making(*parent, name);
  const Asked asked = ask();
  client::Result<client::Attributes> made = co_await share_.make_symlink(std::move(*path), std::move(target));
  reply_made(request, *parent, name, made, asked);
}

client::Task<void> Vfs::make_node(Request request, NodeId parent_id, std::string name, mode_t mode, dev_t device) {
  const NodeRef parent = nodes_.pin(parent_id);
  client::Result<std::string> path = path_in(parent, name);
  const bool is_special = !S_ISREG(mode);
  if (path && is_special && !share_.has_posix_attributes()) path = tl::unexpected(make_errno(EPERM));
  if (!path) {
    request.reply_error(errno_of(path.error()));
    co_return;
  }
  note_making(*parent, name);
  const Asked asked = ask();
  if (is_special) {
    const client::PosixAttributes what{.mode = mode, .device_major = major(device), .device_minor = minor(device)};
    client::Result<client::Attributes> made = co_await share_.make_special(std::move(*path), what);
    reply_made(request, *parent, name, made, asked);
    co_return;
  }
  client::OpenRequest wanted;
  wanted.path = std::move(*path);
  wanted.disposition = client::Disposition::create;
  wanted.read = false;
  wanted.write = true;
  wanted.create_mode = mode & kPermissions;
  client::Result<client::OpenResult> opened = co_await share_.open(std::move(wanted));
  client::Result<client::Attributes> made =
      opened ? client::Result<client::Attributes>(opened->attributes) : tl::unexpected(opened.error());
  reply_made(request, *parent, name, made, asked);
}

client::Task<void> Vfs::link(Request request, NodeId id, NodeId parent_id, std::string name) {
  const NodeRef node = nodes_.pin(id);
  const NodeRef parent = nodes_.pin(parent_id);
  client::Result<std::string> new_path = path_in(parent, name);
  std::optional<std::string> path;
  if (node) path = nodes_.path_of(*node);
  if (new_path && !path) new_path = tl::unexpected(make_errno(ENOENT));  // as for a file that has lost its last name
  if (!new_path) {
    request.reply_error(errno_of(new_path.error()));
    co_return;
  }
  note_making(*parent, name);
  rights_.note_own_change(*node);
  const Asked asked = ask();
  const std::error_code error = co_await share_.link(std::move(*path), std::move(*new_path));
  if (error) {
    request.reply_error(errno_of(error));
    co_return;
  }
  note_made(*parent, name);
  nodes_.note_change(*node);
  nodes_.add_name(*parent, name, *node);
  node->attributes.number_of_links = std::max<std::uint32_t>(node->attributes.number_of_links, 1) + 1;
  reply_entry(request, *node, asked);
}

client::Share::RemoveHint Vfs::hint_for(const NodeRef& node) const {
  client::Share::RemoveHint hint;
  if (!node) return hint;
  hint.file_attributes = node->attributes.file_attributes;
  hint.keep_for_opens = is_open(*node);
  return hint;
}

void Vfs::note_gone(Node& parent, const std::string& name) {
  nodes_.note_entry(parent, name, false, share_.now());
  const Asked now = ask();
  nodes_.note_missing(parent, name, now);
}

void Vfs::count_folder(Node& parent, int change) {
  std::uint32_t& links = parent.attributes.number_of_links;
  if (parent.attributes.posix && links >= 2) links += static_cast<std::uint32_t>(change);  // else nobody counts them
}

void Vfs::note_removed(Node& parent, const std::string& name, const NodeRef& node) {
  note_gone(parent, name);
  nodes_.remove_name(parent, name);
  if (!node) return;
  if (node->is_directory()) count_folder(parent, -1);
  nodes_.note_change(*node);
  if (const std::shared_ptr<OpenFile> file = node->file.lock()) file->removed = true;
  if (node->attributes.number_of_links > 1) --node->attributes.number_of_links;
}

client::Task<void> Vfs::remove_file(Request request, NodeId parent_id, std::string name) {
  const NodeRef parent = nodes_.pin(parent_id);
  client::Result<std::string> path = path_in(parent, name);
  if (!path) {
    request.reply_error(errno_of(path.error()));
    co_return;
  }
  const NodeRef node = nodes_.pin_child(*parent, name);
  if (node) idle_.close(*node);
  rights_.note_own(*parent, name, FolderRights::Action::gone);
  const client::Share::RemoveHint hint = hint_for(node);
  const std::error_code error = co_await share_.remove_file(std::move(*path), hint);
  if (!error) note_removed(*parent, name, node);
  request.reply_error(errno_of(error));
}

client::Task<void> Vfs::remove_directory(Request request, NodeId parent_id, std::string name) {
  const NodeRef parent = nodes_.pin(parent_id);
  client::Result<std::string> path = path_in(parent, name);
  if (!path) {
    request.reply_error(errno_of(path.error()));
    co_return;
  }
  const NodeRef node = nodes_.pin_child(*parent, name);
  if (node) rights_.give_up(*node);
  rights_.note_own(*parent, name, FolderRights::Action::gone);
  const std::error_code error = co_await share_.remove_directory(std::move(*path));
  if (!error) note_removed(*parent, name, node);
  request.reply_error(errno_of(error));
}

// SMB renames over files only, and over none that is open: such targets have to go first. What is lost if the rename
// then fails is the old target.
client::Task<std::error_code> Vfs::make_way(Node& parent, const std::string& name, const Node& moved) {
  const NodeRef target = nodes_.pin_child(parent, name);
  if (!target || target.pointer() == &moved) co_return std::error_code();
  if (target->is_directory() && !moved.is_directory()) co_return make_errno(EISDIR);
  if (!target->is_directory() && moved.is_directory()) co_return make_errno(ENOTDIR);
  const bool in_use = is_open(*target);
  if (!target->is_directory() && !in_use) co_return std::error_code();
  std::optional<std::string> path = nodes_.path_of(parent, name);
  if (!path) co_return make_errno(ESTALE);
  std::error_code error;
  rights_.give_up(*target);
  rights_.note_own(parent, name, FolderRights::Action::gone);
  if (target->is_directory()) {
    error = co_await share_.remove_directory(std::move(*path));
  } else {
    const client::Share::RemoveHint hint = hint_for(target);
    error = co_await share_.remove_file(std::move(*path), hint);
  }
  if (!error) note_removed(parent, name, target);
  co_return error;
}

client::Task<void> Vfs::rename(Request request, NodeId from_id, std::string from_name, NodeId to_id,
                               std::string to_name, unsigned flags) {
  const NodeRef from = nodes_.pin(from_id);
  const NodeRef to = nodes_.pin(to_id);
  client::Result<std::string> from_path = path_in(from, from_name);
  client::Result<std::string> to_path = path_in(to, to_name);
  if (from_path && !to_path) from_path = tl::unexpected(to_path.error());
  if ((flags & ~static_cast<unsigned>(RENAME_NOREPLACE)) != 0) from_path = tl::unexpected(make_errno(EINVAL));
  if (!from_path) {
    request.reply_error(errno_of(from_path.error()));
    co_return;
  }
  const bool replace = (flags & RENAME_NOREPLACE) == 0;
  const NodeRef moved = nodes_.pin_child(*from, from_name);
  if (const NodeRef there = nodes_.pin_child(*to, to_name); there && there.pointer() != moved.pointer()) {
    idle_.close(*there);
  }
  if (moved && moved->is_directory()) {
    idle_.close_below(*moved);
    rights_.give_up_below(*moved);
  }
  rights_.note_own(*from, from_name, FolderRights::Action::gone);
  note_making(*to, to_name);
  std::shared_ptr<OpenFile> moved_file;
  if (moved) moved_file = moved->file.lock();
  client::Lease* const lease = moved_file ? moved_file->file.lease() : nullptr;
  const bool was_there = nodes_.pin_child(*to, to_name).pointer() != nullptr;
  std::error_code error;
  if (replace && moved) error = co_await make_way(*to, to_name, *moved);
  client::Task<std::error_code> renaming = share_.rename(*from_path, *to_path, replace, lease);
  // The old target is gone: the new one must come.
  const bool made_way = was_there && !nodes_.pin_child(*to, to_name);
  if (made_way) renaming = client::uninterrupted(std::move(renaming));
  if (!error) error = co_await std::move(renaming);
  const NodeRef target = nodes_.pin_child(*to, to_name);
  if (replace && target && is_readonly(*target) && errno_of(error) == EACCES) {  // Windows keeps read-only targets
    const client::Share::RemoveHint hint = hint_for(target);
    error = co_await share_.remove_file(*to_path, hint);
    if (!error) error = co_await client::uninterrupted(share_.rename(*from_path, *to_path, replace, lease));
  }
  if (!error) {
    if (target && target.pointer() != moved.pointer()) note_removed(*to, to_name, target);
    note_gone(*from, from_name);
    note_made(*to, to_name);
    if (moved && moved->is_directory()) {
      count_folder(*from, -1);
      count_folder(*to, 1);
    }
    if (moved) nodes_.note_change(*moved);
    nodes_.rename(*from, from_name, *to, to_name);
  }
  request.reply_error(errno_of(error));
}

}  // namespace smb3fuse::fs
