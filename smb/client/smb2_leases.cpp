// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_leases.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "smb/crypto/random.h"
#include "smb/wire/codec.h"
#include "smb/wire/negotiate.h"

namespace smb3fuse::client {
namespace {

using Alive = std::weak_ptr<char>;

// Breaks of opens that never come must not pile up: more than a server can have under way for our CREATEs.
constexpr std::size_t kMaximumEarly = 256;
constexpr std::uint32_t kOfDirectories = wire::SMB2_LEASE_READ_CACHING | wire::SMB2_LEASE_HANDLE_CACHING;
constexpr std::uint32_t kAllRights = kOfDirectories | wire::SMB2_LEASE_WRITE_CACHING;

Rights rights_of_state(std::uint32_t state) {
  return {.read = (state & wire::SMB2_LEASE_READ_CACHING) != 0,
          .write = (state & wire::SMB2_LEASE_WRITE_CACHING) != 0,
          .handle = (state & wire::SMB2_LEASE_HANDLE_CACHING) != 0};
}

// [MS-SMB2] 2.2.14 OplockLevel in the terms of a lease: the one place where the two meet.
std::uint32_t state_of_level(wire::OplockLevel level) {
  switch (level) {
    case wire::OplockLevel::batch:
      return kAllRights;
    case wire::OplockLevel::exclusive:
      return wire::SMB2_LEASE_READ_CACHING | wire::SMB2_LEASE_WRITE_CACHING;
    case wire::OplockLevel::level_ii:
      return wire::SMB2_LEASE_READ_CACHING;
    case wire::OplockLevel::none:
    case wire::OplockLevel::lease:
      break;
  }
  return wire::SMB2_LEASE_NONE;
}

// Epochs are counted round: is `a` later than `b`? [MS-SMB2] 3.2.5.19.2
bool is_later(std::uint16_t a, std::uint16_t b) { return static_cast<std::int16_t>(a - b) > 0; }

}  // namespace

LeaseKind lease_kind_of(const smb2::Negotiated& negotiated) {
  const bool leases = (negotiated.capabilities & wire::SMB2_GLOBAL_CAP_LEASING) != 0;
  if (!leases || negotiated.dialect < 0x0210) return LeaseKind::oplock;
  return negotiated.dialect >= 0x0300 ? LeaseKind::lease_v2 : LeaseKind::lease;
}

std::unique_ptr<Lease> Smb2Leases::make(Lease::Holder& holder) {
  if (kind_ == LeaseKind::none) return nullptr;
  return std::make_unique<Smb2Lease>(*this, holder);
}

void Smb2Leases::begin_open(Smb2Lease& lease, CreateParameters& parameters, Wanted wanted) {
  if (!lease.in_use()) lease.begin_anew();
  ++lease.opening_;
  ++opening_;
  const std::uint32_t state = wanted == Wanted::all     ? kAllRights
                              : wanted == Wanted::names ? kOfDirectories
                                                        : lease.state_;
  if (state == wire::SMB2_LEASE_NONE) return;
  switch (kind_) {
    case LeaseKind::none:
      return;
    case LeaseKind::oplock:
      if (wanted == Wanted::all) parameters.requested_oplock_level = wire::OplockLevel::batch;
      return;
    case LeaseKind::lease: {
      wire::CreateLease context;
      context.lease_key = lease.key_;
      context.lease_state = state;
      parameters.lease = wire::make_create_context(context);
      break;
    }
    case LeaseKind::lease_v2: {
      wire::CreateLeaseV2 context;
      context.lease_key = lease.key_;
      context.lease_state = state;
      context.epoch = lease.epoch_.value_or(0);
      set_parent(context, parent_of(parameters.path));
      parameters.lease = wire::make_create_context(context);
      break;
    }
  }
  parameters.requested_oplock_level = wire::OplockLevel::lease;
}

const Smb2Lease* Smb2Leases::parent_of(const std::u16string& path) const {
  if (directories_.empty() || path.empty()) return nullptr;
  const std::size_t end = path.rfind(u'\\');
  const auto found = directories_.find(end == path.npos ? std::u16string() : path.substr(0, end));
  return found == directories_.end() ? nullptr : found->second;
}

void Smb2Leases::set_parent(wire::CreateLeaseV2& context, const Smb2Lease* parent) {
  if (parent == nullptr) return;
  context.lease_flags |= wire::SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET;
  context.parent_lease_key = parent->key_;
}

void Smb2Leases::add_directory(const std::u16string& path, const Smb2Lease& lease) { directories_[path] = &lease; }

void Smb2Leases::remove_directory(const std::u16string& path, const Smb2Lease& lease) {
  const auto found = directories_.find(path);
  if (found != directories_.end() && found->second == &lease) directories_.erase(found);
}

void Smb2Leases::name_parent(CreateParameters& parameters) const {
  const Smb2Lease* const parent = parent_of(parameters.path);
  if (parent == nullptr || parameters.lease) return;
  wire::CreateLeaseV2 context;
  context.lease_key = {crypto::random_array<16>()};
  set_parent(context, parent);
  parameters.lease = wire::make_create_context(context);
  parameters.requested_oplock_level = wire::OplockLevel::lease;
}

void Smb2Leases::end_open(Smb2Lease& lease, const wire::CreateResponse* response) {
  --lease.opening_;
  if (response != nullptr) note_opened(lease, *response);
  lease.settle();
  if (--opening_ == 0) early_.clear();
}

void Smb2Leases::note_opened(Smb2Lease& lease, const wire::CreateResponse& response) {
  wire::OplockLevel level = response.oplock_level;
  const auto early = std::find_if(early_.begin(), early_.end(),
                                  [&](const wire::OplockBreak& each) { return each.file_id == response.file_id; });
  if (early != early_.end()) {
    level = early->oplock_level;
    early_.erase(early);
    if (response.oplock_level != wire::OplockLevel::level_ii) {
      send_(requests_.acknowledge(wire::OplockBreak{level, response.file_id}));
    }
  }
  lease.opens_.emplace(response.file_id, level);
  by_file_.emplace(response.file_id, &lease);
  if (level == wire::OplockLevel::lease) {
    const auto v2 = wire::find_context<wire::CreateLeaseV2>(response.create_contexts);
    const auto v1 = wire::find_context<wire::CreateLease>(response.create_contexts);
    if (v2 && *v2 && (*v2)->lease_key == lease.key_) {
      lease.take_state((*v2)->lease_state, (*v2)->epoch);
    } else if (v1 && *v1 && (*v1)->lease_key == lease.key_) {
      lease.take_state((*v1)->lease_state, std::nullopt);
    }
  }
}

// What was taken since the CREATE was sent, and what the server does not know yet to be given up, its answer may still
// show: unless it is of a later epoch.
void Smb2Lease::take_state(std::uint32_t granted, std::optional<std::uint16_t> epoch) {
  const bool is_later_than_breaks = epoch && (!epoch_ || is_later(*epoch, *epoch_));
  if (is_later_than_breaks) epoch_ = epoch;
  state_ = is_later_than_breaks ? granted : granted & broken_to_;
}

// [MS-SMB2] 3.3.4.18: it ends with its last open. A break of what has ended may still be on its way: the next one has
// another name.
void Smb2Lease::begin_anew() {
  leases_.by_key_.erase(key_);
  key_ = {crypto::random_array<16>()};
  leases_.by_key_.emplace(key_, this);
  epoch_.reset();
  leases_.breaks_.acknowledged += std::exchange(giving_up_, 0);  // by the CLOSE; they are not heard of again
  broken_to_ = ~0U;
}

void Smb2Lease::settle() {
  if (opening_ == 0 && giving_up_ == 0) broken_to_ = ~0U;
  if (!in_use()) state_ = wire::SMB2_LEASE_NONE;
}

void Smb2Leases::handle_closed(wire::FileId file) {
  const auto found = by_file_.find(file);
  if (found == by_file_.end()) return;
  Smb2Lease& lease = *found->second;
  by_file_.erase(found);
  lease.opens_.erase(file);
  lease.settle();
}

void Smb2Leases::handle_break(ByteView body) {
  ++breaks_.received;
  const auto size = wire::structure_size_of(body);
  if (size == wire::LeaseBreakNotification::kStructureSize) {
    if (const auto notification = wire::decode<wire::LeaseBreakNotification>(body)) {
      return handle_lease_break(*notification);
    }
  } else if (size == wire::OplockBreak::kStructureSize) {
    if (const auto notification = wire::decode<wire::OplockBreak>(body)) return handle_oplock_break(*notification);
  }
  spdlog::error("malformed break notification from the server");
}

void Smb2Leases::handle_lease_break(const wire::LeaseBreakNotification& notification) {
  const auto found = by_key_.find(notification.lease_key);
  const TimePoint received = now_();
  // Without opens the CLOSE says it.
  if (found == by_key_.end() || !found->second->in_use()) {
    note_acknowledged(received);
    return hurry_();
  }
  Smb2Lease& lease = *found->second;
  const std::uint32_t left = notification.new_lease_state;
  const bool answer = (notification.flags & wire::SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED) != 0;
  if (kind_ == LeaseKind::lease_v2) {
    if (lease.epoch_ && is_later(*lease.epoch_, notification.new_epoch)) {
      note_acknowledged(received);
      if (answer) send_(requests_.acknowledge(wire::LeaseBreakAcknowledgment{lease.key_, left}));
      return;
    }
    lease.epoch_ = notification.new_epoch;
  }
  ++lease.giving_up_;
  lease.broken_to_ &= left;
  lease.state_ &= left;
  const Rights rights = rights_of_state(lease.opens_.empty() ? left : lease.state_);
  lease.holder_.handle_break(rights, [this, alive = Alive(alive_), key = lease.key_, left, answer, received] {
    if (alive.expired()) return;
    const auto held = by_key_.find(key);
    if (held == by_key_.end()) return;
    note_acknowledged(received);
    if (!held->second->in_use()) {
      hurry_();
    } else if (answer) {
      send_(requests_.acknowledge(wire::LeaseBreakAcknowledgment{key, left}));
    }
    --held->second->giving_up_;
    held->second->settle();
  });
}

void Smb2Leases::handle_oplock_break(const wire::OplockBreak& notification) {
  const TimePoint received = now_();
  const auto found = by_file_.find(notification.file_id);
  if (found == by_file_.end()) {
    // Of an open whose CREATE is not answered yet, or one that we have closed meanwhile.
    note_acknowledged(received);
    if (opening_ > 0 && early_.size() < kMaximumEarly) early_.push_back(notification);
    return;
  }
  Smb2Lease& lease = *found->second;
  wire::OplockLevel& level = lease.opens_.at(notification.file_id);
  // [MS-SMB2] 3.2.5.19.1: the loss of a level II oplock is not acknowledged.
  const bool answer = level != wire::OplockLevel::level_ii && level != wire::OplockLevel::none;
  level = notification.oplock_level;
  lease.holder_.handle_break(lease.rights(), [this, alive = Alive(alive_), notification, answer, received] {
    if (alive.expired()) return;
    note_acknowledged(received);
    if (!by_file_.contains(notification.file_id)) {
      hurry_();
    } else if (answer) {
      send_(requests_.acknowledge(notification));
    }
  });
}

void Smb2Leases::handle_lost() {
  std::vector<wire::LeaseKey> held;
  for (const auto& [key, lease] : by_key_) {
    if (lease->rights() != Rights{}) held.push_back(key);
  }
  for (const wire::LeaseKey& key : held) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) continue;  // it has ended with another
    Smb2Lease& lease = *found->second;
    lease.state_ = wire::SMB2_LEASE_NONE;
    for (auto& [file, level] : lease.opens_) level = wire::OplockLevel::none;
    lease.holder_.handle_break({}, [] {});
  }
}

void Smb2Leases::note_acknowledged(TimePoint received) {
  ++breaks_.acknowledged;
  breaks_.longest = std::max(breaks_.longest, now_() - received);
}

LeaseStatus Smb2Leases::held() const {
  LeaseStatus status;
  for (const auto& [key, lease] : by_key_) {
    if (!lease->in_use()) continue;
    const Rights rights = lease->rights();
    if (!rights.read) continue;
    if (kind_ == LeaseKind::oplock) {
      ++(rights.handle ? status.batch_oplock : rights.write ? status.exclusive_oplock : status.level_ii_oplock);
    } else if (rights.write) {
      ++(rights.handle ? status.read_write_handle : status.read_write);
    } else {
      ++(rights.handle ? status.read_handle : status.read);
    }
  }
  return status;
}

Smb2Lease::Smb2Lease(Smb2Leases& leases, Holder& holder)
    : leases_(leases), holder_(holder), key_{crypto::random_array<16>()} {
  leases_.by_key_.emplace(key_, this);
}

Smb2Lease::~Smb2Lease() {
  leases_.breaks_.acknowledged += giving_up_;
  leases_.by_key_.erase(key_);
  for (const auto& [file, level] : opens_) leases_.by_file_.erase(file);
}

std::uint32_t Smb2Lease::granted() const {
  std::uint32_t state = state_;
  for (const auto& [file, level] : opens_) state |= state_of_level(level);
  return state & kAllRights;
}

Rights Smb2Lease::rights() const { return rights_of_state(granted()); }

}  // namespace smb3fuse::client
