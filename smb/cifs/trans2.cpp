// SPDX-License-Identifier: Apache-2.0
#include "smb/cifs/trans2.h"

namespace smb3fuse::cifs {

tl::expected<std::vector<FindFileIdFullDirectoryInfo>, wire::DecodeError> split_entries(ByteView data,
                                                                                        std::size_t count) {
  std::vector<FindFileIdFullDirectoryInfo> entries;
  std::size_t at = 0;
  while (entries.size() < count) {
    auto entry = wire::decode<FindFileIdFullDirectoryInfo>(data.subspan(at));
    if (!entry) {
      entry.error().offset += at;
      return tl::make_unexpected(entry.error());
    }
    const std::size_t next = entry->next_entry;
    const std::size_t left = data.size() - at;
    entries.push_back(*entry);
    if (entries.size() == count) break;
    if (next == 0 || next >= left) {
      return tl::make_unexpected(
          wire::DecodeError{"FindFileIdFullDirectoryInfo", "next_entry_offset", at, wire::DecodeProblem::bad_offset});
    }
    at += next;
  }
  return entries;
}

}  // namespace smb3fuse::cifs
