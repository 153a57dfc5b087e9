// SPDX-License-Identifier: Apache-2.0
#include "cache/budget.h"

namespace smb3fuse::cache {

namespace {
// Where nothing can go now, it can only when it has become older: no need to look at all files for each answer.
constexpr Duration kLookAgain = std::chrono::milliseconds(50);
}  // namespace

Budget::Member::~Member() {
  if (budget_ != nullptr) budget_->members_.erase(place_);
}

void Budget::note_clean(Member& member) {
  if (member.budget_ == nullptr) {
    member.budget_ = this;
    member.place_ = members_.insert(members_.end(), &member);
  } else {
    members_.splice(members_.end(), members_, member.place_);
  }
}

void Budget::make_room(TimePoint now) {
  if (may_keep() || now < not_before_) return;
  for (auto each = members_.begin(); each != members_.end() && !may_keep();) {
    Member& member = **each;
    if (!member.give_up_clean(now)) ++each;
  }
  if (!may_keep()) not_before_ = now + kLookAgain;
}

}  // namespace smb3fuse::cache
