// SPDX-License-Identifier: Apache-2.0
// Writing. Barriers (flush, truncate) cut the writes into epochs: a barrier waits until nothing of its epoch or an
// older one is unsent or in flight, and while a truncate waits nothing younger is sent.
#include <algorithm>
#include <cstring>
#include <utility>

#include "cache/file_cache.h"

namespace smb3fuse::cache {

std::uint64_t FileCache::piece_of_write() const { return std::min(limits_.piece, remote_.write_size()); }

void FileCache::write(std::uint64_t offset, const Buffer& data, Done done) {
  if (error_) {
    ready(std::move(done), tell_error());
    return;
  }
  if (data.empty()) {
    ready(std::move(done), {});
    return;
  }
  const TimePoint now = now_();
  const std::uint64_t end = offset + data.size();
  ++budget_.counts().writes;
  budget_.counts().bytes_written += data.size();
  if (data.size() >= limits_.copy_below) {
    extents_.write(offset, data, epoch_, now);
  } else {
    const Buffer copy = copy_into_room(offset, data);
    if (!extents_.append(offset, copy, copy_room_, epoch_)) extents_.write(offset, copy, epoch_, now);
  }
  // What lies across the end of the last WRITE goes out as one.
  if (offset < sent_to_ && sent_to_ < end) sent_to_ = offset;
  note_own_end(end);
  last_end_ = end;
  writers_.push_back(std::move(done));
  advance(now);
}

// Small writes that follow each other lie side by side in memory; a lone one takes no more than it needs.
Buffer FileCache::copy_into_room(std::uint64_t offset, const Buffer& data) {
  if (offset != last_end_ || copy_room_.size() - copy_room_used_ < data.size()) {
    const bool follows = offset == last_end_ && extents_.bytes(State::dirty) > 0;
    copy_room_ = budget_.pool().allocate(follows ? std::max(limits_.copy_room, data.size()) : data.size());
    copy_room_used_ = 0;
  }
  Buffer copy = copy_room_.slice(copy_room_used_, data.size());
  std::memcpy(copy.data(), data.data(), data.size());
  copy_room_used_ += data.size();
  return copy;
}

// The file has bytes up to `end`, whatever a READ that is under way will say.
void FileCache::note_own_end(std::uint64_t end) {
  size_ = std::max(size_, end);
  if (end_ && end > end_->at) end_.reset();
  for (auto& [id, fetch] : fetches_) fetch.own_end = std::max(fetch.own_end, end);
}

void FileCache::flush(bool to_disk, Done done) {
  barriers_.push_back({close_epoch(), to_disk, true, std::move(done)});
  advance(now_());
}

void FileCache::truncate(std::uint64_t size, Done done) {
  truncates_.push_back({size, close_epoch(), false, std::move(done)});
  end_.reset();
  for (auto& [id, fetch] : fetches_) {
    fetch.own_end = std::min(fetch.own_end, size);
    for (Waiter& waiter : fetch.waiters) waiter.own_end = std::min(waiter.own_end, size);
  }
  advance(now_());
}

// What is written from now on is younger than the barrier that is set up.
std::uint64_t FileCache::close_epoch() {
  flush_through_ = epoch_;
  return epoch_++;
}

void FileCache::advance(TimePoint now) {
  send_writes(now);
  while (refuse_or_send_truncate()) send_writes(now);
  finish_barriers();
  admit_writers();
}

// Writers will soon have to wait, and nothing under way will make room; or there is too much to look through.
bool FileCache::is_pressed() const {
  return (flights_.empty() && load() > room() / 2) || extents_.dirty_extents() > limits_.extents_waiting;
}

// Upwards from where the last WRITE ended, and round: nothing waits for long because of what is written below it.
void FileCache::send_writes(TimePoint now) {
  join_until_ = TimePoint::max();
  const std::uint64_t newest = truncates_.empty() ? epoch_ : truncates_.front().epoch;
  const std::uint64_t piece = piece_of_write();
  const WriteSituation situation{
      .now = now,
      .piece = piece,
      .join_delay = access_ == Access::read_write ? limits_.leased_join_delay : limits_.join_delay,
      .last_end = last_end_,
      .others_may_wait = access_ == Access::read_write,
      .flush_through = flush_through_,
      .pressed = is_pressed()};
  const std::uint64_t start = sent_to_;
  bool is_round = start == 0;
  for (std::uint64_t from = start; flights_.size() < limits_.writes_in_flight;) {
    const std::optional<DirtyRun> run = extents_.dirty_run(from, piece, newest);
    if (is_round && (!run || (start != 0 && run->begin >= start))) return;
    if (!run) {
      is_round = true;
      from = 0;
      continue;
    }
    from = run->begin + run->length;
    const TimePoint when = when_to_send(*run, situation);
    if (when <= now) {
      send(*run, now);
      from = run->begin;  // it may have gone out in part
    } else {
      join_until_ = std::min(join_until_, when);
    }
  }
}

void FileCache::send(const DirtyRun& run, TimePoint now) {
  const std::uint64_t id = ++last_id_;
  std::vector<Buffer> data = extents_.begin_flush(run.begin, run.length, limits_.buffers_per_write, id);
  std::uint64_t length = 0;
  for (const Buffer& each : data) length += each.size();
  sent_to_ = run.begin + length;
  flights_.emplace(id, Flight{run.begin, sent_to_, run.oldest, write_window_.mark(now)});
  in_flight_bytes_ += length;
  remote_.write(run.begin, std::move(data), [this, id, alive = std::weak_ptr<bool>(alive_)](std::error_code error) {
    if (!alive.expired()) handle_written(id, error);
  });
}

void FileCache::handle_written(std::uint64_t id, std::error_code error) {
  const TimePoint now = now_();
  const Flight flight = flights_.extract(id).mapped();
  const std::uint64_t length = flight.end - flight.begin;
  in_flight_bytes_ -= length;
  if (error) {
    if (!error_) error_ = error;
  } else {
    write_window_.handle_answer(flight.mark, length, now);
  }
  if (keeps()) budget_.make_room(now);
  const bool keep = keeps() && budget_.may_keep();
  extents_.handle_flushed(flight.begin, flight.end, id, !error, keep, now);
  if (keep) note_clean(now);
  advance(now);
  deliver();
}

bool FileCache::is_written_through(std::uint64_t epoch) const {
  const std::optional<std::uint64_t> unsent = extents_.oldest_unsent_epoch();
  return (!unsent || *unsent > epoch) &&
         std::all_of(flights_.begin(), flights_.end(), [&](const auto& each) { return each.second.oldest > epoch; });
}

// The first truncate whose turn has come is sent, or refused if a write before it failed. True in that case: what
// waited behind it may go.
bool FileCache::refuse_or_send_truncate() {
  if (truncates_.empty() || truncates_.front().sent || !is_written_through(truncates_.front().epoch)) return false;
  Truncate& front = truncates_.front();
  if (error_) {
    ready(std::move(front.done), tell_error());
    truncates_.pop_front();
    return true;
  }
  front.sent = true;
  remote_.truncate(front.size, [this, alive = std::weak_ptr<bool>(alive_)](std::error_code error) {
    if (!alive.expired()) handle_truncated(error);
  });
  return false;
}

void FileCache::handle_truncated(std::error_code error) {
  Truncate done = std::move(truncates_.front());
  truncates_.pop_front();
  if (!error) {
    size_ = std::max(done.size, unsent_end());
    forget_fetched();
  }
  ready(std::move(done.done), error);
  advance(now_());
  deliver();
}

void FileCache::finish_barriers() {
  while (!barriers_.empty() && is_written_through(barriers_.front().epoch)) {
    Barrier barrier = std::move(barriers_.front());
    barriers_.pop_front();
    const std::error_code error = barrier.tells ? tell_error() : std::error_code();
    if (error || !barrier.to_disk) {
      ready(std::move(barrier.done), error);
      continue;
    }
    remote_.flush([this, done = std::move(barrier.done), alive = std::weak_ptr<bool>(alive_)](std::error_code failure) {
      if (alive.expired()) return;
      ready(done, failure);
      deliver();
    });
  }
}

std::uint64_t FileCache::room() const { return budget_.exhausted() ? piece_of_write() : write_window_.size(); }

void FileCache::admit_writers() {
  while (!writers_.empty() && (error_ || load() <= room())) {
    ready(std::move(writers_.front()), tell_error());
    writers_.pop_front();
  }
}

// Once; what could not be written is not kept any longer.
std::error_code FileCache::tell_error() {
  if (error_) {
    extents_.forget_failed();
    remote_.handle_unwritten(error_);
  }
  return std::exchange(error_, {});
}

std::uint64_t FileCache::unsent_end() const {
  std::uint64_t end = extents_.dirty_end();
  for (const auto& [id, flight] : flights_) end = std::max(end, flight.end);
  return end;
}

// As far as the file has bytes by what was written here: a truncate under way cuts off what was written before it.
std::uint64_t FileCache::own_end() const {
  if (!has_unsent()) return 0;
  if (truncates_.empty()) return unsent_end();
  std::uint64_t end = 0;
  for (const auto& [begin, extent] : extents_.map()) {
    if (extent.state != State::dirty && extent.state != State::flushing && extent.state != State::flushing_redirtied)
      continue;
    std::uint64_t own = extent.end;
    for (const Truncate& each : truncates_) {
      if (extent.epoch <= each.epoch) own = std::min(own, each.size);
    }
    end = std::max(end, own);
  }
  return end;
}

std::optional<std::uint64_t> FileCache::size_underway() const {
  if (truncates_.empty()) return std::nullopt;
  return truncates_.back().size;
}

}  // namespace smb3fuse::cache
