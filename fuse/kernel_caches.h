// SPDX-License-Identifier: Apache-2.0
// What the kernel keeps of files and names, as far as it can be told to drop it. KernelNotifier tells it; tests have a
// kernel of their own.
//
// Loop thread. Nothing here blocks or keeps a reply waiting. `done` is called once, never inside the call that takes
// it: with true when the kernel holds nothing old any more, also because it knows no such file; with false when that
// takes too long, or cannot be: the caller then goes on without.
//
// A WRITE, LOOKUP, CREATE or READDIRPLUS answered after a notification, but begun before it, may bring back what was
// dropped: the caller notifies again.
#pragma once

#include <functional>
#include <string_view>

#include "fuse/nodes.h"

namespace smb3fuse::fs {

class KernelCaches {
 public:
  using Done = std::function<void(bool told)>;

  // Pages and attributes of a file; attributes and the kernel's listing of a directory. No names.
  virtual void invalidate_data(NodeId id, Done done = nullptr) = 0;
  virtual void invalidate_attributes(NodeId id, Done done = nullptr) = 0;
  // A file's name, or one that the kernel holds to be missing. Never a directory's: what is mounted below it would be
  // detached.
  virtual void invalidate_entry(NodeId parent, std::string_view name, Done done = nullptr) = 0;
  // The kernel asks for the name again when it is used next; what is open, or mounted below it, stays. A look-up of it
  // that is under way and answered later wins. Does nothing if the kernel cannot.
  virtual void expire_entry(NodeId parent, std::string_view name, Done done = nullptr) = 0;
  virtual bool can_expire() const = 0;

 protected:
  ~KernelCaches() = default;
};

}  // namespace smb3fuse::fs
