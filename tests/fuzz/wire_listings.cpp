// SPDX-License-Identifier: Apache-2.0
// Fuzzes chains: directory listings, change notifications, streams, extended attributes, network interfaces. The first
// byte chooses. A walk ends after no more entries than fit, and looks at nothing twice.
#include "smb/wire/change_notify.h"
#include "smb/wire/fscc.h"
#include "smb/wire/fscc_directory.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/utf16.h"
#include "tests/fuzz/wire_fuzz.h"

namespace smb3fuse::wire {
namespace {

template <class Entry>
void walk(ByteView chain) {
  ChainReader<Entry> entries(chain);
  std::size_t seen = 0;
  while (const auto entry = entries.next()) {
    if (++seen * sizeof(std::uint32_t) > chain.size()) violated("more entries than fit", type_name<Entry>());
    print(*entry);
    if constexpr (requires { entry->file_name; }) to_utf8(entry->file_name);
  }
  if (entries.next()) violated("an entry after the end", type_name<Entry>());
  if (entries.error() && entries.error()->offset > chain.size()) violated("error outside", type_name<Entry>());
  check<Entry>(chain);
}

}  // namespace
}  // namespace smb3fuse::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smb3fuse::wire;
  if (size == 0) return 0;
  constexpr void (*kWalks[])(smb3fuse::ByteView) = {
      walk<FileFullDirectoryInformation>,   walk<FileIdFullDirectoryInformation>, walk<FileBothDirectoryInformation>,
      walk<FileIdBothDirectoryInformation>, walk<FileNotifyInformation>,          walk<FileStreamInformation>,
      walk<FileFullEaInformation>,          walk<NetworkInterfaceInfo>,
  };
  kWalks[data[0] % std::size(kWalks)]({data + 1, size - 1});
  return 0;
}
