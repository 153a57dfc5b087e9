// SPDX-License-Identifier: Apache-2.0
// Vfs: reading directories.
#include <algorithm>

#include "fuse/errno_map.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs {

namespace {

// "." and ".." come first; entry i of the listing is told with the offset behind it.
constexpr std::uint64_t kDots = 2;
constexpr std::size_t kMostForLookups = 8192;  // entries

// Its type, as far as it is certain: DT_UNKNOWN makes programs ask.
mode_t listed_type(const client::Attributes& attributes) {
  if (attributes.posix) return attributes.posix->mode & S_IFMT;
  if (!is_told_completely(attributes)) return 0;
  return attributes.is_directory() ? S_IFDIR : attributes.is_symlink() ? S_IFLNK : S_IFREG;
}

}  // namespace

// The kernel's buffer being filled, and the nodes it has been told of.
class Vfs::PageWriter {
 public:
  PageWriter(std::size_t capacity, bool plus) : buffer_(capacity), plus_(plus) {}

  bool plus() const { return plus_; }
  std::span<const char> bytes() const { return {buffer_.data(), used_}; }
  const std::vector<Node*>& nodes() const { return nodes_; }

  // Only number and type.
  bool put_plain(const std::string& name, std::uint64_t inode_number, mode_t type, std::uint64_t next) {
    fuse_entry_param entry{};
    entry.attr.st_ino = inode_number;
    entry.attr.st_mode = type;
    return put(name, entry, next);
  }
  bool put_node(const std::string& name, const fuse_entry_param& entry, std::uint64_t next, Node& node) {
    if (!put(name, entry, next)) return false;
    nodes_.push_back(&node);
    return true;
  }

 private:
  bool put(const std::string& name, const fuse_entry_param& entry, std::uint64_t next) {
    char* const at = buffer_.data() + used_;
    const std::size_t room = buffer_.size() - used_;
    const auto offset = static_cast<off_t>(next);
    const std::size_t needed = plus_ ? fuse_add_direntry_plus(nullptr, at, room, name.c_str(), &entry, offset)
                                     : fuse_add_direntry(nullptr, at, room, name.c_str(), &entry.attr, offset);
    if (needed > room) return false;
    used_ += needed;
    return true;
  }

  std::vector<char> buffer_;
  std::size_t used_ = 0;
  const bool plus_;
  std::vector<Node*> nodes_;
};

// opendir(3) says that it will read. Who does not, mostly wants to fsync(2) the directory, and waits for no listing.
client::Task<void> Vfs::open_directory(Request request, NodeId id, bool is_to_be_read) {
  auto handle = std::make_unique<DirectoryHandle>();
  handle->node = nodes_.pin(id);
  if (!handle->node) {
    request.reply_error(ESTALE);
    co_return;
  }
  OpenMode mode = OpenMode::cached;
  if (is_to_be_read) {
    const std::error_code error = co_await list(*handle);
    if (error) {
      request.reply_error(errno_of(error));
      co_return;
    }
    mode = mode_of(*handle);
  }
  const HandleId handle_id = add_directory_handle(std::move(handle));
  if (!request.reply_open(handle_id, mode)) directories_.erase(handle_id);
}

client::Task<std::error_code> Vfs::list(DirectoryHandle& handle) {
  ListingsAhead::Taken ahead = co_await listings_ahead_.take(*handle.node);
  if (ahead.listing == nullptr) ahead.listing = rights_.whole_listing(*handle.node);
  if (ahead.listing == nullptr) {
    const std::error_code error = co_await list_again(handle);
    co_return error;
  }
  handle.complete = ahead.listing->complete;
  handle.listing = std::move(ahead.listing);
  handle.stream = std::move(ahead.stream);
  keep_listing(handle.listing);
  co_return std::error_code();
}

// The kernel may keep what holds: it is told when that is over.
OpenMode Vfs::mode_of(const DirectoryHandle& handle) {
  const bool holds = rights_.holds(*handle.node, *handle.listing) && handle.listing->changed.empty();
  if (!holds) return OpenMode::cached;
  return rights_.note_shown(*handle.node, handle.listing) ? OpenMode::cached_directory_keep
                                                          : OpenMode::cached_directory;
}

client::Task<std::error_code> Vfs::list_again(DirectoryHandle& handle) {
  std::optional<std::string> path = nodes_.path_of(*handle.node);
  if (!path) co_return make_errno(ENOENT);
  rights_.note_listing(*handle.node);
  auto listing = std::make_shared<Listing>();
  listing->asked = ask();
  client::Result<std::unique_ptr<client::DirectoryStream>> stream = co_await share_.open_directory(std::move(*path));
  if (!stream) co_return stream.error();
  handle.stream = std::move(*stream);
  handle.listing = listing;
  handle.complete = false;
  nodes_.follow(*handle.node, listing);
  rights_.keep(*handle.node, listing);
  keep_listing(listing);
  const client::Attributes& told = handle.stream->attributes();
  if (nodes_.is_same_file(*handle.node, told)) learn(*handle.node, told, listing->asked);
  co_return std::error_code();
}

// Answers the look-ups to come. One that is under way does not wait for it.
client::Task<void> Vfs::list_for_lookups(NodeRef directory) {
  DirectoryHandle reading;
  reading.node = std::move(directory);
  std::error_code error = co_await list_again(reading);
  if (error) co_return;
  while (!error && !reading.complete && reading.listing->entries.size() < kMostForLookups) {
    error = co_await read_page(reading);
  }
  // It answers whoever opens the directory, too.
  reading.listing->is_ahead = !error;
  if (!error) lookup_runs_.handle_listed(reading.node->id, reading.listing->entries.size(), reading.complete);
}

client::Task<std::error_code> Vfs::read_page(DirectoryHandle& handle) {
  const std::shared_ptr<Listing> listing = handle.listing;
  const std::error_code error = co_await fs::read_page(share_, *handle.stream, *listing);
  if (error) co_return error;
  handle.complete = listing->complete;
  listings_ahead_.note_listed(*handle.node, *listing);
  co_return std::error_code();
}

bool Vfs::put_entry(PageWriter& page, Node& directory, const Listing& listing, std::uint64_t position) {
  const std::uint64_t next = position + 1;
  if (position == 0) return page.put_plain(".", directory.inode_number, S_IFDIR, next);
  if (position == 1) {
    const Node& parent = directory.names.empty() ? directory : *directory.names.back().parent;
    return page.put_plain("..", parent.inode_number, S_IFDIR, next);
  }
  const client::DirectoryEntry& entry = listing.entries[position - kDots];
  // What we changed here since may still be in the listing as it was: the kernel must not learn from it.
  if (!page.plus() || !is_current(directory, listing, entry) || !is_told_completely(entry.attributes)) {
    const std::uint64_t number = nodes_.inode_number_of(directory, entry.name, entry.attributes);
    return page.put_plain(entry.name, number, listed_type(entry.attributes), next);
  }
  const NodeRef node = nodes_.adopt(directory, entry.name, entry.attributes, false);
  Asked asked = listing.asked;
  asked.is_vouched = rights_.holds(directory, listing);
  learn(*node, entry.attributes, asked);
  if (!page.put_node(entry.name, entry_of(*node, asked), next, *node)) return false;
  nodes_.count_lookup(*node);
  return true;
}

client::Task<void> Vfs::read_directory(Request request, HandleId id, std::uint64_t offset, std::size_t size,
                                       bool with_attributes) {
  const auto found = directories_.find(id);
  if (found == directories_.end()) {
    request.reply_error(EBADF);
    co_return;
  }
  const std::shared_ptr<DirectoryHandle> handle = found->second;
  const client::Turn::Guard turn = co_await handle->turn.take();
  std::error_code error;
  if (handle->listing == nullptr) {
    error = co_await list(*handle);
  } else if (offset == 0 && handle->begun && rights_.whole_listing(*handle->node) != handle->listing) {
    error = co_await list_again(*handle);
  }
  handle->begun = true;
  PageWriter page(size, with_attributes);
  std::uint64_t position = offset;
  while (!error) {
    if (position < handle->listing->entries.size() + kDots) {
      if (!put_entry(page, *handle->node, *handle->listing, position)) break;
      ++position;
    } else if (handle->complete || position > std::max(offset, kDots)) {
      // What there is goes out while the next answer is on its way.
      break;
    } else {
      error = co_await read_page(*handle);
    }
  }
  const bool received = error ? request.reply_error(errno_of(error)) : request.reply_bytes(page.bytes());
  if (received && !error) co_return;
  for (Node* const node : page.nodes()) nodes_.forget(node->id, 1);
}

void Vfs::release_directory(Request request, HandleId id) {
  directories_.erase(id);
  request.reply_error(0);
}

}  // namespace smb3fuse::fs
