// SPDX-License-Identifier: Apache-2.0
// Open over SMB1: one FID.
#pragma once

#include <memory>

#include "smb/client/share.h"
#include "smb/client/smb1_link.h"
#include "smb/client/smb1_unix_locks.h"

namespace smb3fuse::client {

// Goes with the last that needs it, the answers to reads and writes included: smbd of Samba 4.17 crashes when a file is
// closed that it still reads from.
struct Smb1Handle {
  Smb1Handle(std::shared_ptr<Smb1Link> its_link, std::uint16_t its_fid) : link(std::move(its_link)), fid(its_fid) {}
  ~Smb1Handle();
  Smb1Handle(const Smb1Handle&) = delete;
  Smb1Handle& operator=(const Smb1Handle&) = delete;

  const std::shared_ptr<Smb1Link> link;
  const std::uint16_t fid;
  AttributeChanges at_close;
};

class Smb1Open final : public Open {
 public:
  // Takes over the open that `fid` names. `known`: as the open told the file.
  Smb1Open(std::shared_ptr<Smb1Link> link, std::uint16_t fid, const Attributes& known, bool write_through)
      : handle_(std::make_shared<Smb1Handle>(link, fid)),
        link_(std::move(link)),
        fid_(fid),
        file_id_(known.file_id),
        end_of_file_(known.end_of_file),
        write_through_(write_through) {}
  ~Smb1Open() override;

  bool is_lost() const override { return link_->channel->connection().is_lost(); }
  void read(std::uint64_t offset, std::uint32_t length, ReadDone done) override;
  // A server may take what follows before the write is done (Samba 4.17 writes in a thread). So what goes to disk is
  // written through, with a FLUSH beside it for what was written before; changes are a round trip more.
  void write(std::uint64_t offset, std::vector<cache::Buffer> data, AttributeChanges changes, bool to_disk,
             WriteDone done) override;
  void flush(Done done) override;
  Task<Result<Attributes>> attributes() override;
  Task<std::error_code> set_attributes(AttributeChanges changes) override;
  Task<Result<PosixAcls>> posix_acls() override;
  void set_at_close(AttributeChanges changes) override { handle_->at_close = std::move(changes); }
  Task<std::error_code> zero(std::uint64_t offset, std::uint64_t end) override;
  Task<Result<std::vector<AllocatedRange>>> allocated_ranges(std::uint64_t offset, std::uint64_t length) override;
  // Three round trips at most, the last of them for the attributes; one more where locks of both kinds are taken.
  Task<LockAnswer> change_locks(LockPlan plan) override;

 private:
  Task<LockAnswer> change_posix_locks(LockPlan plan);
  void add_locks(Smb1Link::Flight& flight, const PosixLockSteps& steps) const;
  void add_changes(Smb1Link::Flight& flight, const AttributeChanges& changes) const;
  struct Exchanged {
    std::error_code error;
    bool dropped = false;
  };
  std::error_code check_begins(const LockPlan& plan) const;
  Task<Exchanged> exchange_locks(std::vector<RangeLock> drop, std::vector<RangeLock> take);

  std::shared_ptr<Smb1Handle> handle_;
  std::shared_ptr<Smb1Link> link_;
  std::uint16_t fid_;
  std::uint64_t file_id_;      // Attributes::file_id
  std::uint64_t end_of_file_;  // at the open: a shorter answer than asked for is none before it
  bool write_through_;
};

}  // namespace smb3fuse::client
