// SPDX-License-Identifier: Apache-2.0
// Which folders to list ahead of need, from what has been listed and opened.
//
// Programs that walk a tree (ls -R, find, du, grep -r, git status, rm -r, cp -r, tar c, os.walk) list a folder and open
// the folders in it one after another, each with all that is below it before the next: as they were listed, or sorted
// by name or by inode number. ls leaves out names with a dot in front. So what comes next is foretold once a program
// has done what others would do by chance only once in a hundred times:
//
// - Each folder opened where an order foretells it multiplies the evidence by how many others could have been opened;
//   one opened against every order makes the evidence as small as the number of chances there were. Merely going down
//   a tree proves nothing. A pause of more than the validity starts anew, and listings that were not used raise what is
//   asked for.
// - As long as it is foretold right, a window of listings stays ahead. It doubles with each that is used and halves
//   with each that is not, down to none; it is no larger than what the program will open within half the validity, and
//   than what the entries to be kept allow.
//
// Pure: the same history at the same times gives the same advice. FileRuns does the like for
// the files of one folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "smb/client/runtime.h"

namespace smb3fuse::fs {

class TreeWalk {
 public:
  using Folder = std::uint64_t;  // never used again for another; 0 is none

  // A folder, and where it is found.
  struct Place {
    Folder folder = 0;
    Folder parent = 0;
    std::string name{};
  };
  // A folder as the listing of its parent shows it. `number` is its inode number.
  struct Subfolder {
    std::string name;
    std::uint64_t number = 0;
  };
  // List `name` in `parent`. The ticket is handed back once, by handle_use() or handle_waste().
  using Ticket = std::uint64_t;
  struct Next {
    Ticket ticket = 0;
    Folder parent = 0;
    std::string name;
  };
  struct Counts {
    std::uint64_t asked = 0;
    std::uint64_t used = 0;
    std::uint64_t unused = 0;
  };

  // A listing may be used for `validity` after it was asked for.
  explicit TreeWalk(client::Duration validity) : validity_(validity) {}

  // A program has opened a folder.
  void handle_open(const Place& place, client::TimePoint now);
  // What the listing of a folder shows so far, from its beginning, whoever asked for it.
  void handle_listing(const Place& place, std::vector<Subfolder> shown, client::TimePoint now);
  // What to list now.
  std::vector<Next> advise();
  // Is a program going through its sub-folders, several of them within a fraction of the validity?
  bool is_walked(Folder folder) const;
  // Its answer has come.
  void handle_arrival(Ticket ticket, std::size_t entries);
  // A program has opened the folder while the listing was good.
  void handle_use(Ticket ticket, client::TimePoint now);
  // That will not happen: it is too old, could not be had, or is out of date.
  void handle_waste(Ticket ticket);

  const Counts& counts() const { return counts_; }

 private:
  enum class Order : std::uint8_t { listed, bytes, letters, number };
  static constexpr unsigned kOrders = 4;
  static constexpr unsigned kAllOrders = (1U << kOrders) - 1;
  static constexpr std::size_t kNone = ~std::size_t{0};
  static constexpr std::size_t kFirstAverage = 100;

  struct Child {
    std::string name;
    std::uint64_t number = 0;
    Folder folder = 0;   // once it is known
    bool asked = false;  // opened or listed ahead
    bool opened = false;
  };
  // One program's way through a tree, as far as folders tell it.
  struct Walk {
    double evidence = 1;
    bool went_on = false;  // from one folder to the next in the same one, since the evidence began
    bool proven = false;
    unsigned orders = kAllOrders;  // a bit for each that has foretold everything since
    bool hidden_too = false;       // it opens names with a dot in front
    bool descends = true;          // it enters a folder before it goes on to the next
    std::size_t window = 0;
    std::size_t ahead = 0;     // asked for, and neither used nor given up
    client::Duration pause{};  // between two opens, without what it waited for us
    client::TimePoint moved_at{};
    Folder at = 0;     // opened last
    Folder above = 0;  // its parent

    bool may_open(const Child& child) const;
    Order order() const;
    void begin_anew(double its_evidence);
  };
  // A folder whose listing is known.
  struct Branch {
    std::shared_ptr<Walk> walk;
    Folder parent = 0;
    std::vector<Child> children;        // as listed
    std::size_t last = kNone;           // opened last
    std::vector<std::size_t> sequence;  // the children sorted by `order`; empty until it is needed
    Order order = Order::listed;
    std::size_t cursor = 0;  // in the sequence: behind the last
    std::uint64_t touched = 0;

    bool precedes(Order by, std::size_t left, std::size_t right) const;
    bool is_next(Order by, std::size_t child) const;
    bool is_foretold(std::size_t child) const;
    std::size_t choices() const;
    void note_opened(std::size_t child);
    void forget_opens();
    void sort();
  };

  // A listing asked for and neither used nor given up.
  struct Ahead {
    std::shared_ptr<Walk> walk;
    bool arrived = false;
    std::size_t entries = 0;
  };

  Branch* find(Folder folder);
  static Child* find_child(Branch& branch, const std::string& name);
  void touch(Folder folder);
  void make_room();
  void note_moved(const std::shared_ptr<Walk>& walk);
  void judge(Branch& branch, std::size_t opened, client::TimePoint now);
  std::size_t room_of(const Walk& walk) const;
  // What is below `folder` and still to come, to at most `room` in all. False when there is no more room.
  bool collect(Folder folder, std::size_t room, std::size_t depth, std::vector<Next>& advice);
  std::shared_ptr<Walk> take_back(Ticket ticket);

  const client::Duration validity_;
  std::unordered_map<Folder, Branch> branches_;
  std::size_t names_ = 0;                     // in all branches
  std::vector<std::shared_ptr<Walk>> moved_;  // since the last advice
  std::uint64_t touches_ = 0;
  double doubt_ = 1;  // so many times the evidence is asked for, because listings were not used
  Ticket last_ticket_ = 0;
  std::unordered_map<Ticket, Ahead> ahead_;
  std::size_t in_flight_ = 0;
  std::size_t kept_entries_ = 0;
  std::size_t average_entries_ = kFirstAverage;  // of a listing, lately
  Counts counts_;
};

}  // namespace smb3fuse::fs
