// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_open.h"

#include <algorithm>
#include <utility>

#include "smb/client/file_locks.h"
#include "smb/client/smb1_unix_requests.h"
#include "smb/wire/codec.h"
#include "smb/wire/ioctl.h"

namespace smb3fuse::client {
namespace {

constexpr std::uint32_t kAllocatedRangesBuffer = 16384;

// The answer to a WRITE_ANDX: `length` bytes must be there, or it is an error that the caller has to know of.
std::error_code check_write(const Smb1Answer& answer, std::size_t length) {
  if (const auto error = error_of(answer)) return error;
  const auto response = answer.block<cifs::WriteResponse>();
  if (!response) return response.error();
  return response->written() == length ? std::error_code() : make_error_code(NtStatus::STATUS_DISK_FULL);
}

std::size_t length_of(const std::vector<cache::Buffer>& data) {
  std::size_t length = 0;
  for (const cache::Buffer& piece : data) length += piece.size();
  return length;
}

cifs::PosixLockRequest::Kind posix_kind_of(LockKind kind) {
  return kind == LockKind::shared ? cifs::PosixLockRequest::Kind::read : cifs::PosixLockRequest::Kind::write;
}

std::error_code first_error(const Smb1Link::Answers& answers) {
  for (const Smb1Answer& answer : answers) {
    if (const auto error = error_of(answer)) return error;
  }
  return {};
}

// A READ_ANDX that a server cut short goes on until the file's end, or all is there.
class WholeRead : public std::enable_shared_from_this<WholeRead> {
 public:
  WholeRead(std::shared_ptr<Smb1Handle> handle, std::uint64_t offset, std::uint32_t length, std::uint64_t end_of_file,
            Open::ReadDone done)
      : handle_(std::move(handle)),
        offset_(offset),
        length_(length),
        end_of_file_(end_of_file),
        done_(std::move(done)) {}

  void ask() {
    const auto missing = static_cast<std::uint32_t>(length_ - known_.size());
    Smb1Link& link = *handle_->link;
    if (const auto error = link.check_end(offset_ + known_.size())) {
      return link.runtime.post([self = shared_from_this(), error] { self->done_(error, {}); });
    }
    link.exchange(link.requests.read(handle_->fid, offset_ + known_.size(), missing),
                  [self = shared_from_this(), missing](const Smb1Answer& answer) { self->take(answer, missing); });
  }

 private:
  void take(const Smb1Answer& answer, std::uint32_t asked) {
    auto data = data_of_read(answer);
    if (!data) return done_(data.error(), {});
    if (data->size() > asked) return done_(make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE), {});
    const bool is_end = data->empty();
    if (known_.empty()) {
      known_ = std::move(*data);
    } else if (!is_end) {
      cache::Buffer joined = handle_->link->pool.allocate(known_.size() + data->size());
      std::copy_n(known_.data(), known_.size(), joined.data());
      std::copy_n(data->data(), data->size(), joined.data() + known_.size());
      known_ = std::move(joined);
    }
    if (is_end || known_.size() == length_ || offset_ + known_.size() >= end_of_file_)
      return done_({}, std::move(known_));
    ask();
  }

  const std::shared_ptr<Smb1Handle> handle_;
  const std::uint64_t offset_;
  const std::uint32_t length_;
  const std::uint64_t end_of_file_;
  const Open::ReadDone done_;
  cache::Buffer known_;
};

}  // namespace

Smb1Handle::~Smb1Handle() {
  Smb1Link::Flight flight;
  if (at_close.touches_basic()) flight.push_back(link->requests.set_basic(fid, at_close));
  flight.push_back(link->requests.close(fid));
  link->channel->submit_close(std::move(flight));
}

Smb1Open::~Smb1Open() { link_->leases.handle_closed(fid_); }

void Smb1Open::read(std::uint64_t offset, std::uint32_t length, ReadDone done) {
  std::make_shared<WholeRead>(handle_, offset, length, end_of_file_, std::move(done))->ask();
}

void Smb1Open::add_changes(Smb1Link::Flight& flight, const AttributeChanges& changes) const {
  if (changes.end_of_file) flight.push_back(link_->requests.set_end_of_file(fid_, *changes.end_of_file));
  if (changes.acl) flight.push_back(Smb1UnixRequests(link_->requests).set_acl(fid_, *changes.acl));
  if (!changes.touches_basic() && !changes.touches_posix()) return;
  flight.push_back(link_->requests.is_unix() ? Smb1UnixRequests(link_->requests).set_basic(fid_, changes)
                                             : link_->requests.set_basic(fid_, changes));
}

void Smb1Open::write(std::uint64_t offset, std::vector<cache::Buffer> data, AttributeChanges changes, bool to_disk,
                     WriteDone done) {
  const std::size_t length = length_of(data);
  if (const auto error = link_->check_end(std::max(offset + length, changes.end_of_file.value_or(0)))) {
    return link_->runtime.post([done = std::move(done), error] { done(error, error); });
  }
  Smb1Link::Flight flight;
  flight.push_back(link_->requests.write(fid_, offset, std::move(data), write_through_ || to_disk));
  if (to_disk) flight.push_back(link_->requests.flush(fid_));
  Smb1Link::Flight after;
  add_changes(after, changes);
  link_->exchange(std::move(flight), [handle = handle_, length, after = std::move(after),
                                      done = std::move(done)](const Smb1Link::Answers& answers) mutable {
    const std::error_code written = check_write(answers.front(), length);
    const std::error_code failed = written ? written : first_error(answers);
    if (failed || after.empty()) return done(written, failed);
    handle->link->exchange(std::move(after), [handle, done = std::move(done)](const Smb1Link::Answers& changed) {
      done({}, first_error(changed));
    });
  });
}

void Smb1Open::flush(Done done) {
  link_->exchange(link_->requests.flush(fid_),
                  [handle = handle_, done = std::move(done)](const Smb1Answer& answer) { done(error_of(answer)); });
}

Task<Result<Attributes>> Smb1Open::attributes() {
  const std::uint64_t file_id = file_id_;  // the open may be closed before it is answered
  if (link_->requests.is_unix()) {
    const Smb1Answer told = co_await link_->exchange(Smb1UnixRequests(link_->requests).query_basic(fid_));
    co_return unix_attributes_of(told);
  }
  const Smb1Answer answer = co_await link_->exchange(link_->requests.query_all(fid_));
  Result<Attributes> attributes = all_attributes_of(answer);
  if (attributes) attributes->file_id = file_id;
  co_return attributes;
}

Task<std::error_code> Smb1Open::set_attributes(AttributeChanges changes) {
  if (const auto error = link_->check_end(changes.end_of_file.value_or(0))) co_return error;
  Smb1Link::Flight flight;
  add_changes(flight, changes);
  if (flight.empty()) co_return std::error_code();
  const Smb1Link::Answers answers = co_await link_->exchange(std::move(flight));
  co_return first_error(answers);
}

Task<Result<PosixAcls>> Smb1Open::posix_acls() {
  if (!link_->posix_acls) co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_NOT_SUPPORTED));
  const Smb1Answer answer = co_await link_->exchange(Smb1UnixRequests(link_->requests).query_acls(fid_));
  co_return acls_of(answer);
}

Task<std::error_code> Smb1Open::zero(std::uint64_t offset, std::uint64_t end) {
  const Bytes sparse = wire::encode(wire::FileSetSparseBuffer{});
  const Bytes range = wire::encode(wire::FileZeroDataInformation{offset, end});
  std::error_code error = co_await link_->run(link_->requests.control(fid_, wire::FSCTL_SET_SPARSE, sparse, 0));
  if (error) co_return error;
  error = co_await link_->run(link_->requests.control(fid_, wire::FSCTL_SET_ZERO_DATA, range, 0));
  co_return error;
}

Task<Result<std::vector<Open::AllocatedRange>>> Smb1Open::allocated_ranges(std::uint64_t offset, std::uint64_t length) {
  const Bytes range = wire::encode(wire::FileAllocatedRangeBuffer{offset, length});
  const Smb1Answer answer = co_await link_->exchange(
      link_->requests.control(fid_, wire::FSCTL_QUERY_ALLOCATED_RANGES, range, kAllocatedRangesBuffer));
  const auto list = information_of<wire::FileAllocatedRanges>(answer);
  if (!list) co_return tl::make_unexpected(list.error());
  std::vector<AllocatedRange> ranges;
  for (const auto& allocated : list->ranges) ranges.push_back({allocated.file_offset, allocated.length});
  co_return ranges;
}

// Others come in between two messages, and not within one. A LOCKING_ANDX takes locks of one kind: with both kinds
// there are two, and what the first has taken is given up where the second is refused.
Task<Smb1Open::Exchanged> Smb1Open::exchange_locks(std::vector<RangeLock> drop, std::vector<RangeLock> take) {
  const auto shared_begin =
      std::partition(take.begin(), take.end(), [](const RangeLock& each) { return each.kind == LockKind::exclusive; });
  const std::span<const RangeLock> all(take);
  const auto exclusive = all.first(static_cast<std::size_t>(shared_begin - take.begin()));
  const auto shared = all.subspan(exclusive.size());
  const auto first = exclusive.empty() ? shared : exclusive;
  const LockKind kind = exclusive.empty() ? LockKind::shared : LockKind::exclusive;
  Exchanged result;
  result.error = co_await link_->run(link_->requests.lock(fid_, drop, first, kind));
  result.dropped = !result.error || is_lock_refusal(result.error);
  if (result.error || exclusive.empty() || shared.empty()) co_return result;
  const std::span<const RangeLock> none;
  result.error = co_await link_->run(link_->requests.lock(fid_, none, shared, LockKind::shared));
  if (result.error) co_await link_->run(link_->requests.lock(fid_, exclusive, none, LockKind::exclusive));
  co_return result;
}

// A lock that goes on for ever ends where the largest file does, but one cannot begin behind it.
std::error_code Smb1Open::check_begins(const LockPlan& plan) const {
  for (const auto* locks : {&plan.beside, &plan.take}) {
    for (const RangeLock& each : *locks) {
      if (const auto error = link_->check_end(each.range.begin + 1)) return error;
    }
  }
  return {};
}

Task<LockAnswer> Smb1Open::change_locks(LockPlan plan) {
  if (link_->posix_locks) {
    LockAnswer by_posix = co_await change_posix_locks(std::move(plan));
    co_return by_posix;
  }
  LockAnswer answer;
  answer.error = check_begins(plan);
  if (answer.error) co_return answer;
  if (!plan.beside.empty()) {
    const Exchanged beside = co_await exchange_locks(std::vector<RangeLock>(), plan.beside);
    answer.error = beside.error;
    answer.beside = !beside.error;
    if (beside.error) co_return answer;
  }
  if (plan.drop.empty() && plan.take.empty()) co_return answer;
  const Exchanged rest = co_await exchange_locks(plan.drop, plan.take);
  answer.error = rest.error;
  answer.dropped = rest.dropped;
  answer.taken = !rest.error && !plan.take.empty();
  if (!answer.taken) co_return answer;
  Result<Attributes> told = co_await attributes();
  if (told) answer.attributes = std::move(*told);
  co_return answer;
}

void Smb1Open::add_locks(Smb1Link::Flight& flight, const PosixLockSteps& steps) const {
  const Smb1UnixRequests requests(link_->requests);
  for (const RangeLock& lock : steps.set) flight.push_back(requests.lock(fid_, posix_kind_of(lock.kind), lock.range));
  for (const LockRange& range : steps.unlock) {
    flight.push_back(requests.lock(fid_, cifs::PosixLockRequest::Kind::unlock, range));
  }
}

Task<LockAnswer> Smb1Open::change_posix_locks(LockPlan plan) {
  LockAnswer answer;
  PosixLockSteps steps = posix_steps(plan);
  Smb1Link::Flight rest;
  for (std::size_t i = 0; i < steps.set.size(); ++i) {
    const RangeLock& lock = steps.set[i];
    answer.error =
        co_await link_->run(Smb1UnixRequests(link_->requests).lock(fid_, posix_kind_of(lock.kind), lock.range));
    if (!answer.error) continue;
    add_locks(rest, undo_posix_steps(plan, i));
    if (!rest.empty()) co_await link_->exchange(std::move(rest));
    co_return answer;
  }
  answer.beside = !plan.beside.empty();
  answer.taken = !plan.take.empty();
  steps.set.clear();
  add_locks(rest, steps);
  const std::size_t unlocks = rest.size();
  if (answer.taken) rest.push_back(Smb1UnixRequests(link_->requests).query_basic(fid_));
  Smb1Link::Answers answers;
  if (!rest.empty()) answers = co_await link_->exchange(std::move(rest));
  for (std::size_t i = 0; i < unlocks && !answer.error; ++i) answer.error = error_of(answers[i]);
  answer.dropped = !plan.drop.empty() && !answer.error;
  if (!answer.taken) co_return answer;
  Result<Attributes> told = unix_attributes_of(answers.back());
  if (told) answer.attributes = std::move(*told);
  co_return answer;
}

}  // namespace smb3fuse::client
