// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/oracle.h"

#include <algorithm>
#include <utility>

namespace smb3fuse::simulation {

Oracle::Change Oracle::begin_write(FileNumber file, std::size_t client, std::uint64_t offset, std::string bytes,
                                   TimePoint now) {
  files_[file].push_back({client, false, offset, std::move(bytes), now});
  return files_[file].size() - 1;
}

Oracle::Change Oracle::begin_resize(FileNumber file, std::size_t client, std::uint64_t size, TimePoint now) {
  files_[file].push_back({client, true, size, {}, now});
  return files_[file].size() - 1;
}

void Oracle::end(FileNumber file, Change change, TimePoint now, bool leased, bool flushed) {
  Event& event = files_[file][change];
  event.ended = now;
  event.leased = leased;
  event.on_server = leased || flushed ? now : now + kFlushes;
}

void Oracle::fail(FileNumber file, Change change, TimePoint now) {
  Event& event = files_[file][change];
  event.ended = now;
  event.is_certain = false;
}

void Oracle::flushed(FileNumber file, std::size_t client, TimePoint since, TimePoint now) {
  for (Event& event : files_[file]) {
    if (event.client == client && event.ended <= since) event.on_server = std::min(event.on_server, now);
  }
}

void Oracle::refused(FileNumber file, std::size_t client, std::uint64_t offset, std::size_t length) {
  for (Event& event : files_[file]) {
    const bool overlaps = event.offset < offset + length && offset < event.offset + event.bytes.size();
    if (event.client == client && overlaps) event.is_certain = false;
  }
}

bool Oracle::is_before(const Event& first, const Event& second) {
  return (first.client == second.client ? first.ended : first.on_server) < second.begun;
}

TimePoint Oracle::seen_at(const Event& event, const View& view) {
  if (event.ended == TimePoint::max() || !event.is_certain) return TimePoint::max();
  if (event.client == view.client) return event.ended;
  const TimePoint there = event.on_server;
  if (view.by_name) return there + kKept + (event.leased ? kJoined + kFlushes : Duration::zero());
  if (event.leased) return there;
  if (view.opened < there) return there + kKept;
  if (view.last_loss && *view.last_loss >= event.begun) return std::max(there, *view.last_loss + kNews);
  return there;
}

std::optional<int> Oracle::value_of(const Event& event, std::uint64_t at) {
  if (event.resizes) return at >= event.offset ? std::optional(kNoByte) : std::nullopt;
  if (at < event.offset || at >= event.offset + event.bytes.size()) return std::nullopt;
  return static_cast<unsigned char>(event.bytes[at - event.offset]);
}

bool Oracle::reaches_beyond(const Event& event, std::uint64_t at) { return event.offset > at; }

bool Oracle::is_over(const Event& event, const std::vector<Event>& events, std::uint64_t at, const View& view) {
  return std::any_of(events.begin(), events.end(), [&](const Event& later) {
    return value_of(later, at) && seen_at(later, view) < view.from && is_before(event, later);
  });
}

bool Oracle::covers_beyond(const Event& event, std::uint64_t at) {
  return !event.resizes && event.offset <= at && event.offset + event.bytes.size() > at + 1;
}

std::set<int> Oracle::allowed(FileNumber file, std::uint64_t at, const View& view) const {
  std::set<int> values;
  const auto found = files_.find(file);
  static const std::vector<Event> kNoEvents;
  const std::vector<Event>& events = found == files_.end() ? kNoEvents : found->second;
  const auto consider = [&](const Event& event) {
    const std::optional<int> value = value_of(event, at);
    if (!value || event.begun > view.until || is_over(event, events, at, view)) return;
    bool is_longer = false;
    for (const Event& other : events) {
      if (*value != kNoByte || other.begun > view.until || is_before(other, event)) continue;
      const bool is_seen = seen_at(other, view) < view.from && is_before(event, other);
      // What goes to the server in pieces may arrive with the later ones first.
      if (reaches_beyond(other, at) || (!is_seen && covers_beyond(other, at))) values.insert(0);
      if (reaches_beyond(other, at)) is_longer |= is_seen;
    }
    if (!is_longer) values.insert(*value);
  };
  Event nothing{0, true, 0, {}, TimePoint::min()};
  nothing.ended = nothing.on_server = TimePoint::min();
  consider(nothing);
  for (const Event& event : events) consider(event);
  // A file that is cut while it is read: Linux shows zeros up to where it took the end to be.
  if (values.size() > 1 && values.contains(kNoByte)) values.insert(0);
  return values;
}

namespace {
std::string words_of(const std::set<int>& values) {
  std::string words;
  for (const int value : values)
    words += (words.empty() ? "" : " or ") + (value < 0 ? "no byte" : std::to_string(value));
  return words;
}
}  // namespace

std::string Oracle::judge_read(FileNumber file, std::uint64_t offset, std::size_t length, const std::string& bytes,
                               const View& view) const {
  if (bytes.size() > length) return "more than was asked for";
  for (std::size_t i = 0; i < std::min(length, bytes.size() + 1); ++i) {
    const int value = i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : kNoByte;
    const std::set<int> values = allowed(file, offset + i, view);
    if (values.contains(value)) continue;
    return "byte " + std::to_string(offset + i) + " is " + words_of({value}) + " instead of " + words_of(values);
  }
  return {};
}

// Something that this client wrote may not have reached the server when the call began.
bool Oracle::is_writing(FileNumber file, const View& view) const {
  const auto found = files_.find(file);
  return found != files_.end() && std::any_of(found->second.begin(), found->second.end(), [&](const Event& event) {
           return event.client == view.client && event.begun <= view.until && event.on_server > view.from;
         });
}

std::string Oracle::judge_size(FileNumber file, std::uint64_t size, const View& view) const {
  if (!allowed(file, size, view).contains(kNoByte)) return "there are bytes at " + std::to_string(size);
  if (size == 0 || is_writing(file, view)) return {};
  const std::set<int> last = allowed(file, size - 1, view);
  if (last == std::set<int>{kNoByte}) return "there is no byte at " + std::to_string(size - 1);
  return {};
}

}  // namespace smb3fuse::simulation
