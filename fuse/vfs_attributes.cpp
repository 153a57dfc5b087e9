// SPDX-License-Identifier: Apache-2.0
// Vfs: attributes of nodes and of the file system.
#include <fcntl.h>

#include "fuse/errno_map.h"
#include "fuse/posix_acl_xattr.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs {

namespace {

constexpr client::Duration kStatisticsValid = std::chrono::seconds(1);
constexpr mode_t kAclPermissions = 0777;  // of a mode

std::optional<client::FileTime> wanted_time(int what, int set, int set_now, const timespec& time,
                                            client::FileTime now) {
  if ((what & set_now) != 0) return now;
  if ((what & set) != 0) return file_time_of(time);
  return std::nullopt;
}

// Where the server keeps no modes and owners, those and all but the w of a mode are accepted and dropped, as cifs.ko
// does without UNIX extensions.
client::AttributeChanges changes_for(const client::Attributes& before, const struct stat& wanted, int what,
                                     client::FileTime now) {
  client::AttributeChanges changes;
  changes.last_access_time = wanted_time(what, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, wanted.st_atim, now);
  changes.last_write_time = wanted_time(what, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, wanted.st_mtim, now);
  if ((what & FUSE_SET_ATTR_SIZE) != 0) changes.end_of_file = static_cast<std::uint64_t>(wanted.st_size);
  if (before.posix) {
    if ((what & FUSE_SET_ATTR_MODE) != 0) changes.mode = wanted.st_mode & kPermissions;
    if ((what & FUSE_SET_ATTR_UID) != 0) changes.uid = wanted.st_uid;
    if ((what & FUSE_SET_ATTR_GID) != 0) changes.gid = wanted.st_gid;
  } else if ((what & FUSE_SET_ATTR_MODE) != 0) {
    const std::uint32_t after = file_attributes_after_chmod(before, wanted.st_mode);
    if (((after ^ before.file_attributes) & client::file_attribute::readonly) != 0) changes.file_attributes = after;
  }
  return changes;
}

void remember(client::Attributes& attributes, const client::AttributeChanges& changes) {
  if (changes.creation_time) attributes.creation_time = *changes.creation_time;
  if (changes.last_access_time) attributes.last_access_time = *changes.last_access_time;
  if (changes.last_write_time) attributes.last_write_time = *changes.last_write_time;
  if (changes.file_attributes) attributes.file_attributes = *changes.file_attributes;
  if (!attributes.posix) return;
  if (changes.acl && !changes.acl->is_default) {
    attributes.posix->mode = (attributes.posix->mode & ~kAclPermissions) | mode_with(changes.acl->acl);
  }
  if (changes.mode) attributes.posix->mode = (attributes.posix->mode & ~kPermissions) | *changes.mode;
  if (changes.uid) attributes.posix->uid = *changes.uid;
  if (changes.gid) attributes.posix->gid = *changes.gid;
}

}  // namespace

client::Task<void> Vfs::get_attributes(Request request, NodeId id) {
  const NodeRef node = nodes_.pin(id);
  if (!node) {
    request.reply_error(ESTALE);
    co_return;
  }
  std::error_code error;
  if (!is_known(*node)) error = co_await refresh(*node);
  if (error) {
    request.reply_error(errno_of(error));
  } else {
    reply_attributes(request, *node);
  }
}

// The one of its names that is asked by may be another file's by now: the open tells, before anything is lost.
client::Task<std::error_code> Vfs::change_through_open(Node& node, std::string path, client::AttributeChanges changes) {
  const std::shared_ptr<OpenFile> file = file_of(nodes_.pin(node));
  const client::Result<client::Open*> open = co_await open_anew(*file, std::move(path), O_WRONLY, false);
  if (!open) co_return open.error();
  const std::error_code error = co_await file->file.set_attributes(std::move(changes));
  file->file.end_use(**open);
  co_return error;
}

// Changes of size go through the file where there are opens, because they must take their place among the writes.
client::Task<std::error_code> Vfs::apply(Node& node, client::AttributeChanges changes) {
  const std::shared_ptr<OpenFile> open_file = node.file.lock();
  rights_.note_own_change(node);
  std::error_code error;
  const bool any_will_do = changes.acl && has_open(open_file);
  if (open_file != nullptr && (open_file->file.has_writable() || any_will_do)) {
    error = co_await open_file->file.set_attributes(changes);
  } else {
    if (changes.end_of_file) idle_.close(node);  // or the server would ask for its right back
    if (const std::shared_ptr<FileHandle> other = any_handle(node)) error = co_await flush(*other, false);
    if (error) co_return error;
    std::optional<std::string> path = nodes_.path_of(node);
    if (!path) co_return make_errno(ESTALE);
    const bool may_be_another = changes.end_of_file && node.names.size() > 1;
    if (may_be_another) {
      error = co_await change_through_open(node, std::move(*path), changes);
    } else {
      error = co_await share_.set_attributes(std::move(*path), changes);
    }
  }
  const client::TimePoint fresh_until = node.fresh_until;
  if (open_file != nullptr) {
    note_own_change(*open_file);
  } else {
    nodes_.note_change(node);
  }
  if (error) co_return error;
  // What is set is known as well as if it had been told. But with a mode or an owner moves the time of change, a new
  // owner can cost the mode its set-user-id bit, and the mode follows an access control list.
  const bool moves_change_time = changes.touches_posix() || changes.acl;
  if (!changes.end_of_file && !moves_change_time) node.fresh_until = fresh_until;
  remember(node.attributes, changes);
  if (!changes.end_of_file) co_return error;
  if (open_file != nullptr && *changes.end_of_file > node.attributes.end_of_file) open_file->has_new_hole = true;
  note_size(node, *changes.end_of_file, true);
  co_return error;
}

client::Task<void> Vfs::set_attributes(Request request, NodeId id, struct stat wanted, int what) {
  const NodeRef node = nodes_.pin(id);
  if (!node) {
    request.reply_error(ESTALE);
    co_return;
  }
  std::error_code error;
  // The read-only bit is one of several that are set together: the others must be the server's.
  const bool needs_others =
      (what & FUSE_SET_ATTR_MODE) != 0 && node->kind == FileKind::regular && !node->attributes.posix;
  if (needs_others && !is_known(*node)) error = co_await refresh(*node);
  client::AttributeChanges changes = changes_for(node->attributes, wanted, what, share_.now());
  if (!error && !changes.empty()) error = co_await apply(*node, changes);
  if (!error && !is_known(*node) && changes.empty()) error = co_await refresh(*node);
  if (error) {
    request.reply_error(errno_of(error));
  } else {
    reply_attributes(request, *node);
  }
}

client::Task<void> Vfs::read_link(Request request, NodeId id) {
  const NodeRef node = nodes_.pin(id);
  if (!node || node->kind != FileKind::symlink) {
    request.reply_error(node ? EINVAL : ESTALE);
  } else {
    request.reply_link(*node->attributes.symlink_target);
  }
  co_return;
}

client::Task<void> Vfs::file_system_info(Request request) {
  if (statistics_until_ <= runtime_.now()) {
    const client::TimePoint asked = runtime_.now();
    client::Result<client::FileSystemInfo> answer = co_await share_.file_system_info();
    if (!answer) {
      request.reply_error(errno_of(answer.error()));
      co_return;
    }
    statistics_ = *answer;
    statistics_until_ = asked + kStatisticsValid;
  }
  struct statvfs shown {};
  shown.f_bsize = statistics_.block_size;
  shown.f_frsize = statistics_.block_size;
  shown.f_blocks = statistics_.total_blocks;
  shown.f_bfree = statistics_.free_blocks;
  shown.f_bavail = statistics_.available_blocks;
  shown.f_namemax = statistics_.maximum_name_length;
  request.reply_statfs(shown);
}

}  // namespace smb3fuse::fs
