// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_link.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "smb/client/interrupt.h"
#include "smb/client/smb1_unix_requests.h"

namespace smb3fuse::client {
namespace {

FileTime time_of(wire::FileTime time) { return static_cast<FileTime>(time.value); }

}  // namespace

Smb1Link::Smb1Link(Runtime& loop, std::unique_ptr<Smb1Channel> link, Smb1Requests tree, bool caching)
    : runtime(loop),
      channel(std::move(link)),
      requests(std::move(tree)),
      leases(
          caching, [&loop] { return loop.now(); },
          [this](std::uint16_t fid, bool keeps_level_ii) {
            channel->submit_alone(requests.acknowledge(fid, keeps_level_ii));
          },
          [this] { channel->submit_waiting_closes(); }) {
  channel->handle_breaks([this](ByteView message) { leases.handle_break(message); });
  channel->handle_loss([this] { leases.handle_lost(); });
}

// [MS-CIFS] 3.2.4.23, 3.2.4.24
Smb1Link::~Smb1Link() {
  Flight last;
  last.push_back(requests.tree_disconnect());
  last.push_back(requests.logoff());
  channel->submit_last(std::move(last));
}

std::vector<smb1::RequestId> Smb1Link::submit(Flight flight, AnswersDone done) {
  struct Waiting {
    Answers answers;
    std::size_t missing;
    AnswersDone done;
  };
  const auto waiting = std::make_shared<Waiting>(Waiting{Answers(flight.size()), flight.size(), std::move(done)});
  std::vector<smb1::RequestId> ids;
  for (std::size_t i = 0; i < flight.size(); ++i) {
    ids.push_back(channel->exchange(std::move(flight[i]), [waiting, i](Smb1Answer answer) {
      waiting->answers[i] = std::move(answer);
      if (--waiting->missing == 0) waiting->done(std::move(waiting->answers));
    }));
  }
  return ids;
}

void Smb1Link::exchange(Flight flight, AnswersDone done) { submit(std::move(flight), std::move(done)); }

void Smb1Link::exchange(smb1::Outgoing request, Smb1Channel::AnswerDone done) {
  channel->exchange(std::move(request), std::move(done));
}

Task<Smb1Link::Answers> Smb1Link::exchange(Flight flight) {
  Interrupt* const interrupt = co_await own_interrupt();
  auto begin = [&](auto done) {
    const std::vector<smb1::RequestId> ids = submit(std::move(flight), std::move(done));
    if (interrupt == nullptr) return;
    interrupt->arm([this, ids] {
      for (const smb1::RequestId id : ids) channel->cancel(id);
    });
  };
  Answers answers = co_await callback<Answers>(begin);
  if (interrupt != nullptr) interrupt->disarm();
  co_return answers;
}

Task<Smb1Answer> Smb1Link::exchange(smb1::Outgoing request) {
  Flight flight;
  flight.push_back(std::move(request));
  Answers answers = co_await exchange(std::move(flight));
  co_return std::move(answers.front());
}

Task<std::error_code> Smb1Link::run(smb1::Outgoing request) {
  const Smb1Answer answer = co_await exchange(std::move(request));
  co_return error_of(answer);
}

void Smb1Link::close_later(std::uint16_t fid) {
  Flight flight;
  flight.push_back(requests.close(fid));
  channel->submit_close(std::move(flight));
}

std::error_code Smb1Link::check_end(std::uint64_t end) {
  if (end <= requests.largest_file()) return {};
  if (!std::exchange(told_of_largest_, true)) {
    spdlog::warn("the server has no files of 4 GiB and more: what lies beyond is refused (EFBIG)");
  }
  return make_error_code(NtStatus::STATUS_FILE_TOO_LARGE);
}

void Smb1Link::note_chain(const Smb1Answer& answer, cifs::Command last) {
  const bool is_whole = !answer.whole.empty() && !is_error(answer.status);
  if (is_whole && !answer.find(last)) requests.take_no_chains();
}

std::error_code error_of(const Smb1Answer& answer) {
  return is_error(answer.status) ? make_error_code(answer.status) : std::error_code();
}

void ask_attributes(const Smb1Requests& requests, const std::u16string& path, Smb1Link::Flight& flight) {
  if (requests.is_unix()) return flight.push_back(Smb1UnixRequests(requests).query_basic(path));
  flight.push_back(requests.query_all(path));
  if (requests.has_pass_through()) flight.push_back(requests.query_internal(path));
}

Result<Attributes> attributes_from(const Smb1Requests& requests, const Smb1Link::Answers& answers, std::size_t first) {
  if (requests.is_unix()) return unix_attributes_of(answers[first]);
  Result<Attributes> attributes = all_attributes_of(answers[first]);
  if (attributes && requests.has_pass_through()) attributes->file_id = file_id_of(answers[first + 1]);
  return attributes;
}

Result<Attributes> unix_attributes_of(const Smb1Answer& answer) {
  const auto basic = information_of<cifs::UnixBasic>(answer);
  if (!basic) return tl::make_unexpected(basic.error());
  return attributes_of(*basic);
}

Result<PosixAcls> acls_of(const Smb1Answer& answer) {
  const auto told = information_of<cifs::PosixAcls>(answer);
  if (!told) return tl::make_unexpected(told.error());
  auto acls = acls_of(*told);
  if (!acls) return tl::make_unexpected(make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE));
  return std::move(*acls);
}

Result<Attributes> all_attributes_of(const Smb1Answer& answer) {
  const auto all = information_of<cifs::QueryFileAllInfo>(answer);
  if (!all) return tl::make_unexpected(all.error());
  const wire::FileBasicInformation& basic = all->basic_information;
  const wire::FileStandardInformation& standard = all->standard_information;
  Attributes attributes;
  attributes.creation_time = time_of(basic.creation_time);
  attributes.last_access_time = time_of(basic.last_access_time);
  attributes.last_write_time = time_of(basic.last_write_time);
  attributes.change_time = time_of(basic.change_time);
  attributes.file_attributes = basic.file_attributes;
  attributes.end_of_file = standard.end_of_file;
  attributes.allocation_size = standard.allocation_size;
  attributes.number_of_links = standard.number_of_links;
  return attributes;
}

std::uint64_t file_id_of(const Smb1Answer& answer) {
  if (is_error(answer.status)) return 0;
  const auto internal = information_of<wire::FileInternalInformation>(answer);
  return internal ? internal->index_number : 0;
}

Attributes attributes_of(const cifs::NtCreateResponse& created) {
  Attributes attributes;
  attributes.creation_time = time_of(created.creation_time);
  attributes.last_access_time = time_of(created.last_access_time);
  attributes.last_write_time = time_of(created.last_write_time);
  attributes.change_time = time_of(created.change_time);
  attributes.file_attributes = created.file_attributes;
  attributes.end_of_file = created.end_of_file;
  attributes.allocation_size = created.allocation_size;
  return attributes;
}

std::optional<std::uint16_t> left_open(const Smb1Answer& answer) {
  if (!answer.find(cifs::Command::nt_create_andx)) return std::nullopt;
  const auto created = answer.block<cifs::NtCreateResponse>();
  if (!created) return std::nullopt;
  const bool closed = !is_error(answer.status) && answer.find(cifs::Command::close);
  return closed ? std::nullopt : std::optional(created->fid);
}

Result<cache::Buffer> data_of_read(const Smb1Answer& answer) {
  if (answer.status == NtStatus::STATUS_END_OF_FILE) return cache::Buffer();
  if (const auto error = error_of(answer)) return tl::make_unexpected(error);
  const auto block = answer.find(cifs::Command::read_andx);
  if (!block) return tl::make_unexpected(block.error());
  const auto response = answer.block<cifs::ReadResponse>();
  if (!response) return tl::make_unexpected(response.error());
  const auto data = response->data(*block, answer.whole);
  if (!data) {
    return tl::make_unexpected(
        Smb1Answer::malformed({"ReadResponse", "data_offset", block->words_at, wire::DecodeProblem::bad_offset}));
  }
  return data->empty() ? cache::Buffer() : answer.message.slice(*data);
}

}  // namespace smb3fuse::client
