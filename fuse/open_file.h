// SPDX-License-Identifier: Apache-2.0
// A node's file while there are opens on it, and the opens that nobody uses but that may be kept: under the right of
// the handle a file that is opened again costs nothing. Loop thread.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cache/budget.h"
#include "cache/usage.h"
#include "fuse/kernel_caches.h"
#include "fuse/nodes.h"
#include "smb/client/file.h"

namespace smb3fuse::fs {

struct FileHandle;
class OpenFile;

// All OpenFiles there are.
class FileCensus {
 public:
  void enter(const OpenFile& file) { here_.insert(&file); }
  void leave(const OpenFile& file) { here_.erase(&file); }

  cache::Usage usage() const;
  // Opened ahead of need and not used yet.
  std::size_t ahead() const;
  bool audit() const;

 private:
  std::unordered_set<const OpenFile*> here_;
};

// All handles read and write through the one client::File.
class OpenFile final : public client::File::Owner {
 public:
  // All of them outlive it.
  OpenFile(NodeRef its_node, KernelCaches& kernel, client::Runtime& runtime, cache::Budget& budget,
           client::Share& share, FileCensus& census);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  NodeRef node;
  client::File file;
  std::vector<FileHandle*> handles;
  bool removed = false;  // by one of its names: the server waits for the last CLOSE
  bool written = false;  // since the last flush: what the server says of size and times may lag behind
  // What others may have done to it is known until then, whatever we write.
  client::TimePoint known_until{};
  // Since the last flush, by writing behind the end: only the server knows how much room the file takes.
  bool has_new_hole = false;
  // Opened ahead of need because of what was read in this directory, and not used yet.
  NodeId ahead_in = 0;
  bool opening_ahead = false;
  std::vector<std::function<void(bool)>> waiting;  // for that
  // The kernel's pages are as the file is: they may be kept over an open.
  bool pages_current = false;
  std::uint64_t read_rights_lost = 0;  // how often
  std::size_t cached_handles = 0;      // through the kernel's page cache
  unsigned shown_times = 0;            // how often another time was shown, so that the kernel drops its pages

  // What is known of the file cannot change but by us.
  bool is_certain() const { return file.rights().read; }
  // And we were told of it since we have that right: what others did before is known, too.
  bool is_known_by_right() const { return is_certain() && known_until == client::TimePoint::max(); }

 private:
  void handle_read_right_lost() override;
  void drop_attributes(std::function<void()> done) override;
  void drop_data(std::function<void()> done) override;
  void handle_unwritten(std::error_code error) override;

  KernelCaches& kernel_;
  FileCensus& census_;
};

// Files without a handle whose opens are kept. They go one by one: when they have not been used for a while, when there
// are too many, and before we rename or remove what they are of.
class IdleFiles {
 public:
  // Outlives it.
  explicit IdleFiles(client::Runtime& runtime) : runtime_(runtime), timer_(runtime.make_timer()) {}

  void keep(std::shared_ptr<OpenFile> file);
  // It has a handle again.
  void take(const OpenFile& file);
  // Its opens are closed, if nobody uses them.
  void close(const Node& node);
  // Those of all files below `directory`, which would keep it from being moved.
  void close_below(const Node& directory);
  void clear();
  std::size_t size() const { return files_.size(); }
  // Of these, with an open: a break may have closed it.
  std::size_t open_count() const;

 private:
  struct Idle {
    std::shared_ptr<OpenFile> file;
    client::TimePoint since;
  };
  using Files = std::list<Idle>;
  template <class Which>
  void close_if(Which which);
  Files::iterator close(Files::iterator idle);
  void arm();
  void sweep();

  client::Runtime& runtime_;
  Files files_;  // the longest unused first
  std::unordered_map<const OpenFile*, Files::iterator> places_;
  std::unique_ptr<client::Timer> timer_;
};

}  // namespace smb3fuse::fs
