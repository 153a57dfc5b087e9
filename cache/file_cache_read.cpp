// SPDX-License-Identifier: Apache-2.0
// Reading. Without a right to keep data a reader owns what it fetches: only what was read ahead has an extent, and a
// reader that takes part of it takes it out.
#include <algorithm>
#include <cstring>
#include <utility>

#include "cache/file_cache.h"

namespace smb3fuse::cache {

std::uint64_t FileCache::piece_of_read() const { return std::min(limits_.piece, remote_.read_size()); }

void FileCache::adopt(std::uint64_t offset, const Buffer& data, bool ends) {
  const TimePoint now = now_();
  const std::uint64_t end = offset + data.size();
  for (std::uint64_t at = offset; at < end;) {
    const auto next = extents_.find(at);
    const bool none = next == extents_.map().end() || next->first >= end;
    const std::uint64_t gap_end = none ? end : std::max(at, next->first);
    if (gap_end > at) {
      const std::uint64_t id = ++last_id_;
      extents_.begin_fetch(at, gap_end, id);
      extents_.handle_fetched(at, gap_end, id, data.slice(at - offset, gap_end - at), true, now, true);
      budget_.counts().bytes_ahead += gap_end - at;
    }
    at = none ? end : next->second.end;
  }
  note_clean(now);
  if (ends && own_end() <= end) end_ = End{end, now};
}

// Clean data has come or was used: it may be kept as long as nobody needs the room, or only for a while.
void FileCache::note_clean(TimePoint now) {
  if (extents_.bytes(State::clean) == 0) return;
  if (keeps()) {
    budget_.note_clean(*this);
  } else {
    stale_at_ = std::min(stale_at_, now + limits_.unleased_data_age);
  }
}

// The older half, so that what is left is what came last; but never what has just been read ahead.
bool FileCache::give_up_clean(TimePoint now) {
  const std::uint64_t had = extents_.bytes(State::clean);
  const TimePoint oldest = extents_.oldest_clean();
  const TimePoint youngest = now - limits_.unleased_data_age;
  if (oldest > youngest) return false;
  extents_.forget_clean_since(std::min(oldest + (now - oldest) / 2, youngest));
  return extents_.bytes(State::clean) < had;
}

void FileCache::forget_fetched() {
  ++generation_;
  extents_.forget_all();
  read_ahead_.handle_loss();
  end_.reset();
  stale_at_ = TimePoint::max();
}

// Where a read ends for certain, without asking the server.
std::optional<std::uint64_t> FileCache::known_end(TimePoint now) const {
  if (keeps()) return size_;
  if (end_ && now - end_->since < limits_.unleased_end_age) return end_->at;
  return std::nullopt;
}

bool FileCache::is_usable(const Extent& extent, TimePoint now) const {
  switch (extent.state) {
    case State::missing:
    case State::fetching:
      return false;
    case State::clean:
      return keeps() || now - extent.since < limits_.unleased_data_age;
    case State::dirty:
    case State::flushing:
    case State::flushing_redirtied:
    case State::failed:
      return true;
  }
  return false;
}

bool FileCache::try_read(std::uint64_t offset, std::uint32_t length, ReadResult& result) {
  const TimePoint now = now_();
  const std::optional<std::uint64_t> file_end = known_end(now);
  const std::uint64_t end = std::min(offset + length, std::max(offset, file_end.value_or(~std::uint64_t{0})));
  std::uint64_t next = offset;
  std::vector<Buffer> pieces;
  for (auto at = extents_.find(offset); next < end; ++at) {
    if (at == extents_.map().end() || at->first > next || !is_usable(at->second, now)) return false;
    const std::uint64_t until = std::min(end, at->second.end);
    pieces.push_back(at->second.data.slice(next - at->first, until - next));
    next = until;
  }
  result.pieces = std::move(pieces);
  if (keeps()) note_clean(now);
  ++budget_.counts().reads;
  ++budget_.counts().reads_from_memory;
  budget_.counts().bytes_read += end - offset;
  budget_.counts().bytes_from_memory += end - offset;
  use_up(offset, end);
  note_read(offset, end - offset, false, now);
  return true;
}

void FileCache::read(std::uint64_t offset, std::uint32_t length, ReadDone done) {
  ReadResult result;
  if (try_read(offset, length, result)) {
    ready(std::move(done), std::move(result));
    return;
  }
  const TimePoint now = now_();
  const std::uint64_t end = std::min(offset + length, known_end(now).value_or(~std::uint64_t{0}));
  const auto pending = std::make_shared<PendingRead>();
  pending->done = std::move(done);
  ++budget_.counts().reads;
  bool missed = false;
  const auto await = [&](Fetch& fetch, std::uint64_t begin, std::uint64_t until) {
    fetch.waiters.push_back({pending, pending->parts.size(), fetch.own_end});
    pending->parts.push_back({begin, until, {}, {}});
    ++pending->awaited;
  };
  for (std::uint64_t next = offset; next < end;) {
    auto at = extents_.find(next);
    if (at != extents_.map().end() && at->first <= next && at->second.state == State::clean &&
        !is_usable(at->second, now)) {
      extents_.forget(next, std::min(end, at->second.end));
      at = extents_.find(next);
    }
    if (at == extents_.map().end() || at->first > next) {
      const std::uint64_t gap_end = at == extents_.map().end() ? end : std::min(end, at->first);
      const std::uint64_t until = std::min(gap_end, next + piece_of_read());
      await(start_fetch(next, until, !used_once(), now), next, until);
      missed = true;
      next = until;
      continue;
    }
    const std::uint64_t until = std::min(end, at->second.end);
    if (at->second.state == State::fetching) {
      await(fetches_.find(at->second.operation)->second, next, until);
    } else {
      pending->parts.push_back({next, until, at->second.data.slice(next - at->first, until - next), {}});
      budget_.counts().bytes_from_memory += until - next;
    }
    next = until;
  }
  use_up(offset, end);
  note_read(offset, end - offset, missed, now);
}

void FileCache::use_up(std::uint64_t offset, std::uint64_t end) {
  budget_.counts().bytes_ahead_used += extents_.note_read(offset, end);
  if (used_once() && end > offset) extents_.forget(offset, end);
}

void FileCache::note_read(std::uint64_t offset, std::uint64_t length, bool missed, TimePoint now) {
  const Advice advice = read_ahead_.handle_read(offset, length, missed,
                                                {.now = now,
                                                 .window = budget_.exhausted() ? 0 : read_window_.size(),
                                                 .end_of_file = size_,
                                                 .largest_piece = piece_of_read(),
                                                 .data_age = keeps() ? Duration::max() : limits_.unleased_data_age});
  for (std::uint64_t i = 0; i < advice.count; ++i) {
    const std::uint64_t at = advice.begin + i * static_cast<std::uint64_t>(advice.step);
    fetch_gaps(at, at + advice.piece, now);
  }
}

void FileCache::fetch_gaps(std::uint64_t begin, std::uint64_t end, TimePoint now) {
  while (begin < end) {
    const auto at = extents_.find(begin);
    if (at == extents_.map().end() || at->first >= end) {
      start_fetch(begin, end, true, now).is_ahead = true;
      return;
    }
    if (at->first > begin) start_fetch(begin, at->first, true, now).is_ahead = true;
    begin = at->second.end;
  }
}

// `shared`: it has an extent, so that others find it.
FileCache::Fetch& FileCache::start_fetch(std::uint64_t begin, std::uint64_t end, bool shared, TimePoint now) {
  const std::uint64_t id = ++last_id_;
  Fetch& fetch = fetches_[id];
  fetch = {begin, end, generation_, own_end(), read_window_.mark(now), {}};
  if (shared) extents_.begin_fetch(begin, end, id);
  remote_.read(begin, static_cast<std::uint32_t>(end - begin),
               [this, id, alive = std::weak_ptr<bool>(alive_)](std::error_code error, Buffer data) {
                 if (!alive.expired()) handle_fetched(id, error, std::move(data));
               });
  return fetch;
}

void FileCache::handle_fetched(std::uint64_t id, std::error_code error, Buffer data) {
  auto node = fetches_.extract(id);
  const Fetch& fetch = node.mapped();
  const TimePoint now = now_();
  const bool current = fetch.generation == generation_;
  if (data.size() > fetch.end - fetch.begin) data = data.slice(0, fetch.end - fetch.begin);
  if (fetch.is_ahead) budget_.counts().bytes_ahead += data.size();
  if (fetch.is_ahead && !fetch.waiters.empty()) budget_.counts().bytes_ahead_used += data.size();
  Buffer zeros;
  if (error) {
    data = {};
  } else {
    read_window_.handle_answer(fetch.mark, data.size(), now);
    const std::uint64_t got_end = fetch.begin + data.size();
    zeros = zeros_after(fetch, got_end);
    if (current) learn_end(fetch, got_end, now);
  }
  if (current) {
    if (keeps()) budget_.make_room(now);
    const bool keep = !keeps() || !budget_.exhausted();
    extents_.handle_fetched(fetch.begin, fetch.end, id, data, keep, now, fetch.is_ahead && fetch.waiters.empty());
    note_clean(now);
  }
  for (const Waiter& waiter : fetch.waiters) {
    PendingRead& read = *waiter.read;
    if (error && !read.error) read.error = error;
    settle(waiter, fetch, data, zeros);
    if (--read.awaited == 0) ready(std::move(read.done), result_of(read));
  }
  deliver();
}

// The server's file ended at `got_end` when it answered; where data written here lies further on there are zeros.
Buffer FileCache::zeros_after(const Fetch& fetch, std::uint64_t got_end) {
  const std::uint64_t until = std::min(fetch.end, fetch.own_end);
  if (until <= got_end) return {};
  Buffer zeros = budget_.pool().allocate(until - got_end);
  std::memset(zeros.data(), 0, zeros.size());
  return zeros;
}

void FileCache::learn_end(const Fetch& fetch, std::uint64_t got_end, TimePoint now) {
  if (got_end == fetch.end) {
    size_ = std::max(size_, got_end);
    return;
  }
  if (fetch.own_end > got_end || !truncates_.empty()) return;
  // An empty answer does not say how much earlier the file ends; and who asks there again wants to see it grow.
  const bool ends_here = got_end > fetch.begin;
  size_ = ends_here ? got_end : std::min(size_, fetch.begin);
  if (ends_here) end_ = End{got_end, now};
}

void FileCache::settle(const Waiter& waiter, const Fetch& fetch, const Buffer& data, const Buffer& zeros) {
  // The bytes of `source`, which lie at `at`, that are among [begin, end).
  const auto share_of = [](const Buffer& source, std::uint64_t at, std::uint64_t begin, std::uint64_t end) {
    const std::uint64_t from = std::max(begin, at);
    const std::uint64_t until = std::min(end, at + source.size());
    return from < until ? source.slice(from - at, until - from) : Buffer();
  };
  PendingRead::Part& part = waiter.read->parts[waiter.part];
  const std::uint64_t got_end = fetch.begin + data.size();
  part.data = share_of(data, fetch.begin, part.begin, part.end);
  part.zeros = share_of(zeros, got_end, part.begin, std::min(part.end, waiter.own_end));
}

ReadResult FileCache::result_of(PendingRead& read) {
  ReadResult result{read.error, {}};
  if (read.error) return result;
  result.pieces.reserve(read.parts.size());
  for (PendingRead::Part& part : read.parts) {
    const std::uint64_t length = part.data.size() + part.zeros.size();
    budget_.counts().bytes_read += length;
    if (!part.data.empty()) result.pieces.push_back(std::move(part.data));
    if (!part.zeros.empty()) result.pieces.push_back(std::move(part.zeros));
    if (length < part.end - part.begin) break;
  }
  return result;
}

}  // namespace smb3fuse::cache
