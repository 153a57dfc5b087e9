// SPDX-License-Identifier: Apache-2.0
// Inside of a File: its opens as one cache::RemoteFile, what rides on the writes, and what the server takes back.
// file_rights.cpp: opens, rights and their loss; file_attributes.cpp: changes of attributes that wait and times that
// are owed; file_append.cpp: appends; file_remote.cpp: what the cache asks of the server, and the time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "cache/file_cache.h"
#include "smb/client/file.h"

namespace smb3fuse::client {

// The opens as one cache::RemoteFile, and what rides on the writes.
class File::Remote final : public cache::RemoteFile, private Lease::Holder, private FileLocks::Host {
 public:
  Remote(Runtime& runtime, cache::Budget& budget, Share& share, Owner& owner)
      : runtime_(runtime),
        share_(share),
        owner_(owner),
        lease_(share.make_lease(*this)),
        cache_(*this, budget, cache::Limits{}, [this] { return runtime_.now(); }),
        locks_(std::make_shared<FileLocks>(runtime, static_cast<FileLocks::Host&>(*this))),
        timer_(runtime.make_timer()) {}
  ~Remote() { locks_->leave(); }

  Lease* lease() const { return lease_.get(); }
  // The lease may live on in an open that is not ours, of a rename, and end with it untold.
  Rights rights() const { return lease_ && has_opens() ? lease_->rights() : Rights{}; }
  Open* try_use(bool to_read, bool to_write);
  Open& add(OpenResult result, bool readable, bool writable, bool shareable);
  void end_use(Open& open);
  void close_unused();
  bool has_opens() const { return !opens_.empty(); }
  bool is_lost() const { return !opens_.empty() && opens_.front().open->is_lost(); }
  bool has_writable() const { return any_writable() != nullptr; }
  FileLocks& locks() { return *locks_; }
  void forget_read_ahead() {
    cache_.forget_fetched();
    end_.known = false;
  }

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
  Task<Result<PosixAcls>> posix_acls();

  Attributes seen_through(Attributes from_server) const;
  FileTime written_at() const { return written_at_; }
  bool has_unsent() const { return cache_.has_unsent() || !changes_.empty(); }
  bool is_ahead() const { return has_unsent() || owes_time_; }
  cache::Usage usage() const { return cache_.usage(); }
  bool was_written_at(TimePoint when) const { return !cache_.has_unsent() && last_written_ <= when; }
  bool audit() const { return cache_.audit(); }

  // cache::RemoteFile
  void read(std::uint64_t offset, std::uint32_t length, cache::RemoteFile::ReadDone done) override;
  void write(std::uint64_t offset, std::vector<cache::Buffer> data, cache::RemoteFile::Done done) override;
  void truncate(std::uint64_t size, cache::RemoteFile::Done done) override;
  void flush(cache::RemoteFile::Done done) override;
  void handle_unwritten(std::error_code error) override;
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
  // The one that has the locks, if it can: what others do within them is refused, and so is what our other opens do.
  const Opened* find_open(bool Opened::*able) const {
    const Opened* found = nullptr;
    for (const Opened& each : opens_) {
      if (each.*able && (found == nullptr || each.id == lock_open_)) found = &each;
    }
    return found;
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
  void push_locks(const std::shared_ptr<Break>& taken);
  Task<void> push_locks_of(std::shared_ptr<Break> taken);
  void end_break(const std::shared_ptr<Break>& taken);

  // FileLocks::Host
  bool is_alone() const override { return rights().write; }
  Open* hold_lock_open() override;
  void release_lock_open() override;
  Task<void> write_unsent() override;
  Task<void> forget_read(std::optional<Attributes> attributes) override;

  void note_users();
  void learn_end(std::uint64_t told);
  void close(std::vector<Opened>::iterator which);
  void follow_rights();
  bool lose_read_right();
  void note_writing();
  // What `later` sets wins.
  static void merge(AttributeChanges& changes, const AttributeChanges& later);
  AttributeChanges take_changes(bool with_time);
  void owe_again(const AttributeChanges& failed);
  void answer_appends();
  Task<void> ask_end_of_file();
  Task<void> send_truncate(std::uint64_t size, cache::RemoteFile::Done done);
  Task<std::error_code> send_changes();
  Task<std::error_code> send_posix(AttributeChanges changes);
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
  cache::FileCache cache_;
  std::vector<Opened> opens_;
  std::uint64_t last_open_id_ = 0;
  std::uint64_t lock_open_ = 0;  // 0: none
  std::shared_ptr<FileLocks> locks_;

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
  std::size_t flushes_ = 0;            // under way
  std::uint64_t changes_sent_ = 1;     // writes and changes of size; what was before us counts as one
  std::uint64_t changes_on_disk_ = 0;  // the last one of them that a flush went with, by which it is on disk
  TimePoint last_written_{};           // when a WRITE was answered last
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

}  // namespace smb3fuse::client
