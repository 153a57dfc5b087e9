// SPDX-License-Identifier: Apache-2.0
// Vfs: opening, reading and writing.
#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "fuse/errno_map.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs {

namespace {

// A file known to be no larger comes whole with its open; of others comes as much as is read ahead at first anyway.
constexpr std::uint64_t kWholeFile = 1024 * 1024;
constexpr std::uint32_t kFirstPiece = 128 * 1024;

bool wants_to_read(int flags) { return (flags & O_ACCMODE) != O_WRONLY; }
bool wants_to_write(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }
// The server has to be told of O_SYNC with the open.
bool is_shareable(int flags) { return (flags & O_DSYNC) == 0; }

client::OpenRequest request_for(std::string path, int flags) {
  client::OpenRequest wanted;
  wanted.path = std::move(path);
  wanted.read = wants_to_read(flags);
  wanted.write = wants_to_write(flags);
  wanted.write_through = (flags & O_DSYNC) != 0;
  return wanted;
}

struct Appended {
  std::error_code error;
  std::uint64_t end;
};

}  // namespace

std::uint32_t Vfs::first_read_of(const Node& node, int flags) const {
  if (!wants_to_read(flags) || (flags & O_TRUNC) != 0 || is_open(node)) return 0;
  const std::uint64_t size = node.attributes.end_of_file;
  const std::uint64_t first = size <= kWholeFile ? size : kFirstPiece;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(first, share_.maximum_read()));
}

client::Task<void> Vfs::open(Request request, NodeId id, int flags) {
  NodeRef node = nodes_.pin(id);
  std::optional<std::string> path;
  if (node) path = nodes_.path_of(*node);
  if (!path) {
    request.reply_error(ESTALE);
    co_return;
  }
  if (const std::shared_ptr<OpenFile> known = node->file.lock()) co_await join_open_ahead(*known);
  // Beside other handles the file is emptied through them, in order with what they have written. And where it has
  // several names, once it is known to be that file: the one it is opened by may be another file's by now.
  const bool empty_now = (flags & O_TRUNC) != 0 && !is_open(*node) && node->names.size() == 1;
  const bool empty_then = (flags & O_TRUNC) != 0 && !empty_now;
  if (empty_now) idle_.close(*node);  // what is known under its rights is of what it was
  const std::shared_ptr<OpenFile> file = file_of(node);
  client::Open* open = nullptr;
  if (!empty_now && is_shareable(flags)) open = file->file.try_use(wants_to_read(flags), wants_to_write(flags));
  ++counts_.opens;
  if (open != nullptr) ++counts_.opens_reused;
  const bool may_be_of_a_run = config_.prefetch && (flags & O_ACCMODE) == O_RDONLY;
  if (open == nullptr) {
    if (may_be_of_a_run) open_ahead_beside(*node);
    const client::Result<client::Open*> made = co_await open_anew(*file, std::move(*path), flags, empty_now);
    if (!made) {
      request.reply_error(errno_of(made.error()));
      co_return;
    }
    open = *made;
  }
  const HandleId handle = add_file_handle(file, *open, flags);
  std::error_code error;
  if (empty_then) error = co_await empty(*node);
  if (error) request.reply_error(errno_of(error));
  if (error || !request.reply_open(handle, mode_of(handle))) files_.erase(handle);
  if (may_be_of_a_run && file->file.rights().handle) open_ahead_of(*node);
}

client::Task<client::Result<client::Open*>> Vfs::open_anew(OpenFile& file, std::string path, int flags, bool empty) {
  Node* const node = file.node.pointer();
  client::OpenRequest wanted = request_for(std::move(path), flags);
  wanted.lease = file.file.lease();
  wanted.first_read = first_read_of(*node, flags);
  if (empty) {
    wanted.disposition = client::Disposition::truncate;
    rights_.note_own_change(*node);
  }
  const Asked asked = ask();
  client::Result<client::OpenResult> opened = co_await share_.open(std::move(wanted));
  const bool is_gone = !opened && errno_of(opened.error()) == ENOENT;
  const bool is_another = opened && !nodes_.is_same_file(*node, opened->attributes);
  if (is_gone || is_another) opened = tl::unexpected(note_stale_name(*node));
  if (!opened) co_return tl::unexpected(opened.error());
  if (empty) {
    nodes_.note_change(*node);
    file.file.forget_read_ahead();  // another open may have brought it meanwhile
  }
  const client::Attributes told = opened->attributes;
  client::Open& open =
      file.file.add(std::move(*opened), wants_to_read(flags), wants_to_write(flags), is_shareable(flags));
  learn_opened(file, told, empty ? ask() : asked);
  co_return &open;
}

// Close-to-open: where what the open told is not taken, what is known instead may lack what others have done, so the
// server has to be asked once more. Under the right that came with the open, what it told is true until now, and newer
// than the answer to a question that was sent after it and answered before it.
void Vfs::learn_opened(OpenFile& file, const client::Attributes& told, const Asked& asked) {
  Node& node = *file.node;
  Asked until_now = asked;
  if (file.is_certain() && file.file.was_written_at(asked.at)) until_now.at = runtime_.now();
  const bool learnt = learn(node, told, until_now);
  if (!learnt && !file.is_known_by_right()) node.fresh_until = file.known_until = {};
}

client::Task<void> Vfs::create(Request request, NodeId parent_id, std::string name, mode_t mode, int flags) {
  const NodeRef parent = nodes_.pin(parent_id);
  client::Result<std::string> path = path_in(parent, name);
  if (!path) {
    request.reply_error(errno_of(path.error()));
    co_return;
  }
  client::OpenRequest wanted = request_for(std::move(*path), flags);
  wanted.create_mode = mode & kPermissions;
  const bool truncate = (flags & O_TRUNC) != 0;
  // A file that is there has rights of its own already, perhaps: then this one's are not what it is opened with.
  auto file = std::make_shared<OpenFile>(NodeRef(), kernel_, runtime_, budget_, share_, census_);
  wanted.lease = file->file.lease();
  wanted.disposition = truncate ? client::Disposition::truncate_or_create : client::Disposition::open_or_create;
  if ((flags & O_EXCL) != 0) wanted.disposition = client::Disposition::create;
  note_making(*parent, name);
  const Asked asked = ask();
  client::Result<client::OpenResult> opened = co_await share_.open(std::move(wanted));
  if (!opened) {
    request.reply_error(errno_of(opened.error()));
    co_return;
  }
  NodeRef node = nodes_.adopt(*parent, name, opened->attributes, opened->created);
  if (opened->created) note_made(*parent, name);
  if (truncate) note_size(*node, 0, true);
  client::Open* open = nullptr;
  // Others here may have had the file open meanwhile, and written more than the server said: then it is opened again.
  const bool is_of_its_own = node->file.expired() && node->last_change <= asked.change;
  if (is_of_its_own) {
    file->node = nodes_.pin(*node);
    node->file = file;
    const client::Attributes told = opened->attributes;
    open = &file->file.add(std::move(*opened), wants_to_read(flags), wants_to_write(flags), is_shareable(flags));
    learn_opened(*file, told, asked);
  } else {
    opened->open.reset();
    file = file_of(node);
    path = path_in(parent, name);
    client::Result<client::Open*> again = tl::unexpected(make_errno(ESTALE));
    if (path) again = co_await open_anew(*file, std::move(*path), flags, false);
    if (!again) {
      request.reply_error(errno_of(again.error()));
      co_return;
    }
    open = *again;
  }
  const HandleId handle = add_file_handle(std::move(file), *open, flags);
  std::error_code error;
  // The server has emptied it, perhaps before what other handles here wrote earlier has reached it.
  if (truncate && !is_of_its_own) error = co_await empty(*node);
  if (error) request.reply_error(errno_of(error));
  if (error || !request.reply_create(entry_of(*node, asked), handle, mode_of(handle))) {
    files_.erase(handle);
  } else {
    nodes_.count_lookup(*node);
  }
}

// In order with what is written through its handles.
client::Task<std::error_code> Vfs::empty(Node& node) {
  client::AttributeChanges changes;
  changes.end_of_file = 0;
  const std::error_code error = co_await apply(node, changes);
  co_return error;
}

client::Task<void> Vfs::read(Request request, HandleId id, std::uint64_t offset, std::uint32_t size) {
  const std::shared_ptr<FileHandle> handle = find_file(id);
  if (handle == nullptr) {
    request.reply_error(EBADF);
    co_return;
  }
  client::File& file = handle->shared->file;
  client::File::ReadResult result;
  if (!file.try_read(offset, size, result)) {
    auto start = [&](client::File::ReadDone done) { file.read(offset, size, std::move(done)); };
    result = co_await client::callback<client::File::ReadResult>(start);
  }
  if (result.error) {
    request.reply_error(errno_of(result.error));
  } else {
    request.reply_pieces(result.pieces);
  }
}

void Vfs::note_size(Node& node, std::uint64_t size, bool exactly) {
  client::Attributes& known = node.attributes;
  if (!exactly && size <= known.end_of_file) return;
  if (exactly && size < known.end_of_file) known.allocation_size = std::min(known.allocation_size, size);
  // A file that shows no blocks for its bytes would be taken for one large hole.
  if (!exactly) known.allocation_size = std::max(known.allocation_size, size);
  known.end_of_file = size;
}

// What the server would tell is out of date now, but what was known of others' changes is as good as before.
void Vfs::note_own_change(OpenFile& file) {
  file.known_until = std::max(file.known_until, file.node->fresh_until);
  nodes_.note_change(*file.node);
}

void Vfs::note_written(FileHandle& handle, std::uint64_t begin, std::uint64_t end) {
  note_own_change(*handle.shared);
  if (begin > handle.node().attributes.end_of_file) handle.shared->has_new_hole = true;
  note_size(handle.node(), end, false);
}

client::Task<void> Vfs::write(Request request, HandleId id, std::uint64_t offset, cache::Buffer data, int flags) {
  const std::shared_ptr<FileHandle> handle = find_file(id);
  if (handle == nullptr) {
    request.reply_error(EBADF);
    co_return;
  }
  client::File& file = handle->shared->file;
  const std::size_t size = data.size();
  const bool write_through = handle->write_through || (flags & O_DSYNC) != 0;
  const std::uint64_t lost_before = handle->shared->read_rights_lost;
  handle->shared->written = true;
  Appended written{{}, offset + size};
  if ((flags & O_APPEND) != 0) {
    // The kernel's offset is computed from a size that may be out of date: the end is where the server says.
    auto start = [&](auto done) {
      file.append(std::move(data), write_through, [done](std::error_code error, std::uint64_t end) mutable {
        done(Appended{error, end});
      });
    };
    written = co_await client::callback<Appended>(start);
  } else {
    auto start = [&](client::File::Done done) { file.write(offset, std::move(data), write_through, std::move(done)); };
    written.error = co_await client::callback<std::error_code>(start);
  }
  if (written.error) {
    handle->untold = {};
    request.reply_error(errno_of(written.error));
    co_return;
  }
  note_written(*handle, written.end - size, written.end);
  request.reply_written(size);
  // The kernel has put the bytes into a page that another reader may have fetched anew meanwhile, from before them; or
  // past its pages, which then show what was there (Linux before 6.6) or will, when a READ under way is answered.
  const bool over_loss = handle->cached && handle->shared->read_rights_lost != lost_before;
  const bool past_pages = !handle->cached && handle->shared->cached_handles > 0;
  if (over_loss || past_pages) kernel_.invalidate_data(handle->node().id);
}

client::Task<std::error_code> Vfs::flush(FileHandle& handle, bool to_disk) {
  Node& node = handle.node();
  const bool wrote = std::exchange(handle.shared->written, false);
  if (wrote) rights_.note_own_change(node);
  client::Attributes written = handle.shared->file.seen_through(node.attributes);
  if (const client::FileTime at = handle.shared->file.written_at(); at != 0) {
    written.last_write_time = written.change_time = at;
  }
  std::error_code error = co_await handle.shared->file.flush(to_disk);
  // It may have been told through another handle, which wrote something else.
  const std::error_code untold = std::exchange(handle.untold, {});
  if (!error) error = untold;
  note_own_change(*handle.shared);
  // All that was written has arrived, and the time of writing is what we say it is: there is nothing to ask.
  if (wrote && !error && !handle.shared->written) {
    node.attributes.last_write_time = written.last_write_time;
    node.attributes.change_time = written.change_time;
    const bool is_sparse = handle.shared->has_new_hole || node.attributes.allocation_size < node.attributes.end_of_file;
    node.fresh_until = handle.shared->is_known_by_right() && !is_sparse
                           ? client::TimePoint::max()
                           : std::min(handle.shared->known_until, runtime_.now() + config_.file_attribute_timeout);
    handle.shared->has_new_hole = false;
  }
  co_return error;
}

client::Task<void> Vfs::flush_and_log(std::shared_ptr<FileHandle> handle) {
  const std::error_code error = co_await flush(*handle, false);
  if (!error) co_return;
  const std::optional<std::string> path = nodes_.path_of(handle->node());
  spdlog::error("{}: what was written last could not be kept: {}", path ? *path : "a removed file", error.message());
}

client::Task<void> Vfs::flush(Request request, HandleId id, std::uint64_t owner) {
  const std::shared_ptr<FileHandle> handle = find_file(id);
  if (handle == nullptr) {
    request.reply_error(0);
    co_return;
  }
  // Whoever opens the file elsewhere makes the server ask us for what is not written yet.
  const bool lazy = config_.lazy_close && handle->shared->file.rights().write;
  std::error_code error;
  if (handle->writable && !lazy) error = co_await flush(*handle, false);
  const client::LockOwner lock_owner{owner, false};
  co_await release_locks(*handle, lock_owner);
  request.reply_error(errno_of(error));
  if (handle->writable && lazy) co_await flush_and_log(handle);
}

client::Task<void> Vfs::sync(Request request, HandleId id) {
  const std::shared_ptr<FileHandle> handle = find_file(id);
  std::error_code error;
  const bool may_flush = handle != nullptr && (handle->writable || handle->shared->file.has_writable());
  if (may_flush) error = co_await flush(*handle, config_.strict_sync);
  request.reply_error(errno_of(error));
}

client::Task<void> Vfs::release(Request request, HandleId id) {
  std::shared_ptr<FileHandle> handle = find_file(id);
  files_.erase(id);
  request.reply_error(0);
  if (handle == nullptr) co_return;
  // Pages of a shared mapping are written after the last close(2).
  const bool late_writes = handle->writable && handle->shared->file.has_unsent();
  if (late_writes) co_await flush_and_log(handle);
  const std::set<client::LockOwner> lock_owners = handle->lock_owners;
  for (const client::LockOwner& each : lock_owners) co_await release_locks(*handle, each);
  handle.reset();
  // The CLOSE goes out before whatever the kernel asks next; inside the engine's callback it has to wait a turn.
  if (!late_writes && lock_owners.empty()) buried_->clear();
}

}  // namespace smb3fuse::fs
