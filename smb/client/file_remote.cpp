// SPDX-License-Identifier: Apache-2.0
#include "smb/client/file_remote.h"

#include <utility>
#include <vector>

#include "smb/status.h"

namespace smb3fuse::client {

void File::Remote::read(std::uint64_t offset, std::uint32_t length, cache::RemoteFile::ReadDone done) {
  const Opened* through = any_readable();
  if (through == nullptr) {
    runtime_.post([done = std::move(done)] { done(NtStatus::STATUS_ACCESS_DENIED, {}); });
    return;
  }
  auto answered = [this, alive = Alive(alive_), id = through->id, offset, length, done = std::move(done)](
                      std::error_code error, cache::Buffer data) {
    if (alive.expired()) return;
    if (error && was_closed(id) && any_readable() != nullptr) {
      read(offset, length, done);
      return;
    }
    done(error, std::move(data));
    if (!alive.expired()) arm();
  };
  through->open->read(offset, length, std::move(answered));
}

void File::Remote::write(std::uint64_t offset, std::vector<cache::Buffer> data, cache::RemoteFile::Done done) {
  const Opened* through = any_writable();
  if (through == nullptr) {
    runtime_.post([done = std::move(done)] { done(NtStatus::STATUS_ACCESS_DENIED); });
    return;
  }
  // A server moves the times with each write it answers, so changes go with the last one or after it, and not before
  // a truncate.
  const bool tells_time = owes_time_ && flushes_ > 0;
  const bool is_last = cache_.is_last_write() && !cache_.size_underway();
  const bool rides = is_last && (!changes_.empty() || tells_time);
  const bool to_disk = is_last && cache_.awaits_disk();
  const bool by_program = !changes_.empty();  // not only the time of writing, which a server may refuse to be told
  AttributeChanges changes;
  if (rides) underway_ = changes = take_changes(true);
  auto answered = [this, alive = Alive(alive_), id = through->id, offset, data, changes, by_program, to_disk,
                   number = ++changes_sent_, done = std::move(done)](std::error_code error, std::error_code after) {
    if (alive.expired()) return;
    if (!error && after && by_program && !changes_error_) changes_error_ = after;
    if (!error && !after && to_disk) changes_on_disk_ = number;
    if (!changes.empty()) underway_ = {};
    if (error) owe_again(changes);
    if (error && was_closed(id)) {
      AttributeChanges again = changes;
      if (owes_time_) again.last_write_time.reset();
      merge(again, changes_);
      changes_ = std::move(again);
    }
    if (error && was_closed(id) && any_writable() != nullptr) {
      write(offset, data, done);
      return;
    }
    last_written_ = runtime_.now();
    done(error);
    if (!alive.expired()) arm();
  };
  through->open->write(offset, std::move(data), std::move(changes), to_disk, std::move(answered));
}

void File::Remote::truncate(std::uint64_t size, cache::RemoteFile::Done done) {
  // In a turn of its own: the changes may fail without having been sent.
  runtime_.post([this, alive = Alive(alive_), size, done = std::move(done)]() mutable {
    if (!alive.expired()) spawn(send_truncate(size, std::move(done)));
  });
}

Task<void> File::Remote::send_truncate(std::uint64_t size, cache::RemoteFile::Done done) {
  const Opened* through = any_writable();
  if (through == nullptr) {
    done(NtStatus::STATUS_ACCESS_DENIED);
    co_return;
  }
  AttributeChanges changes = take_changes(!cache_.has_unsent());
  changes.end_of_file = size;
  underway_ = changes;
  ++changes_sent_;
  const Alive alive = alive_;
  const std::error_code error = co_await through->open->set_attributes(changes);
  if (alive.expired()) co_return;
  underway_ = {};
  if (error) owe_again(changes);
  if (!error) end_ = {std::max(size, cache_.unsent_end()), runtime_.now(), true};
  done(error);
  if (!alive.expired()) arm();
}

void File::Remote::flush(cache::RemoteFile::Done done) {
  const Opened* through = any_writable();
  if (through == nullptr || changes_on_disk_ == changes_sent_) {
    // Nothing was written through an open that we still hold, or since the flush that went with the last write.
    runtime_.post([done = std::move(done)] { done({}); });
    return;
  }
  through->open->flush([this, alive = Alive(alive_), done = std::move(done)](std::error_code error) {
    if (alive.expired()) return;
    done(error);
    if (!alive.expired()) arm();
  });
}

void File::Remote::handle_unwritten(std::error_code error) {
  end_.known = false;
  owner_.handle_unwritten(error);
}

void File::Remote::start_write(std::uint64_t offset, const cache::Buffer& data, bool write_through, File::Done done) {
  note_writing();
  written_since_flush_ = true;
  end_.at = std::max(end_.at, offset + data.size());
  cache_.write(offset, data, write_through ? through_to_disk(std::move(done)) : std::move(done));
  arm();
}

std::function<void(std::error_code)> File::Remote::once_written(std::function<void(std::error_code)> done) {
  ++flushes_;
  auto answered = [this, done = std::move(done)](std::error_code error) {
    --flushes_;
    done(error);
  };
  return [this, answered = std::move(answered)](std::error_code error) {
    if (error) {
      answered(error);
      return;
    }
    cache_.flush(false, answered);
    arm();
  };
}

std::function<void(std::error_code)> File::Remote::through_to_disk(std::function<void(std::error_code)> done) {
  return [this, done = std::move(done)](std::error_code error) {
    if (error) {
      done(error);
      return;
    }
    cache_.flush(true, done);
  };
}

Task<std::error_code> File::Remote::flush_all(bool to_disk) {
  ++flushes_;
  std::error_code error = co_await callback<std::error_code>([&](auto done) {
    cache_.flush(to_disk, std::move(done));
    arm();
  });
  --flushes_;
  written_since_flush_ = false;
  // Without the right to write another client may keep what it is told from now on.
  const bool alone = lease_ == nullptr || rights().write;
  const bool tells_time = !error && owes_time_ && !alone && !cache_.has_unsent() && any_writable() != nullptr;
  if (!changes_.empty() || tells_time) {
    const std::error_code changes_error = co_await send_changes();
    if (!error) error = changes_error;
  }
  const std::error_code earlier = std::exchange(changes_error_, {});
  co_return error ? error : earlier;
}

// A turn for what is due now, the timer for what is due later. A timer that rings too early only asks again.
void File::Remote::arm() {
  std::optional<TimePoint> next = cache_.next_timeout();
  if (changes_due_ != TimePoint::max()) next = next ? std::min(*next, changes_due_) : changes_due_;
  if (!next) return;
  if (*next == TimePoint::min()) {
    if (std::exchange(turn_posted_, true)) return;
    runtime_.post([this, alive = Alive(alive_)] {
      if (alive.expired()) return;
      turn_posted_ = false;
      handle_turn();
    });
    return;
  }
  if (*next >= timer_set_to_) return;
  timer_set_to_ = *next;
  timer_->expire_at(*next, [this] {
    timer_set_to_ = TimePoint::max();
    handle_turn();
  });
}

void File::Remote::handle_turn() {
  const Alive alive = alive_;
  if (runtime_.now() >= changes_due_) {
    changes_due_ = TimePoint::max();
    flush_late();
  }
  cache_.handle_timeout();
  if (!alive.expired()) arm();
}

}  // namespace smb3fuse::client
