// SPDX-License-Identifier: Apache-2.0
// How the server comes to hold other locks of one open than it does. It gives a lock up as a whole only, refuses an
// exclusive one over any other, its owner's included, but a shared one only over another open's exclusive one
// ([MS-FSA] 2.1.5.8, 2.1.5.9, 2.1.4.10). So what stays of a lock, or becomes weaker, is locked beside it before it
// goes; only what becomes exclusive, or stays so while another part of it goes, is for a moment not locked at all.
// Pure.
#pragma once

#include <optional>
#include <system_error>
#include <vector>

#include "smb/client/attributes.h"
#include "smb/client/lock_table.h"

namespace smb3fuse::client {

// To be done in this order.
struct LockPlan {
  std::vector<RangeLock> beside;  // shared, over what is dropped
  std::vector<RangeLock> drop;
  std::vector<RangeLock> take;

  bool empty() const { return beside.empty() && drop.empty() && take.empty(); }
};

// From `held`, each as it was locked, to `wanted`, in order and without overlap. `may_take`: else only what is held and
// not wanted is dropped.
LockPlan plan_locks(const std::vector<RangeLock>& held, const std::vector<RangeLock>& wanted, bool may_take);

// The parts of `range` of which `held` has nothing.
std::vector<LockRange> parts_beside(const LockRange& range, const std::vector<RangeLock>& held);

// What came of a plan: nothing of a step is done, or all.
struct LockAnswer {
  std::error_code error;  // of the first step that was refused
  bool beside = false;    // done, as are the next two
  bool dropped = false;
  bool taken = false;
  std::optional<Attributes> attributes;  // of the file with what was taken
};

}  // namespace smb3fuse::client
