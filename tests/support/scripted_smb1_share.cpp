// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_smb1_share.h"

#include <algorithm>

#include "smb/cifs/trans2.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::test {
namespace {

using cifs::Command;
using cifs::Trans2;

constexpr wire::FileTime kTime{133'000'000'000'000'000};  // in 2022

bool is_directory_name(const std::u16string& name) { return name.empty() || name == u"\\" || name.ends_with(u"dir"); }

// Either has a form with offsets of 32 bits, too.
cifs::ReadRequest read_of(const Smb1Request& request) {
  const bool is_narrow = request.block().word_count == cifs::ReadRequest32::kWords;
  return is_narrow ? request.as<cifs::ReadRequest32>() : request.as<cifs::ReadRequest>();
}
cifs::WriteRequest write_of(const Smb1Request& request) {
  const bool is_narrow = request.block().word_count == cifs::WriteRequest32::kWords;
  return is_narrow ? request.as<cifs::WriteRequest32>() : request.as<cifs::WriteRequest>();
}

// A server without Unicode has a byte where the names of tests have a unit.
std::u16string name_of(ByteView bytes, bool is_unicode) {
  if (is_unicode) return cifs::CharacterSet().read(bytes).value_or(u"?");
  std::u16string name(bytes.begin(), bytes.end());
  return name.substr(0, name.find(u'\0'));
}

Bytes bytes_of(const std::u16string& name, bool is_unicode) {
  return is_unicode ? wire::to_utf16le(name) : Bytes(name.begin(), name.end());
}

}  // namespace

ScriptedSmb1Share::ScriptedSmb1Share(ScriptedSmb1Server& server) : server_(server) {
  server_.on(Command::nt_create_andx, [this](const Smb1Request& request) { return create(request); });
  server_.on(Command::read_andx, [this](const Smb1Request& request) { return read(request); });
  server_.on(Command::transaction2, [this](const Smb1Request& request) { return transact(request); });
  server_.on(Command::write_andx, [this](const Smb1Request& request) {
    const cifs::WriteRequest asked = write_of(request);
    if (!is_open(request, asked.fid)) return refuse_in_smb1(NtStatus::STATUS_INVALID_HANDLE);
    return reply_in_smb1(cifs::WriteResponse{asked.data_length, 0, asked.data_length_high});
  });
  server_.on(Command::flush, [this](const Smb1Request& request) {
    const bool open = is_open(request, request.as<cifs::FlushRequest>().fid);
    return open ? Smb1Reply{} : refuse_in_smb1(NtStatus::STATUS_INVALID_HANDLE);
  });
  server_.on(Command::close, [this](const Smb1Request& request) { return close(request); });
}

Smb1Reply ScriptedSmb1Share::close(const Smb1Request& request) {
  const std::uint16_t fid = request.as<cifs::CloseRequest>().fid;
  const bool open = opens_.erase(fid == cifs::kNoId ? request.chained_fid : fid) != 0;
  return open ? Smb1Reply{} : refuse_in_smb1(NtStatus::STATUS_INVALID_HANDLE);
}

std::uint16_t ScriptedSmb1Share::open_another() { return *opens_.insert(next_fid_++).first; }

bool ScriptedSmb1Share::is_open(const Smb1Request& request, std::uint16_t fid) const {
  return opens_.contains(fid == cifs::kNoId ? request.chained_fid : fid);
}

Smb1Reply ScriptedSmb1Share::create(const Smb1Request& request) {
  const auto asked = request.as<cifs::NtCreateRequest>();
  std::size_t name_at = 0;
  created.push_back(request.text_at(name_at));
  const bool directory = is_directory_name(created.back());
  cifs::NtCreateResponse response;
  if ((asked.flags & cifs::NT_CREATE_REQUEST_OPLOCK) != 0) response.oplock_level = granted;
  response.fid = open_another();
  response.create_action = asked.create_disposition == wire::CreateDisposition::create ? wire::CreateAction::created
                                                                                       : wire::CreateAction::opened;
  response.creation_time = response.last_access_time = response.last_write_time = response.change_time = kTime;
  response.file_attributes = directory ? wire::FILE_ATTRIBUTE_DIRECTORY : wire::FILE_ATTRIBUTE_NORMAL;
  response.end_of_file = directory ? 0 : content.size();
  response.directory = directory;
  Smb1Reply reply = reply_in_smb1(response);
  reply.opened = response.fid;
  return reply;
}

Smb1Reply ScriptedSmb1Share::read(const Smb1Request& request) {
  const cifs::ReadRequest asked = read_of(request);
  if (!is_open(request, asked.fid)) return refuse_in_smb1(NtStatus::STATUS_INVALID_HANDLE);
  const std::size_t from = std::min<std::size_t>(asked.offset, content.size());
  const std::size_t length = std::min<std::size_t>(asked.max_count, content.size() - from);
  cifs::ReadResponse response;
  response.data_length = static_cast<std::uint16_t>(length);
  Smb1Reply reply = reply_in_smb1(response);
  constexpr std::size_t kDataOffsetAt = 8;
  reply.data_offset_at = kDataOffsetAt;
  reply.bytes.assign(content.begin() + static_cast<std::ptrdiff_t>(from),
                     content.begin() + static_cast<std::ptrdiff_t>(from + length));
  return reply;
}

Bytes ScriptedSmb1Share::all_info(bool is_directory) const {
  cifs::QueryFileAllInfo all;
  all.basic_information = {kTime, kTime, kTime, kTime,
                           is_directory ? wire::FILE_ATTRIBUTE_DIRECTORY : wire::FILE_ATTRIBUTE_NORMAL};
  all.standard_information = {4096, is_directory ? 0 : content.size(), 1, false, is_directory};
  return wire::encode(all);
}

template <class Entry>
Bytes ScriptedSmb1Share::listing_of() const {
  Bytes chain;
  std::uint64_t id = 100;
  for (const std::u16string& name : names) {
    const Bytes text = bytes_of(name, server_.options.unicode);
    Entry entry;
    entry.creation_time = entry.last_access_time = entry.last_write_time = entry.change_time = kTime;
    entry.file_attributes = is_directory_name(name) ? wire::FILE_ATTRIBUTE_DIRECTORY : wire::FILE_ATTRIBUTE_NORMAL;
    entry.end_of_file = content.size();
    entry.file_id = id++;
    entry.file_name = text;
    entry.next_entry = static_cast<std::uint32_t>(wire::aligned_up(wire::encoded_size(entry), 8));
    const Bytes encoded = wire::encode(entry);
    chain.insert(chain.end(), encoded.begin(), encoded.end());
    chain.resize(wire::aligned_up(chain.size(), 8));
  }
  return chain;
}

template Bytes ScriptedSmb1Share::listing_of<cifs::FindFileIdFullDirectoryInfo>() const;

Smb1Reply ScriptedSmb1Share::list(ByteView parameters) const {
  const auto asked = wire::decode<cifs::FindFirst2Request>(parameters).value_or(cifs::FindFirst2Request());
  const bool with_ids = asked.information_level == cifs::level::find_file_id_full_directory_info;
  if (with_ids && !lists_ids) return refuse_in_smb1(NtStatus::STATUS_INVALID_LEVEL);
  cifs::FindFirst2Response found;
  found.sid = 7;
  found.search_count = static_cast<std::uint16_t>(names.size());
  found.end_of_search = 1;
  return reply_to_transaction(wire::encode(found),
                              with_ids ? listing() : listing_of<cifs::FindFileFullDirectoryInfo>());
}

Smb1Reply ScriptedSmb1Share::transact(const Smb1Request& request) {
  const auto asked = request.as<cifs::Transaction2Request>();
  const bool is_unicode = server_.options.unicode;
  switch (static_cast<Trans2>(asked.subcommand)) {
    case Trans2::query_path_information: {
      const auto question =
          wire::decode<cifs::PathInformationRequest>(asked.parameters).value_or(cifs::PathInformationRequest());
      const Bytes parameters(2);
      if (question.information_level == cifs::level::query_file_all_info) {
        return reply_to_transaction(parameters,
                                    all_info(is_directory_name(name_of(question.file_name.bytes, is_unicode))));
      }
      return reply_to_transaction(parameters, wire::encode(wire::FileInternalInformation{4711}));
    }
    case Trans2::query_file_information:
      return reply_to_transaction(Bytes(2), all_info(false));
    case Trans2::find_first2:
      return list(asked.parameters);
    case Trans2::set_path_information:
    case Trans2::set_file_information:
      return reply_to_transaction(Bytes(2), {});
    default:
      return refuse_in_smb1(NtStatus::STATUS_NOT_SUPPORTED);
  }
}

}  // namespace smb3fuse::test
