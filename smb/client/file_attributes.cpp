// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "smb/client/file_remote.h"
#include "smb/status.h"

namespace smb3fuse::client {

namespace {

// How long attribute changes wait for a flush that saves their round trip.
constexpr Duration kChangesWait = std::chrono::seconds(1);

void overlay(Attributes& attributes, const AttributeChanges& changes) {
  if (changes.creation_time) attributes.creation_time = *changes.creation_time;
  if (changes.last_access_time) attributes.last_access_time = *changes.last_access_time;
  if (changes.last_write_time) attributes.last_write_time = *changes.last_write_time;
  if (changes.file_attributes) attributes.file_attributes = *changes.file_attributes;
}

}  // namespace

void File::Remote::merge(AttributeChanges& changes, const AttributeChanges& later) {
  if (later.creation_time) changes.creation_time = later.creation_time;
  if (later.last_access_time) changes.last_access_time = later.last_access_time;
  if (later.last_write_time) changes.last_write_time = later.last_write_time;
  if (later.file_attributes) changes.file_attributes = later.file_attributes;
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

// Behind what was written before, which would cost the file its set-user-id bit afterwards; and at once, so that it is
// told whoever may not.
Task<std::error_code> File::Remote::send_posix(AttributeChanges changes) {
  if (has_unsent()) {
    const std::error_code error = co_await flush_all(false);
    if (error) co_return error;
  }
  const Opened* through = any_open();
  if (through == nullptr) co_return make_error_code(NtStatus::STATUS_FILE_CLOSED);
  const std::error_code error = co_await uninterrupted(through->open->set_attributes(changes));
  co_return error;
}

Task<std::error_code> File::Remote::set_attributes(AttributeChanges changes) {
  if (changes.touches_posix() || changes.acl) {
    AttributeChanges posix;
    posix.mode = std::exchange(changes.mode, std::nullopt);
    posix.uid = std::exchange(changes.uid, std::nullopt);
    posix.gid = std::exchange(changes.gid, std::nullopt);
    posix.acl = std::exchange(changes.acl, std::nullopt);
    const std::error_code error = co_await send_posix(posix);
    if (error || changes.empty()) co_return error;
  }
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
  // Just written, closed, and nobody else has it: these may follow behind, in front of whatever is asked next.
  if (rights().write && ever_written_ && any_writable() != nullptr) {
    spawn(send_changes_late());
    co_return std::error_code();
  }
  const std::error_code error = co_await send_changes();
  co_return error;
}

Task<Result<PosixAcls>> File::Remote::posix_acls() {
  const Opened* through = any_open();
  if (through == nullptr) co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_FILE_CLOSED));
  Result<PosixAcls> told = co_await through->open->posix_acls();
  co_return told;
}

Attributes File::Remote::seen_through(Attributes from_server) const {
  if (const auto size = cache_.size_underway()) from_server.end_of_file = *size;
  from_server.end_of_file = std::max(from_server.end_of_file, cache_.unsent_end());
  overlay(from_server, underway_);
  if (owes_time_) {
    // A change of mode or owner may have moved the time of change since; no other server tells that time.
    const bool moves_on = from_server.posix && from_server.change_time > written_at_;
    from_server.last_write_time = written_at_;
    if (!moves_on) from_server.change_time = written_at_;
  }
  overlay(from_server, changes_);
  return from_server;
}

}  // namespace smb3fuse::client
