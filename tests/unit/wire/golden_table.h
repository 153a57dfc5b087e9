// SPDX-License-Identifier: Apache-2.0
// Which structure each golden message holds, for the tests that go over all of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "smb/wire/cancel.h"
#include "smb/wire/change_notify.h"
#include "smb/wire/close.h"
#include "smb/wire/create.h"
#include "smb/wire/echo.h"
#include "smb/wire/error.h"
#include "smb/wire/flush.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/lock.h"
#include "smb/wire/logoff.h"
#include "smb/wire/negotiate.h"
#include "smb/wire/oplock_break.h"
#include "smb/wire/query_directory.h"
#include "smb/wire/query_info.h"
#include "smb/wire/read_write.h"
#include "smb/wire/session_setup.h"
#include "smb/wire/set_info.h"
#include "smb/wire/tree.h"
#include "tests/unit/wire/golden.h"

namespace smb3fuse::wire::golden {

// Whether our encoder writes the same bytes. The others hold padding that is the sender's choice.
enum class Encoding { same, padded_differently };

// What one body came to, without its type.
struct Outcome {
  std::optional<DecodeError> error;
  std::string printed;
  Bytes encoded;
  std::size_t encoded_size = 0;
};

template <class Body>
Outcome decode_as(ByteView body) {
  const auto decoded = decode<Body>(body);
  if (!decoded) return {decoded.error(), {}, {}, 0};
  return {std::nullopt, print(*decoded), encode(*decoded), encoded_size(*decoded)};
}

struct Message {
  std::string_view name;
  std::string_view bytes;  // hexadecimal
  Outcome (*decode)(ByteView body);
  Encoding encoding = Encoding::same;
};

inline constexpr Message kMessages[] = {
    {"NegotiateRequest311", kNegotiateRequest311, decode_as<NegotiateRequest>},
    {"NegotiateResponse311", kNegotiateResponse311, decode_as<NegotiateResponse>},
    {"NegotiateRequest302", kNegotiateRequest302, decode_as<NegotiateRequest>},
    {"NegotiateResponse302", kNegotiateResponse302, decode_as<NegotiateResponse>},
    {"SessionSetupRequest", kSessionSetupRequest, decode_as<SessionSetupRequest>},
    {"SessionSetupResponse", kSessionSetupResponse, decode_as<SessionSetupResponse>},
    {"TreeConnectRequest", kTreeConnectRequest, decode_as<TreeConnectRequest>},
    {"TreeConnectResponse", kTreeConnectResponse, decode_as<TreeConnectResponse>},
    {"TreeDisconnectRequest", kTreeDisconnectRequest, decode_as<TreeDisconnectRequest>},
    {"TreeDisconnectResponse", kTreeDisconnectResponse, decode_as<TreeDisconnectResponse>},
    {"LogoffRequest", kLogoffRequest, decode_as<LogoffRequest>},
    {"LogoffResponse", kLogoffResponse, decode_as<LogoffResponse>},
    {"EchoRequest", kEchoRequest, decode_as<EchoRequest>},
    {"EchoResponse", kEchoResponse, decode_as<EchoResponse>},
    {"CreateRequest", kCreateRequest, decode_as<CreateRequest>,
     Encoding::padded_differently},  // smbclient pads the name
    {"CreateResponse", kCreateResponse, decode_as<CreateResponse>},
    {"CreateRootRequest", kCreateRootRequest, decode_as<CreateRequest>,
     Encoding::padded_differently},  // the capture pads with 8 bytes
    {"CreateRequestContexts", kCreateRequestContexts, decode_as<CreateRequest>},
    {"CreateResponseContexts", kCreateResponseContexts, decode_as<CreateResponse>},
    {"CreateRequestDurable", kCreateRequestDurable, decode_as<CreateRequest>},
    {"CreateResponseDurable", kCreateResponseDurable, decode_as<CreateResponse>},
    {"CreateRequestLeaseV1", kCreateRequestLeaseV1, decode_as<CreateRequest>},
    {"CreateResponseLeaseV1", kCreateResponseLeaseV1, decode_as<CreateResponse>},
    {"ErrorObjectNameNotFound", kErrorObjectNameNotFound, decode_as<ErrorResponse>},
    {"CloseRequest", kCloseRequest, decode_as<CloseRequest>},
    {"CloseResponse", kCloseResponse, decode_as<CloseResponse>},
    {"WriteRequest", kWriteRequest, decode_as<WriteRequest>},
    {"WriteResponse", kWriteResponse, decode_as<WriteResponse>},
    {"FlushRequest", kFlushRequest, decode_as<FlushRequest>},
    {"FlushResponse", kFlushResponse, decode_as<FlushResponse>},
    {"ReadRequest", kReadRequest, decode_as<ReadRequest>,
     Encoding::padded_differently},  // impacket fills the byte of padding with a character
    {"ReadResponse", kReadResponse, decode_as<ReadResponse>},
    {"LockRequest", kLockRequest, decode_as<LockRequest>},
    {"LockResponse", kLockResponse, decode_as<LockResponse>},
    {"UnlockRequest", kUnlockRequest, decode_as<LockRequest>},
    {"LeaseBreakNotification", kLeaseBreakNotification, decode_as<LeaseBreakNotification>},
    {"LeaseBreakAcknowledgment", kLeaseBreakAcknowledgment, decode_as<LeaseBreakAcknowledgment>},
    {"LeaseBreakResponse", kLeaseBreakResponse, decode_as<LeaseBreakAcknowledgment>},
    {"OplockBreakNotification", kOplockBreakNotification, decode_as<OplockBreak>},
    {"OplockBreakAcknowledgment", kOplockBreakAcknowledgment, decode_as<OplockBreak>},
    {"OplockBreakResponse", kOplockBreakResponse, decode_as<OplockBreak>},
    {"ChangeNotifyRequest", kChangeNotifyRequest, decode_as<ChangeNotifyRequest>},
    {"ErrorPending", kErrorPending, decode_as<ErrorResponse>,
     Encoding::padded_differently},  // smbd leaves its byte of padding as it was
    {"ChangeNotifyResponse", kChangeNotifyResponse, decode_as<ChangeNotifyResponse>},
    {"CancelRequest", kCancelRequest, decode_as<CancelRequest>},
    {"QueryBasic", kQueryBasic, decode_as<QueryInfoResponse>},
    {"QueryStandard", kQueryStandard, decode_as<QueryInfoResponse>},
    {"QueryInternal", kQueryInternal, decode_as<QueryInfoResponse>},
    {"QueryEa", kQueryEa, decode_as<QueryInfoResponse>},
    {"QueryAll", kQueryAll, decode_as<QueryInfoResponse>},
    {"QueryAllCut", kQueryAllCut, decode_as<QueryInfoResponse>},
    {"QueryNetworkOpen", kQueryNetworkOpen, decode_as<QueryInfoResponse>},
    {"QueryAttributeTag", kQueryAttributeTag, decode_as<QueryInfoResponse>},
    {"QueryStream", kQueryStream, decode_as<QueryInfoResponse>},
    {"QueryFullEa", kQueryFullEa, decode_as<QueryInfoResponse>},
    {"QueryInfoRequest", kQueryInfoRequest, decode_as<QueryInfoRequest>},
    {"SetBasic", kSetBasic, decode_as<SetInfoRequest>},
    {"SetEndOfFile", kSetEndOfFile, decode_as<SetInfoRequest>},
    {"SetAllocation", kSetAllocation, decode_as<SetInfoRequest>},
    {"SetRename", kSetRename, decode_as<SetInfoRequest>},
    {"SetLink", kSetLink, decode_as<SetInfoRequest>},
    {"SetDisposition", kSetDisposition, decode_as<SetInfoRequest>},
    {"SetFullEa", kSetFullEa, decode_as<SetInfoRequest>},
    {"SetInfoResponse", kSetInfoResponse, decode_as<SetInfoResponse>},
    {"QueryFsVolume", kQueryFsVolume, decode_as<QueryInfoResponse>},
    {"QueryFsSize", kQueryFsSize, decode_as<QueryInfoResponse>},
    {"QueryFsDevice", kQueryFsDevice, decode_as<QueryInfoResponse>},
    {"QueryFsAttribute", kQueryFsAttribute, decode_as<QueryInfoResponse>},
    {"QueryFsFullSize", kQueryFsFullSize, decode_as<QueryInfoResponse>},
    {"QueryFsObjectId", kQueryFsObjectId, decode_as<QueryInfoResponse>},
    {"QueryFsSectorSize", kQueryFsSectorSize, decode_as<QueryInfoResponse>},
    {"QueryDirectoryRequest", kQueryDirectoryRequest, decode_as<QueryDirectoryRequest>},
    {"QueryDirectoryFull", kQueryDirectoryFull, decode_as<QueryDirectoryResponse>},
    {"QueryDirectoryIdFull", kQueryDirectoryIdFull, decode_as<QueryDirectoryResponse>},
    {"QueryDirectoryBoth", kQueryDirectoryBoth, decode_as<QueryDirectoryResponse>},
    {"QueryDirectoryIdBoth", kQueryDirectoryIdBoth, decode_as<QueryDirectoryResponse>},
    {"QueryDirectoryChain", kQueryDirectoryChain, decode_as<QueryDirectoryResponse>},
    {"ErrorNoMoreFiles", kErrorNoMoreFiles, decode_as<ErrorResponse>},
    {"IoctlSetSparse", kIoctlSetSparse, decode_as<IoctlRequest>},
    {"IoctlSetZeroData", kIoctlSetZeroData, decode_as<IoctlRequest>},
    {"IoctlQueryAllocatedRanges", kIoctlQueryAllocatedRanges, decode_as<IoctlResponse>},
    {"IoctlResumeKey", kIoctlResumeKey, decode_as<IoctlResponse>},
    {"IoctlCopychunkRequest", kIoctlCopychunkRequest, decode_as<IoctlRequest>},
    {"IoctlCopychunkResponse", kIoctlCopychunkResponse, decode_as<IoctlResponse>},
    {"IoctlCopychunkLimits", kIoctlCopychunkLimits, decode_as<IoctlResponse>},
    {"IoctlNetworkInterfaces", kIoctlNetworkInterfaces, decode_as<IoctlResponse>},
    {"IoctlSetReparsePoint", kIoctlSetReparsePoint, decode_as<IoctlRequest>},
    {"IoctlValidateRequest", kIoctlValidateRequest, decode_as<IoctlRequest>,
     Encoding::padded_differently},  // smbclient gives the absent output an offset
    {"IoctlValidateResponse", kIoctlValidateResponse, decode_as<IoctlResponse>},
};

}  // namespace smb3fuse::wire::golden
