// SPDX-License-Identifier: Apache-2.0
// What is known of the bytes of one file: extents that do not overlap, each in one state. README.md has the table of
// states; next_state() is that table and everything here goes by it.
//
// A plain container: no clock, no I/O, no callbacks. Loop thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "cache/buffer.h"
#include "cache/limits.h"
#include "cache/write_behind.h"

namespace smb3fuse::cache {

enum class State : std::uint8_t {
  missing,             // nothing is known: no extent
  fetching,            // a READ that will bring it is under way
  clean,               // as the server has it
  dirty,               // written here, not sent
  flushing,            // in a WRITE that is under way
  flushing_redirtied,  // so too, and written again since: sent again afterwards, never beside it
  failed,              // its WRITE failed; kept until that has been told
};
inline constexpr std::size_t kStates = 7;

enum class Event : std::uint8_t { fetch, fetched, forget, write, send, written, not_written };
inline constexpr std::size_t kEvents = 7;

// Nothing where the event cannot happen.
std::optional<State> next_state(State from, Event event);

struct Extent {
  std::uint64_t end = 0;
  State state = State::missing;
  Buffer data;                  // its bytes, the newest; none while fetching
  std::uint64_t operation = 0;  // fetching, flushing, flushing_redirtied: the READ or WRITE under way
  std::uint64_t epoch = 0;      // written bytes: between which two barriers (flush, truncate) they were written
  TimePoint since;              // clean: fetched then; dirty: the oldest byte was written then
  bool unread = false;          // clean: fetched ahead, and nobody has read any of it
};

class Extents {
 public:
  using Map = std::map<std::uint64_t, Extent>;  // by the first byte

  // The bytes are missing and READ `fetch` will bring them.
  void begin_fetch(std::uint64_t begin, std::uint64_t end, std::uint64_t fetch);
  // READ `fetch` of [begin, end) brought `data`, perhaps fewer, or none. What is still awaited of it becomes clean,
  // or missing where it brought nothing or is not to be kept. `unread`: nobody has asked for it.
  void handle_fetched(std::uint64_t begin, std::uint64_t end, std::uint64_t fetch, const Buffer& data, bool keep,
                      TimePoint now, bool unread = false);
  // Some of [begin, end) is read. How many bytes the extents have of which nothing was read before.
  std::uint64_t note_read(std::uint64_t begin, std::uint64_t end);
  // What was or is being fetched of [begin, end) is missing again; what was written stays.
  void forget(std::uint64_t begin, std::uint64_t end);
  void forget_all();
  // What became clean at `before` or earlier is missing again; returns the earliest time left.
  TimePoint forget_clean_since(TimePoint before);
  // max() if nothing is clean.
  TimePoint oldest_clean() const;

  void write(std::uint64_t offset, const Buffer& data, std::uint64_t epoch, TimePoint now);
  // As write() of `more`, if that makes the extent that ends at `offset` longer: a dirty one of the same epoch which
  // lies right before `more` in `room`. False, and nothing done, otherwise.
  bool append(std::uint64_t offset, const Buffer& more, const Buffer& room, std::uint64_t epoch);

  // The first bytes at or after `from` that are dirty, and what follows them side by side: at most `most` bytes and
  // no epoch younger than `newest`.
  std::optional<DirtyRun> dirty_run(std::uint64_t from, std::uint64_t most, std::uint64_t newest) const;
  // Up to `most` bytes of dirty data from `begin` on, in at most `buffers` Buffers, go out in WRITE `flight`.
  std::vector<Buffer> begin_flush(std::uint64_t begin, std::uint64_t most, std::size_t buffers, std::uint64_t flight);
  void handle_flushed(std::uint64_t begin, std::uint64_t end, std::uint64_t flight, bool success, bool keep,
                      TimePoint now);
  // The failure has been told.
  void forget_failed();

  const Map& map() const { return map_; }
  // The extent that holds the byte at `offset`, or the first one after it.
  Map::const_iterator find(std::uint64_t offset) const;
  std::uint64_t bytes(State state) const { return bytes_[static_cast<std::size_t>(state)]; }
  std::uint64_t unread_bytes() const { return unread_bytes_; }
  // Written and in no WRITE yet.
  std::uint64_t unsent_bytes() const { return bytes(State::dirty) + bytes(State::flushing_redirtied); }
  std::size_t dirty_extents() const { return dirty_.size(); }
  std::uint64_t dirty_end() const { return dirty_.empty() ? 0 : map_.find(*dirty_.rbegin())->second.end; }
  std::optional<std::uint64_t> oldest_unsent_epoch() const;

  bool audit() const;

 private:
  Map::iterator mutable_find(std::uint64_t offset);
  void split(std::uint64_t at);
  Map::iterator insert(std::uint64_t begin, Extent extent);
  Map::iterator erase(Map::iterator at);
  void enter(std::uint64_t begin, const Extent& extent);
  void leave(std::uint64_t begin, const Extent& extent);

  Map map_;
  std::set<std::uint64_t> dirty_;                         // where the dirty ones begin
  std::map<std::uint64_t, std::uint64_t> unsent_epochs_;  // unsent bytes of each epoch that has any
  std::array<std::uint64_t, kStates> bytes_{};
  std::uint64_t unread_bytes_ = 0;
};

}  // namespace smb3fuse::cache
