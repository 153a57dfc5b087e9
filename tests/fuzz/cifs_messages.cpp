// SPDX-License-Identifier: Apache-2.0
// Fuzzes what a client reads of SMB1: the input is a message of a server, with its header.
#include "smb/cifs/file.h"
#include "smb/cifs/posix_acl.h"
#include "smb/cifs/session.h"
#include "smb/cifs/trans2.h"
#include "smb/cifs/transaction.h"
#include "smb/cifs/unix.h"
#include "smb/smb1/negotiate.h"
#include "tests/fuzz/wire_fuzz.h"

namespace smb3fuse::cifs {
namespace {

template <class... T>
void read_as(const Block& block) {
  (static_cast<void>(decode<T>(block)), ...);
}

void read_data(const TransactionPart& part) {
  wire::check<FindFirst2Response>(part.parameters);
  wire::check<FindNext2Response>(part.parameters);
  wire::check<QueryFileAllInfo>(part.data);
  static_cast<void>(split_entries<FindFileIdFullDirectoryInfo>(part.data, 64));
  static_cast<void>(split_entries<FindFileFullDirectoryInfo>(part.data, 64));
  static_cast<void>(split_unix_entries(part.data, 64, true));
  static_cast<void>(split_unix_entries(part.data, 64, false));
  wire::check<CifsUnixInfo>(part.data);
  wire::check<UnixBasic>(part.data);
  wire::check<PosixOpenResponse>(part.data);
  wire::check<PosixAcls>(part.data);
  TransactionAssembly assembly;
  if (assembly.add(part)) static_cast<void>(assembly.add(part));
}

}  // namespace
}  // namespace smb3fuse::cifs

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smb3fuse::cifs;
  const smb3fuse::ByteView message(data, size);
  smb3fuse::wire::check<Header>(message);
  static_cast<void>(smb3fuse::smb1::accept_negotiate_response(message));
  const auto blocks = split_blocks(message);
  if (!blocks) return 0;
  for (const Block& block : *blocks) {
    read_as<NegotiateResponse, SessionSetupExtendedResponse, SessionSetupResponse, TreeConnectResponse,
            TreeConnectExtendedResponse, NtCreateResponse, WriteResponse, LockingRequest>(block);
    if (const auto read = decode<ReadResponse>(block)) {
      const auto bytes = read->data(block, message);
      if (bytes && !bytes->empty() && (bytes->data() < data || bytes->data() + bytes->size() > data + size)) {
        smb3fuse::wire::violated("data outside of the message", "ReadResponse");
      }
    }
    if (!is_transaction(block.command)) continue;
    if (const auto part = decode_transaction(block)) read_data(*part);
  }
  return 0;
}
