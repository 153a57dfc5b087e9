// SPDX-License-Identifier: Apache-2.0
// What reading and writing have in common; file_cache_read.cpp and file_cache_write.cpp have the rest.
#include "cache/file_cache.h"

#include <algorithm>
#include <utility>

namespace smb3fuse::cache {

FileCache::FileCache(RemoteFile& remote, Budget& budget, const Limits& limits, std::function<TimePoint()> now)
    : remote_(remote),
      budget_(budget),
      limits_(limits),
      now_(std::move(now)),
      read_window_(limits.minimum_read_window, limits.maximum_read_window),
      write_window_(limits.minimum_write_window, limits.maximum_write_window) {}

FileCache::~FileCache() = default;

void FileCache::change_access(Access to, Done done) {
  const bool gains_read = access_ == Access::none && to != Access::none;
  const bool loses_read = access_ != Access::none && to == Access::none;
  const bool loses_write = access_ == Access::read_write && to != Access::read_write;
  access_ = to;
  // What was fetched without the right may have changed before the right came.
  if (gains_read || loses_read) forget_fetched();
  if (loses_read) extents_.forget_failed();  // others may have written there meanwhile; the error is still to be told
  if (!loses_write) {
    ready(std::move(done), {});
    return;
  }
  barriers_.push_back({close_epoch(), false, false, std::move(done)});
  advance(now_());
}

Usage FileCache::usage() const {
  return {.clean = extents_.bytes(State::clean),
          .unread = extents_.unread_bytes(),
          .dirty = extents_.bytes(State::dirty) + extents_.bytes(State::failed),
          .in_flight = extents_.bytes(State::flushing) + extents_.bytes(State::flushing_redirtied),
          .fetching = extents_.bytes(State::fetching)};
}

std::optional<TimePoint> FileCache::next_timeout() const {
  if (!ready_.empty()) return TimePoint::min();
  const TimePoint next = std::min(join_until_, stale_at_);
  if (next == TimePoint::max()) return std::nullopt;
  return next;
}

void FileCache::handle_timeout() {
  const TimePoint now = now_();
  if (now >= join_until_) advance(now);
  if (now >= stale_at_) {
    const TimePoint oldest = extents_.forget_clean_since(now - limits_.unleased_data_age);
    stale_at_ = oldest == TimePoint::max() ? oldest : oldest + limits_.unleased_data_age;
  }
  deliver();
}

void FileCache::deliver() {
  const std::weak_ptr<bool> alive = alive_;
  while (!ready_.empty()) {
    std::vector<Ready> batch;
    batch.swap(ready_);
    for (Ready& each : batch) {
      if (each.read_done) {
        each.read_done(std::move(each.read_result));
      } else {
        each.done(each.error);
      }
      if (alive.expired()) return;
    }
  }
}

bool FileCache::audit() const {
  if (!extents_.audit()) return false;
  for (const auto& [begin, extent] : extents_.map()) {
    if (extent.state == State::fetching) {
      const auto fetch = fetches_.find(extent.operation);
      if (fetch == fetches_.end() || begin < fetch->second.begin || extent.end > fetch->second.end) return false;
      if (fetch->second.generation != generation_) return false;
    } else if (extent.operation != 0) {
      const auto flight = flights_.find(extent.operation);
      if (flight == flights_.end() || begin < flight->second.begin || extent.end > flight->second.end) return false;
    }
  }
  std::map<std::uint64_t, std::uint64_t> under_way;
  std::uint64_t in_flight = 0;
  for (const auto& [id, flight] : flights_) {
    under_way.emplace(flight.begin, flight.end);
    in_flight += flight.end - flight.begin;
  }
  std::uint64_t previous_end = 0;
  for (const auto& [begin, end] : under_way) {
    if (begin < previous_end) return false;
    previous_end = end;
  }
  if (under_way.size() != flights_.size() || in_flight != in_flight_bytes_) return false;
  if (extents_.bytes(State::failed) > 0 && !error_) return false;
  // Memory that others give back is noticed with the next answer.
  const bool may_be_short = budget_.limit() < write_window_.size();
  if (!writers_.empty() && load() <= (may_be_short ? piece_of_write() : room())) return false;
  const bool truncating = !truncates_.empty() && truncates_.front().sent;
  if (truncating && !flights_.empty()) return false;
  // Nothing is left lying: what is unsent is under way, has a time to go, or waits for a slot or a truncate.
  const bool waits = join_until_ != TimePoint::max() || !flights_.empty() || !truncates_.empty();
  return extents_.unsent_bytes() == 0 || waits;
}

}  // namespace smb3fuse::cache
