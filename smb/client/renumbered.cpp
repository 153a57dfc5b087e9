// SPDX-License-Identifier: Apache-2.0
#include "smb/client/renumbered.h"

#include <utility>

namespace smb3fuse::client {
namespace {

class RenumberedOpen final : public Open {
 public:
  RenumberedOpen(std::unique_ptr<Open> open, FileIds ids) : open_(std::move(open)), ids_(ids) {}

  bool is_lost() const override { return open_->is_lost(); }
  void read(std::uint64_t offset, std::uint32_t length, ReadDone done) override {
    open_->read(offset, length, std::move(done));
  }
  void write(std::uint64_t offset, std::vector<cache::Buffer> data, AttributeChanges changes, bool to_disk,
             WriteDone done) override {
    open_->write(offset, std::move(data), changes, to_disk, std::move(done));
  }
  void flush(Done done) override { open_->flush(std::move(done)); }
  Task<Result<Attributes>> attributes() override {
    const FileIds ids = ids_;  // the open may be closed before it is answered
    const Result<Attributes> told = co_await open_->attributes();
    if (!told) co_return tl::make_unexpected(told.error());
    co_return ids.renumbered(*told);
  }
  Task<std::error_code> set_attributes(AttributeChanges changes) override { return open_->set_attributes(changes); }
  Task<Result<PosixAcls>> posix_acls() override { return open_->posix_acls(); }
  void set_at_close(AttributeChanges changes) override { open_->set_at_close(changes); }
  Task<std::error_code> zero(std::uint64_t offset, std::uint64_t end) override { return open_->zero(offset, end); }
  Task<Result<std::vector<AllocatedRange>>> allocated_ranges(std::uint64_t offset, std::uint64_t length) override {
    return open_->allocated_ranges(offset, length);
  }
  Task<LockAnswer> change_locks(LockPlan plan) override {
    LockAnswer answer = co_await open_->change_locks(std::move(plan));
    if (answer.attributes) answer.attributes = ids_.renumbered(std::move(*answer.attributes));
    co_return answer;
  }

 private:
  std::unique_ptr<Open> open_;
  FileIds ids_;
};

class RenumberedStream final : public DirectoryStream {
 public:
  RenumberedStream(std::unique_ptr<DirectoryStream> stream, Attributes attributes, FileIds ids)
      : stream_(std::move(stream)), attributes_(std::move(attributes)), ids_(ids) {}

  const Attributes& attributes() const override { return attributes_; }
  Task<Result<std::vector<DirectoryEntry>>> next() override {
    Result<std::vector<DirectoryEntry>> page = co_await stream_->next();
    if (!page) co_return tl::make_unexpected(page.error());
    for (DirectoryEntry& entry : *page) entry.attributes = ids_.renumbered(std::move(entry.attributes));
    co_return std::move(*page);
  }

 private:
  std::unique_ptr<DirectoryStream> stream_;
  Attributes attributes_;
  FileIds ids_;
};

}  // namespace

std::unique_ptr<Open> FileIds::renumbered(std::unique_ptr<Open> open) const {
  return std::make_unique<RenumberedOpen>(std::move(open), *this);
}

std::unique_ptr<DirectoryStream> FileIds::renumbered(std::unique_ptr<DirectoryStream> stream,
                                                     std::optional<Attributes> own) const {
  Attributes attributes = own ? std::move(*own) : renumbered(stream->attributes());
  return std::make_unique<RenumberedStream>(std::move(stream), std::move(attributes), *this);
}

}  // namespace smb3fuse::client
