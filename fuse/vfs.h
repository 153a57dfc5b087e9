// SPDX-License-Identifier: Apache-2.0
// The mounted file system: each operation of the kernel in terms of the engine's Share. README.md has the table of
// operations and round trips and the rules of the kernel's caches.
//
// - Every Request is answered once, on every path. What a late answer made and nobody receives is undone.
// - A regular file's attributes are valid in the kernel while we have the right to read it, else for no time: it asks
//   for each stat, and we answer from memory while that is fresh, so that size and times are right after open, close
//   and our own writes.
// - Data goes through the kernel's page cache while we have the right to read, else every byte is asked of us.
// - Nothing waits for a CLOSE, and nothing here blocks. Loop thread.
// Names, files, directories and attributes are implemented in a file each: vfs_*.cpp.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "cache/budget.h"
#include "cache/buffer.h"
#include "fuse/file_runs.h"
#include "fuse/folder_rights.h"
#include "fuse/handles.h"
#include "fuse/listings_ahead.h"
#include "fuse/lookup_runs.h"
#include "fuse/nodes.h"
#include "fuse/request.h"
#include "fuse/vfs_status.h"
#include "smb/client/runtime.h"
#include "smb/client/share.h"
#include "smb/client/task.h"

namespace smb3fuse::fs {

struct VfsConfig {
  Presentation presentation;
  client::Duration file_attribute_timeout = std::chrono::seconds(1);
  client::Duration directory_attribute_timeout = std::chrono::seconds(1);
  bool server_inodes = true;
  bool loose = false;       // without a right the kernel's page cache is trusted as long as attributes are
  bool lazy_close = false;  // close(2) does not wait for data that nobody else can ask for
  bool strict_sync = true;  // fsync reaches the server's disk
  bool locks = true;        // fcntl(2) and flock(2) reach the server; else the kernel keeps them to itself
  bool prefetch = true;     // directories of a tree that a program walks
};

using HandleId = std::uint64_t;

class Vfs {
 public:
  // All but `config` outlive it.
  Vfs(client::Runtime& runtime, cache::Budget& budget, client::Share& share, KernelCaches& kernel, VfsConfig config);
  ~Vfs();
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  // Names
  client::Task<void> lookup(Request request, NodeId parent, std::string name);
  void forget(NodeId id, std::uint64_t lookups) { nodes_.forget(id, lookups); }
  client::Task<void> make_directory(Request request, NodeId parent, std::string name, mode_t mode);
  client::Task<void> make_node(Request request, NodeId parent, std::string name, mode_t mode, dev_t device);
  client::Task<void> make_symlink(Request request, NodeId parent, std::string name, std::string target);
  client::Task<void> link(Request request, NodeId id, NodeId parent, std::string name);
  client::Task<void> remove_file(Request request, NodeId parent, std::string name);
  client::Task<void> remove_directory(Request request, NodeId parent, std::string name);
  client::Task<void> rename(Request request, NodeId from, std::string from_name, NodeId to, std::string to_name,
                            unsigned flags);

  // Attributes
  client::Task<void> get_attributes(Request request, NodeId id);
  client::Task<void> set_attributes(Request request, NodeId id, struct stat wanted, int what);
  client::Task<void> read_link(Request request, NodeId id);
  client::Task<void> file_system_info(Request request);

  // Extended attributes. `size` 0 asks for the size of the value.
  client::Task<void> get_extended_attribute(Request request, NodeId id, std::string name, std::size_t size);
  client::Task<void> list_extended_attributes(Request request, NodeId id, std::size_t size);
  client::Task<void> set_extended_attribute(Request request, NodeId id, std::string name, std::string value);
  client::Task<void> remove_extended_attribute(Request request, NodeId id, std::string name);

  // Files
  client::Task<void> open(Request request, NodeId id, int flags);
  client::Task<void> create(Request request, NodeId parent, std::string name, mode_t mode, int flags);
  client::Task<void> read(Request request, HandleId id, std::uint64_t offset, std::uint32_t size);
  client::Task<void> write(Request request, HandleId id, std::uint64_t offset, cache::Buffer data, int flags);
  // `owner` is that of fcntl(2) locks, which end with its first close(2).
  client::Task<void> flush(Request request, HandleId id, std::uint64_t owner);
  client::Task<void> sync(Request request, HandleId id);
  client::Task<void> release(Request request, HandleId id);
  client::Task<void> allocate(Request request, HandleId id, int mode, std::uint64_t offset, std::uint64_t length);
  client::Task<void> seek(Request request, HandleId id, std::uint64_t offset, int whence);

  // Locks
  bool has_locks() const { return config_.locks; }
  client::Task<void> set_lock(Request request, HandleId id, client::OwnedLock wanted, bool waits);
  client::Task<void> release_lock(Request request, HandleId id, client::LockOwner owner, client::LockRange range);
  client::Task<void> find_lock(Request request, HandleId id, client::OwnedLock wanted);

  // Directories
  client::Task<void> open_directory(Request request, NodeId id, bool is_to_be_read);
  client::Task<void> read_directory(Request request, HandleId id, std::uint64_t offset, std::size_t size,
                                    bool with_attributes);
  void release_directory(Request request, HandleId id);

  // Writes everything that is not written yet, says in the log what could not be, and closes all opens.
  client::Task<void> shut_down();

  std::size_t node_count() const { return nodes_.size(); }
  // Do the invariants of all files hold? For tests, after every step.
  bool audit() const { return census_.audit(); }
  const TreeWalk::Counts& listings_ahead() const { return listings_ahead_.counts(); }
  VfsStatus status() const;

 private:
  // What is asked and remembered.
  Asked ask() const { return nodes_.asked_now(runtime_.now()); }
  client::Duration validity_of(const client::Attributes& attributes) const;
  bool is_fresh(const Node& node) const { return node.fresh_until > runtime_.now() || rights_.holds(node); }
  // False if the answer was not taken as it is, because of what we changed after asking.
  bool learn(Node& node, const client::Attributes& attributes, const Asked& asked);
  // No round trip is needed to say what the node is like.
  bool is_known(const Node& node) const;
  client::Task<std::error_code> refresh(Node& node);  // the caller pins it
  // What came by the path of the node was not of it.
  std::error_code note_stale_name(const Node& node);
  // What the listing of `parent` says of `name` while it is fresh.
  enum class Listed : std::uint8_t { unknown, absent, present };
  Listed find_listed(const Node& parent, const std::string& name, const client::DirectoryEntry*& entry,
                     Asked& asked) const;
  // The server has said so, lately enough; `asked` is when.
  bool is_known_missing(const Node& parent, const std::string& name, Asked& asked) const;
  bool is_valid(const Node& directory, const Listing& listing) const;
  // An entry of its own, or of its directory: may it be shown with the attributes that were listed?
  bool is_current(const Node& directory, const Listing& listing, const client::DirectoryEntry& entry) const;
  void keep_listing(const std::shared_ptr<Listing>& listing);

  // What is shown.
  struct stat stat_of_node(const Node& node) const;
  // For an answer about a node that the kernel knows, or does not know yet: that one may come after the news that it is
  // out of date.
  double attribute_timeout(const Node& node) const;
  double first_attribute_timeout(const Node& node, const Asked& asked) const;
  double entry_timeout(const Node& node, const Asked& asked) const;
  // Under a right to the folder that it is in, the kernel keeps the name for longer.
  fuse_entry_param entry_of(const Node& node, const Asked& asked);
  bool reply_attributes(Request& request, const Node& node);
  bool reply_entry(Request& request, Node& node, const Asked& asked);
  void reply_missing(Request& request, Node& parent, const std::string& name, const Asked& asked);

  // Names.
  client::Result<std::string> path_in(const NodeRef& parent, const std::string& name) const;
  void reply_made(Request& request, Node& parent, const std::string& name,
                  const client::Result<client::Attributes>& made, const Asked& asked);
  void keep_empty_listing(const NodeRef& directory, const Asked& asked);
  client::Share::RemoveHint hint_for(const NodeRef& node) const;
  void note_making(Node& parent, const std::string& name);  // before the server is asked to
  void note_made(Node& parent, const std::string& name);
  void note_gone(Node& parent, const std::string& name);
  static void count_folder(Node& parent, int change);  // a folder has come into it, or gone
  void note_removed(Node& parent, const std::string& name, const NodeRef& node);
  client::Task<std::error_code> make_way(Node& parent, const std::string& name, const Node& moved);

  // Handles.
  std::shared_ptr<FileHandle> find_file(HandleId id) const;
  std::shared_ptr<FileHandle> any_handle(const Node& node) const;
  static bool is_open(const Node& node);
  static bool has_open(const std::shared_ptr<OpenFile>& file);  // also one that nobody uses
  std::shared_ptr<OpenFile> file_of(const NodeRef& node);
  HandleId add_file_handle(std::shared_ptr<OpenFile> file, client::Open& open, int flags);
  OpenMode mode_of(HandleId id);
  HandleId add_directory_handle(std::unique_ptr<DirectoryHandle> handle);
  // The engine may be in the midst of calling us when the last user of a handle ends: its objects are destroyed on a
  // turn of their own.
  template <class T>
  std::shared_ptr<T> buried_at_end(std::unique_ptr<T> handle) {
    return std::shared_ptr<T>(handle.release(), [this](T* ended) {
      bury(std::shared_ptr<void>(static_cast<void*>(ended), [ended](void*) { delete ended; }));
    });
  }
  void bury(std::shared_ptr<void> handle);

  // Files ahead of need.
  client::Task<void> join_open_ahead(OpenFile& file);
  void open_ahead_beside(const Node& node);
  void open_ahead_of(const Node& node);
  void begin_file_run(Node& directory);
  client::Task<void> open_ahead(NodeRef node, NodeId directory);

  // Data and changes.
  std::uint32_t first_read_of(const Node& node, int flags) const;
  // An open more of a file that is known by that name.
  client::Task<client::Result<client::Open*>> open_anew(OpenFile& file, std::string path, int flags, bool empty);
  void learn_opened(OpenFile& file, const client::Attributes& told, const Asked& asked);
  void note_size(Node& node, std::uint64_t size, bool exactly);
  void note_own_change(OpenFile& file);
  void note_written(FileHandle& handle, std::uint64_t begin, std::uint64_t end);
  client::Task<std::error_code> flush(FileHandle& handle, bool to_disk);
  client::Task<void> flush_and_log(std::shared_ptr<FileHandle> handle);
  client::Task<void> release_locks(FileHandle& handle, client::LockOwner owner);
  client::Task<std::error_code> change_through_open(Node& node, std::string path, client::AttributeChanges changes);
  client::Task<std::error_code> apply(Node& node, client::AttributeChanges changes);
  client::Task<std::error_code> empty(Node& node);
  // Access control lists.
  bool has_acls(const Node& node) const;
  bool knows_acls(const Node& node) const;
  client::Task<client::Result<client::PosixAcls>> acls_of(Node& node);  // the caller pins it
  client::Task<client::Result<client::PosixAcls>> ask_for_acls(Node& node);
  client::Task<client::Result<client::PosixAcls>> fetch_acls(Node& node);
  client::Task<void> fetch_acls_ahead(NodeRef node);
  void begin_acl_run(Node& directory);
  void ask_acls_beside(const Node& node);
  void ask_acls_after(const Node& node);
  client::Task<std::error_code> change_acl(Node& node, client::PosixAclChange change);
  client::Task<void> change_acl(Request request, NodeId id, std::string name, client::PosixAcl acl);
  // At least so long.
  client::Task<std::error_code> extend(FileHandle& handle, std::uint64_t end);

  // Directories.
  client::Task<void> list_for_lookups(NodeRef directory);
  client::Task<std::error_code> list(DirectoryHandle& handle);  // or takes what was listed ahead
  client::Task<std::error_code> list_again(DirectoryHandle& handle);
  client::Task<std::error_code> read_page(DirectoryHandle& handle);
  OpenMode mode_of(const DirectoryHandle& handle);
  class PageWriter;
  // False: the page is full.
  bool put_entry(PageWriter& page, Node& directory, const Listing& listing, std::uint64_t position);

  client::Runtime& runtime_;
  cache::Budget& budget_;
  client::Share& share_;
  KernelCaches& kernel_;
  const VfsConfig config_;
  FileCensus census_;
  VfsCounts counts_;
  Nodes nodes_;
  IdleFiles idle_;
  std::deque<std::shared_ptr<Listing>> recent_listings_;
  FolderRights rights_;           // after nodes_
  ListingsAhead listings_ahead_;  // after nodes_
  LookupRuns lookup_runs_;
  FileRuns file_runs_;
  FileRuns acl_runs_;
  client::FileSystemInfo statistics_;
  client::TimePoint statistics_until_{};
  HandleId next_handle_ = 1;
  std::shared_ptr<std::vector<std::shared_ptr<void>>> buried_;  // after nodes_, before the handles
  std::unordered_map<HandleId, std::shared_ptr<FileHandle>> files_;
  std::unordered_map<HandleId, std::shared_ptr<DirectoryHandle>> directories_;
};

}  // namespace smb3fuse::fs
