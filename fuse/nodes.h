// SPDX-License-Identifier: Apache-2.0
// The nodes the kernel knows, their names, and what we remember of their attributes.
//
// - A node is one file of the server: with file ids, hard links and names that differ only in case are several names
//   of one node. A node keeps its id, its kind and, if a link, its target for life; a file that comes under a known
//   file id but with another of these is another node.
// - A node lives while the kernel counts lookups of it, while it has named children, and while somebody pins it. Node
//   ids are never used again, so a generation is not needed.
// - Names hang on parents, so a renamed directory takes everything below it along. A directory has at most one name.
// - An answer asked before our own last change of a node may be older than the change and is not remembered (learn()).
// Loop thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "fuse/attribute_conversion.h"
#include "smb/client/attributes.h"
#include "smb/client/runtime.h"
#include "smb/client/share.h"

namespace smb3fuse::fs {

using NodeId = std::uint64_t;
inline constexpr NodeId kRootId = 1;

// When a question was put to the server: an answer is as old as its question.
struct Asked {
  std::uint64_t change = 0;  // the number of the last change made by us until then
  client::TimePoint at{};
  bool is_vouched = false;  // it stands in a listing that holds
};

// A directory as the server listed it, as far as it has been read, and what we have changed in it since: it answers
// look-ups, of names that are there and, once it is complete, of names that are not.
struct Listing {
  Asked asked;
  std::deque<client::DirectoryEntry> entries;
  std::unordered_map<std::string_view, std::size_t> by_name;  // keys lie in entries
  std::unordered_set<std::string> folded;                     // lower_case() of the names
  bool complete = false;
  bool is_ahead = false;  // asked for before anybody opened the directory
  // Names that we have made, changed or removed since: true if all that can be said is that it must be asked for.
  std::unordered_map<std::string, bool> changed;
  // It is the directory's own, and nothing was changed before it was: `changed` is the whole story.
  bool is_followed = false;
  // It was asked for under a right to the directory, and is told what others change, too: it holds as long as the
  // right.
  bool is_vouched = false;

  void add(client::DirectoryEntry entry);
};

// Only the server knows what else a name is equal to that has letters beyond ASCII, or looks like a short name.
bool is_plain_name(std::string_view name);

class OpenFile;

// Two that are equal are of the same data, as far as a server tells.
struct FileVersion {
  client::FileTime last_write_time = 0;
  client::FileTime change_time = 0;
  std::uint64_t end_of_file = 0;

  static FileVersion of(const client::Attributes& attributes) {
    return {attributes.last_write_time, attributes.change_time, attributes.end_of_file};
  }
  friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

// As it was asked for, and when: the server has said that there is none.
struct MissingName {
  std::string name;
  Asked asked;
};

// The access control lists of a node, as far as the server has told them, and who waits for that.
struct NodeAcls {
  std::optional<client::PosixAcls> told;
  Asked asked;
  client::FileTime change_time = 0;  // that was known of the node when they came
  bool is_settled = false;           // and was long over when they were asked for: they hold as long as it
  bool is_ahead = false;             // asked for ahead of need, and not used yet
  bool is_underway = false;
  std::vector<std::function<void(client::Result<client::PosixAcls>)>> waiting;
};

struct Node {
  struct Name {
    Node* parent;
    std::string text;
  };

  NodeId id;
  std::uint64_t inode_number;  // st_ino
  FileKind kind;

  client::Attributes attributes;
  client::TimePoint fresh_until{};  // until then the attributes are as good as asked
  client::TimePoint asked_at{};     // of the answer that the attributes are from
  client::TimePoint told_at{};      // the same, if it was asked under rights to folders that said nothing of it since
  client::TimePoint news_at{};      // of a directory: when others last changed it, as we were told
  std::uint64_t last_change = 0;    // the number of our own last change of it

  std::vector<Name> names;  // the last one is the one that the server confirmed last
  std::unordered_map<std::string, Node*> children;
  std::unordered_map<std::string, MissingName> missing;  // names of a directory, by lower_case()
  std::weak_ptr<OpenFile> file;                          // while we hold opens on it
  std::optional<FileVersion> pages_are_of;               // what the kernel's pages show, since we hold none
  std::weak_ptr<Listing> listing;                        // the last one, if it is still kept

  std::unique_ptr<NodeAcls> acls;  // once they were asked for

  std::uint64_t lookups = 0;
  std::uint32_t pins = 0;

  bool is_directory() const { return kind == FileKind::directory; }
};

class Nodes;

// Keeps a node while it is in use.
class NodeRef {
 public:
  NodeRef() = default;
  NodeRef(Nodes& nodes, Node& node);
  NodeRef(NodeRef&& other) noexcept
      : nodes_(std::exchange(other.nodes_, nullptr)), node_(std::exchange(other.node_, nullptr)) {}
  NodeRef& operator=(NodeRef&& other) noexcept {
    std::swap(nodes_, other.nodes_);
    std::swap(node_, other.node_);
    return *this;
  }
  ~NodeRef();

  explicit operator bool() const { return node_ != nullptr; }
  Node& operator*() const { return *node_; }
  Node* operator->() const { return node_; }
  Node* pointer() const { return node_; }

 private:
  Nodes* nodes_ = nullptr;
  Node* node_ = nullptr;
};

class Nodes {
 public:
  // `server_inodes`: the file ids are trusted to tell files apart and are shown as st_ino.
  Nodes(const client::Attributes& root, bool server_inodes);
  ~Nodes();
  Nodes(const Nodes&) = delete;
  Nodes& operator=(const Nodes&) = delete;

  Node& root() { return *root_; }
  // Empty if there is no such node.
  NodeRef pin(NodeId id);
  NodeRef pin(Node& node) { return NodeRef(*this, node); }
  NodeRef pin_child(Node& parent, const std::string& name);

  // Nothing, if the node or a folder above it has lost its name.
  std::optional<std::string> path_of(const Node& node) const;
  std::optional<std::string> path_of(const Node& parent, std::string_view name) const;

  // The node that `parent`/`name` is, as the server has just said; made if need be. `is_new`: we have just made the
  // file, so whoever had its file id before, and another time of creation, is gone. Attributes are only remembered by
  // learn().
  NodeRef adopt(Node& parent, const std::string& name, const client::Attributes& attributes, bool is_new);
  bool is_same_file(const Node& node, const client::Attributes& attributes) const;
  // The st_ino that adopt() would give; what a listing shows without making nodes.
  std::uint64_t inode_number_of(const Node& parent, const std::string& name,
                                const client::Attributes& attributes) const;

  void remove_name(Node& parent, const std::string& name);
  void rename(Node& from, const std::string& from_name, Node& to, const std::string& to_name);
  void add_name(Node& parent, const std::string& name, Node& node);

  void count_lookup(Node& node) { ++node.lookups; }
  void forget(NodeId id, std::uint64_t lookups);

  Asked asked_now(client::TimePoint now) const { return {changes_, now}; }
  // We have changed it: what is remembered, and what was asked until now, is out of date.
  void note_change(Node& node);
  // We have made, changed or removed `name` in it; `exists` says which. What is known of the rest stays good. `now` by
  // the server's clock is what the directory's time must be about, until it is asked for again.
  void note_entry(Node& directory, const std::string& name, bool exists, client::FileTime now);
  // The server has said that there is none; only plain names are remembered.
  void note_missing(Node& directory, const std::string& name, const Asked& asked);
  // Somebody may make `name`, or has made it: neither it nor what is equal to it for the server is missing any more.
  void forget_missing(Node& directory, const std::string& name);
  // Somebody has told that `name` is not what it was; `is_known`: that is what we know of it already, and at most the
  // right to believe it for longer is lost.
  void note_told(Node& directory, const std::string& name, bool is_known);
  // What is remembered is not as good as asked any more.
  void forget_attributes(Node& node);
  void forget_listing(Node& directory);
  // From now on `listing` is told what we change in the directory.
  void follow(Node& directory, const std::shared_ptr<Listing>& listing);
  // False if the answer was not taken, because we changed the node after asking, or know a newer one.
  bool learn(Node& node, const client::Attributes& attributes, const Asked& asked, client::Duration valid);

  // `told` hears of each directory that has got another name, whoever gave it.
  void tell_moves(std::function<void(const Node& directory)> told) { handle_moved_ = std::move(told); }

  std::size_t size() const { return nodes_.size(); }

 private:
  friend class NodeRef;
  // Kind and link target take part, because the kernel holds on to both for the life of a node.
  Node* find_file(const client::Attributes& attributes) const;
  Node& make(const client::Attributes& attributes, std::uint64_t inode_number);
  void drop_name(Node& node, std::size_t index);
  void drop_if_unused(Node* node);

  const bool server_inodes_;
  std::function<void(const Node&)> handle_moved_;
  NodeId next_id_ = kRootId;
  std::uint64_t changes_ = 0;
  std::unordered_map<NodeId, std::unique_ptr<Node>> nodes_;
  std::unordered_map<std::uint64_t, Node*> by_file_id_;
  Node* root_;
};

}  // namespace smb3fuse::fs
