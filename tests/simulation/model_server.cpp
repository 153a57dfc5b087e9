// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/model_server.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "smb/wire/close.h"
#include "smb/wire/flush.h"
#include "smb/wire/fscc.h"
#include "smb/wire/oplock_break.h"
#include "smb/wire/query_info.h"
#include "smb/wire/read_write.h"
#include "smb/wire/set_info.h"

namespace smb3fuse::simulation {

using test::refuse;
using test::reply_with;
using test::ServerReply;
using test::ServerRequest;
using wire::Command;

namespace {

constexpr unsigned kRefusedOneOf = 12;
constexpr client::FileTime kEpoch = 133'000'000'000'000'000;  // in 2022
// An open for no more than this has no part in leases.
constexpr std::uint32_t kOfAttributes =
    wire::FILE_READ_ATTRIBUTES | wire::FILE_WRITE_ATTRIBUTES | wire::READ_CONTROL | wire::SYNCHRONIZE;

wire::FileTime on_wire(client::FileTime time) { return {static_cast<std::uint64_t>(time)}; }

std::string ascii(const std::u16string& name) {
  std::string text;
  for (const char16_t each : name) text += static_cast<char>(each);
  return text;
}

}  // namespace

struct Job {
  std::size_t client = 0;
  std::vector<ServerRequest> parts;
  std::size_t next = 0;
  wire::FileId file;  // the one that the last CREATE opened
  NtStatus failed{};
  bool delayed = false;  // the next part has had its time
  bool pended = false;
};

ModelServer::ModelServer(client::Runtime& runtime, Agenda& agenda, ServerKind kind)
    : runtime_(runtime), agenda_(agenda), kind_(kind) {
  const auto root = std::make_shared<File>();
  root->number = 1;
  root->is_directory = true;
  root->attributes = wire::FILE_ATTRIBUTE_DIRECTORY;
  root->created = root->written = root->changed = clock();
  files_.emplace(root->number, root);
}

std::size_t ModelServer::add_client(std::function<void(Bytes)> send) {
  const std::size_t client = sessions_.size();
  test::ServerOptions options;
  options.dialect = kind_.dialect;
  if (kind_.dialect == wire::Dialect::smb_2_0_2) options.capabilities = 0;
  if (kind_.leases) options.capabilities |= wire::SMB2_GLOBAL_CAP_LEASING;
  sessions_.push_back(std::make_unique<Session>(std::move(options)));
  test::ScriptedServer& server = sessions_.back()->server;
  server.send = std::move(send);
  for (const Command command : {Command::create, Command::close, Command::read, Command::write, Command::flush,
                                Command::query_info, Command::set_info, Command::oplock_break}) {
    server.on(command, [this, client](const ServerRequest& request) { return take(client, request); });
  }
  return client;
}

// ---- what an oracle may know

const std::vector<ModelServer::Binding>& ModelServer::bindings(const std::string& name) const {
  static const std::vector<Binding> kNever;
  const auto found = bindings_.find(name);
  return found == bindings_.end() ? kNever : found->second;
}

const std::string* ModelServer::content(FileNumber file) const {
  const auto found = files_.find(file);
  return found == files_.end() ? nullptr : &found->second->data;
}

client::FileTime ModelServer::last_write_time(FileNumber file) const { return files_.at(file)->written; }

bool ModelServer::holds_write(std::size_t client, FileNumber file) const {
  return std::any_of(grants_.begin(), grants_.end(), [&](const auto& each) {
    const Grant& grant = each.second;
    return each.first.client == client && grant.file->number == file && !grant.breaking &&
           (grant.state & wire::SMB2_LEASE_WRITE_CACHING) != 0;
  });
}

std::optional<TimePoint> ModelServer::last_loss(std::size_t client, FileNumber file) const {
  const auto found = losses_.find({client, file});
  return found == losses_.end() ? std::nullopt : std::optional(found->second);
}

client::FileTime ModelServer::clock() const {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(runtime_.now().time_since_epoch()).count();
  return kEpoch + since / 100;
}

std::vector<std::string> ModelServer::complaints() const {
  std::vector<std::string> all = complaints_;
  for (const auto& session : sessions_) {
    all.insert(all.end(), session->server.complaints.begin(), session->server.complaints.end());
  }
  return all;
}

void ModelServer::say(const std::string& what) const {
  if (!trace) return;
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(runtime_.now().time_since_epoch()).count();
  std::printf("%10.3f      server: %s\n", static_cast<double>(now % 3'600'000'000) / 1000, what.c_str());
}

// ---- messages

ModelServer::Reply ModelServer::take(std::size_t client, const ServerRequest& request) {
  JobRef& collecting = sessions_[client]->collecting;
  if (request.header.is_related() && collecting != nullptr) {
    collecting->parts.push_back(request);
    return std::nullopt;
  }
  const auto job = std::make_shared<Job>();
  job->client = client;
  job->parts.push_back(request);
  collecting = job;
  runtime_.post([this, job] {
    JobRef& now_collecting = sessions_[job->client]->collecting;
    if (now_collecting == job) now_collecting = nullptr;
    run(job);
  });
  return std::nullopt;
}

void ModelServer::run(const JobRef& job) {
  while (job->next < job->parts.size()) {
    const ServerRequest& part = job->parts[job->next];
    Reply reply;
    if (is_error(job->failed)) {
      reply = refuse(job->failed);
    } else {
      reply = step(job, part);
    }
    if (!reply) return;
    // Samba 4.17: everything behind a part that failed fails likewise.
    if (is_error(reply->status) && reply->status != NtStatus::STATUS_END_OF_FILE &&
        reply->status != NtStatus::STATUS_INTERNAL_ERROR) {
      job->failed = reply->status;
    }
    if (part.header.command == Command::create) job->file = reply->opened;
    ++job->next;
    job->delayed = job->pended = false;
    answer(job, part, std::move(*reply));
  }
}

void ModelServer::answer(const JobRef& job, const ServerRequest& part, ServerReply reply) {
  test::ScriptedServer& server = sessions_[job->client]->server;
  if (!kind_.answers_late) return server.answer(part, std::move(reply));
  agenda_.send_apart([&server, job, &part, reply = std::move(reply)] { server.answer(part, reply); });
}

ModelServer::Reply ModelServer::wait_for_change(const JobRef& job, const ServerRequest& part) {
  if (!std::exchange(job->pended, true)) sessions_[job->client]->server.pend(part);
  waiting_.push_back(job);
  return std::nullopt;
}

void ModelServer::wake() {
  for (const JobRef& job : std::exchange(waiting_, {})) {
    runtime_.post([this, job] { run(job); });
  }
}

ModelServer::Reply ModelServer::step(const JobRef& job, const ServerRequest& part) {
  const Command command = part.header.command;
  if (command == Command::oplock_break) return acknowledge(job->client, part);
  if (command == Command::create) return create(job, part);

  const auto named = [&]() -> wire::FileId {
    switch (command) {
      case Command::close:
        return part.as<wire::CloseRequest>().file_id;
      case Command::read:
        return part.as<wire::ReadRequest>().file_id;
      case Command::write:
        return part.as<wire::WriteRequest>().file_id;
      case Command::flush:
        return part.as<wire::FlushRequest>().file_id;
      case Command::query_info:
        return part.as<wire::QueryInfoRequest>().file_id;
      default:
        return part.as<wire::SetInfoRequest>().file_id;
    }
  }();
  const wire::FileId id = named == wire::FileId::of_previous() ? job->file : named;
  if (named != wire::FileId::of_previous()) job->file = id;
  const auto found = opens_.find(id);
  if (found == opens_.end() || found->second.client != job->client) {
    complain(std::string(wire::name_of(command)) + " of a file that is closed");
    return refuse(NtStatus::STATUS_FILE_CLOSED);
  }
  Opening& open = found->second;
  const bool takes_time = command == Command::read || command == Command::write || command == Command::flush;
  if (takes_time && !std::exchange(job->delayed, true)) {
    ++open.busy;
    agenda_.send_apart([this, job] { run(job); });
    return std::nullopt;
  }
  if (takes_time) --open.busy;
  if (takes_time && open.busy == 0) wake();
  switch (command) {
    case Command::close:
      return close(job, part, id);
    case Command::read:
      return read(open, part);
    case Command::write:
      return write(open, part);
    case Command::flush:
      return reply_with(wire::FlushResponse{});
    case Command::query_info:
      return query(open, part);
    default:
      return set(job, open, part);
  }
}

// ---- opens

ModelServer::FileRef ModelServer::find(const std::string& name) const {
  if (name.empty()) return files_.at(1);
  const auto found =
      std::find_if(files_.begin(), files_.end(), [&](const auto& each) { return each.second->name == name; });
  return found == files_.end() ? nullptr : found->second;
}

ModelServer::Reply ModelServer::create(const JobRef& job, const ServerRequest& part) {
  using Disposition = wire::CreateDisposition;
  const auto asked = part.as<wire::CreateRequest>();
  const std::string name = ascii(asked.name);
  FileRef file = find(name);
  const auto disposition = asked.create_disposition;
  const bool overwrites = disposition == Disposition::overwrite || disposition == Disposition::overwrite_if;
  const bool makes = disposition == Disposition::create || disposition == Disposition::open_if ||
                     disposition == Disposition::overwrite_if;
  if (file == nullptr && !makes) return refuse(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
  if (file != nullptr && disposition == Disposition::create) return refuse(NtStatus::STATUS_OBJECT_NAME_COLLISION);
  if (file != nullptr && file->delete_pending) return refuse(NtStatus::STATUS_DELETE_PENDING);

  Opening opening;
  opening.client = job->client;
  opening.for_attributes = (asked.desired_access & ~kOfAttributes) == 0 && !overwrites;
  opening.delete_on_close = (asked.create_options & wire::FILE_DELETE_ON_CLOSE) != 0;
  std::optional<LeaseId> own;
  const auto v1 = wire::find_context<wire::CreateLease>(asked.create_contexts);
  const auto v2 = wire::find_context<wire::CreateLeaseV2>(asked.create_contexts);
  if (v1 && *v1) own = lease_of(job->client, (*v1)->lease_key);
  if (v2 && *v2) own = lease_of(job->client, (*v2)->lease_key);
  if (own && grants_.contains(*own) && grants_.at(*own).file != file) {
    return refuse(NtStatus::STATUS_INVALID_PARAMETER);  // [MS-SMB2] 3.3.5.9.8
  }
  if (file != nullptr && !opening.for_attributes && !ask_writers(*file, own, overwrites)) {
    return wait_for_change(job, part);
  }

  const bool is_new = file == nullptr;
  if (is_new) {
    file = std::make_shared<File>();
    file->number = next_file_++;
    file->name = name;
    file->created = file->written = file->changed = clock();
    files_.emplace(file->number, file);
    bind(name, file->number);
  }
  opening.file = file;
  say(std::to_string(job->client) + " opens " + name + ", file " + std::to_string(file->number) +
      (is_new ? ", new" : "") + (opening.for_attributes ? ", for its attributes" : "") +
      (overwrites ? ", emptied" : ""));
  wire::CreateResponse response;
  response.create_contexts = grant_lease(job->client, file, asked, opening);
  response.oplock_level = response.create_contexts.empty()
                              ? grant_oplock(job->client, file, asked.requested_oplock_level, opening)
                              : wire::OplockLevel::lease;
  if (overwrites && !is_new) {
    change_size(opening, 0);
    if (on_emptied) on_emptied(job->client, file->number);
  }
  response.create_action = is_new       ? wire::CreateAction::created
                           : overwrites ? wire::CreateAction::overwritten
                                        : wire::CreateAction::opened;
  response.creation_time = on_wire(file->created);
  response.last_access_time = response.last_write_time = on_wire(file->written);
  response.change_time = on_wire(file->changed);
  response.file_attributes = file->attributes;
  response.end_of_file = response.allocation_size = file->data.size();
  response.file_id = {next_open_, 0xF000 + next_open_};
  ++next_open_;
  const auto asks_id = wire::find_context<wire::QueryOnDiskIdRequest>(asked.create_contexts);
  if (asks_id && *asks_id) {
    response.create_contexts.push_back(wire::make_create_context(wire::QueryOnDiskIdResponse{file->number, 1}));
  }
  opens_.emplace(response.file_id, std::move(opening));
  ServerReply reply = reply_with(response);
  reply.opened = response.file_id;
  return reply;
}

void ModelServer::remove_name(File& file) {
  if (file.name.empty()) return;
  bind(file.name, 0);
  file.name.clear();
}

ModelServer::Reply ModelServer::close(const JobRef& job, const ServerRequest&, wire::FileId id) {
  const Opening& closing = opens_.at(id);
  if (closing.busy > 0) {
    waiting_.push_back(job);
    return std::nullopt;
  }
  const Opening open = std::move(opens_.extract(id).mapped());
  say(std::to_string(job->client) + " closes file " + std::to_string(open.file->number));
  if (open.lease) {
    const auto held = grants_.find(*open.lease);
    if (--held->second.opens == 0) grants_.erase(held);
  }
  File& file = *open.file;
  if (open.delete_on_close && !file.delete_pending) {
    file.delete_pending = true;
    bind(file.name, 0);  // nobody can open it any more
  }
  const bool last =
      std::none_of(opens_.begin(), opens_.end(), [&](const auto& each) { return each.second.file == open.file; });
  if (last && file.delete_pending) remove_name(file);
  wake();
  return reply_with(wire::CloseResponse{});
}

// ---- data and attributes

ModelServer::Reply ModelServer::read(Opening& open, const ServerRequest& part) {
  const auto asked = part.as<wire::ReadRequest>();
  const std::string& data = open.file->data;
  if (asked.offset >= data.size()) return refuse(NtStatus::STATUS_END_OF_FILE);
  const std::size_t length = std::min<std::size_t>(asked.length, data.size() - asked.offset);
  say(std::to_string(open.client) + " reads " + std::to_string(asked.offset) + "+" + std::to_string(length) + " of " +
      std::to_string(open.file->number));
  wire::ReadResponse response;
  response.data =
      wire::Payload::of(ByteView(reinterpret_cast<const std::uint8_t*>(data.data()) + asked.offset, length));
  return reply_with(response);
}

void ModelServer::note_written(const Opening& by) {
  by.file->changed = clock();
  if (!by.keeps_time) by.file->written = clock();
}

ModelServer::Reply ModelServer::write(Opening& open, const ServerRequest& part) {
  const auto asked = part.as<wire::WriteRequest>();
  const std::string bytes(asked.data.bytes.begin(), asked.data.bytes.end());
  if (kind_.refuses_writes && open.file->name != kLog && agenda_.pick(kRefusedOneOf) == 0) {
    say(std::to_string(open.client) + " may not write " + std::to_string(asked.offset) + "+" +
        std::to_string(bytes.size()) + " of " + std::to_string(open.file->number));
    if (on_refused) on_refused(open.client, open.file->number, asked.offset, bytes.size());
    return refuse(NtStatus::STATUS_DISK_FULL);
  }
  say(std::to_string(open.client) + " writes " + std::to_string(asked.offset) + "+" + std::to_string(bytes.size()) +
      " of " + std::to_string(open.file->number));
  take_from_readers(open);
  std::string& data = open.file->data;
  if (data.size() < asked.offset + bytes.size()) data.resize(asked.offset + bytes.size(), '\0');
  data.replace(asked.offset, bytes.size(), bytes);
  note_written(open);
  if (on_write) on_write(open.file->number, asked.offset, bytes);
  return reply_with(wire::WriteResponse{static_cast<std::uint32_t>(bytes.size())});
}

void ModelServer::change_size(const Opening& by, std::uint64_t size) {
  say(std::to_string(by.client) + " sets the size of " + std::to_string(by.file->number) + " to " +
      std::to_string(size));
  take_from_readers(by);
  by.file->data.resize(size, '\0');
  note_written(by);
}

ModelServer::Reply ModelServer::query(Opening& open, const ServerRequest& part) {
  const auto asked = part.as<wire::QueryInfoRequest>();
  const File& file = *open.file;
  const std::uint64_t size = file.data.size();
  Bytes output;
  if (asked.info_type == wire::InfoType::file) {
    if (asked.file_info_class == static_cast<std::uint8_t>(wire::FileInformationClass::standard)) {
      output = wire::encode(wire::FileStandardInformation{size, size, 1, file.delete_pending, file.is_directory});
    } else {
      output = wire::encode(wire::FileNetworkOpenInformation{on_wire(file.created), on_wire(file.written),
                                                             on_wire(file.written), on_wire(file.changed), size, size,
                                                             file.attributes});
    }
  } else if (asked.file_info_class == static_cast<std::uint8_t>(wire::FsInformationClass::attribute)) {
    wire::FileFsAttributeInformation attributes;
    attributes.file_system_attributes = wire::FILE_CASE_PRESERVED_NAMES | wire::FILE_CASE_SENSITIVE_SEARCH;
    attributes.maximum_component_name_length = 255;
    output = wire::encode(attributes);
  } else {
    output = wire::encode(wire::FileFsFullSizeInformation{1000, 400, 500, 8, 512});
  }
  wire::QueryInfoResponse response;
  response.output_buffer = output;
  return reply_with(response);
}

ModelServer::Reply ModelServer::set(const JobRef& job, Opening& open, const ServerRequest& part) {
  const auto asked = part.as<wire::SetInfoRequest>();
  File& file = *open.file;
  switch (static_cast<wire::FileInformationClass>(asked.file_info_class)) {
    case wire::FileInformationClass::end_of_file:
      change_size(open, wire::decode<wire::FileEndOfFileInformation>(asked.buffer)->end_of_file);
      break;
    case wire::FileInformationClass::basic: {
      const auto basic = *wire::decode<wire::FileBasicInformation>(asked.buffer);
      if (basic.last_write_time.value != 0) {
        file.written = static_cast<client::FileTime>(basic.last_write_time.value);
        open.keeps_time = true;
        say(std::to_string(open.client) + " sets the time of " + std::to_string(file.number));
      }
      if (basic.file_attributes != 0) file.attributes = basic.file_attributes;
      break;
    }
    case wire::FileInformationClass::disposition:
      if (!std::exchange(file.delete_pending, true)) bind(file.name, 0);
      break;
    case wire::FileInformationClass::rename: {
      const auto named = *wire::decode<wire::FileRenameInformation>(asked.buffer);
      return rename(job, open, part, ascii(named.file_name), named.replace_if_exists);
    }
    default:
      complain("SET_INFO of class " + std::to_string(asked.file_info_class));
      return refuse(NtStatus::STATUS_INVALID_INFO_CLASS);
  }
  const bool deletes = asked.file_info_class == static_cast<std::uint8_t>(wire::FileInformationClass::disposition);
  if (deletes && kind_.breaks_handles_on_delete) {
    for (auto& [id, grant] : grants_) {
      if (grant.file == open.file && open.lease != id)
        begin_break(id, grant, grant.state & ~wire::SMB2_LEASE_HANDLE_CACHING);
    }
  }
  return reply_with(wire::SetInfoResponse{});
}

ModelServer::Reply ModelServer::rename(const JobRef& job, Opening& open, const ServerRequest& part,
                                       const std::string& to, bool replace) {
  File& file = *open.file;
  // Samba 4.17: others give up the right of the handle first, if the renamer's open is one of a lease; and only the
  // last request of a message may wait.
  bool handles_held = false;
  if (open.lease) {
    for (auto& [id, grant] : grants_) {
      if (grant.file != open.file || open.lease == id || (grant.state & wire::SMB2_LEASE_HANDLE_CACHING) == 0) continue;
      handles_held = true;
      begin_break(id, grant, grant.state & ~wire::SMB2_LEASE_HANDLE_CACHING);
    }
  }
  if (handles_held) {
    if (job->next + 1 < job->parts.size()) return refuse(NtStatus::STATUS_INTERNAL_ERROR);
    return wait_for_change(job, part);
  }
  if (file.name.empty() || file.delete_pending) return refuse(NtStatus::STATUS_DELETE_PENDING);
  const FileRef target = find(to);
  if (target.get() == &file) return reply_with(wire::SetInfoResponse{});
  if (target != nullptr) {
    if (!replace) return refuse(NtStatus::STATUS_OBJECT_NAME_COLLISION);
    const bool in_use = std::any_of(opens_.begin(), opens_.end(), [&](const auto& each) {
      return each.second.file == target && (kind_.guards_all_targets || each.second.client == job->client);
    });
    if (in_use || target->delete_pending) return refuse(NtStatus::STATUS_ACCESS_DENIED);
    target->name.clear();
  }
  say(std::to_string(job->client) + " renames " + file.name + ", file " + std::to_string(file.number) + ", to " + to);
  bind(file.name, 0);
  file.name = to;
  file.changed = clock();
  bind(to, file.number);
  return reply_with(wire::SetInfoResponse{});
}

}  // namespace smb3fuse::simulation
