// SPDX-License-Identifier: Apache-2.0
#include "smb/client/file_locks.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "smb/client/interrupt.h"
#include "smb/status.h"

namespace smb3fuse::client {
namespace {

// How long to wait before the server is asked again.
constexpr Duration kFirstPause = std::chrono::milliseconds(2);
constexpr Duration kLongestPause = std::chrono::milliseconds(100);
constexpr Duration kPatience = std::chrono::seconds(1);  // with who came in between

// What the owner had there is enough for `wanted`.
bool is_weaker(const OwnedLock& wanted, const std::vector<OwnedLock>& before) {
  std::uint64_t bytes = 0;
  for (const OwnedLock& each : before) {
    if (each.kind == LockKind::shared && wanted.kind == LockKind::exclusive) return false;
    bytes += each.range.end - each.range.begin;
  }
  return bytes == wanted.range.end - wanted.range.begin;
}

}  // namespace

bool is_lock_refusal(std::error_code error) {
  return error == NtStatus::STATUS_LOCK_NOT_GRANTED || error == NtStatus::STATUS_FILE_LOCK_CONFLICT;
}

Task<LockResult> FileLocks::set(OwnedLock wanted, bool waits) {
  Duration pause = kFirstPause;
  for (;;) {
    LockResult result = co_await uninterrupted(try_set(wanted));
    if (!waits || !is_lock_refusal(result.error)) co_return result;
    std::optional<Duration> at_most;
    if (table_.find_conflict(wanted) == nullptr) {
      at_most = pause;
      pause = std::min(2 * pause, kLongestPause);
    }
    const bool woken = co_await wait(at_most);
    if (!woken) {
      result.error = make_error_code(NtStatus::STATUS_CANCELLED);
      co_return result;
    }
  }
}

Task<LockResult> FileLocks::try_set(OwnedLock wanted) {
  const Turn::Guard turn = co_await turn_.take();
  LockResult result;
  if (table_.find_conflict(wanted) != nullptr) {
    result.error = make_error_code(NtStatus::STATUS_LOCK_NOT_GRANTED);
    co_return result;
  }
  result.before = table_.within(wanted.owner, wanted.range);
  table_.set(wanted);
  const bool had_it = is_weaker(wanted, result.before);
  LockAnswer answer;
  if (had_it) {
    answer = co_await bring_back_to_server();
  } else {
    answer = co_await bring_to_server();
  }
  result.error = answer.error;
  if (!result.error) {
    if (answer.taken) co_await host_->forget_read(answer.attributes);
    result.attributes = std::move(answer.attributes);
    wake();  // a lock may have become weaker
    co_return result;
  }
  table_.release(wanted.owner, wanted.range);
  for (const OwnedLock& each : result.before) table_.set(each);
  const LockAnswer restored = co_await bring_back_to_server();
  if (restored.error) {
    if (const std::error_code lost = lose_what_is_not_held()) result.error = lost;
  }
  co_return result;
}

Task<std::error_code> FileLocks::release(LockOwner owner, LockRange range, std::vector<OwnedLock> leaving) {
  if (table_.within(owner, range).empty()) co_return std::error_code();
  if (!held_.empty()) co_await host_->write_unsent();
  const Turn::Guard turn = co_await turn_.take();
  table_.release(owner, range);
  for (const OwnedLock& each : leaving) table_.set(each);
  const LockAnswer answer = co_await bring_back_to_server();
  std::error_code error = answer.error;
  if (error) {
    if (const std::error_code lost = lose_what_is_not_held()) error = lost;
  }
  wake();
  co_return error;
}

Task<Result<std::optional<OwnedLock>>> FileLocks::find_conflict(OwnedLock wanted) {
  const Turn::Guard turn = co_await turn_.take();
  if (const OwnedLock* own = table_.find_conflict(wanted)) co_return std::optional<OwnedLock>(*own);
  // Where we have a lock, another machine has none, or a shared one beside our shared one, which cannot be seen.
  const std::vector<LockRange> parts = parts_beside(wanted.range, held_);
  if (host_->is_alone() || parts.empty()) co_return std::nullopt;
  const Result<bool> free = co_await is_free_at_server(parts, wanted.kind);
  if (!free) co_return tl::make_unexpected(free.error());
  if (*free) co_return std::nullopt;
  OwnedLock found = wanted;
  found.kind = LockKind::exclusive;
  found.process = 0;
  if (wanted.kind == LockKind::exclusive) {
    const Result<bool> shareable = co_await is_free_at_server(parts, LockKind::shared);
    if (shareable && *shareable) found.kind = LockKind::shared;
  }
  co_return std::optional<OwnedLock>(found);
}

// By taking the locks and giving them up in one message: there is no other way to ask.
Task<Result<bool>> FileLocks::is_free_at_server(std::vector<LockRange> parts, LockKind kind) {
  Open* const open = open_ != nullptr ? open_ : host_->hold_lock_open();
  if (open == nullptr) co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_FILE_CLOSED));
  LockPlan plan;
  for (const LockRange& each : parts) plan.beside.push_back({each, kind});
  plan.drop = plan.beside;
  const std::vector<RangeLock> tried = plan.drop;
  const LockAnswer answer = co_await uninterrupted(open->change_locks(std::move(plan)));
  if (answer.beside && !answer.dropped) {
    held_.insert(held_.end(), tried.begin(), tried.end());
    open_ = open;
  }
  if (open_ == nullptr) host_->release_lock_open();
  if (answer.error && !is_lock_refusal(answer.error)) co_return tl::make_unexpected(answer.error);
  co_return !answer.error;
}

Task<void> FileLocks::push() {
  const Turn::Guard turn = co_await turn_.take();
  if (host_ == nullptr) co_return;
  const LockAnswer answer = co_await bring_to_server();
  if (answer.error) spdlog::error("locks could not be taken to the server: {}", answer.error.message());
}

Task<LockAnswer> FileLocks::bring_to_server() {
  LockPlan plan = plan_locks(held_, table_.strongest(), !host_->is_alone());
  if (plan.empty()) co_return LockAnswer();
  if (open_ == nullptr) open_ = host_->hold_lock_open();
  if (open_ == nullptr) {
    LockAnswer closed;
    closed.error = make_error_code(NtStatus::STATUS_FILE_CLOSED);
    co_return closed;
  }
  const LockPlan asked = plan;
  LockAnswer answer = co_await open_->change_locks(std::move(plan));
  if (host_ == nullptr) co_return answer;
  if (answer.beside) held_.insert(held_.end(), asked.beside.begin(), asked.beside.end());
  if (answer.dropped) {
    for (const RangeLock& each : asked.drop) held_.erase(std::find(held_.begin(), held_.end(), each));
  }
  if (answer.taken) held_.insert(held_.end(), asked.take.begin(), asked.take.end());
  if (held_.empty()) {
    open_ = nullptr;
    host_->release_lock_open();
  }
  co_return answer;
}

Task<LockAnswer> FileLocks::bring_back_to_server() {
  const TimePoint until = runtime_.now() + kPatience;
  std::unique_ptr<Timer> timer;
  for (Duration pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    LockAnswer answer = co_await bring_to_server();
    if (host_ == nullptr || !is_lock_refusal(answer.error) || runtime_.now() >= until) co_return answer;
    timer = runtime_.make_timer();
    co_await callback<bool>([&](const std::function<void(bool)>& done) {
      timer->expire_at(runtime_.now() + pause, [done] { done(true); });
    });
    if (host_ == nullptr) co_return answer;
  }
}

// The server has given others what it held for us, in the moment between two of our requests, or is gone.
std::error_code FileLocks::lose_what_is_not_held() {
  if (host_->is_alone() || !table_.forget_beyond(held_)) return {};
  spdlog::error("locks were lost");
  return make_error_code(NtStatus::STATUS_UNEXPECTED_IO_ERROR);
}

// False: it was interrupted.
Task<bool> FileLocks::wait(std::optional<Duration> at_most) {
  Interrupt* const interrupt = co_await own_interrupt();
  if (waits_end_ || (interrupt != nullptr && interrupt->has_fired())) co_return false;
  const std::uint64_t id = ++last_waiter_;
  const std::unique_ptr<Timer> timer = runtime_.make_timer();
  const bool woken = co_await callback<bool>([&](std::function<void(bool)> done) {
    const auto once = std::make_shared<std::function<void(bool)>>(std::move(done));
    const auto end = [once](bool by_change) {
      if (const auto call = std::exchange(*once, nullptr)) call(by_change);
    };
    waiting_.emplace(id, [end] { end(true); });
    if (interrupt != nullptr) interrupt->arm([end] { end(false); });
    if (at_most) timer->expire_at(runtime_.now() + *at_most, [end] { end(true); });
  });
  if (interrupt != nullptr) interrupt->disarm();
  waiting_.erase(id);
  co_return woken && !waits_end_;
}

void FileLocks::wake() {
  for (const auto& [id, call] : std::exchange(waiting_, {})) call();
}

void FileLocks::stop_waiting() {
  waits_end_ = true;
  wake();
}

}  // namespace smb3fuse::client
