// SPDX-License-Identifier: Apache-2.0
// The byte-range locks of one file: what programs here hold, and the server in their place.
//
// Programs here are kept apart by the table; the server holds the sum of their locks on one open, so that they are
// never in each other's way there. As long as nobody else uses the file the server is not told at all: with the loss of
// that right it is, by push(), before it knows that the right is given up.
//
// - What is read after a lock was taken is what others wrote before: the host forgets what it has. What was written
//   under it is written before it goes.
// - Who waits for a program here is woken in the order of asking; who waits for the server asks it again and again, in
//   growing intervals: a request that waits there would have to do without the weaker lock that it replaces.
// - What stays of a lock may have to be given up and taken anew at the server. Who came in between is waited for, for a
//   second; then the lock is lost, and its owner told so.
// - The changes of one file at the server follow one another.
//
// Loop thread. Kept until the Tasks it handed out have ended.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <system_error>
#include <vector>

#include "smb/client/lock_plan.h"
#include "smb/client/lock_table.h"
#include "smb/client/runtime.h"
#include "smb/client/share.h"
#include "smb/client/task.h"
#include "smb/client/turn.h"

namespace smb3fuse::client {

struct LockResult {
  std::error_code error;                 // is_lock_refusal(): somebody else's lock is in the way
  std::optional<Attributes> attributes;  // as the server told them with the lock
  std::vector<OwnedLock> before;         // what the owner had there
};

bool is_lock_refusal(std::error_code error);

class FileLocks {
 public:
  class Host {
   public:
    // Nobody else uses the data.
    virtual bool is_alone() const = 0;
    // The open that is to have the locks; it stays until release_lock_open(). Null: there is none.
    virtual Open* hold_lock_open() = 0;
    virtual void release_lock_open() = 0;
    virtual Task<void> write_unsent() = 0;
    virtual Task<void> forget_read(std::optional<Attributes> attributes) = 0;

   protected:
    ~Host() = default;
  };

  // `runtime` outlives it; `host` until leave().
  FileLocks(Runtime& runtime, Host& host) : runtime_(runtime), host_(&host) {}
  void leave() { host_ = nullptr; }

  bool empty() const { return table_.empty(); }
  // `waits` for others to give up theirs; STATUS_CANCELLED if it was interrupted meanwhile.
  Task<LockResult> set(OwnedLock wanted, bool waits);
  // `leaving` is what the owner has there afterwards: less than before.
  Task<std::error_code> release(LockOwner owner, LockRange range, std::vector<OwnedLock> leaving);
  // A lock that is in the way of `wanted`. Of another machine's only the kind is known.
  Task<Result<std::optional<OwnedLock>>> find_conflict(OwnedLock wanted);
  // The server holds all of them.
  Task<void> push();
  // Nobody waits any more, from now on.
  void stop_waiting();

 private:
  Task<LockResult> try_set(OwnedLock wanted);
  Task<LockAnswer> bring_to_server();
  // The same for locks that are ours already: others come in between two steps for a moment, and are waited for.
  Task<LockAnswer> bring_back_to_server();
  Task<Result<bool>> is_free_at_server(std::vector<LockRange> parts, LockKind kind);
  Task<bool> wait(std::optional<Duration> at_most);
  void wake();
  std::error_code lose_what_is_not_held();

  Runtime& runtime_;
  Host* host_;
  LockTable table_;
  std::vector<RangeLock> held_;  // by the server, each as it was locked, the oldest first
  Open* open_ = nullptr;         // that has them
  Turn turn_;                    // of who changes table and server
  std::map<std::uint64_t, std::function<void()>> waiting_;
  std::uint64_t last_waiter_ = 0;
  bool waits_end_ = false;
};

}  // namespace smb3fuse::client
