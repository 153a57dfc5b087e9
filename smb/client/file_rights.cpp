// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <utility>

#include "smb/client/file_remote.h"

namespace smb3fuse::client {

namespace {

// [MS-SMB2] 2.2.13.2.8 LeaseState: what the rights let the cache do. Writes may only wait where reads may be kept.
cache::Access access_of(Rights rights) {
  if (!rights.read) return cache::Access::none;
  return rights.write ? cache::Access::read_write : cache::Access::read;
}

}  // namespace

Open* File::Remote::try_use(bool to_read, bool to_write) {
  const Rights held = rights();
  if (!held.read || !held.handle) return nullptr;
  const auto found = std::find_if(opens_.begin(), opens_.end(), [&](const Opened& each) {
    return each.shareable && (each.readable || !to_read) && (each.writable || !to_write);
  });
  if (found == opens_.end()) return nullptr;
  ++found->users;
  note_users();
  return found->open.get();
}

Open& File::Remote::add(OpenResult result, bool readable, bool writable, bool shareable) {
  Open& open = *result.open;
  opens_.push_back({std::move(result.open), ++last_open_id_, readable, writable, shareable, 1});
  const bool was_kept = cache_.access() != cache::Access::none;
  note_users();
  follow_rights();
  // Nobody else has changed it since: what is known here is newer than what the server said.
  if (was_kept && cache_.access() != cache::Access::none) return open;
  // Close-to-open: whoever opens now sees what others had written before.
  cache_.forget_fetched();
  learn_end(result.attributes.end_of_file);
  // The first bytes were read by the server before it answered; a write of ours may have been answered since.
  if (result.first_read_done && !ever_written_) {
    cache_.adopt(0, result.first, result.first.size() == result.attributes.end_of_file);
  }
  arm();
  return open;
}

// As the server said just now.
void File::Remote::learn_end(std::uint64_t told) {
  told = std::max(told, cache_.unsent_end());
  const std::uint64_t size = ever_written_ ? std::max(told, end_.at) : told;
  cache_.learn_size(size);
  // Where we have written further, somebody may have cut it since, or it was answered since: whoever appends asks.
  end_ = {size, runtime_.now(), size == told};
}

void File::Remote::end_use(Open& open) {
  const auto which =
      std::find_if(opens_.begin(), opens_.end(), [&](const Opened& each) { return each.open.get() == &open; });
  if (which == opens_.end()) return;
  --which->users;
  note_users();
  if (which->users > 0) return;
  if (!which->shareable || !rights().handle || !rights().read) close(which);
  const bool has_writer =
      std::any_of(opens_.begin(), opens_.end(), [](const Opened& each) { return each.writable && each.users > 0; });
  if (owes_time_ && !has_writer) spawn(send_changes_late());
}

// While somebody writes, the times change, and the kernel drops its pages each time it sees that.
void File::Remote::note_users() {
  const bool written =
      std::any_of(opens_.begin(), opens_.end(), [](const Opened& each) { return each.writable && each.users > 0; });
  cache_.set_reader_keeps(!written);
}

void File::Remote::close_unused() {
  for (auto each = opens_.begin(); each != opens_.end();) {
    if (each->users > 0) {
      ++each;
      continue;
    }
    const auto index = each - opens_.begin();
    close(each);
    each = opens_.begin() + index;
  }
}

void File::Remote::close(std::vector<Opened>::iterator which) {
  std::unique_ptr<Open> open = std::move(which->open);
  opens_.erase(which);
  if (owes_time_ && any_writable() == nullptr) {
    AttributeChanges times;
    times.last_write_time = written_at_;
    open->set_at_close(std::move(times));
    owes_time_ = false;
  }
  open.reset();
  follow_rights();
}

// Those that came with an open or went with the last one.
void File::Remote::follow_rights() {
  const cache::Access to = access_of(rights());
  if (to != cache::Access::none) owner_relies_ = true;
  if (to == cache_.access()) return;
  if (to == cache::Access::none && lose_read_right()) owner_.drop_attributes([] {});
  cache_.change_access(to, [](std::error_code) {});
}

// False: the owner has been told already.
bool File::Remote::lose_read_right() {
  if (!std::exchange(owner_relies_, false)) return false;
  owner_.handle_read_right_lost();
  return true;
}

// In the order that leaves nothing behind: what was written goes out before anybody else reads, and what the kernel
// still has is written before its pages go. Each step belongs to whoever calls the next one, and goes with it if the
// file does not live to see it.
void File::Remote::handle_break(Rights left, std::function<void()> done) {
  if (!left.read) lose_read_right();
  const auto taken = std::make_shared<Break>(Break{left, std::move(done)});
  // It may have overtaken the answer to the open that it is about: then there is nothing here yet.
  const cache::Access to = std::min(access_of(left), cache_.access());
  if (to == cache_.access()) return tell_changes(taken, false);
  const bool wrote = cache_.access() == cache::Access::read_write;
  if (wrote) ++flushes_;
  cache_.change_access(to, [this, taken, wrote](std::error_code) {
    if (wrote) --flushes_;
    tell_changes(taken, wrote);
  });
  arm();
}

// The next client may keep what it is told of the time.
void File::Remote::tell_changes(const std::shared_ptr<Break>& taken, bool tells_time) {
  if (!taken->left.write && (!changes_.empty() || (tells_time && owes_time_)) && any_open() != nullptr) {
    spawn(send_changes_of(taken));
  } else {
    drop_above(taken);
  }
}

Task<void> File::Remote::send_changes_of(std::shared_ptr<Break> taken) {
  const Alive alive = alive_;
  const std::error_code error = co_await send_changes();
  if (alive.expired()) co_return;
  if (!changes_error_) changes_error_ = error;
  drop_above(taken);
}

void File::Remote::drop_above(const std::shared_ptr<Break>& taken) {
  auto next = [this, alive = Alive(alive_), taken] {
    if (!alive.expired()) write_the_rest(taken);
  };
  if (!taken->left.read) {
    owner_.drop_data(std::move(next));
  } else if (std::all_of(opens_.begin(), opens_.end(), [](const Opened& each) { return each.users == 0; })) {
    // With the last open goes the right to read, too.
    lose_read_right();
    owner_.drop_attributes(std::move(next));
  } else {
    next();
  }
}

void File::Remote::write_the_rest(const std::shared_ptr<Break>& taken) {
  if (taken->left.write || !cache_.has_unsent()) return push_locks(taken);
  ++flushes_;
  cache_.flush(false, [this, taken](std::error_code error) {
    --flushes_;
    if (!changes_error_) changes_error_ = error;
    push_locks(taken);
  });
  arm();
}

// After the data, which a shared lock of our own would keep from being written.
void File::Remote::push_locks(const std::shared_ptr<Break>& taken) {
  if (taken->left.write || locks_->empty()) {
    end_break(taken);
  } else {
    spawn(push_locks_of(taken));
  }
}

Task<void> File::Remote::push_locks_of(std::shared_ptr<Break> taken) {
  const Alive alive = alive_;
  const std::shared_ptr<FileLocks> locks = locks_;
  co_await locks->push();
  if (!alive.expired()) end_break(taken);
}

void File::Remote::end_break(const std::shared_ptr<Break>& taken) {
  close_unused();
  taken->done();
}

// One that can do all, so that none of our own reads and writes has to go through another.
Open* File::Remote::hold_lock_open() {
  Opened* best = nullptr;
  const auto able = [](const Opened& each) { return (each.writable ? 2 : 0) + (each.readable ? 1 : 0); };
  for (Opened& each : opens_) {
    if (best == nullptr || able(each) > able(*best)) best = &each;
  }
  if (best == nullptr) return nullptr;
  ++best->users;
  lock_open_ = best->id;
  return best->open.get();
}

void File::Remote::release_lock_open() {
  const auto held =
      std::find_if(opens_.begin(), opens_.end(), [&](const Opened& each) { return each.id == lock_open_; });
  lock_open_ = 0;
  if (held != opens_.end()) end_use(*held->open);
}

Task<void> File::Remote::write_unsent() {
  if (!cache_.has_unsent()) co_return;
  ++flushes_;
  const std::error_code error = co_await callback<std::error_code>([&](auto done) {
    cache_.flush(false, std::move(done));
    arm();
  });
  --flushes_;
  if (!changes_error_) changes_error_ = error;
}

// A break of the right to read that a change before our lock has caused may still be on its way.
Task<void> File::Remote::forget_read(std::optional<Attributes> attributes) {
  cache_.forget_fetched();
  if (attributes) learn_end(attributes->end_of_file);
  owner_.handle_read_right_lost();
  co_await callback<bool>([&](std::function<void(bool)> done) { owner_.drop_data([done] { done(true); }); });
}

}  // namespace smb3fuse::client
