// SPDX-License-Identifier: Apache-2.0
// The engine's face: a connected share, and the opens on it, in no protocol's terms. smb2_share implements it now;
// SMB1 will implement it too; fuse/ sees nothing below it.
//
// Loop thread only. Every call is a lazy Task that ends exactly once; what it may cost in round trips is said at each.
// Errors are NTSTATUS values as error_code ("smb/status.h"), the server's own or the nearest for what we found out.
// Paths are UTF-8, relative to the mounted root, components separated by '/', no leading or trailing '/', "" the root
// itself; reserved characters are mapped below this face.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <vector>

#include "cache/buffer.h"
#include "cache/remote_file.h"
#include "smb/client/attributes.h"
#include "smb/client/lock_plan.h"
#include "smb/client/task.h"

namespace smb3fuse::client {

template <class T>
using Result = tl::expected<T, std::error_code>;

enum class Disposition : std::uint8_t {
  open,                // must exist
  create,              // must not exist: STATUS_OBJECT_NAME_COLLISION
  open_or_create,      // O_CREAT
  truncate,            // must exist, emptied: O_TRUNC
  truncate_or_create,  // O_CREAT | O_TRUNC
};

// What the server lets us keep of a file: the meaning of its oplock or lease.
struct Rights {
  bool read = false;    // nobody else changes data or size
  bool write = false;   // nobody else uses the data: changes of it may wait here
  bool handle = false;  // an open may be kept after its last user

  friend bool operator==(const Rights&, const Rights&) = default;
  friend Rights operator&(Rights a, Rights b) { return {a.read && b.read, a.write && b.write, a.handle && b.handle}; }
};

// The rights to one file, over all opens that are made with it. Outlives them.
class Lease {
 public:
  class Holder {
   public:
    // The rights are `left` from now on. `done` is called once, when nothing is kept here that needs more: then the
    // server may let another client at the file. It may be called within this call.
    virtual void handle_break(Rights left, std::function<void()> done) = 0;

   protected:
    ~Holder() = default;
  };

  virtual ~Lease() = default;
  virtual Rights rights() const = 0;
};

struct OpenRequest {
  std::string path;
  Lease* lease = nullptr;  // rights are asked for with the open; its grown rights() hold when the open is there
  Disposition disposition = Disposition::open;
  bool read = true;
  bool write = false;
  // The permissions of a file made by this open. Where the server keeps none, one without any w is read-only.
  std::uint32_t create_mode = 0666;
  bool write_through = false;    // O_SYNC, O_DSYNC
  std::uint32_t first_read = 0;  // read this many bytes from the start in the same round trip
};

// One SMB open. Destroying it sends CLOSE and does not wait; everything in flight on it completes first or with an
// error. Thread and completion rules as cache::RemoteFile.
class Open {
 public:
  using ReadDone = cache::RemoteFile::ReadDone;
  using Done = cache::RemoteFile::Done;

  virtual ~Open() = default;

  // It went with its connection: whatever is asked of it fails.
  virtual bool is_lost() const = 0;
  // At most Share::maximum_read() / maximum_write() bytes; fewer come back only at the end of the file.
  virtual void read(std::uint64_t offset, std::uint32_t length, ReadDone done) = 0;
  // In the same message, behind the data: the changes, if there are any, and a flush, if `to_disk`. The data may have
  // been written though what follows it failed; `after` is the first failure of that.
  using WriteDone = std::function<void(std::error_code written, std::error_code after)>;
  virtual void write(std::uint64_t offset, std::vector<cache::Buffer> data, AttributeChanges changes, bool to_disk,
                     WriteDone done) = 0;
  virtual void flush(Done done) = 0;
  // One round trip each.
  virtual Task<Result<Attributes>> attributes() = 0;
  virtual Task<std::error_code> set_attributes(AttributeChanges changes) = 0;
  virtual Task<Result<PosixAcls>> posix_acls() = 0;  // where Share::has_posix_acls()
  // Goes out with the CLOSE, and nobody is told if it fails.
  virtual void set_at_close(AttributeChanges changes) = 0;
  // FSCTL_SET_ZERO_DATA over [offset, end): a hole in a sparse file (the file is made sparse first).
  virtual Task<std::error_code> zero(std::uint64_t offset, std::uint64_t end) = 0;
  // FSCTL_QUERY_ALLOCATED_RANGES: (offset, length) of what is not a hole within [offset, offset + length).
  struct AllocatedRange {
    std::uint64_t offset;
    std::uint64_t length;
  };
  virtual Task<Result<std::vector<AllocatedRange>>> allocated_ranges(std::uint64_t offset, std::uint64_t length) = 0;
  // The steps of the plan, and what the file is like with what was taken. One round trip; the server answers at once.
  virtual Task<LockAnswer> change_locks(LockPlan plan) = 0;
};

struct OpenResult {
  std::unique_ptr<Open> open;
  Attributes attributes;  // as the CREATE reply has them: number_of_links is not told
  bool created = false;
  cache::Buffer first;           // the bytes from 0, if first_read was asked for and the file has any
  bool first_read_done = false;  // `first` is valid: shorter than asked means the file ends there
};

// One enumeration of one directory. Destroying it closes it without waiting.
class DirectoryStream {
 public:
  virtual ~DirectoryStream() = default;
  // Of the directory, as the open told: number_of_links is not.
  virtual const Attributes& attributes() const = 0;
  // The next entries, without "." and "..", at most one server answer of them; empty at the end. The page after the
  // one returned is already on its way. Unsafe names from the server are left out and logged.
  virtual Task<Result<std::vector<DirectoryEntry>>> next() = 0;
};

// The right to keep what was asked of a directory: which names there are and are not, and what a listing shows of those
// that are no directories themselves. It stands on an open of its own; destroying it gives it up and does not wait.
class DirectoryRight {
 public:
  // What has become of a name, as somebody tells; we ourselves may be the reason.
  struct Change {
    enum class Action : std::uint8_t { appeared, gone, changed };
    std::string name;
    Action action;
  };
  // Outlives the right. Nothing is called within ask_directory_right().
  class Holder {
   public:
    // What is asked from now on holds, until it is told otherwise.
    virtual void handle_right(DirectoryRight& right) = 0;
    // These are not what they were; without any, nothing may be. False: the right is not wanted any more.
    virtual bool handle_changes(DirectoryRight& right, const std::vector<Change>& changes) = 0;
    // It was never granted, or it is over: nothing holds. `done` is called once, when nothing is told as if it did:
    // then the server may let another client change the directory. It may be called within this call.
    virtual void handle_loss(DirectoryRight& right, std::function<void()> done) = 0;

   protected:
    ~Holder() = default;
  };

  virtual ~DirectoryRight() = default;
};

struct ShareStatus;

// How a lookup by path treats a final symbolic link is always: not followed.
class Share {
 public:
  virtual ~Share() = default;

  // The connection is gone. Whatever is asked of it and of what was opened on it fails with
  // STATUS_CONNECTION_DISCONNECTED, and all rights were taken back when it went.
  virtual bool is_lost() const = 0;

  // For one file. Null where nothing may be kept of any. The holder outlives it.
  virtual std::unique_ptr<Lease> make_lease(Lease::Holder& holder) = 0;

  // Null where the server tells nobody of changes. Does not wait, and goes out before what is asked next.
  virtual std::shared_ptr<DirectoryRight> ask_directory_right(std::string path, DirectoryRight::Holder& holder) = 0;

  virtual Task<Result<Attributes>> stat(std::string path) = 0;     // 1
  virtual Task<Result<OpenResult>> open(OpenRequest request) = 0;  // 1
  // The first page comes with the open: 1 round trip up to about 8,000 entries.
  virtual Task<Result<std::unique_ptr<DirectoryStream>>> open_directory(std::string path) = 0;  // 1
  // `mode`: its permissions, where the server keeps any.
  virtual Task<Result<Attributes>> make_directory(std::string path, std::uint32_t mode) = 0;  // 1
  // A device, FIFO or socket; only where has_posix_attributes(). Of `what` only the mode and the device count.
  virtual Task<Result<Attributes>> make_special(std::string path, PosixAttributes what) = 0;  // 1
  // `attributes` is what the caller knows of the target: a read-only one has the attribute cleared first, in the same
  // message. `keep_for_opens`: we hold opens on it, so it is renamed out of sight and vanishes with the last of them.
  struct RemoveHint {
    std::uint32_t file_attributes = 0;
    bool keep_for_opens = false;
  };
  virtual Task<std::error_code> remove_file(std::string path, RemoveHint hint) = 0;  // 1
  virtual Task<std::error_code> remove_directory(std::string path) = 0;              // 1
  // STATUS_OBJECT_NAME_COLLISION where the target exists and `replace` is false. `lease`: of the file that moves, which
  // keeps its rights then; may be null.
  virtual Task<std::error_code> rename(std::string from, std::string to, bool replace, Lease* lease) = 0;  // 1
  virtual Task<std::error_code> link(std::string existing, std::string new_path) = 0;                      // 1
  virtual Task<std::error_code> set_attributes(std::string path, AttributeChanges changes) = 0;            // 1
  virtual Task<Result<Attributes>> make_symlink(std::string path, std::string target) = 0;                 // 1
  virtual Task<Result<FileSystemInfo>> file_system_info() = 0;                                             // 1
  // Only where has_posix_acls(), and of no symbolic link. Samba 4.17 takes back for it what rights it has given to the
  // file: what is open is asked.
  virtual Task<Result<PosixAcls>> posix_acls(std::string path) = 0;  // 1

  // The server's clock, as far as it has told it.
  virtual FileTime now() const = 0;
  // Does `name` (one component) have a form that no client may use on this share, e.g. the names of removed files?
  virtual bool is_hidden_name(const std::string& name) const = 0;
  virtual std::uint32_t maximum_read() const = 0;
  virtual std::uint32_t maximum_write() const = 0;
  virtual bool case_sensitive() const = 0;
  // Attributes come with PosixAttributes, and those can be set.
  virtual bool has_posix_attributes() const = 0;
  // It keeps access control lists beside the mode.
  virtual bool has_posix_acls() const = 0;
  virtual bool is_read_only() const = 0;
  // Bytes of the root's attributes known from connecting, so that a mount costs no further round trip.
  virtual const Attributes& root_attributes() const = 0;
  // For people: see share_status.h.
  virtual ShareStatus status() const = 0;
};

}  // namespace smb3fuse::client
