// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reader of lmhosts: a line is an entry, a complaint or nothing, and every entry has a name that can be
// asked for.
#include <algorithm>
#include <cstdlib>

#include "nbt/lmhosts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smb3fuse::nbt;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Lmhosts file = parse_lmhosts(text);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  if (file.entries.size() + file.complaints.size() > lines) std::abort();
  for (const LmhostsEntry& entry : file.entries) {
    const auto name = make_name(entry.name, entry.service.value_or(suffix::file_server));
    if (!name || file.addresses_of(*name).empty()) std::abort();
  }
  return 0;
}
