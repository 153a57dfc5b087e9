// SPDX-License-Identifier: Apache-2.0
// Which files to open ahead of need, from what has been opened: programs that read the files of a folder one after
// another (grep -r, tar c, cp -r, a checksummer) do so as they were listed, or sorted by name or by inode number. What
// the third open in a row foretells is opened ahead, a window of it, which doubles with each file that is then used;
// what was foretold and not used makes the next run in need of more proof. Where that was right in a folder, the next
// ones are begun as it was left: with the first file that they list in that order. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace smb3fuse::fs {

class FileRuns {
 public:
  using Directory = std::uint64_t;

  // A file as its folder's listing shows it. `worth_it`: it comes whole with its open, and is no trouble.
  struct Listed {
    std::string name;
    std::uint64_t number = 0;  // of its inode
    bool worth_it = false;
  };

  bool knows(Directory directory, const std::string& name) const {
    const auto found = runs_.find(directory);
    return found != runs_.end() && found->second.by_name.contains(name);
  }
  // The files of a folder, in the order of the listing, before handle_open() there.
  void begin(Directory directory, std::vector<Listed> files);
  // In the folder that was read last, what was opened ahead was used: an open may be foretold from before it is done.
  bool is_proven() const { return proven_order_ != kNone && unproven_.size() < kMostUnproven; }
  // A program opens `name` to read it. The names to be opened now; told twice of one open, it advises nothing twice.
  std::vector<std::string> handle_open(Directory directory, const std::string& name);
  // It opened one that was advised, for the first time.
  void handle_use(Directory directory);

 private:
  static constexpr std::size_t kOrders = 3;
  static constexpr std::size_t kProof = 2;  // files that came next, before anything is advised
  static constexpr std::size_t kMostProof = 64;
  static constexpr std::size_t kFirstWindow = 4;
  static constexpr std::size_t kLargestWindow = 32;
  static constexpr std::size_t kProving = 8;       // files used of a run
  static constexpr std::size_t kMostUnproven = 2;  // runs begun with the first file, not used so much yet
  static constexpr std::size_t kMaximumRuns = 64;
  static constexpr std::size_t kNone = ~std::size_t{0};

  struct Order {
    std::vector<std::size_t> files;  // indices
    std::vector<std::size_t> place;  // of each file
    std::size_t last = kNone;
    std::size_t streak = 0;
    std::size_t asked_to = 0;
  };
  struct Run {
    std::vector<Listed> files;
    std::unordered_map<std::string, std::size_t> by_name;
    std::array<Order, kOrders> orders;
    std::size_t window = kFirstWindow;
    std::size_t unused = 0;
    std::size_t used = 0;
    std::size_t followed = kNone;  // the order that was advised last
    std::uint64_t touched = 0;
  };

  void end(Directory directory, const Run& run);

  std::unordered_map<Directory, Run> runs_;
  std::size_t proof_ = kProof;
  std::size_t proven_order_ = kNone;
  std::unordered_set<Directory> unproven_;
  std::uint64_t touches_ = 0;
};

}  // namespace smb3fuse::fs
