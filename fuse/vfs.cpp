// SPDX-License-Identifier: Apache-2.0
#include "fuse/vfs.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "fuse/errno_map.h"
#include "fuse/text.h"

namespace smb3fuse::fs {

namespace {

constexpr std::size_t kKeptListings = 64;
// Seconds. The kernel is told when it ends earlier.
constexpr double kValidByRight = 3600;
constexpr unsigned kUnitOfFileTime = 100;  // nanoseconds

double seconds_until(client::TimePoint until, client::TimePoint now) {
  return until > now ? std::chrono::duration<double>(until - now).count() : 0;
}

}  // namespace

Vfs::Vfs(client::Runtime& runtime, cache::Budget& budget, client::Share& share, KernelCaches& kernel, VfsConfig config)
    : runtime_(runtime),
      budget_(budget),
      share_(share),
      kernel_(kernel),
      config_(config),
      nodes_(share.root_attributes(), config.server_inodes),
      idle_(runtime),
      rights_(runtime, share, nodes_, kernel, config.directory_attribute_timeout,
              [this](NodeRef folder) { client::spawn(list_for_lookups(std::move(folder))); }),
      listings_ahead_(runtime, share, nodes_, rights_,
                      config.prefetch ? config.directory_attribute_timeout : client::Duration::zero()),
      lookup_runs_(config.prefetch ? config.directory_attribute_timeout : client::Duration::zero()),
      buried_(std::make_shared<std::vector<std::shared_ptr<void>>>()) {
  learn(nodes_.root(), share.root_attributes(), ask());
}

// Handles that end make their files idle.
Vfs::~Vfs() {
  files_.clear();
  directories_.clear();
  buried_->clear();
  idle_.clear();
}

VfsStatus Vfs::status() const {
  return {.nodes = nodes_.size(),
          .files_in_use = files_.size(),
          .files_kept = idle_.open_count(),
          .cache = census_.usage(),
          .cache_counts = budget_.counts(),
          .memory_in_use = budget_.pool().bytes_in_use(),
          .memory_limit = budget_.limit(),
          .counts = counts_,
          .files_ahead_waiting = census_.ahead(),
          .listings_ahead = listings_ahead_.counts()};
}

client::Duration Vfs::validity_of(const client::Attributes& attributes) const {
  return attributes.is_directory() ? config_.directory_attribute_timeout : config_.file_attribute_timeout;
}

bool Vfs::learn(Node& node, const client::Attributes& attributes, const Asked& asked) {
  const std::shared_ptr<OpenFile> open_file = node.file.lock();
  const bool certain = open_file != nullptr && open_file->is_certain();
  // Nobody but us has changed it since this was first told: what is known here is newer.
  if (certain && node.fresh_until == client::TimePoint::max()) return true;
  // An answer that news of the folder has overtaken may be older than they are.
  const Node* const parent = node.names.empty() ? nullptr : node.names.back().parent;
  const bool overtaken = parent != nullptr && asked.at <= parent->news_at && !asked.is_vouched;
  if (open_file == nullptr || open_file->file.was_written_at(asked.at)) {
    const client::Attributes seen = open_file == nullptr ? attributes : open_file->file.seen_through(attributes);
    const client::Duration valid = overtaken ? client::Duration::zero() : validity_of(attributes);
    if (!nodes_.learn(node, seen, asked, valid)) return false;
    if (certain && !open_file->written) node.fresh_until = client::TimePoint::max();
    const Asked of_itself{.change = asked.change, .at = asked.at};
    const bool holds = open_file == nullptr && (parent == nullptr || rights_.holds(*parent, asked)) &&
                       (!node.is_directory() || rights_.holds(node, of_itself));
    if (holds) node.told_at = asked.at;
    return true;
  }
  // The server may have answered before it had all that we wrote: what we know of the size counts, and it will have to
  // be asked again when it has.
  client::Attributes merged = attributes;
  merged.end_of_file = std::max(merged.end_of_file, node.attributes.end_of_file);
  merged.allocation_size = std::max(merged.allocation_size, node.attributes.allocation_size);
  nodes_.learn(node, merged, asked, client::Duration::zero());
  return false;
}

bool Vfs::is_known(const Node& node) const {
  if (is_fresh(node)) return true;
  const std::shared_ptr<OpenFile> open_file = node.file.lock();
  return open_file != nullptr && open_file->file.is_ahead() && open_file->known_until > runtime_.now();
}

client::Task<std::error_code> Vfs::refresh(Node& node) {
  const Asked asked = ask();
  if (const std::shared_ptr<FileHandle> handle = any_handle(node)) {
    client::Result<client::Attributes> answer = co_await handle->open.attributes();
    if (!answer) co_return answer.error();
    learn(node, *answer, asked);
    co_return std::error_code();
  }
  std::optional<std::string> path = nodes_.path_of(node);
  if (!path) co_return make_errno(ESTALE);
  client::Result<client::Attributes> answer = co_await share_.stat(std::move(*path));
  if (!answer && errno_of(answer.error()) == ENOENT) co_return note_stale_name(node);
  if (!answer) co_return answer.error();
  if (!nodes_.is_same_file(node, *answer)) co_return note_stale_name(node);
  learn(node, *answer, asked);
  co_return std::error_code();
}

// Another client has removed the file, or put another one there. The kernel, told ESTALE, looks the name up again and
// retries, or makes the file (O_CREAT): that must not be answered from what was listed before.
std::error_code Vfs::note_stale_name(const Node& node) {
  if (!node.names.empty()) nodes_.forget_listing(*node.names.back().parent);
  return make_errno(ESTALE);
}

bool Vfs::is_current(const Node& directory, const Listing& listing, const client::DirectoryEntry& entry) const {
  const bool unchanged =
      listing.is_followed ? !listing.changed.contains(entry.name) : directory.last_change <= listing.asked.change;
  if (!unchanged) return false;
  if (listing.asked.at + validity_of(entry.attributes) > runtime_.now()) return true;
  if (!rights_.holds(directory, listing)) return false;
  if (!entry.attributes.is_directory()) return true;
  // What is in a folder changes its attributes, and that is known only where there is a right to it.
  const auto child = directory.children.find(entry.name);
  return child != directory.children.end() && child->second->is_directory() && is_fresh(*child->second);
}

bool Vfs::is_valid(const Node& directory, const Listing& listing) const {
  return listing.asked.at + config_.directory_attribute_timeout > runtime_.now() || rights_.holds(directory, listing);
}

Vfs::Listed Vfs::find_listed(const Node& parent, const std::string& name, const client::DirectoryEntry*& entry,
                             Asked& asked) const {
  const std::shared_ptr<Listing> listing = parent.listing.lock();
  if (listing == nullptr || !listing->is_followed) return Listed::unknown;
  if (!is_valid(parent, *listing)) return Listed::unknown;
  asked = listing->asked;
  asked.is_vouched = rights_.holds(parent, *listing);
  if (const auto changed = listing->changed.find(name); changed != listing->changed.end()) {
    // What is told of it afterwards may be of another's change, and is not waited for.
    const bool is_recent = listing->asked.at + config_.directory_attribute_timeout > runtime_.now();
    return changed->second || !is_recent ? Listed::unknown : Listed::absent;
  }
  if (const auto found = listing->by_name.find(name); found != listing->by_name.end()) {
    entry = &listing->entries[found->second];
    return is_current(parent, *listing, *entry) && is_told_completely(entry->attributes) ? Listed::present
                                                                                         : Listed::unknown;
  }
  // The server may know the file by a name that is spelt otherwise: in another case, or cut to eight and three.
  const bool other_spelling = !is_plain_name(name) || listing->folded.contains(lower_case(name));
  return listing->complete && !other_spelling ? Listed::absent : Listed::unknown;
}

bool Vfs::is_known_missing(const Node& parent, const std::string& name, Asked& asked) const {
  const auto found = parent.missing.find(lower_case(name));
  if (found == parent.missing.end() || found->second.name != name) return false;
  asked = found->second.asked;
  return asked.at + config_.directory_attribute_timeout > runtime_.now() || rights_.holds(parent, asked);
}

void Vfs::keep_listing(const std::shared_ptr<Listing>& listing) {
  recent_listings_.push_back(listing);
  const client::TimePoint now = runtime_.now();
  const client::Duration longest = std::max(config_.file_attribute_timeout, config_.directory_attribute_timeout);
  while (recent_listings_.size() > kKeptListings || recent_listings_.front()->asked.at + longest < now) {
    recent_listings_.pop_front();
    if (recent_listings_.empty()) break;
  }
}

struct stat Vfs::stat_of_node(const Node& node) const {
  const std::shared_ptr<OpenFile> open_file = node.file.lock();
  const client::Attributes seen =
      open_file != nullptr ? open_file->file.seen_through(node.attributes) : node.attributes;
  nlink_t links = std::max<nlink_t>(seen.number_of_links, 1);
  if (node.is_directory() && !seen.posix) links = 2;  // no other server counts them
  if (node.names.empty() && node.id != kRootId) links = 0;
  return stat_of(seen, node.inode_number, links, config_.presentation);
}

double Vfs::attribute_timeout(const Node& node) const {
  if (node.kind != FileKind::regular) return seconds_until(node.fresh_until, runtime_.now());
  const std::shared_ptr<OpenFile> open_file = node.file.lock();
  const bool certain = open_file != nullptr && open_file->is_certain() && node.fresh_until == client::TimePoint::max();
  if (certain) return kValidByRight;
  return config_.loose ? std::min(seconds_until(node.fresh_until, runtime_.now()), kValidByRight) : 0;
}

double Vfs::first_attribute_timeout(const Node& node, const Asked& asked) const {
  return std::min(attribute_timeout(node), entry_timeout(node, asked));
}

double Vfs::entry_timeout(const Node& node, const Asked& asked) const {
  const bool overtaken = !node.names.empty() && asked.at <= node.names.back().parent->news_at && !asked.is_vouched;
  if (overtaken) return 0;
  return seconds_until(asked.at + validity_of(node.attributes), runtime_.now());
}

fuse_entry_param Vfs::entry_of(const Node& node, const Asked& asked) {
  fuse_entry_param entry{};
  entry.ino = node.id;
  entry.attr = stat_of_node(node);
  entry.attr_timeout = first_attribute_timeout(node, asked);
  entry.entry_timeout = entry_timeout(node, asked);
  // A folder's name can only be expired.
  if (!node.names.empty() && (!node.is_directory() || kernel_.can_expire())) {
    const Node::Name& name = node.names.back();
    entry.entry_timeout = std::max(entry.entry_timeout, rights_.keeps_for(*name.parent, name.text, asked));
  }
  return entry;
}

bool Vfs::reply_attributes(Request& request, const Node& node) {
  struct stat shown = stat_of_node(node);
  const double timeout = attribute_timeout(node);
  // A handle that was opened for the page cache stays so when the right has gone. Each time the kernel asks, which it
  // then does before each read, it has to find another mtime to drop its pages: by less than SMB can tell.
  const std::shared_ptr<OpenFile> open_file = node.file.lock();
  if (!config_.loose && open_file != nullptr && open_file->cached_handles > 0 && !open_file->is_certain()) {
    shown.st_mtim.tv_nsec += static_cast<long>(++open_file->shown_times % kUnitOfFileTime);
  }
  return request.reply_attributes(shown, timeout);
}

bool Vfs::reply_entry(Request& request, Node& node, const Asked& asked) {
  if (!request.reply_entry(entry_of(node, asked))) return false;
  nodes_.count_lookup(node);
  return true;
}

void Vfs::reply_missing(Request& request, Node& parent, const std::string& name, const Asked& asked) {
  // Somebody else removed it: the server may only be waiting for our CLOSE.
  if (const NodeRef gone = nodes_.pin_child(parent, name)) {
    idle_.close(*gone);
    nodes_.remove_name(parent, name);
  }
  fuse_entry_param nothing{};
  nothing.entry_timeout = rights_.keeps_missing_for(parent, name, asked);
  if (nothing.entry_timeout > 0) {
    request.reply_entry(nothing);
  } else {
    request.reply_error(ENOENT);
  }
}

std::shared_ptr<FileHandle> Vfs::find_file(HandleId id) const {
  const auto found = files_.find(id);
  return found == files_.end() ? nullptr : found->second;
}

std::shared_ptr<FileHandle> Vfs::any_handle(const Node& node) const {
  const std::shared_ptr<OpenFile> open_file = node.file.lock();
  if (open_file == nullptr || open_file->handles.empty() || open_file->file.is_lost()) return nullptr;
  return open_file->handles.front()->weak_from_this().lock();
}

bool Vfs::is_open(const Node& node) {
  const std::shared_ptr<OpenFile> open_file = node.file.lock();
  return open_file != nullptr && !open_file->handles.empty() && !open_file->file.is_lost();
}

bool Vfs::has_open(const std::shared_ptr<OpenFile>& file) {
  return file != nullptr && file->file.has_opens() && !file->file.is_lost();
}

std::shared_ptr<OpenFile> Vfs::file_of(const NodeRef& node) {
  std::shared_ptr<OpenFile> file = node->file.lock();
  if (file == nullptr || file->file.is_lost()) {
    file = std::make_shared<OpenFile>(nodes_.pin(*node), kernel_, runtime_, budget_, share_, census_);
    node->file = file;
  }
  return file;
}

HandleId Vfs::add_file_handle(std::shared_ptr<OpenFile> file, client::Open& open, int flags) {
  idle_.take(*file);
  // Who only writes has no use for pages, and a write past them is the cheaper one.
  const bool cached = (file->is_certain() || config_.loose) && (flags & O_ACCMODE) != O_WRONLY;
  const HandleId id = next_handle_++;
  files_.emplace(id, buried_at_end(std::make_unique<FileHandle>(std::move(file), open, idle_, flags, cached)));
  return id;
}

// With this the kernel opens the handle; it then fills its page cache.
OpenMode Vfs::mode_of(HandleId id) {
  const FileHandle& handle = *files_.at(id);
  if (!handle.cached) return OpenMode::direct;
  OpenFile& file = *handle.shared;
  const std::optional<FileVersion> earlier = std::exchange(file.node->pages_are_of, std::nullopt);
  const FileVersion current = FileVersion::of(file.node->attributes);
  const bool keep = file.pages_current || earlier == current;
  if (file.is_certain()) {
    file.pages_current = true;
  } else if (config_.loose) {
    file.node->pages_are_of = current;
  }
  return keep ? OpenMode::cached_keep : OpenMode::cached;
}

HandleId Vfs::add_directory_handle(std::unique_ptr<DirectoryHandle> handle) {
  const HandleId id = next_handle_++;
  directories_.emplace(id, buried_at_end(std::move(handle)));
  return id;
}

void Vfs::bury(std::shared_ptr<void> handle) {
  if (buried_->empty()) {
    runtime_.post([weak = std::weak_ptr(buried_)] {
      if (const auto buried = weak.lock()) buried->clear();
    });
  }
  buried_->push_back(std::move(handle));
}

client::Task<void> Vfs::shut_down() {
  std::vector<std::shared_ptr<FileHandle>> handles;
  handles.reserve(files_.size());
  for (const auto& [id, handle] : files_) handles.push_back(handle);
  for (const std::shared_ptr<FileHandle>& handle : handles) handle->shared->file.locks().stop_waiting();
  for (std::shared_ptr<FileHandle>& handle : handles) {
    const bool unwritten = handle->writable && handle->shared->file.has_unsent();
    if (unwritten) co_await flush_and_log(handle);
    handle.reset();
  }
  directories_.clear();
  files_.clear();
  buried_->clear();
  idle_.clear();
  rights_.clear();
}

}  // namespace smb3fuse::fs
