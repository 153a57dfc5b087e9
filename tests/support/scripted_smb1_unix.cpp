// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_smb1_unix.h"

#include <array>

#include "smb/cifs/trans2.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::test {
namespace {

using cifs::Command;
using cifs::Trans2;

constexpr wire::FileTime kTime{133'000'000'000'000'000};  // in 2022, which it is by the server's clock
constexpr wire::FileTime kLongBefore{kTime.value - 3600 * std::uint64_t{10'000'000}};

const char* verb_of(std::uint16_t level) {
  switch (level) {
    case cifs::unix_level::basic:
      return "basic";
    case cifs::unix_level::link:
      return "link";
    case cifs::unix_level::posix_acl:
      return "acls";
    case cifs::unix_level::posix_lock:
      return "lock";
    case cifs::unix_level::posix_open:
      return "open";
    case cifs::unix_level::posix_unlink:
      return "unlink";
    default:
      return nullptr;
  }
}

template <class T>
T read_at(ByteView bytes, std::size_t at) {
  return bytes.size() < at + sizeof(T) ? T{} : wire::load_le<T>(bytes.data() + at);
}

std::string path_in(ByteView parameters) {
  constexpr std::size_t kAt = 6;
  if (parameters.size() < kAt) return "?";
  return wire::to_utf8(cifs::CharacterSet().read(parameters.subspan(kAt)).value_or(u"?")).value_or("?");
}

Smb1Reply done() { return reply_to_transaction(Bytes(2), {}); }

}  // namespace

ScriptedSmb1Unix::ScriptedSmb1Unix(ScriptedSmb1Server& server, ScriptedSmb1Share& files)
    : server_(server), files_(files) {
  offered.capabilities = cifs::CIFS_UNIX_FCNTL_CAP | cifs::CIFS_UNIX_POSIX_ACL_CAP |
                         cifs::CIFS_UNIX_POSIX_PATHNAMES_CAP | cifs::CIFS_UNIX_POSIX_PATH_OPS_CAP;
  basic.end_of_file = files.content.size();
  basic.number_of_bytes = 4096;
  basic.last_access_time = basic.last_modification_time = kTime;
  basic.last_status_change = kLongBefore;
  basic.uid = 1000;
  basic.gid = 100;
  basic.unique_id = 4711;
  basic.permissions = 0640;
  basic.links = 1;
  server_.on(Command::transaction2, [this](const Smb1Request& request) { return transact(request); });
}

cifs::UnixBasic ScriptedSmb1Unix::basic_of(const std::string& object) const {
  cifs::UnixBasic told = basic;
  if (object == "/" || object.ends_with("dir")) told.type = cifs::UnixType::directory;
  if (object.ends_with("link")) told.type = cifs::UnixType::symlink;
  return told;
}

Smb1Reply ScriptedSmb1Unix::transact(const Smb1Request& request) {
  const auto asked = request.as<cifs::Transaction2Request>();
  const auto subcommand = static_cast<Trans2>(asked.subcommand);
  Question question;
  question.data = asked.data;
  std::uint16_t level = 0;
  switch (subcommand) {
    case Trans2::query_fs_information:
      question.kind = read_at<std::uint16_t>(asked.parameters, 0) == cifs::unix_level::cifs_info ? "info" : "";
      break;
    case Trans2::set_fs_information:
      question.kind = "use";
      break;
    case Trans2::find_first2:
      question.kind = "list";
      break;
    case Trans2::query_path_information:
    case Trans2::set_path_information:
      level = read_at<std::uint16_t>(asked.parameters, 0);
      question.object = path_in(asked.parameters);
      break;
    case Trans2::query_file_information:
    case Trans2::set_file_information:
      level = read_at<std::uint16_t>(asked.parameters, 2);
      question.object = std::to_string(read_at<std::uint16_t>(asked.parameters, 0));
      break;
    default:
      break;
  }
  const bool sets = subcommand == Trans2::set_path_information || subcommand == Trans2::set_file_information;
  if (const char* const verb = verb_of(level)) {
    const bool is_both = level <= cifs::unix_level::posix_acl;  // asked for, and set
    question.kind = (sets && is_both ? "set " : "") + std::string(verb);
  } else if (sets) {
    question.kind = "set other";
  }
  if (question.kind.empty()) return files_.transact(request);
  asked_.push_back(question.kind + (question.object.empty() ? "" : " " + question.object));
  if (auto& refusals = refusals_[question.kind]; !refusals.empty()) {
    const NtStatus status = refusals.front();
    refusals.pop_front();
    return refuse_in_smb1(status);
  }
  return answer(question);
}

Smb1Reply ScriptedSmb1Unix::answer(const Question& question) {
  const std::string& kind = question.kind;
  if (kind == "info") return reply_to_transaction({}, wire::encode(offered));
  if (kind == "basic") return reply_to_transaction(Bytes(2), wire::encode(basic_of(question.object)));
  if (kind == "link") return reply_to_transaction(Bytes(2), wire::encode(cifs::make_unicode(target)));
  if (kind == "acls") return reply_to_transaction(Bytes(2), wire::encode(acls));
  if (kind == "list") return list();
  if (kind == "open") return open(question);
  if (kind == "set basic") {
    basics_set.push_back(wire::decode<cifs::UnixBasic>(question.data).value_or(cifs::UnixBasic()));
  } else if (kind == "set acls") {
    acls_set.push_back(wire::decode<cifs::PosixAcls>(question.data).value_or(cifs::PosixAcls()));
  } else if (kind == "lock") {
    locks.push_back(wire::decode<cifs::PosixLockRequest>(question.data).value_or(cifs::PosixLockRequest()));
  }
  return done();
}

Smb1Reply ScriptedSmb1Unix::open(const Question& question) {
  const auto request = wire::decode<cifs::PosixOpenRequest>(question.data).value_or(cifs::PosixOpenRequest());
  opens.push_back(request);
  const bool makes_directory = (request.open_mode & cifs::SMB_O_DIRECTORY) != 0;
  const Bytes information = wire::encode(told_by_open.value_or(basic_of(question.object)));
  cifs::PosixOpenResponse response;
  if ((request.flags & cifs::NT_CREATE_REQUEST_OPLOCK) != 0) {
    response.oplock_level = static_cast<std::uint16_t>(files_.granted);
  }
  if (!makes_directory) response.fid = files_.open_another();
  const bool creates = (request.open_mode & cifs::SMB_O_EXCL) != 0;
  response.create_action =
      static_cast<std::uint32_t>(creates ? wire::CreateAction::created : wire::CreateAction::opened);
  response.level = request.level;
  response.information = information;
  return reply_to_transaction(Bytes(2), wire::encode(response));
}

Smb1Reply ScriptedSmb1Unix::list() const {
  Bytes chain;
  for (const std::u16string& name : files_.names) {
    const Bytes text = wire::encode(cifs::make_unicode(name));
    cifs::FindFileUnix entry;
    entry.basic = basic_of(wire::to_utf8(name).value_or("?"));
    entry.file_name = text;
    entry.next_entry = static_cast<std::uint32_t>(wire::aligned_up(wire::encoded_size(entry), 4));
    const Bytes encoded = wire::encode(entry);
    chain.insert(chain.end(), encoded.begin(), encoded.end());
    chain.resize(wire::aligned_up(chain.size(), 4));
  }
  cifs::FindFirst2Response found;
  found.sid = 7;
  found.search_count = static_cast<std::uint16_t>(files_.names.size());
  found.end_of_search = 1;
  return reply_to_transaction(wire::encode(found), chain);
}

}  // namespace smb3fuse::test
