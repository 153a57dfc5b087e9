// SPDX-License-Identifier: Apache-2.0
// Fuzzes what a server says on a pipe: the bind's answer, fragments of a response, and the shares in one.
#include "smb/rpc/pdu.h"
#include "smb/rpc/srvsvc.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smb3fuse;
  const ByteView bytes(data, size);
  static_cast<void>(rpc::accept_bind_ack(1, bytes));
  rpc::ResponseReader reader(2);
  const ByteView half = bytes.first(size / 2);
  if (auto complete = reader.handle_bytes(half); complete && !*complete)
    complete = reader.handle_bytes(bytes.subspan(half.size()));
  static_cast<void>(rpc::decode_share_enum(reader.stub()));
  static_cast<void>(rpc::decode_share_enum(bytes));
  return 0;
}
