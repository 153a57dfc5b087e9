// SPDX-License-Identifier: Apache-2.0
// The rights to folders: which are asked for, which are held, and what goes when somebody changes a folder.
//
// - A right is asked for when a folder is listed again within a minute: it pays then. What is asked from the moment on
//   at which it is there holds as long as it does, half a minute at most: which names there are and are not, and the
//   attributes of the files. A folder's own attributes take the right to it and the right to the one it is in.
// - Where somebody tells what has changed (a watch), those names alone are dropped. Our own changes come back in it:
//   what is told within a moment of a change of ours, and fits it, drops nothing; nor does anything of such a name hold
//   any longer than without a right.
// - What is lost is dropped here and then in the kernel: the folder's attributes and listing, files and missing names,
//   names of folders only by expiring them. Then the server is told. What is being asked meanwhile does not hold, nor
//   is it told as if it did.
// - A folder that another client has moved is another one: Samba 4.17 watches the old path.
// - There are so many rights at most, for folders of so many names in all; the one that was of no use for the longest
//   time goes first. One of no use for half a minute goes, and one that has nothing to tell but changes.
// Loop thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "fuse/kernel_caches.h"
#include "fuse/nodes.h"
#include "smb/client/runtime.h"
#include "smb/client/share.h"

namespace smb3fuse::fs {

class FolderRights final : private client::DirectoryRight::Holder {
 public:
  using Action = client::DirectoryRight::Change::Action;
  // Lists a folder though nobody waits for it.
  using List = std::function<void(NodeRef)>;

  // Nothing is believed for longer than this, whatever is held: what is done on the server's own disk is not always
  // told.
  static constexpr std::chrono::seconds kLongest{30};

  // All outlive it. `validity`: of what is known without a right; of nothing: no rights are asked for.
  FolderRights(client::Runtime& runtime, client::Share& share, Nodes& nodes, KernelCaches& kernel,
               client::Duration validity, List list);
  FolderRights(const FolderRights&) = delete;
  FolderRights& operator=(const FolderRights&) = delete;

  // The folder is about to be listed.
  void note_listing(Node& folder);
  // The listing that has just been begun, which the folder follows.
  void keep(Node& folder, const std::shared_ptr<Listing>& listing);
  // The listing as far as it was not changed since, complete; null where the folder has to be listed.
  std::shared_ptr<Listing> whole_listing(const Node& folder);

  // Does what was asked then hold? It may be an answer that has just come, or stand in a listing.
  bool holds(const Node& folder, const Asked& asked) const;
  bool holds(const Node& folder, const Listing& listing) const;
  // Does what is remembered of a node hold? It was asked at `told_at`.
  bool holds(const Node& node) const;
  // For how long the kernel may keep a name, from the answer on; nothing where no right makes it longer.
  double keeps_for(const Node& folder, const std::string& name, const Asked& asked);
  // The same for a name that is missing, which the kernel is told of then.
  double keeps_missing_for(const Node& folder, const std::string& name, const Asked& asked);
  // The kernel is about to read the folder from this listing. True: it may have kept it from the last time.
  bool note_shown(const Node& folder, const std::shared_ptr<Listing>& listing);

  // We are about to change a name.
  void note_own(const Node& folder, const std::string& name, Action action);
  // Of all its names.
  void note_own_change(const Node& node);
  // We have made it: names that are equal to it for the server are not missing any more.
  void note_made(const Node& folder, const std::string& name);
  // Closes what would keep a folder from being removed or moved; what is known stays good for as long as without.
  void give_up(const Node& folder);
  void give_up_below(const Node& folder);  // and itself
  void clear();

  std::size_t size() const { return held_.size(); }

 private:
  // A change of ours that somebody may tell us of.
  struct Own {
    client::TimePoint at{};
    unsigned appeared = 0;  // so often it is to be told
    unsigned gone = 0;
    bool changed = false;  // however often
  };
  struct Held {
    NodeRef node;
    std::shared_ptr<client::DirectoryRight> right;
    bool is_there = false;
    client::TimePoint since{};     // what was asked from then on holds
    client::TimePoint heard_at{};  // somebody told of changes, ours or not: answers under way then do not
    // When it last made an answer good that would have been too old without it, and how often somebody told of changes
    // since.
    mutable client::TimePoint used_at{};
    mutable std::size_t told = 0;
    client::TimePoint told_until{};           // the kernel was told of names that they hold until then
    std::shared_ptr<Listing> listing;         // kept as long as the right
    std::weak_ptr<Listing> shown;             // as the kernel may have kept it
    std::unordered_set<std::string> missing;  // the kernel knows
    std::unordered_map<std::string, Own> own;
  };
  using ById = std::unordered_map<NodeId, Held>;

  void handle_right(client::DirectoryRight& right) override;
  bool handle_changes(client::DirectoryRight& right,
                      const std::vector<client::DirectoryRight::Change>& changes) override;
  void handle_loss(client::DirectoryRight& right, std::function<void()> done) override;

  ById::iterator find(const client::DirectoryRight& right);
  const Held* find_there(const Node& folder) const;
  Held* find_there(const Node& folder);
  void ask(Node& folder);
  void make_room();
  // It is what we changed ourselves, or of a file that nobody but us changes; noted in any case.
  bool is_known_here(Held& held, const client::DirectoryRight::Change& change);
  void note_use(const Held& held, client::TimePoint asked_at) const;
  bool is_recent_own(const Held& held, const std::string& name) const;
  double keeps_until(Held& held, const Asked& asked);
  void drop_name(Held& held, const client::DirectoryRight::Change& change);
  void drop_missing_like(Held& held, const std::string& name);
  // Everything that is known of it is out of date.
  void forget(Held& held);
  // `done`, which may be null, is called when it holds nothing old any more.
  void tell_kernel(Held& held, std::function<void()> done);
  void give_up(ById::iterator held);
  void sweep();

  client::Runtime& runtime_;
  client::Share& share_;
  Nodes& nodes_;
  KernelCaches& kernel_;
  const client::Duration validity_;
  const List list_;
  ById held_;
  std::unordered_map<NodeId, client::TimePoint> listed_at_;  // folders without a right
  std::unordered_set<NodeId> too_large_;
  std::unique_ptr<client::Timer> timer_;  // of sweep()
};

}  // namespace smb3fuse::fs
