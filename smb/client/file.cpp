// SPDX-License-Identifier: Apache-2.0
#include "smb/client/file.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "cache/budget.h"
#include "cache/file_cache.h"
#include "smb/status.h"

namespace smb3fuse::client {

namespace {

constexpr std::size_t kMemoryOfAllFiles = std::size_t{512} << 20;
// How long the end of the file is taken to be where the server last said, for one append to it: as long as a program
// takes to write after it has opened.
constexpr Duration kEndOfFileAge = std::chrono::milliseconds(2);
// Appends of this size are bulk data: they follow one another without asking where the file ends now, and without
// waiting for each other. Smaller ones are records of a log that others write too.
constexpr std::size_t kBulkAppend = 64 * 1024;
// How long attribute changes wait for a flush that saves their round trip.
constexpr Duration kChangesWait = std::chrono::seconds(1);

// What `later` sets wins.
void merge(AttributeChanges& changes, const AttributeChanges& later) {
  if (later.creation_time) changes.creation_time = later.creation_time;
  if (later.last_access_time) changes.last_access_time = later.last_access_time;
  if (later.last_write_time) changes.last_write_time = later.last_write_time;
  if (later.file_attributes) changes.file_attributes = later.file_attributes;
}

// [MS-SMB2] 2.2.13.2.8 LeaseState: what the rights let the cache do. Writes may only wait where reads may be kept.
cache::Access access_of(Rights rights) {
  if (!rights.read) return cache::Access::none;
  return rights.write ? cache::Access::read_write : cache::Access::read;
}

void overlay(Attributes& attributes, const AttributeChanges& changes) {
  if (changes.creation_time) attributes.creation_time = *changes.creation_time;
  if (changes.last_access_time) attributes.last_access_time = *changes.last_access_time;
  if (changes.last_write_time) attributes.last_write_time = *changes.last_write_time;
  if (changes.file_attributes) attributes.file_attributes = *changes.file_attributes;
}

}  // namespace

// The opens as one cache::RemoteFile, and what rides on the writes.
class File::Remote final : public cache::RemoteFile, private Lease::Holder {
 public:
  Remote(Runtime& runtime, cache::BufferPool& pool, Share& share, Owner& owner)
      : runtime_(runtime),
        share_(share),
        owner_(owner),
        lease_(share.make_lease(*this)),
        budget_(pool, kMemoryOfAllFiles),
        cache_(*this, budget_, cache::Limits{}, [this] { return runtime_.now(); }),
        timer_(runtime.make_timer()) {}

  Lease* lease() const { return lease_.get(); }
  Rights rights() const { return lease_ ? lease_->rights() : Rights{}; }
  Open* try_use(bool to_read, bool to_write);
  Open& add(OpenResult result, bool readable, bool writable, bool shareable);
  void end_use(Open& open);
  void close_unused();
  bool has_opens() const { return !opens_.empty(); }
  bool has_writable() const { return any_writable() != nullptr; }
  void forget_read_ahead() { cache_.forget_fetched(); }

  bool try_read(std::uint64_t offset, std::uint32_t length, ReadResult& result) {
    const bool answered = cache_.try_read(offset, length, result);
    if (answered) arm();
    return answered;
  }
  void start_read(std::uint64_t offset, std::uint32_t length, File::ReadDone done) {
    cache_.read(offset, length, std::move(done));
    arm();
  }
  void start_write(std::uint64_t offset, const cache::Buffer& data, bool write_through, File::Done done);
  void append(cache::Buffer data, bool write_through, std::function<void(std::error_code, std::uint64_t)> done);
  Task<std::error_code> flush_all(bool to_disk);
  Task<std::error_code> set_attributes(AttributeChanges changes);

  Attributes seen_through(Attributes from_server) const;
  FileTime written_at() const { return written_at_; }
  bool has_unsent() const { return cache_.has_unsent() || !changes_.empty(); }
  bool is_ahead() const { return has_unsent() || owes_time_; }

  // cache::RemoteFile
  void read(std::uint64_t offset, std::uint32_t length, cache::RemoteFile::ReadDone done) override;
  void write(std::uint64_t offset, std::vector<cache::Buffer> data, cache::RemoteFile::Done done) override;
  void truncate(std::uint64_t size, cache::RemoteFile::Done done) override;
  void flush(cache::RemoteFile::Done done) override;
  std::uint32_t read_size() const override { return share_.maximum_read(); }
  std::uint32_t write_size() const override { return share_.maximum_write(); }

 private:
  struct Opened {
    std::unique_ptr<Open> open;
    std::uint64_t id;
    bool readable;
    bool writable;
    bool shareable;
    std::size_t users;
  };
  struct Append {
    cache::Buffer data;
    bool write_through;
    std::function<void(std::error_code, std::uint64_t)> done;
  };
  // Where the server said, or our writes since then say, that the file ends.
  struct EndOfFile {
    std::uint64_t at = 0;
    TimePoint told;
    bool known = false;
  };
  using Alive = std::weak_ptr<bool>;

  const Opened* any_readable() const { return find_open(&Opened::readable); }
  const Opened* any_writable() const { return find_open(&Opened::writable); }
  const Opened* find_open(bool Opened::*able) const {
    const auto found = std::find_if(opens_.begin(), opens_.end(), [&](const Opened& each) { return each.*able; });
    return found == opens_.end() ? nullptr : &*found;
  }
  const Opened* any_open() const {
    const Opened* writable = any_writable();
    return writable != nullptr || opens_.empty() ? writable : &opens_.front();
  }
  // An operation failed only because the handle it was sent on has been closed meanwhile.
  bool was_closed(std::uint64_t id) const {
    return std::none_of(opens_.begin(), opens_.end(), [&](const Opened& each) { return each.id == id; });
  }

  // Lease::Holder
  void handle_break(Rights left, std::function<void()> done) override;
  struct Break {
    Rights left;
    std::function<void()> done;
  };
  void tell_changes(const std::shared_ptr<Break>& taken, bool tells_time);
  Task<void> send_changes_of(std::shared_ptr<Break> taken);
  void drop_above(const std::shared_ptr<Break>& taken);
  void write_the_rest(const std::shared_ptr<Break>& taken);

  void note_users();
  void close(std::vector<Opened>::iterator which);
  void follow_rights();
  bool lose_read_right();
  void note_writing();
  AttributeChanges take_changes(bool with_time);
  void owe_again(const AttributeChanges& failed);
  void answer_appends();
  Task<void> ask_end_of_file();
  Task<void> send_truncate(std::uint64_t size, cache::RemoteFile::Done done);
  Task<std::error_code> send_changes();
  void flush_late();
  Task<void> send_changes_late();
  std::function<void(std::error_code)> once_written(std::function<void(std::error_code)> done);
  std::function<void(std::error_code)> through_to_disk(std::function<void(std::error_code)> done);

  void arm();
  void handle_turn();

  Runtime& runtime_;
  Share& share_;
  Owner& owner_;
  std::unique_ptr<Lease> lease_;  // outlives the opens
  cache::Budget budget_;
  cache::FileCache cache_;
  std::vector<Opened> opens_;
  std::uint64_t last_open_id_ = 0;

  bool owner_relies_ = false;  // on the right to read
  bool ever_written_ = false;
  bool written_since_flush_ = false;
  // A write or a change of size moves the file's time when it is made, by the server's clock, and that is what is shown
  // at once. So that it stays true the server is told, when nothing is left to write that would move its own time
  // again: in the message of the last WRITE of a flush, of a truncate or of other changes, or else with the CLOSE. It
  // has to be told each time: an open on which a time was set once no longer moves it by itself ([MS-FSA] 2.1.1.6,
  // Open.UserSetModificationTime).
  FileTime written_at_ = 0;
  bool owes_time_ = false;
  std::size_t flushes_ = 0;  // under way
  EndOfFile end_;
  std::deque<Append> appends_;
  bool asking_end_ = false;

  AttributeChanges changes_;   // wait for the last write or the flush
  AttributeChanges underway_;  // went with a write that has not been answered
  TimePoint changes_due_ = TimePoint::max();
  std::error_code changes_error_;  // of changes that were sent when nobody asked for it

  std::unique_ptr<Timer> timer_;
  TimePoint timer_set_to_ = TimePoint::max();
  bool turn_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>();
};

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
  const std::uint64_t told = std::max(result.attributes.end_of_file, cache_.unsent_end());
  const std::uint64_t size = ever_written_ ? std::max(told, end_.at) : told;
  cache_.learn_size(size);
  // Where we have written further, somebody may have cut it since, or it was answered since: whoever appends asks.
  end_ = {size, runtime_.now(), size == told};
  // The first bytes were read by the server before it answered; a write of ours may have been answered since.
  if (result.first_read_done && !ever_written_) {
    cache_.adopt(0, result.first, result.first.size() == result.attributes.end_of_file);
  }
  arm();
  return open;
}

void File::Remote::end_use(Open& open) {
  const auto which =
      std::find_if(opens_.begin(), opens_.end(), [&](const Opened& each) { return each.open.get() == &open; });
  if (which == opens_.end()) return;
  --which->users;
  note_users();
  if (which->users > 0) return;
  if (!which->shareable || !rights().handle || !rights().read) {
    close(which);
  } else if (owes_time_ && std::none_of(opens_.begin(), opens_.end(),
                                        [](const Opened& each) { return each.writable && each.users > 0; })) {
    spawn(send_changes_late());
  }
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
  if (to == cache_.access()) return;
  if (to != cache::Access::none) {
    owner_relies_ = true;
  } else if (lose_read_right()) {
    owner_.drop_attributes([] {});
  }
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
  const cache::Access to = access_of(left);
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
  if (taken->left.write || !cache_.has_unsent()) {
    close_unused();
    taken->done();
    return;
  }
  ++flushes_;
  cache_.flush(false, [this, taken](std::error_code error) {
    --flushes_;
    if (!changes_error_) changes_error_ = error;
    close_unused();
    taken->done();
  });
  arm();
}

// The file changes now, after any time that was set before.
void File::Remote::note_writing() {
  ever_written_ = true;
  written_at_ = share_.now();
  owes_time_ = true;
  changes_.last_write_time.reset();
}

// What is to be sent now.
AttributeChanges File::Remote::take_changes(bool with_time) {
  AttributeChanges taken = std::exchange(changes_, {});
  changes_due_ = TimePoint::max();
  if (with_time && std::exchange(owes_time_, false)) taken.last_write_time = written_at_;
  return taken;
}

// Of what failed, some may have been done: the time of writing is told later, unless the program has set one since.
void File::Remote::owe_again(const AttributeChanges& failed) {
  const bool told = failed.last_write_time == written_at_ && !changes_.last_write_time;
  if (told && any_writable() != nullptr) owes_time_ = true;
}

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
  const bool rides = (!changes_.empty() || tells_time) && cache_.is_last_write() && !cache_.size_underway();
  const bool by_program = !changes_.empty();  // not only the time of writing, which a server may refuse to be told
  AttributeChanges changes;
  if (rides) underway_ = changes = take_changes(true);
  auto answered = [this, alive = Alive(alive_), id = through->id, offset, data, changes, by_program,
                   done = std::move(done)](std::error_code error, std::error_code refused) {
    if (alive.expired()) return;
    if (!error && refused && by_program && !changes_error_) changes_error_ = refused;
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
    done(error);
    if (!alive.expired()) arm();
  };
  if (rides) {
    through->open->write_and_set(offset, std::move(data), std::move(changes), std::move(answered));
  } else {
    through->open->write(offset, std::move(data),
                         [answered = std::move(answered)](std::error_code error) { answered(error, {}); });
  }
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
  if (through == nullptr) {
    // Nothing was written through an open that we still hold: there is nothing to wait for.
    runtime_.post([done = std::move(done)] { done({}); });
    return;
  }
  through->open->flush([this, alive = Alive(alive_), done = std::move(done)](std::error_code error) {
    if (alive.expired()) return;
    done(error);
    if (!alive.expired()) arm();
  });
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

void File::Remote::append(cache::Buffer data, bool write_through,
                          std::function<void(std::error_code, std::uint64_t)> done) {
  appends_.push_back({std::move(data), write_through, std::move(done)});
  answer_appends();
}

void File::Remote::answer_appends() {
  while (!appends_.empty() && !asking_end_) {
    const bool bulk = appends_.front().data.size() >= kBulkAppend;
    const bool follows = bulk && cache_.has_unsent();
    const bool alone = rights().write;
    const bool fresh = end_.known && (alone || follows || runtime_.now() - end_.told < kEndOfFileAge);
    if (!fresh) {
      asking_end_ = true;
      runtime_.post([this, alive = Alive(alive_)] {
        if (!alive.expired()) spawn(ask_end_of_file());
      });
      return;
    }
    Append next = std::move(appends_.front());
    appends_.pop_front();
    const std::uint64_t at = end_.at;
    const std::uint64_t end = at + next.data.size();
    auto done = [done = std::move(next.done), end](std::error_code error) { done(error, end); };
    if (bulk || alone) {
      start_write(at, next.data, next.write_through, std::move(done));
    } else {
      // The next one to append, here or elsewhere, has to find it there.
      end_.known = false;
      start_write(at, next.data, next.write_through, once_written(std::move(done)));
    }
  }
}

Task<void> File::Remote::ask_end_of_file() {
  const Alive alive = alive_;
  end_.at = 0;  // from here on it is where our own writes end, which the answer may not know of
  end_.at = cache_.unsent_end();
  Result<Attributes> answer = tl::make_unexpected(make_error_code(NtStatus::STATUS_FILE_CLOSED));
  const Opened* through = any_open();
  if (through != nullptr) {
    answer = co_await through->open->attributes();
    if (alive.expired()) co_return;
  }
  asking_end_ = false;
  if (answer) {
    end_ = {std::max(end_.at, answer->end_of_file), runtime_.now(), true};
    answer_appends();
    co_return;
  }
  std::deque<Append> failed = std::exchange(appends_, {});
  for (Append& each : failed) {
    each.done(answer.error(), 0);
    if (alive.expired()) co_return;
  }
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

Task<std::error_code> File::Remote::send_changes() {
  const bool by_program = !changes_.empty();  // not only the time of writing, which a server may refuse to be told
  const AttributeChanges changes = take_changes(!cache_.has_unsent());
  const Opened* through = any_open();
  if (through == nullptr) co_return make_error_code(NtStatus::STATUS_FILE_CLOSED);
  underway_ = changes;
  const Alive alive = alive_;
  // They come from whoever changed the file, not only from the one who waits here.
  const std::error_code error = co_await uninterrupted(through->open->set_attributes(changes));
  if (alive.expired()) co_return error;
  underway_ = {};
  if (error) owe_again(changes);
  co_return by_program ? error : std::error_code();
}

// Nobody flushed in time.
void File::Remote::flush_late() {
  cache_.flush(false, [this](std::error_code error) {
    if (!changes_error_) changes_error_ = error;
    written_since_flush_ = false;
    if (!changes_.empty()) spawn(send_changes_late());
  });
}

Task<void> File::Remote::send_changes_late() {
  const Alive alive = alive_;
  const std::error_code error = co_await send_changes();
  if (alive.expired()) co_return;
  if (!changes_error_) changes_error_ = error;
}

Task<std::error_code> File::Remote::set_attributes(AttributeChanges changes) {
  const std::optional<std::uint64_t> size = changes.end_of_file;
  if (size) note_writing();
  merge(changes_, changes);
  if (changes.last_write_time) {
    owes_time_ = false;
    written_at_ = 0;
  }
  if (size) {  // the others go with it
    const std::error_code error = co_await callback<std::error_code>([&](auto done) {
      cache_.truncate(*size, std::move(done));
      arm();
    });
    co_return error;
  }
  const bool waits = cache_.has_unsent() || written_since_flush_;
  if (waits) {
    changes_due_ = std::min(changes_due_, runtime_.now() + kChangesWait);
    arm();
    co_return std::error_code();
  }
  const std::error_code error = co_await send_changes();
  co_return error;
}

Attributes File::Remote::seen_through(Attributes from_server) const {
  if (const auto size = cache_.size_underway()) from_server.end_of_file = *size;
  from_server.end_of_file = std::max(from_server.end_of_file, cache_.unsent_end());
  overlay(from_server, underway_);
  if (owes_time_) from_server.last_write_time = from_server.change_time = written_at_;
  overlay(from_server, changes_);
  return from_server;
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

File::File(Runtime& runtime, cache::BufferPool& pool, Share& share, Owner& owner)
    : remote_(std::make_unique<Remote>(runtime, pool, share, owner)) {}
File::~File() = default;

Lease* File::lease() const { return remote_->lease(); }
Rights File::rights() const { return remote_->rights(); }
Open* File::try_use(bool to_read, bool to_write) { return remote_->try_use(to_read, to_write); }
Open& File::add(OpenResult result, bool readable, bool writable, bool shareable) {
  return remote_->add(std::move(result), readable, writable, shareable);
}
void File::end_use(Open& open) { remote_->end_use(open); }
void File::close_unused() { remote_->close_unused(); }
void File::forget_read_ahead() { remote_->forget_read_ahead(); }
bool File::has_opens() const { return remote_->has_opens(); }
bool File::has_writable() const { return remote_->has_writable(); }

bool File::try_read(std::uint64_t offset, std::uint32_t length, ReadResult& result) {
  return remote_->try_read(offset, length, result);
}
void File::read(std::uint64_t offset, std::uint32_t length, ReadDone done) {
  remote_->start_read(offset, length, std::move(done));
}
void File::write(std::uint64_t offset, cache::Buffer data, bool write_through, Done done) {
  remote_->start_write(offset, data, write_through, std::move(done));
}
void File::append(cache::Buffer data, bool write_through, std::function<void(std::error_code, std::uint64_t)> done) {
  remote_->append(std::move(data), write_through, std::move(done));
}
Task<std::error_code> File::flush(bool to_disk) { return remote_->flush_all(to_disk); }
Task<std::error_code> File::set_attributes(AttributeChanges changes) {
  return remote_->set_attributes(std::move(changes));
}
Attributes File::seen_through(Attributes from_server) const { return remote_->seen_through(std::move(from_server)); }
FileTime File::written_at() const { return remote_->written_at(); }
bool File::has_unsent() const { return remote_->has_unsent(); }
bool File::is_ahead() const { return remote_->is_ahead(); }

}  // namespace smb3fuse::client
