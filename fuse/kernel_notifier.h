// SPDX-License-Identifier: Apache-2.0
// Tells the kernel, unasked, that what it holds of a file or a name is no longer so. The one thread beside the loop:
// the kernel keeps the writer of a notification waiting for requests in flight that we still have to answer (of a
// file's data for READs through the page cache, of a name for any operation in its directory), so the loop must never
// be it.
//
// - Notifications are told in order, but for one that is the same as one still queued, which it joins: what counts is
//   that it is told after it was asked for.
// - `done` is called with false when telling has taken longer than the patience; the kernel is then told as soon as it
//   lets us. A notification that waits holds up those behind it.
// - From stop() on nothing is told and no `done` is called. The thread may then still be inside the kernel, until the
//   requests that it waits for are answered, by whoever stops it (SessionLoop) and before the device is closed.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fuse/kernel_caches.h"
#include "fuse/kernel_protocol.h"
#include "fuse/kernel_status.h"
#include "fuse/nodes.h"
#include "smb/client/runtime.h"

namespace smb3fuse::fs {

// Far less than the 35 s that servers give for the acknowledgement of a break [MS-SMB2] 3.3.2.1.
inline constexpr std::chrono::seconds kNotificationPatience{5};

class KernelNotifier final : public KernelCaches {
 public:
  // As write(2), on the notifier's thread.
  using Write = std::function<ssize_t(int descriptor, std::span<const char> message)>;

  // `runtime` outlives it. `write` is there for tests, which hold notifications back as the kernel does.
  explicit KernelNotifier(client::Runtime& runtime, client::Duration patience = kNotificationPatience,
                          Write write = nullptr);
  ~KernelNotifier();
  KernelNotifier(const KernelNotifier&) = delete;
  KernelNotifier& operator=(const KernelNotifier&) = delete;

  // The kernel has been initialised; what was asked for until now is told now. `descriptor` stays open until join().
  // `can_expire`: the kernel knows how to expire a name (Linux 6.2).
  void start(int descriptor, bool can_expire);
  void stop();
  // After stop(): waits so long for the thread to end. False: the kernel still holds it.
  bool join(std::chrono::milliseconds patience);

  void invalidate_data(NodeId id, Done done = nullptr) override;
  void invalidate_attributes(NodeId id, Done done = nullptr) override;
  void invalidate_entry(NodeId parent, std::string_view name, Done done = nullptr) override;
  void expire_entry(NodeId parent, std::string_view name, Done done = nullptr) override;
  bool can_expire() const override { return can_expire_; }

  const NotificationCounts& counts() const { return counts_; }

 private:
  // `waiters` are keys of waiters_.
  struct Queued {
    Notification notification;
    std::vector<std::uint64_t> waiters;
  };
  struct Waiter {
    client::TimePoint until;
    Done done;
  };
  // A file's notifications are one key, whatever is dropped.
  using Key = std::pair<Notification::Kind, std::pair<NodeId, std::string>>;
  static Key key_of(const Notification& notification);

  std::uint64_t& count_of(Notification::Kind kind);
  void enqueue(Notification notification, Done done = nullptr);
  std::uint64_t add_waiter(Done done);
  void complete(const std::vector<std::uint64_t>& waiters, int error);
  void call(std::uint64_t waiter, bool told);
  void handle_overdue();

  void run(int descriptor);  // the thread
  int tell(int descriptor, const Notification& notification) const;

  client::Runtime& runtime_;
  const client::Duration patience_;
  const Write write_;

  // The loop's.
  std::map<std::uint64_t, Waiter> waiters_;  // oldest first
  std::uint64_t next_waiter_ = 0;
  std::unique_ptr<client::Timer> overdue_;  // of the oldest waiter, or of one before it
  bool can_expire_ = false;
  NotificationCounts counts_;
  std::thread thread_;
  const std::shared_ptr<char> alive_ = std::make_shared<char>();  // posted calls hold a weak reference

  // Of both, under the mutex.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Queued> queue_;
  std::map<Key, Queued*> queued_;
  bool stopped_ = false;
  bool ended_ = false;
};

}  // namespace smb3fuse::fs
