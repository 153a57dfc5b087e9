// SPDX-License-Identifier: Apache-2.0
// When to list a directory because its names are being asked for one by one: a compiler that looks for headers, a
// program that stats what it has listed before. Where that was right in two directories, their neighbours are listed
// with the first question: git goes through all that it keeps. A pure function of what was asked when.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "smb/client/runtime.h"

namespace smb3fuse::fs {

class LookupRuns {
 public:
  using Directory = std::uint64_t;

  // A listing is good for `validity`: of nothing, and none is ever worth its price.
  explicit LookupRuns(client::Duration validity) : validity_(validity) {}

  // The server is about to be asked for a name in `directory`, which lies in `parent`. True: list it, too.
  bool handle_ask(Directory directory, Directory parent, client::TimePoint now) {
    if (validity_ == client::Duration::zero()) return false;
    if (runs_.size() >= kMaximumRuns && !runs_.contains(directory)) forget_old(now);
    const bool is_new = !runs_.contains(directory);
    Run& run = runs_[directory];
    if (now - run.since > validity_) run.asked = 0;
    if (run.asked == 0) run.since = now;
    Family& family = families_[parent];
    if (is_new && family.proofs >= kProofs && family.unproven < kUnproven) {
      ++family.unproven;
      run.unproven_in = parent;
      run.is_unproven = true;
      return true;
    }
    // The last listing has paid: so will the next.
    const bool pays = run.answered >= run.worth;
    if (++run.asked < (pays ? 1 : run.worth)) return false;
    run.asked = run.answered = 0;
    if (!pays) ++family.proofs;
    return true;
  }
  // A question about a name in `directory` was answered from its listing.
  void handle_answered(Directory directory) {
    const auto found = runs_.find(directory);
    if (found == runs_.end()) return;
    ++found->second.answered;
    if (!found->second.is_unproven || found->second.answered < kFewest - 1) return;
    found->second.is_unproven = false;
    --families_[found->second.unproven_in].unproven;
  }
  // It has so many entries, or more if it was not listed to the end.
  void handle_listed(Directory directory, std::size_t entries, bool complete) {
    const auto found = runs_.find(directory);
    if (found != runs_.end()) found->second.worth = complete ? worth_of(entries) : kNever;
  }

 private:
  struct Run {
    std::size_t asked = 0;
    client::TimePoint since{};
    std::size_t worth = kFewest;  // from this many questions on a listing costs the server less
    std::size_t answered = 0;     // from the last listing
    Directory unproven_in = 0;
    bool is_unproven = false;
  };
  // The directories in one.
  struct Family {
    std::size_t proofs = 0;    // that were listed after many questions
    std::size_t unproven = 0;  // that were listed with the first one, and not used enough yet
  };

  static constexpr std::size_t kFewest = 4;
  static constexpr std::size_t kProofs = 2;
  static constexpr std::size_t kUnproven = 4;
  static constexpr std::size_t kEntriesPerQuestion = 64;  // Samba 4.17: 3 us an entry against 200 us a question
  static constexpr std::size_t kNever = ~std::size_t{0};
  static constexpr std::size_t kMaximumRuns = 256;

  static std::size_t worth_of(std::size_t entries) { return std::max(kFewest, entries / kEntriesPerQuestion); }
  void forget_old(client::TimePoint now) {
    std::erase_if(runs_, [&](const auto& each) { return now - each.second.since > validity_; });
    if (runs_.size() >= kMaximumRuns) runs_.clear();
    families_.clear();
    for (auto& [directory, run] : runs_) run.is_unproven = false;
  }

  const client::Duration validity_;
  std::unordered_map<Directory, Run> runs_;
  std::unordered_map<Directory, Family> families_;  // by the directory they lie in
};

}  // namespace smb3fuse::fs
