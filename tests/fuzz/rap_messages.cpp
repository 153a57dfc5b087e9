// SPDX-License-Identifier: Apache-2.0
// Fuzzes what a server answers by remote administration: the first eight bytes are parameters, the rest is data.
#include "smb/rap/rap.h"

#include <algorithm>
#include <optional>

#include "tests/fuzz/wire_fuzz.h"

namespace {

// No name is longer than its field, and nothing that is told is longer than the data.
template <class Info>
void check(const std::optional<smb3fuse::rap::Enumeration<Info>>& told, std::size_t name_size, std::size_t data_size) {
  if (!told) return;
  for (const Info& entry : told->entries) {
    if (entry.name.size() > name_size) smb3fuse::wire::violated("a name longer than its field", "rap");
    if (entry.comment.size() > data_size) smb3fuse::wire::violated("a comment longer than the data", "rap");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smb3fuse;
  const ByteView bytes(data, size);
  const ByteView parameters = bytes.first(std::min<std::size_t>(size, rap::kParameterRoom));
  const ByteView entries = bytes.subspan(parameters.size());
  check(rap::decode_share_enum(parameters, entries), 13, entries.size());
  check(rap::decode_server_enum(parameters, entries), 16, entries.size());
  return 0;
}
