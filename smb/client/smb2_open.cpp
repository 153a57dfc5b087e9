// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_open.h"

#include "smb/client/smb2_convert.h"
#include "smb/wire/codec.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/query_info.h"
#include "smb/wire/read_write.h"

namespace smb3fuse::client {
namespace {

constexpr std::uint32_t kAllocatedRangesBuffer = 65536;

// The answer to a WRITE: `length` bytes must be there, or it is an error that the caller has to know of.
std::error_code check_write(const Answer& answer, std::size_t length) {
  if (is_error(answer.status)) return make_error_code(answer.status);
  const auto response = wire::decode<wire::WriteResponse>(answer.body);
  if (!response) return malformed(response.error());
  return response->count == length ? std::error_code() : make_error_code(NtStatus::STATUS_DISK_FULL);
}

std::size_t length_of(const std::vector<cache::Buffer>& data) {
  std::size_t length = 0;
  for (const cache::Buffer& piece : data) length += piece.size();
  return length;
}

// The size that a handle sees is newer than what CREATE told; the number of links is told nowhere else.
std::error_code add_standard(const Answer& answer, Attributes& attributes) {
  const auto response = wire::decode<wire::QueryInfoResponse>(answer.body);
  if (!response) return malformed(response.error());
  const auto standard = wire::decode<wire::FileStandardInformation>(response->output_buffer);
  if (!standard) return malformed(standard.error());
  attributes.end_of_file = standard->end_of_file;
  attributes.allocation_size = standard->allocation_size;
  attributes.number_of_links = standard->number_of_links;
  return {};
}

}  // namespace

Result<cache::Buffer> data_of_read(const Answer& answer) {
  if (answer.status == NtStatus::STATUS_END_OF_FILE) return cache::Buffer();
  if (is_error(answer.status)) return tl::make_unexpected(make_error_code(answer.status));
  const auto response = wire::decode<wire::ReadResponse>(answer.body);
  if (!response) return tl::make_unexpected(malformed(response.error()));
  return answer.message.slice(response->data.bytes);
}

Result<Attributes> attributes_of(const Answer& created, const Answer& standard) {
  for (const Answer* answer : {&created, &standard}) {
    if (is_error(answer->status)) return tl::make_unexpected(make_error_code(answer->status));
  }
  const auto response = wire::decode<wire::CreateResponse>(created.body);
  if (!response) return tl::make_unexpected(malformed(response.error()));
  Attributes attributes = attributes_of(*response);
  if (const auto error = add_standard(standard, attributes)) return tl::make_unexpected(error);
  return attributes;
}

Smb2Open::~Smb2Open() {
  link_->leases.handle_closed(file_id_);
  Smb2Link::Chain chain;
  if (at_close_.touches_basic()) chain.push_back(link_->requests.set_basic(file_id_, at_close_));
  chain.push_back(link_->requests.close(file_id_));
  link_->channel->submit_close(std::move(chain));
}

void Smb2Open::read(std::uint64_t offset, std::uint32_t length, ReadDone done) {
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.read(file_id_, offset, length));
  link_->exchange(std::move(chain), [done = std::move(done), length](Smb2Link::Answers answers) {
    auto data = data_of_read(answers.front());
    if (!data) return done(data.error(), {});
    if (data->size() > length) return done(make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE), {});
    done({}, std::move(*data));
  });
}

void Smb2Open::write(std::uint64_t offset, std::vector<cache::Buffer> data, AttributeChanges changes, bool to_disk,
                     WriteDone done) {
  const std::size_t length = length_of(data);
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.write(file_id_, offset, std::move(data), write_through_));
  if (changes.end_of_file) {
    chain.push_back(link_->requests.set_end_of_file(file_id_, *changes.end_of_file));
  }
  if (changes.touches_basic()) chain.push_back(link_->requests.set_basic(file_id_, changes));
  if (to_disk) chain.push_back(link_->requests.flush(file_id_));
  link_->exchange(std::move(chain), [done = std::move(done), length](Smb2Link::Answers answers) {
    done(check_write(answers.front(), length), first_error(answers));
  });
}

void Smb2Open::flush(Done done) {
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.flush(file_id_));
  link_->exchange(std::move(chain),
                  [done = std::move(done)](Smb2Link::Answers answers) { done(first_error(answers)); });
}

void Smb2Open::ask_attributes(Smb2Link::Chain& chain) const {
  chain.push_back(link_->requests.query(file_id_, wire::FileInformationClass::network_open, kFixedInformationBuffer));
  chain.push_back(link_->requests.query(file_id_, wire::FileInformationClass::standard, kFixedInformationBuffer));
}

Result<Attributes> Smb2Open::attributes_from(const Answer& network_open, const Answer& standard,
                                             std::uint64_t index_number) {
  for (const Answer* answer : {&network_open, &standard}) {
    if (is_error(answer->status)) return tl::make_unexpected(make_error_code(answer->status));
  }
  const auto response = wire::decode<wire::QueryInfoResponse>(network_open.body);
  if (!response) return tl::make_unexpected(malformed(response.error()));
  const auto information = wire::decode<wire::FileNetworkOpenInformation>(response->output_buffer);
  if (!information) return tl::make_unexpected(malformed(information.error()));
  Attributes attributes = attributes_of(*information);
  attributes.file_id = index_number;
  if (const auto error = add_standard(standard, attributes)) return tl::make_unexpected(error);
  return attributes;
}

Task<Result<Attributes>> Smb2Open::attributes() {
  const std::uint64_t index_number = index_number_;  // the open may be closed before it is answered
  Smb2Link::Chain chain;
  ask_attributes(chain);
  const Smb2Link::Answers answers = co_await link_->exchange(std::move(chain));
  co_return attributes_from(answers[0], answers[1], index_number);
}

Task<Result<PosixAcls>> Smb2Open::posix_acls() {
  co_return tl::make_unexpected(make_error_code(NtStatus::STATUS_NOT_SUPPORTED));
}

Task<std::error_code> Smb2Open::set_attributes(AttributeChanges changes) {
  Smb2Link::Chain chain;
  if (changes.end_of_file) chain.push_back(link_->requests.set_end_of_file(file_id_, *changes.end_of_file));
  if (changes.touches_basic()) chain.push_back(link_->requests.set_basic(file_id_, changes));
  if (chain.empty()) co_return std::error_code();
  const Smb2Link::Answers answers = co_await link_->exchange(std::move(chain));
  co_return first_error(answers);
}

Task<std::error_code> Smb2Open::zero(std::uint64_t offset, std::uint64_t end) {
  const Bytes sparse = wire::encode(wire::FileSetSparseBuffer{});
  const Bytes range = wire::encode(wire::FileZeroDataInformation{offset, end});
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.control(file_id_, wire::FSCTL_SET_SPARSE, sparse, 0));
  chain.push_back(link_->requests.control(file_id_, wire::FSCTL_SET_ZERO_DATA, range, 0));
  const Smb2Link::Answers answers = co_await link_->exchange(std::move(chain));
  co_return first_error(answers);
}

Task<Result<std::vector<Open::AllocatedRange>>> Smb2Open::allocated_ranges(std::uint64_t offset, std::uint64_t length) {
  const Bytes range = wire::encode(wire::FileAllocatedRangeBuffer{offset, length});
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.control(file_id_, wire::FSCTL_QUERY_ALLOCATED_RANGES, range, kAllocatedRangesBuffer));
  const Smb2Link::Answers answers = co_await link_->exchange(std::move(chain));
  if (const auto error = first_error(answers)) co_return tl::make_unexpected(error);
  const auto response = wire::decode<wire::IoctlResponse>(answers.front().body);
  if (!response) co_return tl::make_unexpected(malformed(response.error()));
  const auto list = wire::decode<wire::FileAllocatedRanges>(response->output);
  if (!list) co_return tl::make_unexpected(malformed(list.error()));
  std::vector<AllocatedRange> ranges;
  for (const auto& allocated : list->ranges) ranges.push_back({allocated.file_offset, allocated.length});
  co_return ranges;
}

// Each step is one LOCK, so that it is done or not. [MS-SMB2] 3.3.5.14
Task<LockAnswer> Smb2Open::change_locks(LockPlan plan) {
  Smb2Link::Chain chain;
  if (!plan.beside.empty()) chain.push_back(link_->requests.lock(file_id_, plan.beside));
  if (!plan.drop.empty()) chain.push_back(link_->requests.unlock(file_id_, plan.drop));
  if (!plan.take.empty()) chain.push_back(link_->requests.lock(file_id_, plan.take));
  const std::size_t steps = chain.size();
  const std::uint64_t index_number = index_number_;
  if (!plan.take.empty()) ask_attributes(chain);
  const Smb2Link::Answers answers = co_await link_->exchange(std::move(chain));
  LockAnswer answer;
  std::size_t next = 0;
  const auto is_done = [&](const std::vector<RangeLock>& step) {
    if (step.empty()) return false;
    const NtStatus status = answers[next++].status;
    if (is_error(status) && !answer.error) answer.error = make_error_code(status);
    return !is_error(status);
  };
  answer.beside = is_done(plan.beside);
  answer.dropped = is_done(plan.drop);
  answer.taken = is_done(plan.take);
  if (!answer.taken) co_return answer;
  if (auto attributes = attributes_from(answers[steps], answers[steps + 1], index_number))
    answer.attributes = std::move(*attributes);
  co_return answer;
}

}  // namespace smb3fuse::client
