// SPDX-License-Identifier: Apache-2.0
#include "fuse/listings_ahead.h"

#include <iterator>
#include <optional>
#include <utility>

namespace smb3fuse::fs {

namespace {

// A larger one is listed when it is opened: its delay is not what takes long.
constexpr std::size_t kMostEntries = 4096;

TreeWalk::Place place_of(const Node& directory) {
  if (directory.names.empty()) return {.folder = directory.id};
  const Node::Name& name = directory.names.back();
  return {.folder = directory.id, .parent = name.parent->id, .name = name.text};
}

}  // namespace

ListingsAhead::ListingsAhead(client::Runtime& runtime, client::Share& share, Nodes& nodes, FolderRights& rights,
                             client::Duration validity)
    : runtime_(runtime),
      share_(share),
      nodes_(nodes),
      rights_(rights),
      validity_(validity),
      walk_(validity),
      timer_(runtime.make_timer()),
      alive_(std::make_shared<ListingsAhead*>(this)) {}

ListingsAhead::~ListingsAhead() = default;

client::Task<std::error_code> read_page(const client::Share& share, client::DirectoryStream& stream, Listing& listing) {
  client::Result<std::vector<client::DirectoryEntry>> page = co_await stream.next();
  if (!page) co_return page.error();
  if (page->empty()) listing.complete = true;
  for (client::DirectoryEntry& entry : *page) {
    if (!share.is_hidden_name(entry.name)) listing.add(std::move(entry));
  }
  co_return std::error_code();
}

client::Task<ListingsAhead::Taken> ListingsAhead::take(Node& directory) {
  Taken taken;
  if (validity_ == client::Duration::zero()) co_return taken;
  walk_.handle_open(place_of(directory), runtime_.now());
  look_ahead_soon();
  if (!directory.names.empty()) stepped_in_ = directory.names.back().parent->id;
  const auto found = ahead_.find(directory.id);
  if (found != ahead_.end() && !found->second.arrived && is_fresh(directory, *found->second.listing)) {
    auto wait = [found](auto done) { found->second.waiting.push_back(std::move(done)); };
    taken = co_await client::callback<Taken>(wait);
    co_return taken;
  }
  // One that was used already is as good for the next: rm opens each directory twice.
  taken.listing = directory.listing.lock();
  if (taken.listing != nullptr && !can_answer(directory, *taken.listing)) taken.listing = nullptr;
  if (taken.listing == nullptr) taken.listing = rights_.whole_listing(directory);
  if (found != ahead_.end() && found->second.arrived) {
    if (taken.listing == found->second.listing) {
      use(found);
    } else {
      waste(found);
    }
  }
  co_return taken;
}

void ListingsAhead::note_listed(const Node& directory, const Listing& listing) {
  if (validity_ == client::Duration::zero()) return;
  std::vector<TreeWalk::Subfolder> shown;
  for (const client::DirectoryEntry& entry : listing.entries) {
    if (!entry.attributes.is_directory()) continue;
    shown.push_back({entry.name, nodes_.inode_number_of(directory, entry.name, entry.attributes)});
  }
  walk_.handle_listing(place_of(directory), std::move(shown), runtime_.now());
  look_ahead_soon();
}

void ListingsAhead::look_ahead_soon() {
  if (std::exchange(will_look_ahead_, true)) return;
  runtime_.post([alive = std::weak_ptr(alive_)] {
    if (const auto self = alive.lock()) (*self)->look_ahead();
  });
}

void ListingsAhead::look_ahead() {
  will_look_ahead_ = false;
  for (const TreeWalk::Next& next : walk_.advise()) start(next);
  if (walk_.is_walked(stepped_in_)) keep_fresh(stepped_in_);
  drop_old();
}

bool ListingsAhead::is_outdated(const Node& directory, const Listing& listing) {
  const std::shared_ptr<Listing> latest = directory.listing.lock();
  return latest != nullptr && latest->asked.at > listing.asked.at;
}

// The node that is listed; empty if that would be in vain.
NodeRef ListingsAhead::find_next(const TreeWalk::Next& next) {
  const NodeRef parent = nodes_.pin(next.parent);
  if (!parent) return {};
  NodeRef known = nodes_.pin_child(*parent, next.name);
  if (known) return known->is_directory() && !ahead_.contains(known->id) ? std::move(known) : NodeRef();
  const std::shared_ptr<Listing> listing = parent->listing.lock();
  if (listing == nullptr || !is_fresh(*parent, *listing) || !listing->is_followed ||
      listing->changed.contains(next.name)) {
    return {};
  }
  const auto entry = listing->by_name.find(next.name);
  if (entry == listing->by_name.end()) return {};
  return nodes_.adopt(*parent, next.name, listing->entries[entry->second].attributes, false);
}

void ListingsAhead::start(const TreeWalk::Next& next) {
  NodeRef node = find_next(next);
  std::optional<std::string> path = node ? nodes_.path_of(*node) : std::nullopt;
  if (!path) {
    walk_.handle_waste(next.ticket);
    return;
  }
  const NodeId id = node->id;
  if (const std::shared_ptr<Listing> known = rights_.whole_listing(*node)) {
    ahead_.emplace(id, Ahead{.ticket = next.ticket, .node = std::move(node), .listing = known, .arrived = true});
    walk_.handle_arrival(next.ticket, known->entries.size());
    return;
  }
  rights_.note_listing(*node);
  const std::shared_ptr<Listing> listing = new_listing();
  ahead_.emplace(id, Ahead{.ticket = next.ticket, .node = std::move(node), .listing = listing});
  client::spawn(list(alive_, share_, id, std::move(*path), listing, &ListingsAhead::handle_arrival));
}

void ListingsAhead::keep_fresh(NodeId id) {
  NodeRef node = nodes_.pin(id);
  std::optional<std::string> path = node ? nodes_.path_of(*node) : std::nullopt;
  if (!path) return;
  Walked& walked = walked_[id];
  walked.listing = node->listing.lock();
  if (walked.listing != nullptr) {
    walked.is_large = walked.listing->entries.size() > kMostEntries;
    if (walked.listing->asked.at + validity_ / 2 > runtime_.now() || rights_.holds(*node, *walked.listing)) return;
  }
  if (walked.is_asked || walked.is_large) return;
  walked.is_asked = true;
  rights_.note_listing(*node);
  walked.node = std::move(node);
  client::spawn(list(alive_, share_, id, std::move(*path), new_listing(), &ListingsAhead::handle_fresh));
}

void ListingsAhead::handle_fresh(NodeId id, Taken come) {
  Walked& walked = walked_.at(id);
  const NodeRef node = std::move(walked.node);
  walked.is_asked = false;
  walked.is_large = come.listing != nullptr && !come.listing->complete;
  if (come.listing == nullptr || walked.is_large || is_outdated(*node, *come.listing)) return;
  nodes_.follow(*node, come.listing);
  rights_.keep(*node, come.listing);
  walked.listing = std::move(come.listing);
}

std::shared_ptr<Listing> ListingsAhead::new_listing() const {
  auto listing = std::make_shared<Listing>();
  listing->asked = nodes_.asked_now(runtime_.now());
  return listing;
}

client::Task<void> ListingsAhead::list(std::weak_ptr<ListingsAhead*> alive, client::Share& share, NodeId id,
                                       std::string path, std::shared_ptr<Listing> listing, Done done) {
  Taken come{.listing = std::move(listing)};
  std::error_code error;
  client::Result<std::unique_ptr<client::DirectoryStream>> stream = co_await share.open_directory(std::move(path));
  if (stream) {
    come.stream = std::move(*stream);
  } else {
    error = stream.error();
  }
  while (!error && !come.listing->complete && come.listing->entries.size() < kMostEntries) {
    error = co_await read_page(share, *come.stream, *come.listing);
  }
  if (error) come = Taken();
  if (const auto self = alive.lock()) ((*self)->*done)(id, std::move(come));
}

void ListingsAhead::handle_arrival(NodeId id, Taken come) {
  const auto found = ahead_.find(id);
  Ahead& ahead = found->second;
  ahead.arrived = true;
  walk_.handle_arrival(ahead.ticket, ahead.listing->entries.size());
  bool is_good = come.listing != nullptr && !is_outdated(*ahead.node, *come.listing);
  if (is_good) {
    come.listing->is_ahead = true;
    nodes_.follow(*ahead.node, come.listing);
    rights_.keep(*ahead.node, come.listing);
    note_listed(*ahead.node, *come.listing);
    is_good = is_true(*come.listing);
  }
  if (ahead.waiting.empty()) {
    if (!is_good || !come.listing->complete) return waste(found);
    return;
  }

  const std::vector<std::function<void(Taken)>> waiting = std::move(ahead.waiting);
  if (is_good) {
    use(found);
  } else {
    waste(found);
  }
  for (const auto& done : waiting) {
    Taken taken;
    if (is_good && (come.listing->complete || come.stream != nullptr)) {
      taken.listing = come.listing;
      if (!come.listing->complete) taken.stream = std::move(come.stream);
    }
    done(std::move(taken));
  }
}

void ListingsAhead::use(AheadByNode::iterator used) {
  walk_.handle_use(used->second.ticket, runtime_.now());
  ahead_.erase(used);
}

void ListingsAhead::waste(AheadByNode::iterator wasted) {
  walk_.handle_waste(wasted->second.ticket);
  ahead_.erase(wasted);
}

void ListingsAhead::drop_old() {
  for (auto each = ahead_.begin(); each != ahead_.end();) {
    const auto wasted = each++;
    if (wasted->second.arrived && !is_fresh(*wasted->second.node, *wasted->second.listing)) waste(wasted);
  }
  std::erase_if(walked_, [this](const auto& each) {
    const auto& [id, walked] = each;
    if (walked.is_asked) return false;
    return walked.is_large ? !walk_.is_walked(id)
                           : walked.listing == nullptr || walked.listing->asked.at + validity_ <= runtime_.now();
  });
  if (ahead_.empty() && walked_.empty()) return;
  timer_->expire_at(runtime_.now() + validity_, [this] { drop_old(); });
}

}  // namespace smb3fuse::fs
