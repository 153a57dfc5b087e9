// SPDX-License-Identifier: Apache-2.0
#include "fuse/folder_rights.h"

#include <algorithm>
#include <utility>

#include "fuse/open_file.h"
#include "fuse/text.h"

namespace smb3fuse::fs {

namespace {

// Each is an open, and where it is a watch a request that stands, which servers count (Windows: 512 of a connection).
constexpr std::size_t kMostRights = 128;
constexpr std::size_t kMostEntries = 65536;  // of all listings that are kept for them
constexpr std::size_t kMostOfOne = 8192;
constexpr std::size_t kMostMissing = 1024;  // names of one folder
constexpr std::size_t kMostRemembered = 4096;
// So often is somebody heard who tells of changes and nothing else.
constexpr std::size_t kMostTold = 16;
constexpr auto kPays = std::chrono::seconds(60);
constexpr auto kSweep = std::chrono::seconds(5);
// A change of ours is told to us within this; Samba 4.17 takes a few milliseconds.
constexpr auto kEcho = std::chrono::seconds(2);

bool is_below(const Node& node, const Node& folder) {
  for (const Node* each = &node; !each->names.empty(); each = each->names.back().parent) {
    if (each->names.back().parent == &folder) return true;
  }
  return false;
}

// Nobody but us changes it, and the file's own right says until when.
bool is_certain(const Node& node) {
  const std::shared_ptr<OpenFile> file = node.file.lock();
  return file != nullptr && file->is_certain();
}

}  // namespace

FolderRights::FolderRights(client::Runtime& runtime, client::Share& share, Nodes& nodes, KernelCaches& kernel,
                           client::Duration validity, List list)
    : runtime_(runtime),
      share_(share),
      nodes_(nodes),
      kernel_(kernel),
      validity_(validity),
      list_(std::move(list)),
      timer_(runtime.make_timer()) {
  nodes_.tell_moves([this](const Node& folder) { give_up_below(folder); });
}

// ---- which are asked for

void FolderRights::note_listing(Node& folder) {
  if (validity_ == client::Duration::zero()) return;
  if (held_.contains(folder.id) || too_large_.contains(folder.id)) return;
  const client::TimePoint now = runtime_.now();
  if (listed_at_.size() >= kMostRemembered) listed_at_.clear();
  const auto [last, is_first] = listed_at_.try_emplace(folder.id, now);
  const bool pays = !is_first && now - last->second < kPays;
  last->second = now;
  if (pays) ask(folder);
}

void FolderRights::ask(Node& folder) {
  std::optional<std::string> path = nodes_.path_of(folder);
  if (!path) return;
  make_room();
  std::shared_ptr<client::DirectoryRight> right = share_.ask_directory_right(std::move(*path), *this);
  if (right == nullptr) return;
  if (held_.empty()) timer_->expire_at(runtime_.now() + kSweep, [this] { sweep(); });
  Held& held = held_[folder.id];
  held.node = nodes_.pin(folder);
  held.right = std::move(right);
  held.used_at = runtime_.now();
  listed_at_.erase(folder.id);
}

void FolderRights::make_room() {
  std::size_t entries = 0;
  for (const auto& [id, held] : held_) entries += held.listing != nullptr ? held.listing->entries.size() : 0;
  while (held_.size() >= kMostRights || entries > kMostEntries) {
    const auto oldest = std::min_element(held_.begin(), held_.end(), [](const auto& left, const auto& right) {
      return left.second.used_at < right.second.used_at;
    });
    entries -= oldest->second.listing != nullptr ? oldest->second.listing->entries.size() : 0;
    give_up(oldest);
  }
}

void FolderRights::sweep() {
  const client::TimePoint now = runtime_.now();
  for (auto each = held_.begin(); each != held_.end();) {
    const auto held = each++;
    const std::shared_ptr<Listing>& listing = held->second.listing;
    const bool is_large = listing != nullptr && listing->entries.size() > kMostOfOne;
    if (is_large && too_large_.size() < kMostRemembered) too_large_.insert(held->first);
    if (is_large || now - held->second.used_at > kLongest) give_up(held);
  }
  if (!held_.empty()) timer_->expire_at(now + kSweep, [this] { sweep(); });
}

void FolderRights::give_up(ById::iterator held) {
  tell_kernel(held->second, nullptr);
  held_.erase(held);
}

void FolderRights::give_up(const Node& folder) {
  if (const auto found = held_.find(folder.id); found != held_.end()) give_up(found);
}

void FolderRights::give_up_below(const Node& folder) {
  for (auto each = held_.begin(); each != held_.end();) {
    const auto held = each++;
    if (held->second.node.pointer() == &folder || is_below(*held->second.node, folder)) give_up(held);
  }
}

void FolderRights::clear() {
  timer_->cancel();
  held_.clear();
}

// ---- what holds

FolderRights::Held* FolderRights::find_there(const Node& folder) {
  const auto found = held_.find(folder.id);
  return found != held_.end() && found->second.is_there ? &found->second : nullptr;
}

const FolderRights::Held* FolderRights::find_there(const Node& folder) const {
  const auto found = held_.find(folder.id);
  return found != held_.end() && found->second.is_there ? &found->second : nullptr;
}

void FolderRights::keep(Node& folder, const std::shared_ptr<Listing>& listing) {
  Held* const held = find_there(folder);
  if (held == nullptr) return;
  const client::TimePoint asked = listing->asked.at;
  listing->is_vouched = listing->is_followed && asked >= held->since && asked > held->heard_at;
  held->listing = listing;
}

bool FolderRights::holds(const Node& folder, const Asked& asked) const {
  const Held* const held = find_there(folder);
  if (held == nullptr || asked.at < held->since || asked.at + kLongest <= runtime_.now()) return false;
  return asked.is_vouched || asked.at > held->heard_at;
}

bool FolderRights::holds(const Node& folder, const Listing& listing) const {
  const Held* const held = find_there(folder);
  return held != nullptr && listing.is_vouched && listing.is_followed && held->listing.get() == &listing &&
         listing.asked.at >= held->since && listing.asked.at + kLongest > runtime_.now();
}

bool FolderRights::holds(const Node& node) const {
  if (node.told_at == client::TimePoint() || node.told_at + kLongest <= runtime_.now()) return false;
  const auto covers = [&](const Node& folder) {
    const Held* const held = find_there(folder);
    return held != nullptr && node.told_at >= held->since;
  };
  if (node.names.size() > 1 || !node.file.expired()) return false;
  if (node.is_directory() && !covers(node)) return false;
  if (node.names.empty() ? node.id != kRootId : !covers(*node.names.back().parent)) return false;
  note_use(*find_there(node.names.empty() ? node : *node.names.back().parent), node.told_at);
  return true;
}

void FolderRights::note_use(const Held& held, client::TimePoint asked_at) const {
  const client::TimePoint now = runtime_.now();
  if (asked_at + validity_ > now) return;
  held.told = 0;
  held.used_at = now;
}

std::shared_ptr<Listing> FolderRights::whole_listing(const Node& folder) {
  Held* const held = find_there(folder);
  if (held == nullptr || held->listing == nullptr || !holds(folder, *held->listing)) return nullptr;
  if (!held->listing->complete || !held->listing->changed.empty()) return nullptr;
  note_use(*held, held->listing->asked.at);
  return held->listing;
}

bool FolderRights::is_recent_own(const Held& held, const std::string& name) const {
  const auto own = held.own.find(name);
  return own != held.own.end() && runtime_.now() - own->second.at < kEcho;
}

double FolderRights::keeps_until(Held& held, const Asked& asked) {
  const client::TimePoint until = asked.at + kLongest;
  held.told_until = std::max(held.told_until, until);
  note_use(held, asked.at);
  return std::chrono::duration<double>(until - runtime_.now()).count();
}

double FolderRights::keeps_for(const Node& folder, const std::string& name, const Asked& asked) {
  Held* const held = find_there(folder);
  if (held == nullptr || !holds(folder, asked) || is_recent_own(*held, name)) return 0;
  return keeps_until(*held, asked);
}

double FolderRights::keeps_missing_for(const Node& folder, const std::string& name, const Asked& asked) {
  Held* const held = find_there(folder);
  if (held == nullptr || !holds(folder, asked) || is_recent_own(*held, name)) return 0;
  if (held->missing.size() >= kMostMissing) return 0;
  held->missing.insert(name);
  return keeps_until(*held, asked);
}

bool FolderRights::note_shown(const Node& folder, const std::shared_ptr<Listing>& listing) {
  Held* const held = find_there(folder);
  if (held == nullptr) return false;
  const bool is_same = held->shown.lock() == listing;
  held->shown = listing;
  held->told_until = std::max(held->told_until, listing->asked.at + kLongest);
  return is_same;
}

// ---- what we change

void FolderRights::note_own(const Node& folder, const std::string& name, Action action) {
  const auto found = held_.find(folder.id);
  if (found == held_.end()) return;
  Held& held = found->second;
  const client::TimePoint now = runtime_.now();
  if (held.own.size() >= kMostMissing) {
    std::erase_if(held.own, [now](const auto& each) { return now - each.second.at >= kEcho; });
  }
  Own& own = held.own[name];
  if (now - own.at >= kEcho) own = {};
  own.at = now;
  if (action == Action::appeared) ++own.appeared;
  if (action == Action::gone) ++own.gone;
  own.changed = own.changed || action != Action::gone;  // what is made is changed, too, a moment later
}

void FolderRights::note_own_change(const Node& node) {
  for (const Node::Name& name : node.names) note_own(*name.parent, name.text, Action::changed);
}

void FolderRights::note_made(const Node& folder, const std::string& name) {
  if (Held* const held = find_there(folder)) drop_missing_like(*held, name);
}

bool FolderRights::is_known_here(Held& held, const client::DirectoryRight::Change& change) {
  const auto own = held.own.find(change.name);
  bool is_own = false;
  if (own != held.own.end() && runtime_.now() - own->second.at < kEcho) {
    is_own = change.action == Action::appeared ? own->second.appeared > 0
             : change.action == Action::gone   ? own->second.gone > 0
                                               : own->second.changed;
    if (is_own && change.action == Action::appeared) --own->second.appeared;
    if (is_own && change.action == Action::gone) --own->second.gone;
  }
  const NodeRef child = nodes_.pin_child(*held.node, change.name);
  const bool is_known = is_own || (child && is_certain(*child) && change.action == Action::changed);
  nodes_.note_told(*held.node, change.name, is_known);
  return is_known;
}

// ---- what is told

FolderRights::ById::iterator FolderRights::find(const client::DirectoryRight& right) {
  return std::find_if(held_.begin(), held_.end(), [&](const auto& each) { return each.second.right.get() == &right; });
}

void FolderRights::handle_right(client::DirectoryRight& right) {
  const auto found = find(right);
  if (found == held_.end()) return;
  Held& held = found->second;
  held.is_there = true;
  held.since = runtime_.now();
  list_(nodes_.pin(*held.node));
}

bool FolderRights::handle_changes(client::DirectoryRight& right,
                                  const std::vector<client::DirectoryRight::Change>& changes) {
  const auto found = find(right);
  if (found == held_.end()) return false;
  Held& held = found->second;
  held.heard_at = runtime_.now();
  bool is_told = false;
  for (const client::DirectoryRight::Change& change : changes) {
    if (is_known_here(held, change)) continue;
    if (!std::exchange(is_told, true)) kernel_.invalidate_attributes(held.node->id);
    held.node->news_at = held.heard_at;
    drop_name(held, change);
  }
  if (changes.empty()) {
    held.since = held.heard_at;
    forget(held);
    tell_kernel(held, nullptr);
  }
  if (++held.told <= kMostTold) return true;
  give_up(found);
  return false;
}

void FolderRights::handle_loss(client::DirectoryRight& right, std::function<void()> done) {
  const auto found = find(right);
  if (found == held_.end()) return done();
  Held held = std::move(found->second);
  held_.erase(found);
  if (!held.is_there) return done();
  listed_at_[held.node->id] = runtime_.now();  // to list it once more is enough
  forget(held);
  tell_kernel(held, std::move(done));
}

void FolderRights::drop_name(Held& held, const client::DirectoryRight::Change& change) {
  const Node& folder = *held.node;
  const NodeRef child = nodes_.pin_child(*held.node, change.name);
  if (child && child->is_directory()) {
    kernel_.expire_entry(folder.id, change.name);
  } else {
    held.missing.erase(change.name);
    kernel_.invalidate_entry(folder.id, change.name);
  }
  if (change.action == Action::appeared) drop_missing_like(held, change.name);
}

// Only the server knows which names are one to it: those that differ in case, and perhaps others that are not plain.
void FolderRights::drop_missing_like(Held& held, const std::string& name) {
  const std::string folded = lower_case(name);
  const bool any = !is_plain_name(name);
  std::erase_if(held.missing, [&](const std::string& each) {
    if (!any && is_plain_name(each) && lower_case(each) != folded) return false;
    if (each != name) kernel_.invalidate_entry(held.node->id, each);
    return true;
  });
}

void FolderRights::forget(Held& held) {
  held.told_until = client::TimePoint::max();  // even what holds no longer than without a right
  Node& folder = *held.node;
  folder.news_at = runtime_.now();
  nodes_.forget_listing(folder);
  for (const auto& [name, child] : folder.children) {
    if (!is_certain(*child)) nodes_.forget_attributes(*child);
  }
}

void FolderRights::tell_kernel(Held& held, std::function<void()> done) {
  held.shown.reset();
  if (held.told_until <= runtime_.now()) {
    if (done) done();
    return;
  }
  const Node& folder = *held.node;
  held.told_until = {};
  const auto is_known = [](const auto& child) { return child.second->lookups > 0; };
  KernelCaches::Done each;
  if (done) {
    const auto known = std::count_if(folder.children.begin(), folder.children.end(), is_known);
    const std::size_t count = 1 + static_cast<std::size_t>(known) + held.missing.size();
    each = [left = std::make_shared<std::size_t>(count), done = std::move(done)](bool) {
      if (--*left == 0) done();
    };
  }
  kernel_.invalidate_attributes(folder.id, each);
  for (const auto& entry : folder.children) {
    if (!is_known(entry)) continue;
    const auto& [name, child] = entry;
    if (child->is_directory()) {
      kernel_.expire_entry(folder.id, name, each);
    } else {
      kernel_.invalidate_entry(folder.id, name, each);
    }
  }
  for (const std::string& name : std::exchange(held.missing, {})) kernel_.invalidate_entry(folder.id, name, each);
}

}  // namespace smb3fuse::fs
