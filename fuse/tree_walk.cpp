// SPDX-License-Identifier: Apache-2.0
#include "fuse/tree_walk.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

namespace smb3fuse::fs {

namespace {

constexpr double kProof = 100;
constexpr double kMostDoubt = 1024;
constexpr std::size_t kFirstWindow = 8;
constexpr std::size_t kMostAhead = 32;
// Entries of listings that wait to be used, those under way included: some 10 MB.
constexpr std::size_t kMostEntries = 32'768;
// What is known of trees.
constexpr std::size_t kMostBranches = 256;
constexpr std::size_t kMostNames = 65'536;
constexpr std::size_t kDeepest = 64;  // that is looked into at once

bool is_hidden(std::string_view name) { return name.starts_with('.'); }

// As dictionaries, and so most languages' locales, sort: by letters and digits in either case before all else.
bool precedes_by_letters(std::string_view left, std::string_view right) {
  const auto letter_from = [](std::string_view text, std::size_t& at) {
    for (; at < text.size(); ++at) {
      const char c = text[at];
      if (c >= 'A' && c <= 'Z') return static_cast<unsigned char>(c - 'A' + 'a');
      if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0) return static_cast<unsigned char>(c);
    }
    return static_cast<unsigned char>(0);
  };
  for (std::size_t l = 0, r = 0;; ++l, ++r) {
    const unsigned char from_left = letter_from(left, l);
    const unsigned char from_right = letter_from(right, r);
    if (from_left != from_right) return from_left < from_right;
    if (from_left == 0) return left < right;
  }
}

}  // namespace

bool TreeWalk::Walk::may_open(const Child& child) const {
  return !child.opened && (hidden_too || !is_hidden(child.name));
}

// The one that is believed, of those that are possible.
TreeWalk::Order TreeWalk::Walk::order() const {
  unsigned lowest = 0;
  while ((orders >> lowest & 1U) == 0) ++lowest;
  return static_cast<Order>(lowest);
}

void TreeWalk::Walk::begin_anew(double its_evidence) {
  evidence = its_evidence;
  went_on = proven = false;
  orders = kAllOrders;
}

bool TreeWalk::Branch::precedes(Order by, std::size_t left, std::size_t right) const {
  switch (by) {
    case Order::listed:
      return left < right;
    case Order::bytes:
      return children[left].name < children[right].name;
    case Order::letters:
      return precedes_by_letters(children[left].name, children[right].name);
    case Order::number:
      return children[left].number < children[right].number;
  }
  return false;
}

bool TreeWalk::Branch::is_next(Order by, std::size_t child) const {
  const auto may_open = [this](std::size_t each) { return walk->may_open(children[each]); };
  if (by == order && !sequence.empty()) {
    const auto next = std::find_if(sequence.begin() + static_cast<std::ptrdiff_t>(cursor), sequence.end(), may_open);
    return next != sequence.end() && *next == child;
  }
  if (last != kNone && !precedes(by, last, child)) return false;
  for (std::size_t other = 0; other < children.size(); ++other) {
    const bool between = (last == kNone || precedes(by, last, other)) && precedes(by, other, child);
    if (between && may_open(other)) return false;
  }
  return true;
}

bool TreeWalk::Branch::is_foretold(std::size_t child) const {
  if (walk->proven && is_next(walk->order(), child)) return true;
  unsigned right = 0;
  for (unsigned each = 0; each < kOrders; ++each) {
    const unsigned bit = 1U << each;
    if ((walk->orders & bit) != 0 && is_next(static_cast<Order>(each), child)) right |= bit;
  }
  if (right != 0) walk->orders = right;
  return right != 0;
}

std::size_t TreeWalk::Branch::choices() const {
  return static_cast<std::size_t>(
      std::count_if(children.begin(), children.end(), [this](const Child& each) { return walk->may_open(each); }));
}

void TreeWalk::Branch::note_opened(std::size_t child) {
  children[child].opened = children[child].asked = true;
  last = child;
  if (sequence.empty()) return;
  const auto ahead = sequence.begin() + static_cast<std::ptrdiff_t>(cursor);
  auto found = std::find(ahead, sequence.end(), child);
  if (found == sequence.end()) found = std::find(sequence.begin(), ahead, child);
  cursor = static_cast<std::size_t>(found - sequence.begin()) + 1;
}

void TreeWalk::Branch::forget_opens() {
  for (Child& child : children) {
    if (child.opened) child.opened = child.asked = false;
  }
  last = kNone;
  cursor = 0;
}

void TreeWalk::Branch::sort() {
  order = walk->order();
  sequence.resize(children.size());
  std::iota(sequence.begin(), sequence.end(), 0);
  std::stable_sort(sequence.begin(), sequence.end(),
                   [this](std::size_t left, std::size_t right) { return precedes(order, left, right); });
  cursor = 0;
  if (last != kNone) note_opened(last);
}

TreeWalk::Branch* TreeWalk::find(Folder folder) {
  const auto found = branches_.find(folder);
  return found == branches_.end() ? nullptr : &found->second;
}

// The folders that a walk stands in are the last to be forgotten. What is known of parents may be out of date, so a way
// up has an end.
void TreeWalk::touch(Folder folder) {
  ++touches_;
  for (std::size_t depth = 0; depth < kDeepest; ++depth) {
    Branch* const branch = find(folder);
    if (branch == nullptr) return;
    branch->touched = touches_;
    folder = branch->parent;
  }
}

void TreeWalk::make_room() {
  while (branches_.size() > kMostBranches || names_ > kMostNames) {
    const auto oldest = std::min_element(branches_.begin(), branches_.end(), [](const auto& left, const auto& right) {
      return left.second.touched < right.second.touched;
    });
    names_ -= oldest->second.children.size();
    branches_.erase(oldest);
  }
}

void TreeWalk::note_moved(const std::shared_ptr<Walk>& walk) {
  if (std::find(moved_.begin(), moved_.end(), walk) == moved_.end()) moved_.push_back(walk);
}

TreeWalk::Child* TreeWalk::find_child(Branch& branch, const std::string& name) {
  const auto found = std::find_if(branch.children.begin(), branch.children.end(),
                                  [&](const Child& child) { return child.name == name; });
  return found == branch.children.end() ? nullptr : &*found;
}

void TreeWalk::handle_open(const Place& place, client::TimePoint now) {
  Branch* const own = find(place.folder);
  if (own != nullptr && own->walk->at == place.folder) return;  // rm and others open a folder twice
  if (own != nullptr) own->forget_opens();
  Branch* const parent = find(place.parent);
  Child* const child = parent == nullptr ? nullptr : find_child(*parent, place.name);
  if (child == nullptr || child->opened) {
    // Where a walk begins, perhaps once more.
    if (child == nullptr && own == nullptr) return;
    Walk& walk = child == nullptr ? *own->walk : *parent->walk;
    walk.begin_anew(child == nullptr ? 1 : 1 / static_cast<double>(parent->children.size()));
    walk.at = place.folder;
    walk.above = place.parent;
    walk.moved_at = now;
    return;
  }
  touch(place.parent);
  child->folder = place.folder;
  const auto opened = static_cast<std::size_t>(child - parent->children.data());
  judge(*parent, opened, now);
  parent->note_opened(opened);
  Walk& walk = *parent->walk;
  walk.at = place.folder;
  walk.above = place.parent;
  walk.moved_at = now;
  note_moved(parent->walk);
}

void TreeWalk::judge(Branch& branch, std::size_t opened, client::TimePoint now) {
  Walk& walk = *branch.walk;
  const Child& child = branch.children[opened];
  const client::Duration pause = now - walk.moved_at;
  const bool rested = pause >= validity_;
  walk.pause = (walk.pause + std::min(pause, validity_)) / 2;
  if (rested) walk.begin_anew(1);
  if (is_hidden(child.name)) walk.hidden_too = true;

  const bool goes_on = branch.last != kNone;
  if (goes_on) {
    const Branch* const former = find(branch.children[branch.last].folder);
    if (former != nullptr && former->last == kNone && former->choices() != 0) walk.descends = false;
  } else {
    walk.descends = true;
  }

  const bool foretold = branch.is_foretold(opened);
  if (walk.proven && (foretold || child.asked)) return;
  const auto choices = static_cast<double>(branch.choices());
  if (!foretold) {
    walk.begin_anew(1 / choices);
    return;
  }
  if (rested) return;
  walk.evidence *= choices;
  if (goes_on && choices > 1) walk.went_on = true;
  if (!walk.went_on || walk.evidence < kProof * doubt_) return;
  walk.proven = true;
  walk.window = kFirstWindow;
}

void TreeWalk::handle_listing(const Place& place, std::vector<Subfolder> shown, client::TimePoint now) {
  if (shown.size() > kMostNames / 2) return;
  Branch* const parent = find(place.parent);
  Branch& branch = branches_[place.folder];
  if (branch.walk == nullptr) {
    branch.walk = parent != nullptr ? parent->walk : std::make_shared<Walk>();
    if (parent == nullptr) branch.walk->at = place.folder;
  }
  branch.parent = place.parent;
  if (parent != nullptr) {
    if (Child* const child = find_child(*parent, place.name)) child->folder = place.folder;
  }
  const auto [known, told] =
      std::mismatch(branch.children.begin(), branch.children.end(), shown.begin(), shown.end(),
                    [](const Child& child, const Subfolder& subfolder) { return child.name == subfolder.name; });
  if (told != shown.end()) {
    names_ -= branch.children.size();
    if (known != branch.children.end()) {
      branch.children.clear();
      branch.forget_opens();
    }
    branch.sequence.clear();
    for (std::size_t i = branch.children.size(); i < shown.size(); ++i) {
      branch.children.push_back({.name = std::move(shown[i].name), .number = shown[i].number});
    }
    names_ += branch.children.size();
  }
  if (branch.walk->at == place.folder) branch.walk->moved_at = now;
  note_moved(branch.walk);
  touch(place.folder);
  make_room();
}

std::vector<TreeWalk::Next> TreeWalk::advise() {
  std::vector<Next> advice;
  for (const std::shared_ptr<Walk>& walk : std::exchange(moved_, {})) {
    if (!walk->proven) continue;
    const std::size_t room = advice.size() + room_of(*walk);
    bool more = !walk->descends || collect(walk->at, room, 0, advice);
    Folder folder = walk->above;
    for (std::size_t depth = 0; more && depth < kDeepest; ++depth) {
      const Branch* const branch = find(folder);
      if (branch == nullptr || branch->walk != walk) break;
      more = collect(folder, room, 0, advice);
      folder = branch->parent;
    }
  }
  return advice;
}

bool TreeWalk::is_walked(Folder folder) const {
  const auto found = branches_.find(folder);
  if (found == branches_.end()) return false;
  const Walk& walk = *found->second.walk;
  return walk.proven && 8 * walk.pause < validity_;
}

bool TreeWalk::collect(Folder folder, std::size_t room, std::size_t depth, std::vector<Next>& advice) {
  Branch* const branch = find(folder);
  if (branch == nullptr || depth == kDeepest) return true;
  Walk& walk = *branch->walk;
  if (branch->sequence.empty() || branch->order != walk.order()) branch->sort();
  for (std::size_t i = branch->cursor; i < branch->sequence.size(); ++i) {
    Child& child = branch->children[branch->sequence[i]];
    if (!walk.may_open(child)) continue;
    if (!child.asked) {
      if (advice.size() >= room) return false;
      child.asked = true;
      advice.push_back({++last_ticket_, folder, child.name});
      ahead_.emplace(last_ticket_, Ahead{.walk = branch->walk});
      ++walk.ahead;
      ++in_flight_;
      ++counts_.asked;
    }
    if (walk.descends && !collect(child.folder, room, depth + 1, advice)) return false;
  }
  return true;
}

std::size_t TreeWalk::room_of(const Walk& walk) const {
  std::size_t most = walk.window;
  if (walk.pause > client::Duration::zero()) {
    most = std::min(most, static_cast<std::size_t>(validity_ / (2 * walk.pause)));
  }
  const std::size_t entries = kept_entries_ + in_flight_ * average_entries_;
  const std::size_t by_entries =
      (kMostEntries - std::min(kMostEntries, entries)) / std::max<std::size_t>(average_entries_, 1);
  return std::min(most - std::min(most, walk.ahead), by_entries);
}

void TreeWalk::handle_arrival(Ticket ticket, std::size_t entries) {
  Ahead& ahead = ahead_.at(ticket);
  ahead.arrived = true;
  ahead.entries = entries;
  --in_flight_;
  kept_entries_ += entries;
  average_entries_ = (3 * average_entries_ + entries) / 4;
}

std::shared_ptr<TreeWalk::Walk> TreeWalk::take_back(Ticket ticket) {
  const auto found = ahead_.find(ticket);
  Ahead ahead = std::move(found->second);
  ahead_.erase(found);
  if (!ahead.arrived) --in_flight_;
  kept_entries_ -= ahead.entries;
  --ahead.walk->ahead;
  return std::move(ahead.walk);
}

void TreeWalk::handle_use(Ticket ticket, client::TimePoint now) {
  const std::shared_ptr<Walk> walk = take_back(ticket);
  ++counts_.used;
  doubt_ = std::max(1.0, doubt_ / 2);
  walk->window = std::clamp<std::size_t>(walk->window * 2, 1, kMostAhead);
  walk->moved_at = now;
}

void TreeWalk::handle_waste(Ticket ticket) {
  const std::shared_ptr<Walk> walk = take_back(ticket);
  ++counts_.unused;
  doubt_ = std::min(kMostDoubt, doubt_ * 2);
  walk->window /= 2;
  if (walk->window == 0) walk->begin_anew(1);
}

}  // namespace smb3fuse::fs
