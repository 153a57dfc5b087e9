// SPDX-License-Identifier: Apache-2.0
// Open over SMB2: one FileId.
#pragma once

#include <memory>

#include "smb/client/share.h"
#include "smb/client/smb2_link.h"

namespace smb3fuse::client {

class Smb2Open final : public Open {
 public:
  // Takes over the open that `file_id` names.
  Smb2Open(std::shared_ptr<Smb2Link> link, wire::FileId file_id, std::uint64_t index_number, bool write_through)
      : link_(std::move(link)), file_id_(file_id), index_number_(index_number), write_through_(write_through) {}
  ~Smb2Open() override;

  bool is_lost() const override { return link_->channel->connection().is_lost(); }
  void read(std::uint64_t offset, std::uint32_t length, ReadDone done) override;
  void write(std::uint64_t offset, std::vector<cache::Buffer> data, AttributeChanges changes, bool to_disk,
             WriteDone done) override;
  void flush(Done done) override;
  Task<Result<Attributes>> attributes() override;
  Task<std::error_code> set_attributes(AttributeChanges changes) override;
  Task<Result<PosixAcls>> posix_acls() override;
  void set_at_close(AttributeChanges changes) override { at_close_ = std::move(changes); }
  Task<std::error_code> zero(std::uint64_t offset, std::uint64_t end) override;
  Task<Result<std::vector<AllocatedRange>>> allocated_ranges(std::uint64_t offset, std::uint64_t length) override;
  Task<LockAnswer> change_locks(LockPlan plan) override;

 private:
  void ask_attributes(Smb2Link::Chain& chain) const;
  // Its answers.
  static Result<Attributes> attributes_from(const Answer& network_open, const Answer& standard,
                                            std::uint64_t index_number);

  std::shared_ptr<Smb2Link> link_;
  wire::FileId file_id_;
  std::uint64_t index_number_;  // Attributes::file_id
  bool write_through_;
  AttributeChanges at_close_;
};

// The bytes that a READ brought, as a slice of the message they came in. The end of the file is no error here.
Result<cache::Buffer> data_of_read(const Answer& answer);

// What CREATE and FileStandardInformation tell together: all but a reparse tag. (FileAllInformation would tell it in
// one piece, but makes a server spell out the path and, Samba 4.17, look for extended attributes.)
Result<Attributes> attributes_of(const Answer& created, const Answer& standard);

// Bytes of the answers to the classes that are asked for; none of them has a name in it.
inline constexpr std::uint32_t kFixedInformationBuffer = 64;

}  // namespace smb3fuse::client
