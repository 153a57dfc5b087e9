// SPDX-License-Identifier: Apache-2.0
// The system calls of programs on the two mounts of a World, each told to the Oracle and judged by it when all is known
// that went on meanwhile; and the comparison of both mounts with the server at the end. The first thing that is wrong
// stands in failure().
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/oracle.h"
#include "tests/simulation/world.h"

namespace smb3fuse::simulation {

class Programs {
 public:
  // Of `world` every call is printed, with what the server does, if `trace` is true.
  Programs(World& world, bool trace);
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  using Ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // from, until
  struct Open {
    ModelKernel::File file;
    bool reads() const;
    bool writes() const;
    bool write_through() const;
    std::uint64_t number() const { return file->inode->number; }
  };

  client::Task<std::optional<Open>> open(std::size_t client, std::string name, int flags);
  client::Task<void> close(std::size_t client, Open open);
  client::Task<void> read(std::size_t client, Open open, std::uint64_t offset, std::size_t length);
  // Bytes that nothing else writes.
  client::Task<void> write(std::size_t client, Open open, std::uint64_t offset, std::size_t length);
  client::Task<void> truncate(std::size_t client, Open open, std::uint64_t size);
  client::Task<void> set_time(std::size_t client, Open open, time_t time);
  client::Task<void> sync(std::size_t client, Open open);
  client::Task<void> look(std::size_t client, Open open);
  client::Task<void> look_at(std::size_t client, std::string name);
  client::Task<void> remove(std::size_t client, std::string name);
  client::Task<void> rename(std::size_t client, std::string from, std::string to);
  // A line, to the end of the log.
  client::Task<void> append(std::size_t client, unsigned lines);
  client::Task<void> wait(Duration time);

  // Nothing is under way any more: both mounts show what the server has, and all that was shown was right.
  client::Task<void> compare(std::vector<std::string> names);
  void judge();

  void fail(const std::string& what);
  const std::string& failure() const { return failure_; }
  bool failed() const { return !failure_.empty(); }

 private:
  // A program is told, through its descriptor, that writing has failed.
  bool is_told_failure(std::size_t client, const Open& open, int error);
  void note_stored(std::size_t client, const Open& open, const std::string& call);
  void note_refused(std::size_t client, std::uint64_t file, std::uint64_t offset, std::size_t length);

  // What a call has shown.
  struct Seen {
    std::string call;
    std::uint64_t file;
    std::uint64_t offset;
    std::size_t length;
    std::optional<std::string> bytes;  // of a read; else the offset is a size
    Oracle::View view;
  };
  struct Rename {
    std::size_t client;
    std::string from;
    std::string to;
    TimePoint begun;
    TimePoint ended;
  };
  // By a mount's open.
  struct Emptied {
    std::size_t client;
    std::uint64_t file;
    TimePoint at;
  };
  // What was written through a descriptor and is not on the server, and what of it was refused: to be told.
  struct Writer {
    std::uint64_t file;
    Ranges written;
    Ranges refused;
  };
  struct Line {
    std::size_t client;
    std::string text;
    TimePoint begun;
    TimePoint ended;
  };

  TimePoint now() const { return world_.runtime.now(); }
  void say(std::size_t client, const std::string& what) const;
  // The call has ended like this, and may.
  void expect(std::size_t client, const std::string& call, int error, std::initializer_list<int> may_be = {});
  Oracle::View view(std::size_t client, const Open& open, TimePoint from) const;
  // The name was of that file (0: of none) at some time that the call may have seen.
  void expect_bound(std::size_t client, const std::string& call, const std::string& name, std::uint64_t file,
                    TimePoint from);
  bool was_bound(std::size_t client, const std::string& name, std::uint64_t file, TimePoint from,
                 TimePoint until) const;
  client::Task<void> compare(std::size_t client, std::string name);
  void judge_log(const std::string& content);

  World& world_;
  const bool trace_;
  Oracle oracle_;
  std::string failure_;
  std::uint64_t stamp_ = 0;
  std::vector<Seen> seen_;
  std::vector<Rename> renames_;
  std::vector<Emptied> emptied_;
  std::map<std::pair<std::size_t, std::uint64_t>, Writer> writers_;  // by client and descriptor
  std::set<std::pair<std::size_t, std::uint64_t>> refused_;          // whose writes to which file have been
  std::vector<Line> lines_;
};

}  // namespace smb3fuse::simulation
