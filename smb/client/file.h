// SPDX-License-Identifier: Apache-2.0
// One remote file while we hold opens on it: its opens, the rights to it, and the one cache::FileCache through which
// all of them read and write, so that what one handle of this mount wrote is what another one reads.
//
// Without a right to keep data (cache::Access::none) reads are pipelined ahead and used once, small writes wait a few
// milliseconds to be joined, and everything has been written when flush() is done. When the server takes a right back:
// it is not used from that moment on, what was written under it is sent, what was read is dropped here and by the
// owner, opens without a user are closed, and only then the server is told.
//
// Loop thread. No callback runs inside the call that was given it. It is kept until the Tasks it handed out have ended;
// callbacks that still wait when it is destroyed are dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>

#include "cache/budget.h"
#include "cache/buffer.h"
#include "cache/file_cache.h"
#include "smb/client/attributes.h"
#include "smb/client/file_locks.h"
#include "smb/client/runtime.h"
#include "smb/client/share.h"
#include "smb/client/task.h"

namespace smb3fuse::client {

class File {
 public:
  // The bytes in order, in as many pieces as they lie in memory. Short only at the end of the file.
  using ReadResult = cache::ReadResult;
  using ReadDone = std::function<void(ReadResult)>;
  using Done = std::function<void(std::error_code)>;

  // Whoever shows the file to its users.
  class Owner {
   public:
    // Others may change the file from now on: nothing is told of it as valid for long.
    virtual void handle_read_right_lost() = 0;
    // Nobody above takes its attributes to be valid, once `done` is called; nor has data of it. Also within the call.
    virtual void drop_attributes(std::function<void()> done) = 0;
    virtual void drop_data(std::function<void()> done) = 0;
    // Something that was written could not be stored: it is not shown any more, nor is the size that came of it. One of
    // the callers is told `error`; the owner tells the others who write.
    virtual void handle_unwritten(std::error_code error) = 0;

   protected:
    ~Owner() = default;
  };

  // All of them outlive it.
  File(Runtime& runtime, cache::Budget& budget, Share& share, Owner& owner);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // For the OpenRequest of each open of it; may be null.
  Lease* lease() const;
  Rights rights() const;
  // With the right of the handle: an open that is there already and can do this, for one more user. Else null.
  Open* try_use(bool to_read, bool to_write);
  // Takes over `result.open` for a first user. `result.first` is adopted as read ahead, the size is learnt from
  // `result.attributes`. `shareable`: others with the same needs may use it too.
  Open& add(OpenResult result, bool readable, bool writable, bool shareable);
  // A user less, after a flush() if it wrote. An open without any is kept where the rights allow it, else closed.
  void end_use(Open& open);
  void close_unused();
  bool has_opens() const;
  // What is open went with its connection: for who opens it now, another File has to be made.
  bool is_lost() const;
  bool has_writable() const;

  // Answers at once if the bytes are here; otherwise use read().
  bool try_read(std::uint64_t offset, std::uint32_t length, ReadResult& result);
  void read(std::uint64_t offset, std::uint32_t length, ReadDone done);
  // done: accepted, and as much memory is free as the window allows; a failure to write is told once, by the next
  // write(), flush() or set. `write_through`: done when the server has it on stable storage.
  void write(std::uint64_t offset, cache::Buffer data, bool write_through, Done done);
  // Lands at the server's end of the file as the server knows it at that moment. `end`: the size after it.
  void append(cache::Buffer data, bool write_through, std::function<void(std::error_code, std::uint64_t end)> done);
  // Everything written, and attribute changes that waited with it, are on the server; with `to_disk`, on its disk.
  Task<std::error_code> flush(bool to_disk);
  // Size changes take effect in order with the writes; times wait for the next write or flush where that saves a
  // round trip (the caller has flush() run at close). Must have an open that may do it (any will do for times).
  Task<std::error_code> set_attributes(AttributeChanges changes);
  // Through any open.
  Task<Result<PosixAcls>> posix_acls();

  // Byte-range locks, at the server as long as others use the file. Each costs a round trip then, two where an
  // exclusive one takes the place of a shared one in vain.
  FileLocks& locks();

  // The data was changed past this file (Open::zero): what was read ahead is out of date.
  void forget_read_ahead();

  // The server's attributes seen through what it has not been told yet: size and last write time.
  Attributes seen_through(Attributes from_server) const;
  // The last time at which it was written here, whether the server has been told yet or not; 0 if a program has set
  // another one since.
  FileTime written_at() const;
  bool has_unsent() const;
  // What seen_through() shows is newer than what the server would tell: there is unsent data, or a time of writing that
  // the server will be told at the next flush or CLOSE.
  bool is_ahead() const;
  cache::Usage usage() const;
  // What was written here was all on the server at `when`: whoever asked it since has been told of that.
  bool was_written_at(TimePoint when) const;

  // Do the invariants of cache/README.md hold? For tests, after every step.
  bool audit() const;

 private:
  class Remote;
  std::unique_ptr<Remote> remote_;
};

}  // namespace smb3fuse::client
