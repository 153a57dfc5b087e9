// SPDX-License-Identifier: Apache-2.0
// The cache's whole view of the other side: one remote file. Implemented by smb/client, and by gated fakes in tests.
#pragma once

#include <cstdint>
#include <functional>
#include <system_error>
#include <vector>

#include "cache/buffer.h"

namespace smb3fuse::cache {

// Loop thread. A completion never runs inside the call that started it. Any number may be in flight at once, and they
// complete in any order. Every call is completed exactly once, at the latest when the connection is given up.
class RemoteFile {
 public:
  // A read shorter than asked ends at the end of the file; an empty one is past it.
  using ReadDone = std::function<void(std::error_code, Buffer)>;
  using Done = std::function<void(std::error_code)>;

  virtual void read(std::uint64_t offset, std::uint32_t length, ReadDone done) = 0;
  // All of `data` is written, or the error says why not. The Buffers are kept until then.
  virtual void write(std::uint64_t offset, std::vector<Buffer> data, Done done) = 0;
  // The file ends at `size` from now on. No write is in flight meanwhile.
  virtual void truncate(std::uint64_t size, Done done) = 0;
  // Everything written so far reaches stable storage.
  virtual void flush(Done done) = 0;
  // A failure to write is being told: for whoever reads from now on, what was written is as the server has it again.
  virtual void handle_unwritten(std::error_code error) = 0;

  // The largest single read and write that pays, in bytes.
  virtual std::uint32_t read_size() const = 0;
  virtual std::uint32_t write_size() const = 0;

 protected:
  ~RemoteFile() = default;
};

}  // namespace smb3fuse::cache
