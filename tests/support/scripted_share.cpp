// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_share.h"

#include <algorithm>

#include "smb/wire/close.h"
#include "smb/wire/flush.h"
#include "smb/wire/fscc_directory.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/set_info.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::test {
namespace {

using wire::Command;

constexpr wire::FileTime kTime{133'000'000'000'000'000};  // in 2022

bool is_directory_name(const std::u16string& name) {
  constexpr std::u16string_view ending = u"dir";
  return name.empty() || (name.size() >= ending.size() && name.ends_with(ending));
}

}  // namespace

ScriptedShare::ScriptedShare(ScriptedServer& server) : server_(server) { install(); }

void ScriptedShare::install() {
  server_.on(Command::create, [this](const ServerRequest& request) { return create(request); });
  server_.on(Command::query_info, [this](const ServerRequest& request) { return query_info(request); });
  server_.on(Command::query_directory, [this](const ServerRequest& request) { return query_directory(request); });
  server_.on(Command::read, [this](const ServerRequest& request) { return read(request); });
  server_.on(Command::close, [this](const ServerRequest& request) {
    const auto asked = request.as<wire::CloseRequest>();
    if (find(request, asked.file_id) == nullptr) return refuse(NtStatus::STATUS_FILE_CLOSED);
    opens_.erase(asked.file_id == wire::FileId::of_previous() ? request.related_file : asked.file_id);
    return reply_with(wire::CloseResponse{});
  });
  server_.on(Command::write, [this](const ServerRequest& request) {
    const auto asked = request.as<wire::WriteRequest>();
    if (find(request, asked.file_id) == nullptr) return refuse(NtStatus::STATUS_FILE_CLOSED);
    return reply_with(wire::WriteResponse{asked.data.length});
  });
  server_.on(Command::flush, [this](const ServerRequest& request) {
    if (find(request, request.as<wire::FlushRequest>().file_id) == nullptr) return refuse(NtStatus::STATUS_FILE_CLOSED);
    return reply_with(wire::FlushResponse{});
  });
  server_.on(Command::set_info, [this](const ServerRequest& request) {
    if (find(request, request.as<wire::SetInfoRequest>().file_id) == nullptr) {
      return refuse(NtStatus::STATUS_FILE_CLOSED);
    }
    return reply_with(wire::SetInfoResponse{});
  });
}

ScriptedShare::OpenState* ScriptedShare::find(const ServerRequest& request, wire::FileId file) {
  const auto found = opens_.find(file == wire::FileId::of_previous() ? request.related_file : file);
  return found == opens_.end() ? nullptr : &found->second;
}

ServerReply ScriptedShare::create(const ServerRequest& request) {
  const auto asked = request.as<wire::CreateRequest>();
  const bool directory = (asked.create_options & wire::FILE_DIRECTORY_FILE) != 0 || is_directory_name(asked.name);
  created.push_back(asked.name);
  wire::CreateResponse response;
  response.create_action = asked.create_disposition == wire::CreateDisposition::create ? wire::CreateAction::created
                                                                                       : wire::CreateAction::opened;
  response.creation_time = response.last_access_time = response.last_write_time = response.change_time = kTime;
  response.file_attributes = directory ? std::uint32_t{wire::FILE_ATTRIBUTE_DIRECTORY} : file_attributes;
  if (!directory) response.end_of_file = content.size();
  response.file_id = {next_file_, 0xF000 + next_file_};
  ++next_file_;
  const auto asks_id = wire::find_context<wire::QueryOnDiskIdRequest>(asked.create_contexts);
  if (asks_id && *asks_id) response.create_contexts = {wire::make_create_context(wire::QueryOnDiskIdResponse{4711, 1})};
  opens_[response.file_id] = {};
  ServerReply reply = reply_with(response);
  reply.opened = response.file_id;
  return reply;
}

ServerReply ScriptedShare::query_info(const ServerRequest& request) {
  const auto asked = request.as<wire::QueryInfoRequest>();
  if (find(request, asked.file_id) == nullptr) return refuse(NtStatus::STATUS_FILE_CLOSED);
  const bool directory = is_directory_name(created.back());
  const std::uint32_t attributes_told = directory ? std::uint32_t{wire::FILE_ATTRIBUTE_DIRECTORY} : file_attributes;
  const std::uint64_t size = directory ? 0 : content.size();
  Bytes output;
  if (asked.info_type == wire::InfoType::file) {
    if (asked.file_info_class == static_cast<std::uint8_t>(wire::FileInformationClass::standard)) {
      output = wire::encode(wire::FileStandardInformation{4096, size, 1, false, directory});
    } else {
      output = wire::encode(wire::FileNetworkOpenInformation{kTime, kTime, kTime, kTime, 4096, size, attributes_told});
    }
  } else if (asked.file_info_class == static_cast<std::uint8_t>(wire::FsInformationClass::attribute)) {
    wire::FileFsAttributeInformation attributes;
    attributes.file_system_attributes = wire::FILE_CASE_PRESERVED_NAMES;
    attributes.maximum_component_name_length = 255;
    output = wire::encode(attributes);
  } else {
    output = wire::encode(wire::FileFsFullSizeInformation{1000, 400, 500, 8, 512});
  }
  wire::QueryInfoResponse response;
  response.output_buffer = output;
  return reply_with(response);
}

Bytes ScriptedShare::listing(const std::vector<std::u16string>& names, std::uint32_t entry_size) {
  Bytes chain;
  std::optional<std::size_t> previous;
  std::uint64_t id = 100;
  for (const std::u16string& name : names) {
    const Bytes text = wire::to_utf16le(name);
    wire::FileIdFullDirectoryInformation entry;
    entry.creation_time = entry.last_access_time = entry.last_write_time = entry.change_time = kTime;
    entry.file_attributes = wire::FILE_ATTRIBUTE_NORMAL;
    entry.end_of_file = entry_size;
    entry.file_id = id++;
    entry.file_name = wire::Utf16View{text};
    previous = wire::append_entry(chain, previous, entry);
  }
  return chain;
}

ServerReply ScriptedShare::query_directory(const ServerRequest& request) {
  const auto asked = request.as<wire::QueryDirectoryRequest>();
  OpenState* const open = find(request, asked.file_id);
  if (open == nullptr) return refuse(NtStatus::STATUS_FILE_CLOSED);
  if (open->pages_told == pages.size()) return refuse(NtStatus::STATUS_NO_MORE_FILES);
  const Bytes page = listing(pages[open->pages_told++], entry_size);
  wire::QueryDirectoryResponse response;
  response.output_buffer = page;
  return reply_with(response);
}

ServerReply ScriptedShare::read(const ServerRequest& request) {
  const auto asked = request.as<wire::ReadRequest>();
  if (find(request, asked.file_id) == nullptr) return refuse(NtStatus::STATUS_FILE_CLOSED);
  if (asked.offset >= content.size()) return refuse(NtStatus::STATUS_END_OF_FILE);
  const auto from = static_cast<std::size_t>(asked.offset);
  const std::size_t length = std::min<std::size_t>(asked.length, content.size() - from);
  wire::ReadResponse response;
  response.data = wire::Payload::of(ByteView(content).subspan(from, length));
  return reply_with(response);
}

}  // namespace smb3fuse::test
