// SPDX-License-Identifier: Apache-2.0
#include "smb/client/directory_changes.h"

#include <algorithm>
#include <utility>

#include "smb/wire/codec.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::client {
namespace {

using Change = DirectoryRight::Change;

Change::Action action_of(wire::NotifyAction action) {
  switch (action) {
    case wire::NotifyAction::added:
    case wire::NotifyAction::renamed_new_name:
      return Change::Action::appeared;
    case wire::NotifyAction::removed:
    case wire::NotifyAction::removed_by_delete:
    case wire::NotifyAction::renamed_old_name:
      return Change::Action::gone;
    default:
      return Change::Action::changed;
  }
}

}  // namespace

std::vector<Change> changes_in(ByteView chain, NameMapping mapping) {
  std::vector<Change> changes;
  wire::ChainReader<wire::FileNotifyInformation> reader(chain);
  while (const auto entry = reader.next()) {
    auto name = from_wire_name(wire::to_u16string(entry->file_name), mapping);
    if (!name) return {};  // of the directory itself, or of a name that is never shown
    changes.push_back({std::move(*name), action_of(entry->action)});
  }
  if (reader.error()) changes.clear();
  return changes;
}

bool has_gone(const std::vector<Change>& changes) {
  return std::any_of(changes.begin(), changes.end(),
                     [](const Change& change) { return change.action == Change::Action::gone; });
}

bool knows_no_watches(NtStatus status) {
  return status == NtStatus::STATUS_NOT_SUPPORTED || status == NtStatus::STATUS_NOT_IMPLEMENTED ||
         status == NtStatus::STATUS_INVALID_PARAMETER;
}

}  // namespace smb3fuse::client
