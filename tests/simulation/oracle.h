// SPDX-License-Identifier: Apache-2.0
// What a program may see of files that two mounts change, by the promises of the mounts:
//
// - Within one mount every call sees what calls before it did.
// - What was written under the right to write is seen by every call that begins after the write, wherever.
// - Otherwise it is seen by whoever opens after it was flushed (fsync, close), or kFlushes after it was written; and by
//   those who have the file open already, kKept later. While a server's news of a change are under way to a mount, that
//   mount may still show what was: for kNews at most.
// - Of changes that are made at once, the server may have either one last; of what was made one after the other, the
//   last one counts.
//
// It keeps a history of each file, as lists of changes with the times at which they began, ended and had to be seen,
// and from that which values a byte may have; kNoByte is behind the end of the file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/agenda.h"

namespace smb3fuse::simulation {

class Oracle {
 public:
  static constexpr int kNoByte = -1;
  // Without a right small writes wait some milliseconds to be joined; then they take their time, behind others.
  static constexpr Duration kFlushes = std::chrono::milliseconds(300);
  // Without a right what was read ahead, and attributes, count for a second.
  static constexpr Duration kKept = std::chrono::milliseconds(1200);
  static constexpr Duration kNews = std::chrono::milliseconds(100);
  // Under the right to write small writes wait for so long to be joined.
  static constexpr Duration kJoined = std::chrono::seconds(1);

  using FileNumber = std::uint64_t;
  using Change = std::size_t;

  // A program writes, or sets the size: from now on it may be seen.
  Change begin_write(FileNumber file, std::size_t client, std::uint64_t offset, std::string bytes, TimePoint now);
  Change begin_resize(FileNumber file, std::size_t client, std::uint64_t size, TimePoint now);
  // The call has returned. `leased`: the mount had the right to write all the time. `flushed`: the server has it.
  void end(FileNumber file, Change change, TimePoint now, bool leased, bool flushed);
  // The call has failed: it may have been done, or not.
  void fail(FileNumber file, Change change, TimePoint now);
  // A flush of the client that began at `since` has succeeded.
  void flushed(FileNumber file, std::size_t client, TimePoint since, TimePoint now);
  // The server has refused to write that: it may be seen until this is told, or be there if it is written again.
  void refused(FileNumber file, std::size_t client, std::uint64_t offset, std::size_t length);

  // Who looks at a file, and when.
  struct View {
    std::size_t client;
    TimePoint opened;  // when the open began
    TimePoint from;    // the call
    TimePoint until;
    std::optional<TimePoint> last_loss;  // when the server last took the right to read from the client
    bool by_name = false;                // stat(2): it takes no rights from others
  };
  std::set<int> allowed(FileNumber file, std::uint64_t at, const View& view) const;
  // Empty, or what is wrong with it.
  std::string judge_read(FileNumber file, std::uint64_t offset, std::size_t length, const std::string& bytes,
                         const View& view) const;
  // A program that is writing without the right to may take the file to be as long as it was, for as long as it writes.
  std::string judge_size(FileNumber file, std::uint64_t size, const View& view) const;

 private:
  struct Event {
    std::size_t client;
    bool resizes;
    std::uint64_t offset;  // resizes: the size
    std::string bytes;
    TimePoint begun;
    TimePoint ended = TimePoint::max();
    TimePoint on_server = TimePoint::max();  // at the latest; also where the right to write makes up for it
    bool leased = false;
    bool is_certain = true;
  };

  static bool is_before(const Event& first, const Event& second);
  static TimePoint seen_at(const Event& event, const View& view);
  // The value that it gives to the byte, if it gives it one whatever was there before.
  static std::optional<int> value_of(const Event& event, std::uint64_t at);
  // Something later has taken its place.
  static bool is_over(const Event& event, const std::vector<Event>& events, std::uint64_t at, const View& view);
  // Makes the file longer than that, so that there is a zero at least.
  static bool reaches_beyond(const Event& event, std::uint64_t at);
  // Writes that byte and a later one.
  static bool covers_beyond(const Event& event, std::uint64_t at);
  bool is_writing(FileNumber file, const View& view) const;

  std::map<FileNumber, std::vector<Event>> files_;
};

}  // namespace smb3fuse::simulation
