// SPDX-License-Identifier: Apache-2.0
// How the command returns when the mount is usable: the process forks before it has threads or descriptors, the child
// does the work, and the parent waits for its word on a pipe, prints it and ends with the exit code that goes with it.
// Main thread.
#pragma once

#include <string>

namespace smb3fuse::fs {

class ReadyPipe {
 public:
  // In the background: returns in the child only; the parent ends here. In the foreground: nothing happens.
  explicit ReadyPipe(bool foreground);
  ~ReadyPipe();
  ReadyPipe(const ReadyPipe&) = delete;
  ReadyPipe& operator=(const ReadyPipe&) = delete;

  // The mount is usable. From here on a background process has no terminal. False: nobody waits for it any more.
  bool tell_ready();
  // One sentence, which the command prints after its name and ends with ExitCode::mount_failure.
  void tell_error(const std::string& sentence);

 private:
  int write_end_ = -1;  // -1: in the foreground, or all is said
};

}  // namespace smb3fuse::fs
