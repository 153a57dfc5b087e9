// SPDX-License-Identifier: Apache-2.0
#include "smb/client/file.h"

#include <utility>

#include "smb/client/file_remote.h"

namespace smb3fuse::client {

File::File(Runtime& runtime, cache::Budget& budget, Share& share, Owner& owner)
    : remote_(std::make_unique<Remote>(runtime, budget, share, owner)) {}
File::~File() = default;

Lease* File::lease() const { return remote_->lease(); }
Rights File::rights() const { return remote_->rights(); }
Open* File::try_use(bool to_read, bool to_write) { return remote_->try_use(to_read, to_write); }
Open& File::add(OpenResult result, bool readable, bool writable, bool shareable) {
  return remote_->add(std::move(result), readable, writable, shareable);
}
void File::end_use(Open& open) { remote_->end_use(open); }
void File::close_unused() { remote_->close_unused(); }
FileLocks& File::locks() { return remote_->locks(); }
void File::forget_read_ahead() { remote_->forget_read_ahead(); }
bool File::is_lost() const { return remote_->is_lost(); }
bool File::has_opens() const { return remote_->has_opens(); }
bool File::has_writable() const { return remote_->has_writable(); }

bool File::try_read(std::uint64_t offset, std::uint32_t length, ReadResult& result) {
  return remote_->try_read(offset, length, result);
}
void File::read(std::uint64_t offset, std::uint32_t length, ReadDone done) {
  remote_->start_read(offset, length, std::move(done));
}
void File::write(std::uint64_t offset, cache::Buffer data, bool write_through, Done done) {
  remote_->start_write(offset, data, write_through, std::move(done));
}
void File::append(cache::Buffer data, bool write_through, std::function<void(std::error_code, std::uint64_t)> done) {
  remote_->append(std::move(data), write_through, std::move(done));
}
Task<std::error_code> File::flush(bool to_disk) { return remote_->flush_all(to_disk); }
Task<std::error_code> File::set_attributes(AttributeChanges changes) {
  return remote_->set_attributes(std::move(changes));
}

Task<Result<PosixAcls>> File::posix_acls() { return remote_->posix_acls(); }
Attributes File::seen_through(Attributes from_server) const { return remote_->seen_through(std::move(from_server)); }
FileTime File::written_at() const { return remote_->written_at(); }
bool File::has_unsent() const { return remote_->has_unsent(); }
bool File::was_written_at(TimePoint when) const { return remote_->was_written_at(when); }
bool File::audit() const { return remote_->audit(); }
bool File::is_ahead() const { return remote_->is_ahead(); }
cache::Usage File::usage() const { return remote_->usage(); }

}  // namespace smb3fuse::client
