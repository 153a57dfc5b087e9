// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_leases.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace smb3fuse::client {
namespace {

using Alive = std::weak_ptr<char>;

// Breaks of opens that never come must not pile up: more than a server can have under way for our opens.
constexpr std::size_t kMaximumEarly = 256;
constexpr Duration kContended = std::chrono::seconds(10);

cifs::OplockLevel left_after(bool keeps_level_ii) {
  return keeps_level_ii ? cifs::OplockLevel::level_ii : cifs::OplockLevel::none;
}

bool is_acknowledged(cifs::OplockLevel level) {
  return level == cifs::OplockLevel::exclusive || level == cifs::OplockLevel::batch;
}

}  // namespace

Rights rights_of(cifs::OplockLevel level) {
  switch (level) {
    case cifs::OplockLevel::batch:
      return {.read = true, .write = true, .handle = true};
    case cifs::OplockLevel::exclusive:
      return {.read = true, .write = true, .handle = false};
    case cifs::OplockLevel::level_ii:
      return {.read = true, .write = false, .handle = false};
    case cifs::OplockLevel::none:
      break;
  }
  return {};
}

std::unique_ptr<Lease> Smb1Leases::make(Lease::Holder& holder) {
  if (!grants_) return nullptr;
  return std::make_unique<Smb1Lease>(*this, holder);
}

void Smb1Leases::end_open(Smb1Lease& lease, const cifs::NtCreateResponse* response) {
  if (response != nullptr) {
    cifs::OplockLevel level = response->oplock_level;
    if (const auto early = early_.find(response->fid); early != early_.end()) {
      const bool answer = is_acknowledged(level);
      level = left_after(early->second);
      if (answer) acknowledge_(response->fid, early->second);
      early_.erase(early);
    }
    lease.opens_.emplace(response->fid, level);
    by_fid_.emplace(response->fid, &lease);
  }
  if (--opening_ == 0) early_.clear();
}

void Smb1Leases::handle_closed(std::uint16_t fid) {
  const auto found = by_fid_.find(fid);
  if (found == by_fid_.end()) return;
  found->second->opens_.erase(fid);
  by_fid_.erase(found);
}

void Smb1Leases::handle_break(ByteView message) {
  ++breaks_.received;
  const auto blocks = cifs::split_blocks(message);
  const auto request =
      blocks ? cifs::decode<cifs::LockingRequest>(blocks->front()) : tl::make_unexpected(blocks.error());
  if (!request || (request->type_of_lock & cifs::OPLOCK_RELEASE) == 0) {
    spdlog::error("malformed oplock break from the server");
    return;
  }
  const std::uint16_t fid = request->fid;
  const bool keeps_level_ii = request->new_oplock_level != 0;
  const TimePoint received = now_();
  last_break_ = received;
  const auto found = by_fid_.find(fid);
  if (found == by_fid_.end()) {
    // Of an open that is not answered yet, or one that we have closed meanwhile: the CLOSE says it.
    note_acknowledged(received);
    if (opening_ > 0 && early_.size() < kMaximumEarly) early_[fid] = keeps_level_ii;
    return hurry_();
  }
  Smb1Lease& lease = *found->second;
  cifs::OplockLevel& level = lease.opens_.at(fid);
  // [MS-CIFS] 3.2.5.42: the loss of a level II oplock is not acknowledged.
  const bool answer = is_acknowledged(level);
  level = left_after(keeps_level_ii);
  lease.holder_.handle_break(lease.rights(), [this, alive = Alive(alive_), fid, keeps_level_ii, answer, received] {
    if (alive.expired()) return;
    note_acknowledged(received);
    if (!by_fid_.contains(fid)) {
      hurry_();
    } else if (answer) {
      acknowledge_(fid, keeps_level_ii);
    }
  });
}

void Smb1Leases::handle_lost() {
  const std::vector<Smb1Lease*> all = leases_;
  for (Smb1Lease* const lease : all) {
    const bool is_there =
        std::find(leases_.begin(), leases_.end(), lease) != leases_.end();  // or it ended with another
    if (!is_there || lease->rights() == Rights{}) continue;
    for (auto& [fid, level] : lease->opens_) level = cifs::OplockLevel::none;
    lease->holder_.handle_break({}, [] {});
  }
}

void Smb1Leases::note_acknowledged(TimePoint received) {
  ++breaks_.acknowledged;
  breaks_.longest = std::max(breaks_.longest, now_() - received);
}

bool Smb1Leases::is_contended() const { return last_break_ && now_() - *last_break_ < kContended; }

LeaseStatus Smb1Leases::held() const {
  LeaseStatus status;
  for (const Smb1Lease* lease : leases_) {
    const Rights rights = lease->rights();
    if (!rights.read) continue;
    ++(rights.handle ? status.batch_oplock : rights.write ? status.exclusive_oplock : status.level_ii_oplock);
  }
  return status;
}

Smb1Lease::Smb1Lease(Smb1Leases& leases, Holder& holder) : leases_(leases), holder_(holder) {
  leases_.leases_.push_back(this);
}

Smb1Lease::~Smb1Lease() {
  std::erase(leases_.leases_, this);
  for (const auto& [fid, level] : opens_) leases_.by_fid_.erase(fid);
}

Rights Smb1Lease::rights() const {
  Rights best;
  for (const auto& [fid, level] : opens_) {
    const Rights rights = rights_of(level);
    best = {best.read || rights.read, best.write || rights.write, best.handle || rights.handle};
  }
  return best;
}

}  // namespace smb3fuse::client
