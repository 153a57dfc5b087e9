// SPDX-License-Identifier: Apache-2.0
#include "fuse/file_runs.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace smb3fuse::fs {

void FileRuns::begin(Directory directory, std::vector<Listed> files) {
  if (const auto old = runs_.find(directory); old != runs_.end()) {
    end(directory, old->second);
    runs_.erase(old);
  }
  if (runs_.size() >= kMaximumRuns) {
    const auto oldest = std::min_element(
        runs_.begin(), runs_.end(), [](const auto& a, const auto& b) { return a.second.touched < b.second.touched; });
    end(oldest->first, oldest->second);
    runs_.erase(oldest);
  }
  Run& run = runs_[directory];
  run.files = std::move(files);
  run.touched = ++touches_;
  for (std::size_t i = 0; i < run.files.size(); ++i) run.by_name.emplace(run.files[i].name, i);
  for (Order& order : run.orders) {
    order.files.resize(run.files.size());
    std::iota(order.files.begin(), order.files.end(), std::size_t{0});
  }
  const auto& shown = run.files;
  std::sort(run.orders[1].files.begin(), run.orders[1].files.end(),
            [&](std::size_t a, std::size_t b) { return shown[a].name < shown[b].name; });
  std::stable_sort(run.orders[2].files.begin(), run.orders[2].files.end(),
                   [&](std::size_t a, std::size_t b) { return shown[a].number < shown[b].number; });
  for (Order& order : run.orders) {
    order.place.resize(order.files.size());
    for (std::size_t i = 0; i < order.files.size(); ++i) order.place[order.files[i]] = i;
  }
}

void FileRuns::end(Directory directory, const Run& run) {
  unproven_.erase(directory);
  // A few are left over wherever a program stops.
  if (run.unused <= kFirstWindow) return;
  proof_ = std::min(proof_ * 2, kMostProof);
  proven_order_ = kNone;
}

std::vector<std::string> FileRuns::handle_open(Directory directory, const std::string& name) {
  std::vector<std::string> advice;
  const auto found = runs_.find(directory);
  if (found == runs_.end()) return advice;
  Run& run = found->second;
  run.touched = ++touches_;
  const auto opened = run.by_name.find(name);
  if (opened == run.by_name.end()) return advice;
  Order* best = nullptr;
  bool begins_as_proven = false;
  for (std::size_t i = 0; i < kOrders; ++i) {
    Order& order = run.orders[i];
    const std::size_t at = order.place[opened->second];
    const bool follows = order.last != kNone && at == order.last + 1;
    if (follows) {
      ++order.streak;
    } else if (order.last != at) {
      order.streak = order.asked_to = 0;
    }
    if (i == proven_order_ && at == 0 && order.last == kNone && is_proven()) {
      order.streak = proof_;
      run.window = kLargestWindow;
      begins_as_proven = true;
    }
    order.last = at;
    if (order.streak < proof_ || (best != nullptr && order.streak <= best->streak)) continue;
    best = &order;
    run.followed = i;
  }
  if (best == nullptr) return advice;
  const std::size_t until = std::min(best->files.size(), best->last + 1 + run.window);
  for (std::size_t at = std::max(best->last + 1, best->asked_to); at < until; ++at) {
    const Listed& next = run.files[best->files[at]];
    if (next.worth_it) advice.push_back(next.name);
  }
  best->asked_to = std::max(best->asked_to, until);
  run.unused += advice.size();
  if (begins_as_proven && !advice.empty()) unproven_.insert(directory);
  return advice;
}

void FileRuns::handle_use(Directory directory) {
  proof_ = std::max(kProof, proof_ / 2);
  const auto found = runs_.find(directory);
  if (found == runs_.end()) return;
  Run& run = found->second;
  if (run.unused > 0) --run.unused;
  run.window = std::min(run.window * 2, kLargestWindow);
  if (++run.used < std::clamp<std::size_t>(run.files.size() / 2, 1, kProving)) return;
  proven_order_ = run.followed;
  unproven_.erase(directory);
}

}  // namespace smb3fuse::fs
