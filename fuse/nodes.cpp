// SPDX-License-Identifier: Apache-2.0
#include "fuse/nodes.h"

#include <algorithm>
#include <cassert>

#include "fuse/text.h"

namespace smb3fuse::fs {

namespace {

constexpr std::size_t kMostMissing = 1024;  // names of one directory

// FNV-1a over the name, begun with the parent's number: where the server has no file ids, a path keeps its number.
std::uint64_t number_of_name(std::uint64_t parent, const std::string& name) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t hash = 0xcbf29ce484222325 ^ parent;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return std::max<std::uint64_t>(hash, kRootId + 1);
}

// Is what is new not the file that `node` is, though the server gives it the same number? Servers by POSIX tell no time
// of creation, but what is gone has no name here, or was changed before.
bool is_of_another_time(const Node& node, const client::Attributes& attributes) {
  if (!attributes.posix) return node.attributes.creation_time != attributes.creation_time;
  return node.names.empty() || node.attributes.change_time < attributes.change_time;
}

}  // namespace

NodeRef::NodeRef(Nodes& nodes, Node& node) : nodes_(&nodes), node_(&node) { ++node.pins; }

NodeRef::~NodeRef() {
  if (node_ == nullptr) return;
  --node_->pins;
  nodes_->drop_if_unused(node_);
}

bool is_plain_name(std::string_view name) {
  return std::none_of(name.begin(), name.end(),
                      [](char c) { return c == '~' || static_cast<unsigned char>(c) >= 0x80; });
}

void Listing::add(client::DirectoryEntry entry) {
  const client::DirectoryEntry& kept = entries.emplace_back(std::move(entry));
  by_name.emplace(kept.name, entries.size() - 1);
  folded.insert(lower_case(kept.name));
}

Nodes::Nodes(const client::Attributes& root, bool server_inodes) : server_inodes_(server_inodes) {
  root_ = &make(root, server_inodes && root.file_id != 0 ? root.file_id : kRootId);
  root_->kind = FileKind::directory;
}

Nodes::~Nodes() = default;

NodeRef Nodes::pin(NodeId id) {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? NodeRef() : NodeRef(*this, *found->second);
}

NodeRef Nodes::pin_child(Node& parent, const std::string& name) {
  const auto found = parent.children.find(name);
  return found == parent.children.end() ? NodeRef() : NodeRef(*this, *found->second);
}

std::optional<std::string> Nodes::path_of(const Node& node) const {
  std::vector<const std::string*> parts;
  const Node* at = &node;
  for (; at != root_; at = at->names.back().parent) {
    if (at->names.empty()) return std::nullopt;
    parts.push_back(&at->names.back().text);
  }
  std::string path;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (!path.empty()) path += '/';
    path += **part;
  }
  return path;
}

std::optional<std::string> Nodes::path_of(const Node& parent, std::string_view name) const {
  std::optional<std::string> path = path_of(parent);
  if (!path) return path;
  if (!path->empty()) *path += '/';
  *path += name;
  return path;
}

NodeRef Nodes::adopt(Node& parent, const std::string& name, const client::Attributes& attributes, bool is_new) {
  Node* node = nullptr;
  if (server_inodes_ && attributes.file_id != 0) {
    node = find_file(attributes);
    // An answer that was sent later may have told of it before.
    if (is_new && node != nullptr && is_of_another_time(*node, attributes)) node = nullptr;
  }
  const auto child = parent.children.find(name);
  if (node == nullptr && !is_new && child != parent.children.end() && is_same_file(*child->second, attributes)) {
    node = child->second;  // one of the two has no file id
  }
  if (node == nullptr) node = &make(attributes, inode_number_of(parent, name, attributes));
  NodeRef adopted = pin(*node);
  add_name(parent, name, *node);
  return adopted;
}

bool Nodes::is_same_file(const Node& node, const client::Attributes& attributes) const {
  if (&node != root_ && node.kind != kind_of(attributes)) return false;
  if (node.kind == FileKind::symlink && node.attributes.symlink_target != attributes.symlink_target) return false;
  if (!server_inodes_ || node.attributes.file_id == 0 || attributes.file_id == 0) return true;
  return node.attributes.file_id == attributes.file_id;
}

std::uint64_t Nodes::inode_number_of(const Node& parent, const std::string& name,
                                     const client::Attributes& attributes) const {
  if (server_inodes_ && attributes.file_id != 0) return attributes.file_id;
  const auto child = parent.children.find(name);
  if (child != parent.children.end()) return child->second->inode_number;
  return number_of_name(parent.inode_number, name);
}

Node* Nodes::find_file(const client::Attributes& attributes) const {
  const auto found = by_file_id_.find(attributes.file_id);
  return found != by_file_id_.end() && is_same_file(*found->second, attributes) ? found->second : nullptr;
}

Node& Nodes::make(const client::Attributes& attributes, std::uint64_t inode_number) {
  auto made = std::make_unique<Node>();
  Node& node = *made;
  node.id = next_id_++;
  node.inode_number = inode_number;
  node.kind = kind_of(attributes);
  node.attributes = attributes;
  nodes_.emplace(node.id, std::move(made));
  if (server_inodes_ && attributes.file_id != 0) by_file_id_[attributes.file_id] = &node;
  return node;
}

void Nodes::add_name(Node& parent, const std::string& name, Node& node) {
  if (const auto child = parent.children.find(name); child != parent.children.end()) {
    if (child->second == &node) {
      const auto known = std::find_if(node.names.begin(), node.names.end(), [&](const Node::Name& each) {
        return each.parent == &parent && each.text == name;
      });
      std::rotate(known, known + 1, node.names.end());
      return;
    }
    remove_name(parent, name);
  }
  const bool moves = node.is_directory() && !node.names.empty();
  if (moves) drop_name(node, 0);
  node.names.push_back({&parent, name});
  parent.children.emplace(name, &node);
  forget_missing(parent, name);
  if (moves && handle_moved_) handle_moved_(node);
}

void Nodes::remove_name(Node& parent, const std::string& name) {
  const auto child = parent.children.find(name);
  if (child == parent.children.end()) return;
  Node& node = *child->second;
  const auto known = std::find_if(node.names.begin(), node.names.end(),
                                  [&](const Node::Name& each) { return each.parent == &parent && each.text == name; });
  assert(known != node.names.end());
  drop_name(node, static_cast<std::size_t>(known - node.names.begin()));
  drop_if_unused(&node);
}

void Nodes::drop_name(Node& node, std::size_t index) {
  Node* const parent = node.names[index].parent;
  parent->children.erase(node.names[index].text);
  node.names.erase(node.names.begin() + static_cast<std::ptrdiff_t>(index));
  drop_if_unused(parent);
}

void Nodes::rename(Node& from, const std::string& from_name, Node& to, const std::string& to_name) {
  const NodeRef moved = pin_child(from, from_name);
  if (!moved) {  // never looked up by the kernel: nothing but the old target is known
    remove_name(to, to_name);
    return;
  }
  remove_name(from, from_name);
  add_name(to, to_name, *moved);
}

void Nodes::forget(NodeId id, std::uint64_t lookups) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return;
  Node* const node = found->second.get();
  node->lookups -= std::min(lookups, node->lookups);
  drop_if_unused(node);
}

void Nodes::drop_if_unused(Node* node) {
  if (node == root_ || node->lookups != 0 || node->pins != 0 || !node->children.empty()) return;
  const auto by_id = by_file_id_.find(node->attributes.file_id);
  if (by_id != by_file_id_.end() && by_id->second == node) by_file_id_.erase(by_id);
  std::vector<NodeRef> parents;  // each goes too, at the end, if only this node kept it
  for (const Node::Name& name : node->names) {
    name.parent->children.erase(name.text);
    parents.push_back(pin(*name.parent));
  }
  nodes_.erase(node->id);
}

void Nodes::note_change(Node& node) {
  node.last_change = ++changes_;
  forget_attributes(node);
  if (const std::shared_ptr<Listing> listing = node.listing.lock()) listing->is_followed = false;
  node.listing.reset();
  for (const Node::Name& name : node.names) {
    if (const std::shared_ptr<Listing> listing = name.parent->listing.lock()) listing->changed[name.text] = true;
  }
}

void Nodes::note_entry(Node& directory, const std::string& name, bool exists, client::FileTime now) {
  directory.last_change = ++changes_;
  directory.told_at = {};
  directory.attributes.last_write_time = directory.attributes.change_time = now;
  if (exists) forget_missing(directory, name);
  const std::shared_ptr<Listing> listing = directory.listing.lock();
  if (listing == nullptr) return;
  listing->changed[name] = exists;
  if (exists) listing->folded.insert(lower_case(name));
}

void Nodes::note_missing(Node& directory, const std::string& name, const Asked& asked) {
  if (directory.last_change > asked.change || directory.news_at > asked.at || !is_plain_name(name)) return;
  if (directory.missing.size() >= kMostMissing) directory.missing.clear();
  directory.missing.insert_or_assign(lower_case(name), MissingName{name, asked});
}

void Nodes::forget_missing(Node& directory, const std::string& name) {
  if (is_plain_name(name)) {
    directory.missing.erase(lower_case(name));
  } else {
    directory.missing.clear();
  }
}

void Nodes::note_told(Node& directory, const std::string& name, bool is_known) {
  directory.told_at = {};
  forget_missing(directory, name);
  if (!is_known) directory.fresh_until = {};
  if (const std::shared_ptr<Listing> listing = directory.listing.lock()) {
    if (is_known) {
      listing->changed.try_emplace(name, true);
    } else {
      listing->changed[name] = true;
    }
    listing->folded.insert(lower_case(name));
  }
  const auto child = directory.children.find(name);
  if (child == directory.children.end()) return;
  child->second->told_at = {};
  if (is_known) return;
  child->second->last_change = ++changes_;
  child->second->fresh_until = {};
}

void Nodes::forget_attributes(Node& node) {
  node.fresh_until = {};
  node.told_at = {};
}

void Nodes::forget_listing(Node& directory) {
  forget_attributes(directory);
  if (const std::shared_ptr<Listing> listing = directory.listing.lock()) listing->is_followed = false;
  directory.listing.reset();
  directory.missing.clear();
}

void Nodes::follow(Node& directory, const std::shared_ptr<Listing>& listing) {
  if (const std::shared_ptr<Listing> former = directory.listing.lock()) former->is_followed = false;
  listing->is_followed = directory.last_change <= listing->asked.change;
  directory.listing = listing;
}

bool Nodes::learn(Node& node, const client::Attributes& attributes, const Asked& asked, client::Duration valid) {
  if (node.last_change > asked.change || node.asked_at > asked.at) return false;
  node.asked_at = asked.at;
  node.told_at = {};
  const std::uint32_t known_links = node.attributes.number_of_links;
  const std::uint64_t known_id = node.attributes.file_id;
  const std::optional<client::PosixAttributes> known_posix = node.attributes.posix;
  node.attributes = attributes;
  if (!attributes.posix) node.attributes.posix = known_posix;
  if (attributes.number_of_links == 0) node.attributes.number_of_links = known_links;
  if (attributes.file_id == 0) node.attributes.file_id = known_id;
  if (server_inodes_ && known_id == 0 && attributes.file_id != 0) by_file_id_.emplace(attributes.file_id, &node);
  node.fresh_until = asked.at + valid;
  return true;
}

}  // namespace smb3fuse::fs
