// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "smb/client/file_remote.h"
#include "smb/status.h"

namespace smb3fuse::client {

namespace {

// How long the end of the file is taken to be where the server last said, for one append to it: as long as a program
// takes to write after it has opened.
constexpr Duration kEndOfFileAge = std::chrono::milliseconds(2);

// Appends of this size are bulk data: they follow one another without asking where the file ends now, and without
// waiting for each other. Smaller ones are records of a log that others write too.
constexpr std::size_t kBulkAppend = 64 * 1024;

}  // namespace

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

}  // namespace smb3fuse::client
