// SPDX-License-Identifier: Apache-2.0
// Lists directories before programs that walk a tree open them. TreeWalk says which; here they are asked for, kept
// until they are used or too old, and handed out.
//
// - A listing fetched ahead answers an open within its validity since it was asked for, and only if nothing that it
//   shows was changed by us since. What is in doubt is listed again.
// - Only complete listings are kept: an open directory on the server, for the rest of a large one, could stand in the
//   way of renaming it or what is above it. Whoever waits for one that turns out to be large gets it with its stream.
// - The folder whose sub-folders are opened is listed again before its listing is too old, as long as the walk lasts:
//   look-ups in it are answered from memory. That listing answers no open.
// - Requests go out on a turn of their own, behind what a program waits for.
// Loop thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "fuse/folder_rights.h"
#include "fuse/nodes.h"
#include "fuse/tree_walk.h"
#include "smb/client/runtime.h"
#include "smb/client/share.h"
#include "smb/client/task.h"

namespace smb3fuse::fs {

// The next answer of a stream, into its listing.
client::Task<std::error_code> read_page(const client::Share& share, client::DirectoryStream& stream, Listing& listing);

class ListingsAhead {
 public:
  // All outlive it. `validity` of nothing: nothing is listed ahead.
  ListingsAhead(client::Runtime& runtime, client::Share& share, Nodes& nodes, FolderRights& rights,
                client::Duration validity);
  ~ListingsAhead();
  ListingsAhead(const ListingsAhead&) = delete;
  ListingsAhead& operator=(const ListingsAhead&) = delete;

  // `stream` continues the listing if it is not complete.
  struct Taken {
    std::shared_ptr<Listing> listing;
    std::unique_ptr<client::DirectoryStream> stream{};
  };
  // A program opens `directory`, which the caller pins: its listing, if it was fetched ahead or is about to come.
  client::Task<Taken> take(Node& directory);
  // A program has been told of more of `directory`.
  void note_listed(const Node& directory, const Listing& listing);

  const TreeWalk::Counts& counts() const { return walk_.counts(); }

 private:
  struct Ahead {
    TreeWalk::Ticket ticket;
    NodeRef node;  // so that the listing is told of our changes
    std::shared_ptr<Listing> listing;
    bool arrived = false;
    std::vector<std::function<void(Taken)>> waiting{};
  };
  using AheadByNode = std::unordered_map<NodeId, Ahead>;
  // A folder that is walked.
  struct Walked {
    NodeRef node;
    std::shared_ptr<Listing> listing;
    bool is_asked = false;  // for the next one
    bool is_large = false;  // too large for that
  };

  // Nothing that it shows was changed by us.
  static bool is_true(const Listing& listing) { return listing.is_followed && listing.changed.empty(); }
  bool is_fresh(const Node& directory, const Listing& listing) const {
    return listing.asked.at + validity_ > runtime_.now() || rights_.holds(directory, listing);
  }
  bool can_answer(const Node& directory, const Listing& listing) const {
    return listing.is_ahead && listing.complete && is_true(listing) && is_fresh(directory, listing);
  }

  // Somebody who reads the directory from the start again may have asked later.
  static bool is_outdated(const Node& directory, const Listing& listing);

  void look_ahead_soon();
  void look_ahead();
  // What nobody has used, and folders that are not walked any more.
  void drop_old();
  NodeRef find_next(const TreeWalk::Next& next);
  void start(const TreeWalk::Next& next);
  void keep_fresh(NodeId id);
  void handle_fresh(NodeId id, Taken come);
  // Lists it and calls `done`: with nothing after an error, without what is beyond the first entries of a large one.
  using Done = void (ListingsAhead::*)(NodeId, Taken);
  static client::Task<void> list(std::weak_ptr<ListingsAhead*> alive, client::Share& share, NodeId id, std::string path,
                                 std::shared_ptr<Listing> listing, Done done);
  std::shared_ptr<Listing> new_listing() const;
  void handle_arrival(NodeId id, Taken come);
  void use(AheadByNode::iterator used);
  void waste(AheadByNode::iterator wasted);

  client::Runtime& runtime_;
  client::Share& share_;
  Nodes& nodes_;
  FolderRights& rights_;
  const client::Duration validity_;
  TreeWalk walk_;
  AheadByNode ahead_;
  std::unordered_map<NodeId, Walked> walked_;
  NodeId stepped_in_ = 0;  // the parent of what was opened last
  bool will_look_ahead_ = false;
  std::unique_ptr<client::Timer> timer_;   // for drop_old()
  std::shared_ptr<ListingsAhead*> alive_;  // while turns and answers to come may use us
};

}  // namespace smb3fuse::fs
