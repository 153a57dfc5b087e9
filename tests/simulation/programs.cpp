// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/programs.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "fuse/attribute_conversion.h"

namespace smb3fuse::simulation {

using client::Task;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

// Attributes and names count for a second, and then it takes a moment to ask.
constexpr Duration kNamesAge = milliseconds(1200);
constexpr Duration kRoundTrip = milliseconds(60);

std::string words_of(const Programs::Open& open) {
  return "fd " + std::to_string(open.file->handle) + " of file " + std::to_string(open.number());
}
std::string range(std::uint64_t offset, std::size_t length) {
  return std::to_string(offset) + "+" + std::to_string(length);
}

// What of `ranges` lies outside of [begin, end).
Programs::Ranges without(const Programs::Ranges& ranges, std::uint64_t begin, std::uint64_t end) {
  Programs::Ranges left;
  for (const auto& [from, until] : ranges) {
    if (from < std::min(until, begin)) left.emplace_back(from, std::min(until, begin));
    if (std::max(from, end) < until) left.emplace_back(std::max(from, end), until);
  }
  return left;
}

}  // namespace

Programs::Programs(World& world, bool trace) : world_(world), trace_(trace) {
  world_.server.trace = trace;
  world_.server.on_emptied = [this](std::size_t client, std::uint64_t file) {
    emptied_.push_back({client, file, now()});
  };
  world_.server.on_refused = [this](std::size_t client, std::uint64_t file, std::uint64_t offset, std::size_t length) {
    note_refused(client, file, offset, length);
  };
  // What was refused is sent again if its open was closed meanwhile.
  world_.server.on_write = [this](std::uint64_t file, std::uint64_t offset, const std::string& bytes) {
    for (auto& [descriptor, writer] : writers_) {
      if (writer.file != file) continue;
      writer.written = without(writer.written, offset, offset + bytes.size());
      writer.refused = without(writer.refused, offset, offset + bytes.size());
    }
  };
}

bool Programs::Open::reads() const { return (file->flags & O_ACCMODE) != O_WRONLY; }
bool Programs::Open::writes() const { return (file->flags & O_ACCMODE) != O_RDONLY; }
bool Programs::Open::write_through() const { return (file->flags & O_DSYNC) != 0; }

void Programs::fail(const std::string& what) {
  if (failed()) return;
  failure_ = what;
  say(0, what);
}

void Programs::say(std::size_t client, const std::string& what) const {
  if (!trace_) return;
  const auto time = std::chrono::duration_cast<microseconds>(now().time_since_epoch()).count();
  std::printf("%10.3f %zu: %s\n", static_cast<double>(time % 3'600'000'000) / 1000, client, what.c_str());
}

void Programs::expect(std::size_t client, const std::string& call, int error, std::initializer_list<int> may_be) {
  say(client, call + (error == 0 ? "" : std::string(": ") + std::strerror(error)));
  if (error != 0 && std::find(may_be.begin(), may_be.end(), error) == may_be.end()) {
    fail(std::to_string(client) + ": " + call + " fails: " + std::strerror(error));
  }
}

void Programs::note_refused(std::size_t client, std::uint64_t file, std::uint64_t offset, std::size_t length) {
  oracle_.refused(file, client, offset, length);
  refused_.emplace(client, file);
  for (auto& [descriptor, writer] : writers_) {
    if (descriptor.first != client || writer.file != file) continue;
    for (const auto& [from, until] : writer.written) {
      if (from < offset + length && offset < until) writer.refused.emplace_back(offset, offset + length);
    }
  }
}

bool Programs::is_told_failure(std::size_t client, const Open& open, int error) {
  if (error != ENOSPC || !refused_.contains({client, open.number()})) return false;
  say(client, words_of(open) + ": " + std::strerror(error));
  const auto writer = writers_.find({client, open.file->handle});
  if (writer != writers_.end()) writers_.erase(writer);
  return true;
}

// The program takes what it has written to be stored.
void Programs::note_stored(std::size_t client, const Open& open, const std::string& call) {
  auto writer = writers_.extract({client, open.file->handle});
  if (!writer.empty() && !writer.mapped().refused.empty()) {
    fail(std::to_string(client) + ": " + call + " does not tell that a write was refused");
  }
}

Task<void> Programs::wait(Duration time) {
  const auto timer = world_.runtime.make_timer();
  auto begin = [&](auto done) { timer->expire_at(now() + time, [done] { done(true); }); };
  co_await client::callback<bool>(begin);
}

// ---- calls

Oracle::View Programs::view(std::size_t client, const Open& open, TimePoint from) const {
  return {client, open.file->opened, from, now(), world_.server.last_loss(client, open.number()), false};
}

Task<std::optional<Programs::Open>> Programs::open(std::size_t client, std::string name, int flags) {
  const std::string call = "open " + name + ((flags & O_CREAT) != 0 ? " O_CREAT" : "") +
                           ((flags & O_TRUNC) != 0 ? " O_TRUNC" : "") + ((flags & O_DSYNC) != 0 ? " O_DSYNC" : "") +
                           " " + std::to_string(flags & O_ACCMODE);
  say(client, call + " ...");
  const TimePoint from = now();
  const ModelKernel::Outcome<ModelKernel::File> outcome = co_await world_.kernel(client).open(name, flags);
  const std::uint64_t number = outcome.error == 0 ? outcome.value->inode->number : 0;
  // What has lost its name by the time that its open is answered is emptied none the less; then Linux opens once more.
  for (const Emptied& each : emptied_) {
    if ((flags & O_TRUNC) == 0 || each.client != client || each.at < from || each.file == number) continue;
    oracle_.fail(each.file, oracle_.begin_resize(each.file, client, 0, from), now());
  }
  // Of what another descriptor wrote, which is told, too.
  if (outcome.error == ENOSPC && (flags & O_TRUNC) != 0 && !refused_.empty()) co_return std::nullopt;
  if (outcome.error != 0) {
    expect(client, call, outcome.error, {ENOENT, ESTALE});
    if (outcome.error == ENOENT) expect_bound(client, call, name, 0, from);
    co_return std::nullopt;
  }
  Open opened{outcome.value};
  expect(client, call + " is " + words_of(opened) + (outcome.value->direct ? ", direct" : ""), 0);
  if ((flags & O_TRUNC) != 0) {
    const Oracle::Change change = oracle_.begin_resize(opened.number(), client, 0, from);
    oracle_.end(opened.number(), change, now(), false, true);
  }
  expect_bound(client, call, name, opened.number(), from);
  co_return opened;
}

void Programs::expect_bound(std::size_t client, const std::string& call, const std::string& name, std::uint64_t file,
                            TimePoint from) {
  if (was_bound(client, name, file, from, now())) return;
  fail(std::to_string(client) + ": " + call + ": the name was not " +
       (file == 0 ? "free" : "of file " + std::to_string(file)));
}
bool Programs::was_bound(std::size_t client, const std::string& name, std::uint64_t file, TimePoint from,
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
    return each.client == client && each.to == name && each.ended >= from - kNamesAge && each.ended < until &&
           was_bound(client, each.from, file, each.begun, each.ended);
  });
}

Task<void> Programs::close(std::size_t client, Open open) {
  say(client, "close " + words_of(open) + " ...");
  const TimePoint from = now();
  const int error = co_await world_.kernel(client).close(open.file);
  if (is_told_failure(client, open, error)) co_return;
  expect(client, "close " + words_of(open), error);
  if (error != 0 || !open.writes()) co_return;
  oracle_.flushed(open.number(), client, from, now());
  note_stored(client, open, "close " + words_of(open));
}

Task<void> Programs::sync(std::size_t client, Open open) {
  const TimePoint from = now();
  const int error = co_await world_.kernel(client).sync(open.file);
  if (is_told_failure(client, open, error)) co_return;
  expect(client, "fsync " + words_of(open), error);
  if (error != 0 || !open.writes()) co_return;
  oracle_.flushed(open.number(), client, from, now());
  note_stored(client, open, "fsync " + words_of(open));
}

Task<void> Programs::read(std::size_t client, Open open, std::uint64_t offset, std::size_t length) {
  const TimePoint from = now();
  const ModelKernel::Outcome<std::string> outcome = co_await world_.kernel(client).read(open.file, offset, length);
  const std::string call = "read " + range(offset, length) + " of " + words_of(open) + " brings " +
                           std::to_string(outcome.value.size()) + " bytes";
  expect(client, call, outcome.error);
  seen_.push_back({call, open.number(), offset, length, outcome.value, view(client, open, from)});
}

Task<void> Programs::write(std::size_t client, Open open, std::uint64_t offset, std::size_t length) {
  std::string bytes(length, '\0');
  ++stamp_;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>((stamp_ * 7 + i) % 255 + 1);
  const std::string call = "write " + range(offset, bytes.size()) + " to " + words_of(open);
  say(client, call + " ...");
  const bool leased = world_.server.holds_write(client, open.number());
  const Oracle::Change change = oracle_.begin_write(open.number(), client, offset, bytes, now());
  Writer& writer = writers_[{client, open.file->handle}];
  writer.file = open.number();
  writer.written.emplace_back(offset, offset + length);
  const int error = co_await world_.kernel(client).write(open.file, offset, bytes);
  if (is_told_failure(client, open, error)) {
    oracle_.fail(open.number(), change, now());
    co_return;
  }
  expect(client, call, error);
  const bool still_leased = leased && world_.server.holds_write(client, open.number());
  oracle_.end(open.number(), change, now(), still_leased, open.write_through());
}

Task<void> Programs::truncate(std::size_t client, Open open, std::uint64_t size) {
  const std::string call = "truncate " + words_of(open) + " to " + std::to_string(size);
  say(client, call + " ...");
  const Oracle::Change change = oracle_.begin_resize(open.number(), client, size, now());
  const int error = co_await world_.kernel(client).truncate(open.file, size);
  if (is_told_failure(client, open, error)) {
    oracle_.fail(open.number(), change, now());
    co_return;
  }
  expect(client, call, error);
  oracle_.end(open.number(), change, now(), false, true);
}

Task<void> Programs::set_time(std::size_t client, Open open, time_t time) {
  const timespec wanted{time, 0};
  const int error = co_await world_.kernel(client).set_time(open.file, wanted);
  expect(client, "set the time of " + words_of(open), error);
}

Task<void> Programs::look(std::size_t client, Open open) {
  const TimePoint from = now();
  const ModelKernel::Outcome<ModelKernel::Status> outcome = co_await world_.kernel(client).status(open.file);
  const std::string call = "fstat " + words_of(open) + " says " + std::to_string(outcome.value.size) + " bytes";
  expect(client, call, outcome.error);
  seen_.push_back({call, open.number(), outcome.value.size, 0, std::nullopt, view(client, open, from)});
}

Task<void> Programs::look_at(std::size_t client, std::string name) {
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

Task<void> Programs::remove(std::size_t client, std::string name) {
  say(client, "unlink " + name + " ...");
  const int error = co_await world_.kernel(client).remove(name);
  expect(client, "unlink " + name, error, {ENOENT, ESTALE});
}

Task<void> Programs::rename(std::size_t client, std::string from, std::string to) {
  say(client, "rename " + from + " " + to + " ...");
  const TimePoint begun = now();
  const int error = co_await world_.kernel(client).rename(from, to);
  expect(client, "rename " + from + " " + to, error, {ENOENT, ESTALE, EACCES});
  if (error == 0) renames_.push_back({client, from, to, begun, now()});
}

Task<void> Programs::append(std::size_t client, unsigned lines) {
  const ModelKernel::Outcome<ModelKernel::File> opened =
      co_await world_.kernel(client).open(kLog, O_WRONLY | O_CREAT | O_APPEND);
  expect(client, "open the log", opened.error);
  if (opened.error != 0) co_return;
  for (; lines > 0; --lines) {
    std::string text = std::to_string(1'000'000 + ++stamp_) + '\n';
    const TimePoint from = now();
    const int error = co_await world_.kernel(client).write(opened.value, 0, text);
    expect(client, "append " + std::to_string(stamp_), error);
    lines_.push_back({client, std::move(text), from, now()});
  }
  const int error = co_await world_.kernel(client).close(opened.value);
  expect(client, "close the log", error);
}

// ---- the end

Task<void> Programs::compare(std::vector<std::string> names) {
  co_await wait(std::chrono::seconds(3));
  for (std::size_t client = 0; client < World::kClients; ++client) {
    for (const std::string& name : names) co_await compare(client, name);
  }
}

Task<void> Programs::compare(std::size_t client, std::string name) {
  const auto& bindings = world_.server.bindings(name);
  const std::uint64_t number = bindings.empty() ? 0 : bindings.back().file;
  const TimePoint from = now();
  const ModelKernel::Outcome<ModelKernel::File> opened = co_await world_.kernel(client).open(name, O_RDONLY);
  expect(client, "open " + name, opened.error, {ENOENT});
  if ((number == 0) != (opened.error != 0)) fail(std::to_string(client) + ": " + name + " is there, or not");
  if (number == 0 || opened.error != 0) co_return;
  const Open open{opened.value};
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
    seen_.push_back({call, number, 0, content.size() + 100, data.value, view(client, open, from)});
  } else {
    judge_log(content);
  }
  const int error = co_await world_.kernel(client).close(opened.value);
  expect(client, "close " + words_of(open), error);
}

// A line is missing only if the other mount has appended at the same time.
void Programs::judge_log(const std::string& content) {
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

void Programs::judge() {
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

}  // namespace smb3fuse::simulation
