// SPDX-License-Identifier: Apache-2.0
#include "fuse/open_file.h"

#include <algorithm>
#include <utility>

#include "fuse/handles.h"

namespace smb3fuse::fs {

namespace {

constexpr std::size_t kMaximumIdle = 512;  // a server counts them against what a session may open
constexpr client::Duration kKeptUnused = std::chrono::seconds(30);
constexpr client::Duration kSweep = std::chrono::seconds(1);

bool is_below(const Node& node, const Node& directory) {
  for (const Node* each = &node; !each->names.empty(); each = each->names.back().parent) {
    if (each->names.back().parent == &directory) return true;
  }
  return false;
}

}  // namespace

cache::Usage FileCensus::usage() const {
  cache::Usage all;
  for (const OpenFile* file : here_) all += file->file.usage();
  return all;
}

std::size_t FileCensus::ahead() const {
  return static_cast<std::size_t>(
      std::count_if(here_.begin(), here_.end(), [](const OpenFile* file) { return file->ahead_in != 0; }));
}

bool FileCensus::audit() const {
  return std::all_of(here_.begin(), here_.end(), [](const OpenFile* file) { return file->file.audit(); });
}

OpenFile::OpenFile(NodeRef its_node, KernelCaches& kernel, client::Runtime& runtime, cache::Budget& budget,
                   client::Share& share, FileCensus& census)
    : node(std::move(its_node)), file(runtime, budget, share, *this), kernel_(kernel), census_(census) {
  census_.enter(*this);
}

OpenFile::~OpenFile() { census_.leave(*this); }

// A file that is just being made has no node yet, and the kernel does not know it.

void OpenFile::handle_read_right_lost() {
  ++read_rights_lost;
  if (!node) return;
  node->fresh_until = known_until = {};
  // Whether they are still good is seen when it is opened the next time.
  if (std::exchange(pages_current, false)) node->pages_are_of = FileVersion::of(node->attributes);
}

void OpenFile::drop_attributes(std::function<void()> done) {
  if (!node) return done();
  kernel_.invalidate_attributes(node->id, [done = std::move(done)](bool) { done(); });
}

void OpenFile::drop_data(std::function<void()> done) {
  if (!node) return done();
  node->pages_are_of.reset();
  kernel_.invalidate_data(node->id, [done = std::move(done)](bool) { done(); });
}

void OpenFile::handle_unwritten(std::error_code error) {
  for (FileHandle* each : handles) {
    if (each->writable) each->untold = error;
  }
  handle_read_right_lost();
  drop_data([] {});
}

// With the opens go the rights, and what the kernel was told under them.
IdleFiles::Files::iterator IdleFiles::close(Files::iterator idle) {
  const std::shared_ptr<OpenFile> file = std::move(idle->file);
  places_.erase(file.get());
  const auto next = files_.erase(idle);
  file->file.close_unused();
  return next;
}

template <class Which>
void IdleFiles::close_if(Which which) {
  for (auto each = files_.begin(); each != files_.end();) each = which(*each) ? close(each) : std::next(each);
}

void IdleFiles::clear() {
  places_.clear();
  files_.clear();
}

void IdleFiles::keep(std::shared_ptr<OpenFile> file) {
  // Where others have the file too, a server need not wait for us before it lets them change it, and may not tell us at
  // all that they remove it (Samba 4.17 does neither): an open that is there already could show what was.
  if (!file->file.rights().write) {
    file->file.close_unused();
    return;
  }
  const OpenFile* const key = file.get();
  take(*key);
  places_.emplace(key, files_.insert(files_.end(), {std::move(file), runtime_.now()}));
  if (files_.size() > kMaximumIdle) close(files_.begin());
  if (files_.size() == 1) arm();
}

void IdleFiles::take(const OpenFile& file) {
  const auto place = places_.find(&file);
  if (place == places_.end()) return;
  const Files::iterator idle = place->second;
  places_.erase(place);
  files_.erase(idle);
}

void IdleFiles::close(const Node& node) {
  const std::shared_ptr<OpenFile> file = node.file.lock();
  const auto place = places_.find(file.get());
  if (place != places_.end()) close(place->second);
}

void IdleFiles::close_below(const Node& directory) {
  close_if([&](const Idle& idle) { return is_below(*idle.file->node, directory); });
}

std::size_t IdleFiles::open_count() const {
  return static_cast<std::size_t>(
      std::count_if(files_.begin(), files_.end(), [](const Idle& idle) { return idle.file->file.has_opens(); }));
}

void IdleFiles::arm() {
  timer_->expire_at(runtime_.now() + kSweep, [this] { sweep(); });
}

void IdleFiles::sweep() {
  const client::TimePoint now = runtime_.now();
  close_if([now](const Idle& idle) { return now - idle.since >= kKeptUnused; });
  if (!files_.empty()) arm();
}

}  // namespace smb3fuse::fs
