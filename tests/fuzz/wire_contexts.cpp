// SPDX-License-Identifier: Apache-2.0
// Fuzzes the contexts of NEGOTIATE, CREATE and ERROR, and the basic types. The first byte chooses.
#include "smb/wire/create_contexts.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/error.h"
#include "smb/wire/negotiate.h"
#include "tests/fuzz/wire_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smb3fuse::wire;
  const smb3fuse::ByteView input(data, size);
  check_one_of<NegotiateContext, PreauthIntegrityCapabilities, EncryptionCapabilities, CompressionCapabilities,
               NetnameNegotiateContextId, TransportCapabilities, RdmaTransformCapabilities, SigningCapabilities,
               CreateContext, QueryMaximalAccessResponse, QueryOnDiskIdResponse, CreateLease, CreateLeaseV2,
               DurableHandleReconnect, DurableHandleRequestV2, DurableHandleResponseV2, DurableHandleReconnectV2,
               AllocationSizeRequest, TimewarpToken, ErrorContext, SymbolicLinkErrorResponse, Sid>(input);
  if (const auto sid = decode<Sid>(input)) {
    const auto parsed = parse_sid(to_string(*sid));
    if (sid->revision == 1 && parsed != *sid) violated("text does not lead back", type_name<Sid>());
  }
  parse_sid(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
