// SPDX-License-Identifier: Apache-2.0
// Vfs: small files opened, with what is in them, before a program that reads one after another gets there. They are
// idle files like any other, and so take a lease of the handle: without one nothing is opened ahead.
#include <fcntl.h>

#include <utility>

#include "fuse/vfs.h"

namespace smb3fuse::fs {

namespace {

constexpr std::size_t kMostFiles = 4096;             // of a folder; what a larger one costs to look through is felt
constexpr std::uint64_t kLargestAhead = 128 * 1024;  // bytes of a file that is worth it
constexpr std::uint32_t kOnAnotherStorage =          // [MS-FSCC] 2.6: opening it may take minutes, or money
    client::file_attribute::offline | client::file_attribute::recall_on_open |
    client::file_attribute::recall_on_data_access;

}  // namespace

// A file that is about to come need not be asked for twice.
client::Task<void> Vfs::join_open_ahead(OpenFile& file) {
  if (const NodeId directory = std::exchange(file.ahead_in, 0)) {
    ++counts_.files_ahead_used;
    file_runs_.handle_use(directory);
  }
  if (!file.opening_ahead) co_return;
  auto wait = [&](auto done) { file.waiting.push_back(std::move(done)); };
  co_await client::callback<bool>(wait);
}

void Vfs::begin_file_run(Node& directory) {
  const std::shared_ptr<Listing> listing = directory.listing.lock();
  if (listing == nullptr || listing->entries.size() > kMostFiles) return;
  std::vector<FileRuns::Listed> files;
  for (const client::DirectoryEntry& entry : listing->entries) {
    const client::Attributes& attributes = entry.attributes;
    if (attributes.is_directory()) continue;
    const bool worth_it = is_told_completely(attributes) && attributes.end_of_file <= kLargestAhead &&
                          (attributes.file_attributes & kOnAnotherStorage) == 0;
    files.push_back({entry.name, nodes_.inode_number_of(directory, entry.name, attributes), worth_it});
  }
  file_runs_.begin(directory.id, std::move(files));
}

// Beside an open that is about to be sent, which goes first.
void Vfs::open_ahead_beside(const Node& node) {
  if (!file_runs_.is_proven()) return;
  runtime_.post([this, weak = std::weak_ptr(buried_), id = node.id] {
    const auto alive = weak.lock();
    const NodeRef pinned = alive ? nodes_.pin(id) : NodeRef();
    if (pinned) open_ahead_of(*pinned);
  });
}

void Vfs::open_ahead_of(const Node& node) {
  if (node.names.empty()) return;
  Node& directory = *node.names.back().parent;
  const std::string& name = node.names.back().text;
  if (!file_runs_.knows(directory.id, name)) begin_file_run(directory);
  for (const std::string& next : file_runs_.handle_open(directory.id, name)) {
    const client::DirectoryEntry* listed = nullptr;
    Asked asked = ask();
    NodeRef ahead = nodes_.pin_child(directory, next);
    if (!ahead && find_listed(directory, next, listed, asked) == Listed::present) {
      ahead = nodes_.adopt(directory, next, listed->attributes, false);
      learn(*ahead, listed->attributes, asked);
    }
    if (ahead && ahead->kind == FileKind::regular && ahead->file.expired()) {
      client::spawn(open_ahead(std::move(ahead), directory.id));
    }
  }
}

client::Task<void> Vfs::open_ahead(NodeRef node, NodeId directory) {
  std::optional<std::string> path = nodes_.path_of(*node);
  if (!path) co_return;
  const std::string asked_path = *path;
  const std::shared_ptr<OpenFile> file = file_of(node);
  ++counts_.files_ahead;
  file->ahead_in = directory;
  file->opening_ahead = true;
  const client::Result<client::Open*> opened = co_await open_anew(*file, std::move(*path), O_RDONLY, false);
  file->opening_ahead = false;
  if (opened) {
    file->file.end_use(**opened);
    // It was removed or moved while we asked.
    if (nodes_.path_of(*node) != asked_path) file->file.close_unused();
    if (file->handles.empty() && file->file.has_opens()) idle_.keep(file);
  }
  for (const auto& done : std::exchange(file->waiting, {})) done(true);
}

}  // namespace smb3fuse::fs
