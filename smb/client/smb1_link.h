// SPDX-License-Identifier: Apache-2.0
// What a share over SMB1 and everything opened on it have in common. Loop thread. Held by shared_ptr: an open that
// outlives its share can still be closed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/buffer.h"
#include "smb/client/path.h"
#include "smb/client/share.h"
#include "smb/client/smb1_channel.h"
#include "smb/client/smb1_leases.h"
#include "smb/client/smb1_requests.h"

namespace smb3fuse::client {

struct Smb1Link {
  // Messages that go out together, each answered by itself. A server may take them in any order.
  using Flight = std::vector<smb1::Outgoing>;
  using Answers = std::vector<Smb1Answer>;
  using AnswersDone = std::function<void(Answers)>;

  Runtime& runtime;
  std::unique_ptr<Smb1Channel> channel;
  Smb1Requests requests;
  Smb1Leases leases;
  cache::BufferPool pool;  // for what a server brings in pieces
  // Bytes of one READ_ANDX, one WRITE_ANDX and the data of any other answer.
  std::uint32_t read_size = 0;
  std::uint32_t write_size = 0;
  std::uint16_t data_size = 0;
  NameMapping name_mapping = NameMapping::sfm;
  bool posix_locks = false;   // the UNIX extensions have them
  bool posix_acls = false;    // and those
  FileTime clock_offset = 0;  // how far the server's clock is ahead of ours
  bool tells_changes = true;  // until a server says that it does not
  bool sets_by_path = true;   // likewise
  std::size_t watches = 0;    // of directories: each stands in a place of the window

  Smb1Link(Runtime& loop, std::unique_ptr<Smb1Channel> link, Smb1Requests tree, bool caching);
  // Takes leave of the server.
  ~Smb1Link();
  Smb1Link(const Smb1Link&) = delete;
  Smb1Link& operator=(const Smb1Link&) = delete;

  // Each is answered, in the order of `flight`; `done` never runs inside the call.
  void exchange(Flight flight, AnswersDone done);
  void exchange(smb1::Outgoing request, Smb1Channel::AnswerDone done);
  // An interrupt of the task that awaits it sends NT_CANCELs, and the server's answers are waited for as ever.
  Task<Answers> exchange(Flight flight);
  Task<Smb1Answer> exchange(smb1::Outgoing request);
  // The same, where only the error matters.
  Task<std::error_code> run(smb1::Outgoing request);

  void close_later(std::uint16_t fid);
  // STATUS_FILE_TOO_LARGE, and a line in the log, where no file of the server comes to `end`.
  std::error_code check_end(std::uint64_t end);
  // Of the answer to a chain that ended with `last`: a server that stops before it without an error takes no chains,
  // and none goes out to it any more. What it has not answered it has not done. [MS-CIFS] 2.2.3.4
  void note_chain(const Smb1Answer& answer, cifs::Command last);

 private:
  std::vector<smb1::RequestId> submit(Flight flight, AnswersDone done);

  bool told_of_largest_ = false;
};

// Success, or the answer's error. Warnings (STATUS_BUFFER_OVERFLOW) are not errors.
std::error_code error_of(const Smb1Answer& answer);

// The information in the data of a transaction's answer.
template <class Information>
Result<Information> information_of(const Smb1Answer& answer) {
  if (const auto error = error_of(answer)) return tl::make_unexpected(error);
  auto information = wire::decode<Information>(answer.data);
  if (!information) return tl::make_unexpected(Smb1Answer::malformed(information.error()));
  return std::move(*information);
}

// Asks for all that Attributes hold, but for a symbolic link's target, in one message or two; and takes the answers, of
// which the first is `first`.
void ask_attributes(const Smb1Requests& requests, const std::u16string& path, Smb1Link::Flight& flight);
Result<Attributes> attributes_from(const Smb1Requests& requests, const Smb1Link::Answers& answers, std::size_t first);
// The answer to Smb1UnixRequests::query_basic().
Result<Attributes> unix_attributes_of(const Smb1Answer& answer);
// The answer to Smb1UnixRequests::query_acls().
Result<PosixAcls> acls_of(const Smb1Answer& answer);
// The answer to Smb1Requests::query_all(): without file_id.
Result<Attributes> all_attributes_of(const Smb1Answer& answer);
// The answer to Smb1Requests::query_internal(); 0 if there is none.
std::uint64_t file_id_of(const Smb1Answer& answer);
// As it tells them: without number_of_links and file_id.
Attributes attributes_of(const cifs::NtCreateResponse& created);
// What a chain's NT_CREATE_ANDX has opened and its CLOSE not closed: the chain ended before it, or had none.
std::optional<std::uint16_t> left_open(const Smb1Answer& answer);
// The bytes that a READ_ANDX brought, as a slice of the message they came in. The end of the file is no error here.
Result<cache::Buffer> data_of_read(const Smb1Answer& answer);

}  // namespace smb3fuse::client
