// SPDX-License-Identifier: Apache-2.0
// Seeded random programs on two mounts, against the oracle. A failing seed says how to run it alone, and with what it
// did printed:
//
//   SMB3FUSE_SIMULATION_SEED=17 SMB3FUSE_SIMULATION_RUNS=1 SMB3FUSE_SIMULATION_TRACE=1 tests/test_simulation
//
// For a night: SMB3FUSE_SIMULATION_RUNS=5000, which are 1.2 million system calls.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "fuse/attribute_conversion.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/world.h"

namespace smb3fuse::simulation {
namespace {

using client::Task;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr unsigned kRunsInCi = 40;
constexpr int kProgramsOfEach = 2;
constexpr int kCallsOfEach = 60;
constexpr std::uint64_t kLongest = 120;  // bytes of a file
constexpr std::uint64_t kLongestCall = 50;
constexpr std::array kNames{"a", "b", "c"};
constexpr const char* kLog = "log";
constexpr Duration kRoundTrip = milliseconds(60);
// Attributes and names count for a second, and then it takes a moment to ask.
constexpr Duration kNamesAge = milliseconds(1200);

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// What differs from one run to the next beside what the programs do.
struct Circumstances {
  ServerKind server;
  std::size_t memory;
};

Circumstances circumstances_of(std::uint64_t seed) {
  constexpr std::uint32_t kR = wire::SMB2_LEASE_READ_CACHING;
  constexpr std::uint32_t kH = wire::SMB2_LEASE_HANDLE_CACHING;
  constexpr std::uint32_t kW = wire::SMB2_LEASE_WRITE_CACHING;
  constexpr std::array kLargest{kR | kW | kH, kR | kW | kH, kR | kW | kH, kR | kH, kR | kW, kR, std::uint32_t{0}};
  std::mt19937 random(static_cast<std::mt19937::result_type>(~seed));
  const auto pick = [&random](unsigned below) { return static_cast<unsigned>(random()) % below; };
  ServerKind kind;
  if (pick(4) == 0) kind.dialect = wire::Dialect::smb_2_1;
  kind.largest_lease = kLargest[pick(kLargest.size())];
  kind.answers_late = pick(2) == 0;
  kind.guards_all_targets = pick(2) == 0;
  kind.breaks_handles_on_delete = pick(2) == 0;
  const std::size_t memory = pick(4) == 0 ? 16 * 1024 : std::size_t{512} << 20;
  return {kind, memory};
}

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : Simulation(seed, circumstances_of(seed)) {}

  // How many system calls it made.
  std::size_t run() {
    for (std::size_t client = 0; client < World::kClients; ++client) {
      for (int i = 0; i < kProgramsOfEach; ++i) client::spawn(program(client));
    }
    go_on_until([this] { return ended_ == World::kClients * kProgramsOfEach; });
    if (!failed_) client::spawn(compare_at_the_end());
    go_on_until([this] { return compared_; });
    judge();
    world_.unmount();
    if (!failed_ && world_.server.opens() != 0) fail("opens are left on the server");
    for (const std::string& complaint : world_.server.complaints()) fail("the server complains: " + complaint);
    return calls_;
  }

 private:
  struct Open {
    ModelKernel::File file;
    bool reads() const { return (file->flags & O_ACCMODE) != O_WRONLY; }
    bool writes() const { return (file->flags & O_ACCMODE) != O_RDONLY; }
    bool write_through() const { return (file->flags & O_DSYNC) != 0; }
    std::uint64_t number() const { return file->inode->number; }
  };
  // What a call has shown. It is judged when all is known that went on meanwhile.
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
  // A line that a program has appended to the log.
  struct Line {
    std::size_t client;
    std::string text;
    TimePoint begun;
    TimePoint ended;
  };

  Simulation(std::uint64_t seed, const Circumstances& circumstances)
      : seed_(seed),
        world_([seed](client::Runtime& runtime) { return std::make_unique<RandomAgenda>(runtime, seed); },
               circumstances.server, circumstances.memory),
        trace_(number_from("SMB3FUSE_SIMULATION_TRACE", 0) != 0) {
    world_.server.trace = trace_;
  }

  TimePoint now() const { return world_.runtime.now(); }
  unsigned pick(unsigned below) { return world_.agenda->pick(below); }

  template <class Done>
  void go_on_until(Done done) {
    constexpr Duration kPatience = std::chrono::minutes(10);
    const TimePoint until = now() + kPatience;
    world_.runtime.run();
    while (!done() && !failed_) {
      if (!world_.runtime.advance_to_next_timer(until - now())) return fail("it never ends");
      if (!world_.audit()) return fail("an invariant of a cache does not hold");
    }
  }
  Task<void> wait(Duration time) {
    const auto timer = world_.runtime.make_timer();
    auto begin = [&](auto done) { timer->expire_at(now() + time, [done] { done(true); }); };
    co_await client::callback<bool>(begin);
  }
  Task<void> think() {
    const unsigned kind = pick(20);
    Duration time = microseconds(5 + pick(50));
    if (kind < 4) time = microseconds(pick(20'000));
    if (kind == 4) time = milliseconds(pick(2500));
    co_await wait(time);
  }

  void fail(const std::string& what) {
    if (std::exchange(failed_, true)) return;
    ADD_FAILURE() << what << "\nagain: SMB3FUSE_SIMULATION_SEED=" << seed_
                  << " SMB3FUSE_SIMULATION_RUNS=1 SMB3FUSE_SIMULATION_TRACE=1 tests/test_simulation";
    say(0, what);
  }
  void say(std::size_t client, const std::string& what) const {
    if (!trace_) return;
    const auto time = std::chrono::duration_cast<microseconds>(now().time_since_epoch()).count();
    std::printf("%10.3f %zu: %s\n", static_cast<double>(time % 3'600'000'000) / 1000, client, what.c_str());
  }
  static std::string words_of(const Open& open) {
    return "fd " + std::to_string(open.file->handle) + " of file " + std::to_string(open.number());
  }
  static std::string range(std::uint64_t offset, std::size_t length) {
    return std::to_string(offset) + "+" + std::to_string(length);
  }
  // The call has ended like this, and may.
  void expect(std::size_t client, const std::string& call, int error, std::initializer_list<int> may_be = {}) {
    say(client, call + (error == 0 ? "" : std::string(": ") + std::strerror(error)));
    if (error != 0 && std::find(may_be.begin(), may_be.end(), error) == may_be.end()) {
      fail(std::to_string(client) + ": " + call + " fails: " + std::strerror(error));
    }
  }

  Task<void> program(std::size_t client) {
    std::vector<Open> opens;
    for (int i = 0; i < kCallsOfEach && !failed_; ++i) {
      co_await think();
      ++calls_;
      const unsigned kind = pick(100);
      if (kind < 3) {
        world_.kernel(client).shrink();
      } else if (kind < 7) {
        co_await rename(client, kNames[pick(kNames.size())], kNames[pick(kNames.size())]);
      } else if (kind < 10) {
        co_await remove(client, kNames[pick(kNames.size())]);
      } else if (kind < 12) {
        co_await append(client);
      } else if (kind < 15) {
        co_await look_at_name(client, kNames[pick(kNames.size())]);
      } else if (opens.empty() || (opens.size() < 2 && kind < 35)) {
        co_await open(client, opens, kNames[pick(kNames.size())]);
      } else {
        const std::size_t which = pick(static_cast<unsigned>(opens.size()));
        const Open chosen = opens[which];
        if (kind < 45) {
          opens.erase(opens.begin() + static_cast<std::ptrdiff_t>(which));
          co_await close(client, chosen);
        } else {
          co_await use(client, chosen, kind);
        }
      }
    }
    while (!opens.empty() && !failed_) {
      const Open last = opens.back();
      opens.pop_back();
      co_await close(client, last);
    }
    ++ended_;
  }

  Task<void> use(std::size_t client, Open open, unsigned kind) {
    if (kind < 50) {
      co_await sync(client, open);
    } else if (kind < 58) {
      co_await look(client, open);
    } else if (open.writes() && kind < 62) {
      co_await truncate(client, open, pick(kLongest));
    } else if (open.writes() && kind < 64) {
      co_await set_time(client, open);
    } else if (open.writes() && kind < 82) {
      co_await write(client, open);
    } else if (open.reads()) {
      co_await read(client, open);
    }
  }

  // ---- calls

  Oracle::View view(const Open& open, TimePoint from) const {
    const std::size_t client = client_of_.at(open.file.get());
    return {client, open.file->opened, from, now(), world_.server.last_loss(client, open.number()), false};
  }

  Task<void> open(std::size_t client, std::vector<Open>& opens, std::string name) {
    constexpr std::array kModes{O_RDONLY, O_RDWR, O_RDWR, O_WRONLY};
    int flags = kModes[pick(kModes.size())];
    if (pick(4) != 0) flags |= O_CREAT;
    if ((flags & O_ACCMODE) != O_RDONLY && pick(8) == 0) flags |= O_TRUNC;
    if (pick(10) == 0) flags |= O_DSYNC;
    const std::string call = "open " + name + ((flags & O_CREAT) != 0 ? " O_CREAT" : "") +
                             ((flags & O_TRUNC) != 0 ? " O_TRUNC" : "") + ((flags & O_DSYNC) != 0 ? " O_DSYNC" : "") +
                             " " + std::to_string(flags & O_ACCMODE);
    say(client, call + " ...");
    const TimePoint from = now();
    const ModelKernel::Outcome<ModelKernel::File> outcome = co_await world_.kernel(client).open(name, flags);
    if (outcome.error != 0) {
      expect(client, call, outcome.error, {ENOENT, ESTALE});
      if (outcome.error == ENOENT) expect_bound(client, call, name, 0, from);
      co_return;
    }
    const Open opened{outcome.value};
    client_of_[outcome.value.get()] = client;
    expect(client, call + " is " + words_of(opened) + (outcome.value->direct ? ", direct" : ""), 0);
    if ((flags & O_TRUNC) != 0) {
      const Oracle::Change change = oracle_.begin_resize(opened.number(), client, 0, from);
      oracle_.end(opened.number(), change, now(), false, true);
    }
    expect_bound(client, call, name, opened.number(), from);
    opens.push_back(opened);
  }

  // The name was of that file at some time that the call may have seen.
  void expect_bound(std::size_t client, const std::string& call, const std::string& name, std::uint64_t file,
                    TimePoint from) {
    if (was_bound(client, name, file, from, now())) return;
    fail(std::to_string(client) + ": " + call + ": the name was not " +
         (file == 0 ? "free" : "of file " + std::to_string(file)));
  }
  bool was_bound(std::size_t client, const std::string& name, std::uint64_t file, TimePoint from,
                 TimePoint until) const {
    std::uint64_t bound = 0;
    TimePoint since{};
    for (const ModelServer::Binding& next : world_.server.bindings(name)) {
      if (bound == file && since <= until && next.since >= from - kNamesAge) return true;
      bound = next.file;
      since = next.since;
    }
    if (bound == file && since <= until) return true;
    // Who renames by a name that is out of date takes that for the new name's file, too.
    return std::any_of(renames_.begin(), renames_.end(), [&](const Rename& each) {
      return each.client == client && each.to == name && each.ended >= from - kNamesAge && each.ended <= until &&
             was_bound(client, each.from, file, each.begun, each.ended);
    });
  }

  Task<void> close(std::size_t client, Open open) {
    say(client, "close " + words_of(open) + " ...");
    const TimePoint from = now();
    const int error = co_await world_.kernel(client).close(open.file);
    expect(client, "close " + words_of(open), error);
    if (error == 0 && open.writes()) oracle_.flushed(open.number(), client, from, now());
  }

  Task<void> sync(std::size_t client, Open open) {
    const TimePoint from = now();
    const int error = co_await world_.kernel(client).sync(open.file);
    expect(client, "fsync " + words_of(open), error);
    if (error == 0 && open.writes()) oracle_.flushed(open.number(), client, from, now());
  }

  Task<void> read(std::size_t client, Open open) {
    const std::uint64_t offset = pick(kLongest);
    const std::size_t length = 1 + pick(kLongestCall);
    const TimePoint from = now();
    const ModelKernel::Outcome<std::string> outcome = co_await world_.kernel(client).read(open.file, offset, length);
    const std::string call = "read " + range(offset, length) + " of " + words_of(open) + " brings " +
                             std::to_string(outcome.value.size()) + " bytes";
    expect(client, call, outcome.error);
    seen_.push_back({call, open.number(), offset, length, outcome.value, view(open, from)});
  }

  Task<void> write(std::size_t client, Open open) {
    const std::uint64_t offset = pick(kLongest - kLongestCall);
    std::string bytes(1 + pick(kLongestCall), '\0');
    ++stamp_;
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>((stamp_ * 7 + i) % 255 + 1);
    const std::string call = "write " + range(offset, bytes.size()) + " to " + words_of(open);
    say(client, call + " ...");
    const bool leased = world_.server.holds_write(client, open.number());
    const Oracle::Change change = oracle_.begin_write(open.number(), client, offset, bytes, now());
    const int error = co_await world_.kernel(client).write(open.file, offset, bytes);
    expect(client, call, error);
    const bool still_leased = leased && world_.server.holds_write(client, open.number());
    oracle_.end(open.number(), change, now(), still_leased, open.write_through());
  }

  Task<void> truncate(std::size_t client, Open open, std::uint64_t size) {
    const std::string call = "truncate " + words_of(open) + " to " + std::to_string(size);
    say(client, call + " ...");
    const Oracle::Change change = oracle_.begin_resize(open.number(), client, size, now());
    const int error = co_await world_.kernel(client).truncate(open.file, size);
    expect(client, call, error);
    oracle_.end(open.number(), change, now(), false, true);
  }

  Task<void> set_time(std::size_t client, Open open) {
    const timespec time{1'000'000'000 + static_cast<time_t>(pick(1'000'000)), 0};
    const int error = co_await world_.kernel(client).set_time(open.file, time);
    expect(client, "set the time of " + words_of(open), error);
  }

  Task<void> look(std::size_t client, Open open) {
    const TimePoint from = now();
    const ModelKernel::Outcome<ModelKernel::Status> outcome = co_await world_.kernel(client).status(open.file);
    const std::string call = "fstat " + words_of(open) + " says " + std::to_string(outcome.value.size) + " bytes";
    expect(client, call, outcome.error);
    seen_.push_back({call, open.number(), outcome.value.size, 0, std::nullopt, view(open, from)});
  }

  Task<void> look_at_name(std::size_t client, std::string name) {
    const TimePoint from = now();
    const ModelKernel::Outcome<ModelKernel::Status> outcome = co_await world_.kernel(client).status(name);
    const std::uint64_t number = outcome.error == 0 ? outcome.value.number : 0;
    const std::string call =
        "stat " + name + " says " + std::to_string(outcome.value.size) + " bytes of file " + std::to_string(number);
    expect(client, call, outcome.error, {ENOENT, ESTALE});
    if (outcome.error == ESTALE) co_return;
    expect_bound(client, call, name, number, from);
    if (number == 0) co_return;
    const Oracle::View seen_so{client, {}, from, now(), world_.server.last_loss(client, number), true};
    seen_.push_back({call, number, outcome.value.size, 0, std::nullopt, seen_so});
  }

  Task<void> remove(std::size_t client, std::string name) {
    say(client, "unlink " + name + " ...");
    const int error = co_await world_.kernel(client).remove(name);
    expect(client, "unlink " + name, error, {ENOENT, ESTALE});
  }

  Task<void> rename(std::size_t client, std::string from, std::string to) {
    say(client, "rename " + from + " " + to + " ...");
    const TimePoint begun = now();
    const int error = co_await world_.kernel(client).rename(from, to);
    expect(client, "rename " + from + " " + to, error, {ENOENT, ESTALE, EACCES});
    if (error == 0) renames_.push_back({client, from, to, begun, now()});
  }

  Task<void> append(std::size_t client) {
    const ModelKernel::Outcome<ModelKernel::File> opened =
        co_await world_.kernel(client).open(kLog, O_WRONLY | O_CREAT | O_APPEND);
    expect(client, "open the log", opened.error);
    if (opened.error != 0) co_return;
    for (unsigned more = 1 + pick(3); more > 0; --more) {
      std::string text = std::to_string(1'000'000 + ++stamp_) + '\n';
      const TimePoint from = now();
      const int error = co_await world_.kernel(client).write(opened.value, 0, text);
      expect(client, "append " + std::to_string(stamp_), error);
      lines_.push_back({client, std::move(text), from, now()});
      co_await think();
    }
    const int error = co_await world_.kernel(client).close(opened.value);
    expect(client, "close the log", error);
  }

  // ---- the end

  // Both mounts show what the server has, and that is what was written.
  Task<void> compare_at_the_end() {
    co_await wait(std::chrono::seconds(3));
    for (std::size_t client = 0; client < World::kClients; ++client) {
      for (const char* const name : kNames) co_await compare(client, name);
      co_await compare(client, kLog);
    }
    compared_ = true;
  }

  Task<void> compare(std::size_t client, std::string name) {
    const auto& bindings = world_.server.bindings(name);
    const std::uint64_t number = bindings.empty() ? 0 : bindings.back().file;
    const TimePoint from = now();
    const ModelKernel::Outcome<ModelKernel::File> opened = co_await world_.kernel(client).open(name, O_RDONLY);
    expect(client, "open " + name, opened.error, {ENOENT});
    if ((number == 0) != (opened.error != 0)) fail(std::to_string(client) + ": " + name + " is there, or not");
    if (number == 0 || opened.error != 0) co_return;
    const Open open{opened.value};
    client_of_[opened.value.get()] = client;
    if (open.number() != number) fail(std::to_string(client) + ": " + name + " is another file");
    const std::string& content = *world_.server.content(number);
    const ModelKernel::Outcome<std::string> data =
        co_await world_.kernel(client).read(opened.value, 0, content.size() + 100);
    const ModelKernel::Outcome<ModelKernel::Status> status = co_await world_.kernel(client).status(opened.value);
    const std::string call = "at the end " + words_of(open) + ", " + name;
    expect(client, call, data.error != 0 ? data.error : status.error);
    if (data.value != content) fail(std::to_string(client) + ": " + call + ", has other bytes than on the server");
    if (status.value.size != content.size()) fail(std::to_string(client) + ": " + call + ", has another size");
    if (fs::file_time_of(status.value.mtime) != world_.server.last_write_time(number)) {
      fail(std::to_string(client) + ": " + call + ", has another time than on the server");
    }
    if (name != kLog) {
      seen_.push_back({call, number, 0, content.size() + 100, data.value, view(open, from)});
    } else {
      judge_log(content);
    }
    const int error = co_await world_.kernel(client).close(opened.value);
    expect(client, "close " + words_of(open), error);
  }

  // A line is missing only if the other mount has appended at the same time.
  void judge_log(const std::string& content) {
    for (const Line& line : lines_) {
      const std::size_t at = content.find(line.text);
      if (at != std::string::npos && at % line.text.size() == 0) continue;
      const bool had_rival = std::any_of(lines_.begin(), lines_.end(), [&](const Line& other) {
        return other.client != line.client && other.begun <= line.ended + kRoundTrip &&
               other.ended + kRoundTrip >= line.begun;
      });
      if (!had_rival) fail("the log has lost " + line.text);
    }
  }

  void judge() {
    for (const Seen& seen : seen_) {
      const std::string wrong = seen.bytes
                                    ? oracle_.judge_read(seen.file, seen.offset, seen.length, *seen.bytes, seen.view)
                                    : oracle_.judge_size(seen.file, seen.offset, seen.view);
      if (wrong.empty()) continue;
      const auto time = std::chrono::duration_cast<microseconds>(seen.view.until.time_since_epoch()).count();
      fail("at " + std::to_string(time % 3'600'000'000) + " us " + std::to_string(seen.view.client) + ": " + seen.call +
           ": " + wrong);
    }
  }

  Oracle oracle_;
  const std::uint64_t seed_;
  World world_;
  const bool trace_;
  bool failed_ = false;
  bool compared_ = false;
  std::size_t calls_ = 0;
  std::size_t ended_ = 0;
  std::uint64_t stamp_ = 0;
  std::map<const ModelKernel::Descriptor*, std::size_t> client_of_;
  std::vector<Seen> seen_;
  std::vector<Rename> renames_;
  std::vector<Line> lines_;
};

// How many calls were made.
std::size_t run_seeds(std::uint64_t first, std::uint64_t runs) {
  spdlog::set_level(spdlog::level::err);
  std::size_t calls = 0;
  for (std::uint64_t seed = first; seed < first + runs && !testing::Test::HasFailure(); ++seed) {
    calls += Simulation(seed).run();
  }
  return calls;
}

TEST(Simulation, KeepsThePromisesOfTheMountsWhateverProgramsDo) {
  const std::uint64_t runs = number_from("SMB3FUSE_SIMULATION_RUNS", kRunsInCi);
  const std::size_t calls = run_seeds(number_from("SMB3FUSE_SIMULATION_SEED", 1), runs);
  std::printf("%zu system calls in %llu runs\n", calls, static_cast<unsigned long long>(runs));
}

}  // namespace
}  // namespace smb3fuse::simulation
