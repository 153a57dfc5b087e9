// SPDX-License-Identifier: Apache-2.0
#include "fuse/kernel_notifier.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace smb3fuse::fs {

namespace {

using Kind = Notification::Kind;

// /dev/fuse waits inside write(2), though it is non-blocking for reads; a socket in its place may be full.
ssize_t write_message(int descriptor, std::span<const char> message) {
  while (true) {
    const ssize_t written = write(descriptor, message.data(), message.size());
    if (written >= 0 || (errno != EAGAIN && errno != EINTR)) return written;
    pollfd room{.fd = descriptor, .events = POLLOUT, .revents = 0};
    poll(&room, 1, -1);
  }
}

// Signals are the loop's.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

// The connection has ended, or is about to.
bool is_end(int error) { return error == ENODEV || error == ENOTCONN || error == EPIPE || error == ECONNRESET; }

}  // namespace

KernelNotifier::KernelNotifier(client::Runtime& runtime, client::Duration patience, Write write)
    : runtime_(runtime),
      patience_(patience),
      write_(write ? std::move(write) : write_message),
      overdue_(runtime.make_timer()) {}

KernelNotifier::~KernelNotifier() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void KernelNotifier::start(int descriptor, bool can_expire) {
  can_expire_ = can_expire;
  const AllSignalsBlocked blocked;
  thread_ = std::thread([this, descriptor] { run(descriptor); });
}

void KernelNotifier::stop() {
  waiters_.clear();
  overdue_->cancel();
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  queued_.clear();
  queue_.clear();
  changed_.notify_all();
}

bool KernelNotifier::join(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return true;
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, patience, [this] { return ended_; })) return false;
  lock.unlock();
  thread_.join();
  return true;
}

void KernelNotifier::invalidate_data(NodeId id, Done done) {
  enqueue({Kind::invalidate_data, id, {}}, std::move(done));
}

void KernelNotifier::invalidate_attributes(NodeId id, Done done) {
  enqueue({Kind::invalidate_attributes, id, {}}, std::move(done));
}

void KernelNotifier::invalidate_entry(NodeId parent, std::string_view name, Done done) {
  enqueue({Kind::invalidate_entry, parent, std::string(name)}, std::move(done));
}

void KernelNotifier::expire_entry(NodeId parent, std::string_view name, Done done) {
  if (can_expire_) {
    enqueue({Kind::expire_entry, parent, std::string(name)}, std::move(done));
  } else if (done) {
    runtime_.post([done = std::move(done)] { done(false); });
  }
}

KernelNotifier::Key KernelNotifier::key_of(const Notification& notification) {
  const Kind kind = notification.kind == Kind::invalidate_attributes ? Kind::invalidate_data : notification.kind;
  return {kind, {notification.node, notification.name}};
}

std::uint64_t& KernelNotifier::count_of(Notification::Kind kind) {
  switch (kind) {
    case Kind::invalidate_data:
      return counts_.data;
    case Kind::invalidate_attributes:
      return counts_.attributes;
    case Kind::invalidate_entry:
      return counts_.names;
    case Kind::expire_entry:
      break;
  }
  return counts_.expired_names;
}

void KernelNotifier::enqueue(Notification notification, Done done) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  const auto [same, is_new] = queued_.try_emplace(key_of(notification));
  if (is_new) {
    ++count_of(notification.kind);
    queue_.push_back({std::move(notification), {}});
    same->second = &queue_.back();
    changed_.notify_all();
  } else if (notification.kind == Kind::invalidate_data) {
    same->second->notification.kind = Kind::invalidate_data;
  }
  if (done) same->second->waiters.push_back(add_waiter(std::move(done)));
}

std::uint64_t KernelNotifier::add_waiter(Done done) {
  const client::TimePoint until = runtime_.now() + patience_;
  if (waiters_.empty()) overdue_->expire_at(until, [this] { handle_overdue(); });
  waiters_.emplace(++next_waiter_, Waiter{until, std::move(done)});
  return next_waiter_;
}

void KernelNotifier::complete(const std::vector<std::uint64_t>& waiters, int error) {
  if (error != 0 && !is_end(error)) spdlog::warn("the kernel did not take a notification: {}", std::strerror(error));
  for (const std::uint64_t waiter : waiters) call(waiter, error == 0);
}

// It may be gone: overdue, or by a stop() in a `done` just before.
void KernelNotifier::call(std::uint64_t waiter, bool told) {
  const auto ended = waiters_.extract(waiter);
  if (!ended.empty()) ended.mapped().done(told);
}

void KernelNotifier::handle_overdue() {
  const client::TimePoint now = runtime_.now();
  while (!waiters_.empty() && waiters_.begin()->second.until <= now) call(waiters_.begin()->first, false);
  if (!waiters_.empty()) overdue_->expire_at(waiters_.begin()->second.until, [this] { handle_overdue(); });
}

void KernelNotifier::run(int descriptor) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    if (stopped_) break;
    const Queued next = std::move(queue_.front());
    queued_.erase(key_of(next.notification));
    queue_.pop_front();
    lock.unlock();
    const int error = tell(descriptor, next.notification);
    if (error != 0 || !next.waiters.empty()) {
      runtime_.post([this, alive = std::weak_ptr<char>(alive_), waiters = next.waiters, error] {
        if (!alive.expired()) complete(waiters, error);
      });
    }
    lock.lock();
  }
  ended_ = true;
  changed_.notify_all();
}

int KernelNotifier::tell(int descriptor, const Notification& notification) const {
  const std::string message = encode(notification);
  // ENOENT: the kernel holds nothing of the kind.
  return write_(descriptor, message) >= 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace smb3fuse::fs
