// SPDX-License-Identifier: Apache-2.0
// ModelServer: leases and oplocks, granted, taken back and acknowledged.
#include <algorithm>

#include "smb/wire/oplock_break.h"
#include "tests/simulation/model_server.h"

namespace smb3fuse::simulation {

using test::refuse;
using test::reply_with;
using test::ServerRequest;
using wire::Command;

namespace {

constexpr std::uint32_t kNone = wire::SMB2_LEASE_NONE;
constexpr std::uint32_t kRead = wire::SMB2_LEASE_READ_CACHING;
constexpr std::uint32_t kHandle = wire::SMB2_LEASE_HANDLE_CACHING;
constexpr std::uint32_t kWrite = wire::SMB2_LEASE_WRITE_CACHING;

constexpr Duration kBreakPatience = std::chrono::seconds(35);  // [MS-SMB2] 3.3.2.1

// Only some sets of rights have a name. [MS-SMB2] 2.2.13.2.8
std::uint32_t valid(std::uint32_t state) { return (state & kRead) != 0 ? state : kNone; }

wire::OplockLevel level_of(std::uint32_t state) {
  if ((state & kWrite) != 0) return (state & kHandle) != 0 ? wire::OplockLevel::batch : wire::OplockLevel::exclusive;
  return (state & kRead) != 0 ? wire::OplockLevel::level_ii : wire::OplockLevel::none;
}

std::uint32_t state_of(wire::OplockLevel level) {
  switch (level) {
    case wire::OplockLevel::batch:
      return kRead | kWrite | kHandle;
    case wire::OplockLevel::exclusive:
      return kRead | kWrite;
    case wire::OplockLevel::level_ii:
      return kRead;
    default:
      return kNone;
  }
}

wire::LeaseKey key_of(wire::FileId open) {
  const Bytes bytes = wire::encode(wire::OplockBreak{wire::OplockLevel::none, open});
  wire::LeaseKey key;
  std::copy(bytes.end() - static_cast<std::ptrdiff_t>(key.bytes.size()), bytes.end(), key.bytes.begin());
  return key;
}

std::string words_of(std::uint32_t state) {
  std::string words;
  if ((state & kRead) != 0) words += 'R';
  if ((state & kWrite) != 0) words += 'W';
  if ((state & kHandle) != 0) words += 'H';
  return words.empty() ? "-" : words;
}

}  // namespace

void ModelServer::begin_break(const LeaseId& id, Grant& grant, std::uint32_t to) {
  to = valid(to & grant.state);
  if (grant.oplock_of && (to & kWrite) == 0) to &= kRead;
  if (grant.breaking) {
    grant.required = valid(grant.required & to);
    return;
  }
  if (to == grant.state) return;
  const bool answer = (grant.state & (kWrite | (grant.oplock_of ? 0 : kHandle))) != 0;
  ++grant.epoch;
  if ((grant.state & ~to & kRead) != 0) losses_[{id.client, grant.file->number}] = runtime_.now();
  say("break of " + std::to_string(id.client) + "'s lease on " + std::to_string(grant.file->number) + ": " +
      words_of(grant.state) + " to " + words_of(to));
  wire::LeaseBreakNotification notification;
  if (kind_.dialect >= wire::Dialect::smb_3_0) notification.new_epoch = grant.epoch;
  notification.flags = answer ? wire::SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED : 0u;
  notification.lease_key = id.key;
  notification.current_lease_state = grant.state;
  notification.new_lease_state = to;
  const Bytes body =
      grant.oplock_of ? wire::encode(wire::OplockBreak{level_of(to), *grant.oplock_of}) : wire::encode(notification);
  if (answer) {
    grant.breaking = true;
    grant.breaking_to = grant.required = to;
    grant.since = runtime_.now();
  } else {
    grant.state = to;
  }
  wire::Smb2Header header;
  header.command = Command::oplock_break;
  header.flags = wire::SMB2_FLAGS_SERVER_TO_REDIR;
  header.message_id = wire::kUnsolicitedMessageId;
  test::ScriptedServer& server = sessions_[id.client]->server;
  server.send(server.message_of(header, body));
}

ModelServer::LeaseId ModelServer::lease_of(std::size_t client, const wire::LeaseKey& key) {
  return {client, keys_.try_emplace(key, keys_.size()).first->second, key};
}

ModelServer::Reply ModelServer::acknowledge(std::size_t client, const ServerRequest& part) {
  if (wire::structure_size_of(part.body()) == wire::OplockBreak::kStructureSize) {
    const auto told = part.as<wire::OplockBreak>();
    const bool taken = end_break(lease_of(client, key_of(told.file_id)), state_of(told.oplock_level));
    return taken ? reply_with(told) : refuse(NtStatus::STATUS_INVALID_OPLOCK_PROTOCOL);
  }
  const auto told = part.as<wire::LeaseBreakAcknowledgment>();
  const bool taken = end_break(lease_of(client, told.lease_key), told.lease_state);
  return taken ? reply_with(told) : refuse(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
}

bool ModelServer::end_break(const LeaseId& id, std::uint32_t left) {
  const auto found = grants_.find(id);
  if (found == grants_.end()) return false;
  Grant& grant = found->second;
  if (!grant.breaking) {
    complain("an acknowledgment of no break");
    return false;
  }
  if ((left & ~grant.breaking_to) != 0) {
    complain("an acknowledgment that keeps more than was left");
    return false;
  }
  if (runtime_.now() - grant.since >= kBreakPatience) complain("an acknowledgment that came too late");
  say("acknowledged by " + std::to_string(id.client) + " for " + std::to_string(grant.file->number) + ": " +
      words_of(left));
  grant.state = left;
  grant.breaking = false;
  if (const std::uint32_t required = grant.required; (grant.state & ~required) != 0) {
    begin_break(found->first, grant, required);
  }
  wake();
  return true;
}

// Others lose the right to read what is being changed; nobody waits for them.
void ModelServer::take_from_readers(const Opening& by) {
  for (auto& [id, grant] : grants_) {
    // A write breaks the level II oplock of its own open, too.
    const bool is_own = by.lease == id && (!grant.oplock_of || (grant.state & kWrite) != 0);
    if (grant.file == by.file && !is_own && (grant.state & kRead) != 0) begin_break(id, grant, kNone);
  }
}

// False: somebody has to give up the right to write first.
bool ModelServer::ask_writers(const File& file, std::optional<LeaseId> own, bool overwrites) {
  bool free = true;
  for (auto& [id, grant] : grants_) {
    if (grant.file.get() != &file || own == id) continue;
    if ((grant.state & kWrite) == 0) continue;
    free = false;
    begin_break(id, grant, overwrites ? kNone : grant.state & ~kWrite);
  }
  return free;
}

bool ModelServer::is_shared(const FileRef& file, std::optional<LeaseId> own) const {
  return std::any_of(opens_.begin(), opens_.end(), [&](const auto& each) {
    const Opening& open = each.second;
    return open.file == file && (!own || open.lease != own) && !open.for_attributes;
  });
}

wire::OplockLevel ModelServer::grant_oplock(std::size_t client, const FileRef& file, wire::OplockLevel asked,
                                            Opening& opening) {
  std::uint32_t state = state_of(asked) & kind_.largest_lease;
  if ((state & kWrite) == 0 || is_shared(file, std::nullopt)) state &= kRead;
  if (kind_.leases || state == kNone || opening.for_attributes) return wire::OplockLevel::none;
  const wire::FileId id{next_open_, 0xF000 + next_open_};
  const LeaseId lease = lease_of(client, key_of(id));
  Grant& held = grants_[lease];
  held.file = file;
  held.state = state;
  held.oplock_of = id;
  held.opens = 1;
  opening.lease = lease;
  say("oplock of " + std::to_string(client) + " on " + std::to_string(file->number) + ": " + words_of(state));
  return level_of(state);
}

std::vector<wire::CreateContext> ModelServer::grant_lease(std::size_t client, const FileRef& file,
                                                          const wire::CreateRequest& asked, Opening& opening) {
  const auto v1 = wire::find_context<wire::CreateLease>(asked.create_contexts);
  const auto v2 = wire::find_context<wire::CreateLeaseV2>(asked.create_contexts);
  const bool has_v1 = v1 && v1->has_value();
  const bool has_v2 = v2 && v2->has_value();
  if (asked.requested_oplock_level != wire::OplockLevel::lease || (!has_v1 && !has_v2)) return {};
  const wire::LeaseKey key = has_v1 ? (*v1)->lease_key : (*v2)->lease_key;
  const LeaseId id = lease_of(client, key);
  std::uint32_t wanted = valid((has_v1 ? (*v1)->lease_state : (*v2)->lease_state) & kind_.largest_lease);
  if (is_shared(file, id)) wanted &= ~kWrite;
  const auto [found, is_new] = grants_.try_emplace(id);
  Grant& held = found->second;
  if (is_new) {
    held.file = file;
    held.epoch = has_v2 ? (*v2)->epoch : std::uint16_t{0};
  }
  ++held.opens;
  opening.lease = id;
  const std::uint32_t before = held.state;
  if (!held.breaking) held.state |= wanted;
  if (is_new || held.state != before) ++held.epoch;
  say("lease of " + std::to_string(client) + " on " + std::to_string(file->number) + ": " + words_of(held.state));
  const std::uint32_t flags = held.breaking ? wire::SMB2_LEASE_FLAG_BREAK_IN_PROGRESS : 0u;
  if (has_v1) return {wire::make_create_context(wire::CreateLease{key, held.state, flags})};
  return {wire::make_create_context(wire::CreateLeaseV2{key, held.state, flags, {}, held.epoch})};
}

}  // namespace smb3fuse::simulation
