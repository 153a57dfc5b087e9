// SPDX-License-Identifier: Apache-2.0
#include "smb/cifs/unix.h"

#include "smb/cifs/trans2.h"

namespace smb3fuse::cifs {
namespace {

ByteView until_null(ByteView text, bool is_unicode) {
  const std::size_t unit = is_unicode ? 2 : 1;
  for (std::size_t at = 0; at + unit <= text.size(); at += unit) {
    if (text[at] == 0 && text[at + unit - 1] == 0) return text.first(at);
  }
  return text;
}

}  // namespace

tl::expected<std::vector<FindFileUnix>, wire::DecodeError> split_unix_entries(ByteView data, std::size_t count,
                                                                              bool is_unicode) {
  auto entries = split_entries<FindFileUnix>(data, count);
  if (!entries) return entries;
  for (FindFileUnix& entry : *entries) entry.file_name = until_null(entry.file_name, is_unicode);
  return entries;
}

}  // namespace smb3fuse::cifs
