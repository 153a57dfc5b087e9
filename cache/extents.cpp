// SPDX-License-Identifier: Apache-2.0
#include "cache/extents.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace smb3fuse::cache {

namespace {

constexpr auto kNever = static_cast<State>(0xff);

using enum State;
constexpr State kTable[kStates][kEvents] = {
    //                        fetch     fetched  forget   write               send      written  not_written
    /* missing */ {fetching, kNever, missing, dirty, kNever, kNever, kNever},
    /* fetching */ {kNever, clean, missing, dirty, kNever, kNever, kNever},
    /* clean */ {kNever, kNever, missing, dirty, kNever, kNever, kNever},
    /* dirty */ {kNever, kNever, kNever, dirty, flushing, kNever, kNever},
    /* flushing */ {kNever, kNever, kNever, flushing_redirtied, kNever, clean, failed},
    /* flushing_redirtied */ {kNever, kNever, kNever, flushing_redirtied, kNever, dirty, dirty},
    /* failed */ {kNever, kNever, missing, dirty, kNever, kNever, kNever},
};

State after(State from, Event event) {
  const std::optional<State> to = next_state(from, event);
  assert(to.has_value());
  return *to;
}

bool is_unsent(State state) { return state == dirty || state == flushing_redirtied; }
bool is_in_flight(State state) { return state == flushing || state == flushing_redirtied; }

}  // namespace

std::optional<State> next_state(State from, Event event) {
  const State to = kTable[static_cast<std::size_t>(from)][static_cast<std::size_t>(event)];
  if (to == kNever) return std::nullopt;
  return to;
}

void Extents::begin_fetch(std::uint64_t begin, std::uint64_t end, std::uint64_t fetch) {
  Extent extent;
  extent.end = end;
  extent.state = after(missing, Event::fetch);
  extent.operation = fetch;
  insert(begin, std::move(extent));
}

void Extents::handle_fetched(std::uint64_t begin, std::uint64_t end, std::uint64_t fetch, const Buffer& data, bool keep,
                             TimePoint now, bool unread) {
  const std::uint64_t got = begin + data.size();
  auto at = mutable_find(begin);
  while (at != map_.end() && at->first < end) {
    if (at->second.state != fetching || at->second.operation != fetch) {
      ++at;
      continue;
    }
    const std::uint64_t first = at->first;
    Extent extent = std::move(at->second);
    at = erase(at);
    if (!keep || first >= got) continue;
    extent.end = std::min(extent.end, got);
    extent.state = after(fetching, Event::fetched);
    extent.operation = 0;
    extent.data = data.slice(first - begin, extent.end - first);
    extent.since = now;
    extent.unread = unread;
    at = std::next(insert(first, std::move(extent)));
  }
}

std::uint64_t Extents::note_read(std::uint64_t begin, std::uint64_t end) {
  const std::uint64_t before = unread_bytes_;
  if (before == 0) return 0;
  for (auto at = mutable_find(begin); at != map_.end() && at->first < end; ++at) {
    if (at->second.unread) unread_bytes_ -= at->second.end - at->first;
    at->second.unread = false;
  }
  return before - unread_bytes_;
}

void Extents::forget(std::uint64_t begin, std::uint64_t end) {
  split(begin);
  split(end);
  auto at = map_.lower_bound(begin);
  while (at != map_.end() && at->first < end) {
    const bool fetched = at->second.state == clean || at->second.state == fetching;
    at = fetched ? erase(at) : std::next(at);
  }
}

void Extents::forget_all() {
  auto at = map_.begin();
  while (at != map_.end()) {
    const bool fetched = at->second.state == clean || at->second.state == fetching;
    at = fetched ? erase(at) : std::next(at);
  }
}

TimePoint Extents::forget_clean_since(TimePoint before) {
  TimePoint earliest = TimePoint::max();
  auto at = map_.begin();
  while (at != map_.end()) {
    if (at->second.state == clean && at->second.since <= before) {
      at = erase(at);
      continue;
    }
    if (at->second.state == clean) earliest = std::min(earliest, at->second.since);
    ++at;
  }
  return earliest;
}

TimePoint Extents::oldest_clean() const {
  TimePoint oldest = TimePoint::max();
  for (const auto& [begin, extent] : map_) {
    if (extent.state == clean) oldest = std::min(oldest, extent.since);
  }
  return oldest;
}

void Extents::write(std::uint64_t offset, const Buffer& data, std::uint64_t epoch, TimePoint now) {
  const std::uint64_t end = offset + data.size();
  split(offset);
  split(end);
  TimePoint since = now;  // rewriting the same bytes again and again must not keep them from being sent
  std::uint64_t covered = offset;
  const auto insert_up_to = [&](std::uint64_t until) {
    if (covered == until) return;
    Extent extent;
    extent.end = until;
    extent.state = dirty;
    extent.data = data.slice(covered - offset, until - covered);
    extent.epoch = epoch;
    extent.since = since;
    insert(covered, std::move(extent));
  };
  auto at = map_.lower_bound(offset);
  while (at != map_.end() && at->first < end) {
    const State to = after(at->second.state, Event::write);
    if (to == dirty) {
      if (at->second.state == dirty) since = std::min(since, at->second.since);
      at = erase(at);
      continue;
    }
    insert_up_to(at->first);
    leave(at->first, at->second);
    at->second.state = to;
    at->second.data = data.slice(at->first - offset, at->second.end - at->first);
    at->second.epoch = epoch;
    at->second.since = now;
    enter(at->first, at->second);
    covered = at->second.end;
    ++at;
  }
  insert_up_to(end);
}

bool Extents::append(std::uint64_t offset, const Buffer& more, const Buffer& room, std::uint64_t epoch) {
  auto at = map_.lower_bound(offset);
  const std::uint64_t end = offset + more.size();
  if ((at != map_.end() && at->first < end) || at == map_.begin()) return false;
  --at;
  Extent& before = at->second;
  if (before.end != offset || before.state != dirty || before.epoch != epoch) return false;
  if (before.data.data() < room.data() || before.data.data() + before.data.size() != more.data()) return false;
  const auto start = static_cast<std::size_t>(before.data.data() - room.data());
  leave(at->first, before);
  before.data = room.slice(start, before.data.size() + more.size());
  before.end = end;
  enter(at->first, before);
  return true;
}

std::optional<DirtyRun> Extents::dirty_run(std::uint64_t from, std::uint64_t most, std::uint64_t newest) const {
  auto start = dirty_.lower_bound(from);
  while (start != dirty_.end() && map_.find(*start)->second.epoch > newest) ++start;
  if (start == dirty_.end()) return std::nullopt;
  DirtyRun run{.begin = *start, .length = 0, .since = TimePoint::max(), .oldest = newest};
  for (auto at = map_.find(*start); at != map_.end() && run.length < most; ++at) {
    const Extent& extent = at->second;
    if (at->first != run.begin + run.length || extent.state != dirty || extent.epoch > newest) break;
    run.length = std::min(extent.end - run.begin, most);
    run.since = std::min(run.since, extent.since);
    run.oldest = std::min(run.oldest, extent.epoch);
  }
  return run;
}

std::vector<Buffer> Extents::begin_flush(std::uint64_t begin, std::uint64_t most, std::size_t buffers,
                                         std::uint64_t flight) {
  std::vector<Buffer> gathered;
  split(begin + most);
  std::uint64_t next = begin;
  for (auto at = map_.find(begin); at != map_.end() && gathered.size() < buffers; ++at) {
    Extent& extent = at->second;
    if (at->first != next || extent.state != dirty || extent.end > begin + most) break;
    leave(at->first, extent);
    extent.state = after(dirty, Event::send);
    extent.operation = flight;
    enter(at->first, extent);
    gathered.push_back(extent.data);
    next = extent.end;
  }
  return gathered;
}

void Extents::handle_flushed(std::uint64_t begin, std::uint64_t end, std::uint64_t flight, bool success, bool keep,
                             TimePoint now) {
  auto at = mutable_find(begin);
  while (at != map_.end() && at->first < end) {
    Extent& extent = at->second;
    if (!is_in_flight(extent.state) || extent.operation != flight) {
      ++at;
      continue;
    }
    leave(at->first, extent);
    extent.state = after(extent.state, success ? Event::written : Event::not_written);
    extent.operation = 0;
    if (extent.state == clean) extent.since = now;
    enter(at->first, extent);
    at = extent.state == clean && !keep ? erase(at) : std::next(at);
  }
}

void Extents::forget_failed() {
  if (bytes(failed) == 0) return;
  auto at = map_.begin();
  while (at != map_.end()) at = at->second.state == failed ? erase(at) : std::next(at);
}

Extents::Map::const_iterator Extents::find(std::uint64_t offset) const {
  auto at = map_.upper_bound(offset);
  if (at == map_.begin()) return at;
  const auto before = std::prev(at);
  return before->second.end > offset ? before : at;
}

Extents::Map::iterator Extents::mutable_find(std::uint64_t offset) {
  const auto at = find(offset);
  return map_.erase(at, at);  // an iterator that may change what it points to
}

std::optional<std::uint64_t> Extents::oldest_unsent_epoch() const {
  if (unsent_epochs_.empty()) return std::nullopt;
  return unsent_epochs_.begin()->first;
}

// Afterwards no extent has `at` in its midst.
void Extents::split(std::uint64_t at) {
  const auto left = mutable_find(at);
  if (left == map_.end() || left->first >= at) return;
  leave(left->first, left->second);
  Extent right = left->second;
  if (!right.data.empty()) {
    const std::size_t length = at - left->first;
    right.data = left->second.data.slice(length, left->second.data.size() - length);
    left->second.data = left->second.data.slice(0, length);
  }
  left->second.end = at;
  enter(left->first, left->second);
  insert(at, std::move(right));
}

Extents::Map::iterator Extents::insert(std::uint64_t begin, Extent extent) {
  const auto [at, inserted] = map_.emplace(begin, std::move(extent));
  assert(inserted);
  enter(begin, at->second);
  return at;
}

Extents::Map::iterator Extents::erase(Map::iterator at) {
  leave(at->first, at->second);
  return map_.erase(at);
}

void Extents::enter(std::uint64_t begin, const Extent& extent) {
  const std::uint64_t length = extent.end - begin;
  bytes_[static_cast<std::size_t>(extent.state)] += length;
  if (extent.unread) unread_bytes_ += length;
  if (extent.state == dirty) dirty_.insert(begin);
  if (is_unsent(extent.state)) unsent_epochs_[extent.epoch] += length;
}

void Extents::leave(std::uint64_t begin, const Extent& extent) {
  const std::uint64_t length = extent.end - begin;
  bytes_[static_cast<std::size_t>(extent.state)] -= length;
  if (extent.unread) unread_bytes_ -= length;
  if (extent.state == dirty) dirty_.erase(begin);
  if (!is_unsent(extent.state)) return;
  const auto epoch = unsent_epochs_.find(extent.epoch);
  epoch->second -= length;
  if (epoch->second == 0) unsent_epochs_.erase(epoch);
}

bool Extents::audit() const {
  std::uint64_t previous_end = 0;
  std::uint64_t unread = 0;
  std::array<std::uint64_t, kStates> bytes{};
  std::map<std::uint64_t, std::uint64_t> unsent;
  std::set<std::uint64_t> dirty_begins;
  for (const auto& [begin, extent] : map_) {
    if (begin < previous_end || extent.end <= begin || extent.state == missing) return false;
    if (extent.data.size() != (extent.state == fetching ? 0 : extent.end - begin)) return false;
    if ((extent.state == fetching || is_in_flight(extent.state)) != (extent.operation != 0)) return false;
    if (extent.unread && extent.state != clean) return false;
    bytes[static_cast<std::size_t>(extent.state)] += extent.end - begin;
    if (extent.unread) unread += extent.end - begin;
    if (extent.state == dirty) dirty_begins.insert(begin);
    if (is_unsent(extent.state)) unsent[extent.epoch] += extent.end - begin;
    previous_end = extent.end;
  }
  return bytes == bytes_ && unread == unread_bytes_ && unsent == unsent_epochs_ && dirty_begins == dirty_;
}

}  // namespace smb3fuse::cache
