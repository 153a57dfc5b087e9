// SPDX-License-Identifier: Apache-2.0
// The data of one remote file as all its users here see it: reads are answered from what was fetched ahead or
// written, writes wait here to be joined and are sent in order. README.md has the states, rules and invariants.
//
// Loop thread. No completion runs inside the call that started it: what is done at once waits for handle_timeout(),
// which is due as soon as next_timeout() says so. Callers may call back in, or destroy the cache, from a completion.
// On destruction what still waits is dropped, not called.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "cache/access.h"
#include "cache/budget.h"
#include "cache/buffer.h"
#include "cache/extents.h"
#include "cache/limits.h"
#include "cache/read_ahead.h"
#include "cache/remote_file.h"
#include "cache/usage.h"
#include "cache/window.h"

namespace smb3fuse::cache {

// The bytes in order, in as many pieces as they lie in memory. Short only at the end of the file.
struct ReadResult {
  std::error_code error;
  std::vector<Buffer> pieces;
};

class FileCache final : private Budget::Member {
 public:
  using ReadDone = std::function<void(ReadResult)>;
  using Done = std::function<void(std::error_code)>;

  // All of them outlive it; `now` tells the time.
  FileCache(RemoteFile& remote, Budget& budget, const Limits& limits, std::function<TimePoint()> now);
  ~FileCache() override;
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;

  // What the owner knows of the file's size: nothing is read ahead beyond it; with a right it is the end of the file.
  void learn_size(std::uint64_t size) { size_ = size; }
  // Bytes that came on another way just now; `ends`: the file ends with them.
  void adopt(std::uint64_t offset, const Buffer& data, bool ends);
  // What was fetched so far is not for those who ask from now on.
  void forget_fetched();

  // Whoever reads keeps what it has read (the kernel, in its page cache) and does not ask again: then it is used
  // once with a right, too.
  void set_reader_keeps(bool keeps) { reader_keeps_ = keeps; }

  // Answers at once if all of it is here. Changes nothing otherwise.
  bool try_read(std::uint64_t offset, std::uint32_t length, ReadResult& result);
  void read(std::uint64_t offset, std::uint32_t length, ReadDone done);

  // `data` is taken at once, and seen by reads; done: there is room for more. An error is that of an earlier write, and
  // then `data` was not taken.
  void write(std::uint64_t offset, const Buffer& data, Done done);
  // Everything written before has been answered by the server; with `to_disk`, it is on its disk too.
  void flush(bool to_disk, Done done);
  // Takes effect after the writes before it and before those after it.
  void truncate(std::uint64_t size, Done done);

  // Done: nothing remains here that `to` forbids.
  void change_access(Access to, Done done);
  Access access() const { return access_; }

  bool has_unsent() const { return extents_.unsent_bytes() > 0 || !flights_.empty(); }
  // Where our own data that the server may not have yet ends; 0 if there is none.
  std::uint64_t unsent_end() const;
  // The size that a truncate under way will bring about.
  std::optional<std::uint64_t> size_underway() const;
  // Within RemoteFile::write(): no other write is in flight or waits.
  bool is_last_write() const { return flights_.size() == 1 && extents_.unsent_bytes() == 0; }
  // Somebody waits for RemoteFile::flush() behind the writes.
  bool awaits_disk() const {
    return std::any_of(barriers_.begin(), barriers_.end(), [](const Barrier& each) { return each.to_disk; });
  }

  Usage usage() const;

  std::optional<TimePoint> next_timeout() const;
  void handle_timeout();

  // Do the invariants of README.md hold? For tests, after every step.
  bool audit() const;

 private:
  // A read of which some part is not here yet. Its parts are settled when it begins: a later write is not its concern.
  struct PendingRead {
    struct Part {
      std::uint64_t begin;
      std::uint64_t end;
      Buffer data;   // from `begin`; as far as the file went
      Buffer zeros;  // what follows it, where data written here lies further on
    };
    std::vector<Part> parts;
    std::size_t awaited = 0;
    std::error_code error;
    ReadDone done;
  };
  struct Waiter {
    std::shared_ptr<PendingRead> read;
    std::size_t part;
    std::uint64_t own_end;  // as the READ's when it began to wait: up to there its file has bytes
  };
  // A READ under way.
  struct Fetch {
    std::uint64_t begin;
    std::uint64_t end;
    std::uint64_t generation;  // it is not stored if another one has begun
    std::uint64_t own_end;     // where data written here ended at most since it began
    Window::Mark mark;
    std::vector<Waiter> waiters;
    bool is_ahead = false;  // begun before anybody asked for it
  };
  // A WRITE under way.
  struct Flight {
    std::uint64_t begin;
    std::uint64_t end;
    std::uint64_t oldest;  // epoch
    Window::Mark mark;
  };
  struct Barrier {
    std::uint64_t epoch;  // waits for data of this epoch and older
    bool to_disk;
    bool tells;  // of an error
    Done done;
  };
  struct Truncate {
    std::uint64_t size;
    std::uint64_t epoch;
    bool sent;
    Done done;
  };
  // The server said at `since` that the file ends at `at`.
  struct End {
    std::uint64_t at;
    TimePoint since;
  };
  struct Ready {
    ReadDone read_done;
    ReadResult read_result;
    Done done;
    std::error_code error;
  };

  bool keeps() const { return access_ != Access::none; }
  bool used_once() const { return !keeps() || reader_keeps_; }
  std::uint64_t piece_of_read() const;
  std::uint64_t piece_of_write() const;

  std::optional<std::uint64_t> known_end(TimePoint now) const;
  bool is_usable(const Extent& extent, TimePoint now) const;
  void note_read(std::uint64_t offset, std::uint64_t length, bool missed, TimePoint now);
  void note_clean(TimePoint now);
  bool give_up_clean(TimePoint now) override;
  void use_up(std::uint64_t offset, std::uint64_t end);
  void fetch_gaps(std::uint64_t begin, std::uint64_t end, TimePoint now);
  Fetch& start_fetch(std::uint64_t begin, std::uint64_t end, bool shared, TimePoint now);
  void handle_fetched(std::uint64_t id, std::error_code error, Buffer data);
  Buffer zeros_after(const Fetch& fetch, std::uint64_t got_end);
  void learn_end(const Fetch& fetch, std::uint64_t got_end, TimePoint now);
  static void settle(const Waiter& waiter, const Fetch& fetch, const Buffer& data, const Buffer& zeros);
  ReadResult result_of(PendingRead& read);
  std::uint64_t own_end() const;

  Buffer copy_into_room(std::uint64_t offset, const Buffer& data);
  void note_own_end(std::uint64_t end);
  bool is_pressed() const;
  void send_writes(TimePoint now);
  void send(const DirtyRun& run, TimePoint now);
  void handle_written(std::uint64_t id, std::error_code error);
  void advance(TimePoint now);
  bool refuse_or_send_truncate();
  void handle_truncated(std::error_code error);
  void finish_barriers();
  void admit_writers();
  std::uint64_t close_epoch();
  bool is_written_through(std::uint64_t epoch) const;
  std::uint64_t load() const { return extents_.unsent_bytes() + in_flight_bytes_; }
  std::uint64_t room() const;
  std::error_code tell_error();

  void ready(Done done, std::error_code error) { ready_.push_back({{}, {}, std::move(done), error}); }
  void ready(ReadDone done, ReadResult result) { ready_.push_back({std::move(done), std::move(result), {}, {}}); }
  void deliver();

  RemoteFile& remote_;
  Budget& budget_;
  const Limits limits_;
  const std::function<TimePoint()> now_;

  Access access_ = Access::none;
  bool reader_keeps_ = false;
  Extents extents_;
  std::uint64_t size_ = 0;
  std::uint64_t last_id_ = 0;  // of fetches and flights

  // reading
  ReadAhead read_ahead_;
  Window read_window_;
  std::map<std::uint64_t, Fetch> fetches_;
  std::uint64_t generation_ = 0;
  std::optional<End> end_;                 // used once: by a read that begins there
  TimePoint stale_at_ = TimePoint::max();  // when something unleased becomes too old

  // writing
  Window write_window_;
  std::map<std::uint64_t, Flight> flights_;
  std::uint64_t in_flight_bytes_ = 0;
  std::uint64_t epoch_ = 1;
  std::uint64_t flush_through_ = 0;          // up to this epoch somebody waits
  std::uint64_t last_end_ = 0;               // of the last write
  std::uint64_t sent_to_ = 0;                // where the last WRITE ended
  TimePoint join_until_ = TimePoint::max();  // when a waiting run is sent
  Buffer copy_room_;                         // small writes are copied here, one behind the other
  std::size_t copy_room_used_ = 0;
  std::error_code error_;     // of a write, not told yet
  std::deque<Done> writers_;  // wait for room
  std::deque<Barrier> barriers_;
  std::deque<Truncate> truncates_;

  std::vector<Ready> ready_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>();  // completions that come later look at it
};

}  // namespace smb3fuse::cache
