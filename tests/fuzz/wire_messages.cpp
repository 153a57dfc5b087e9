// SPDX-License-Identifier: Apache-2.0
// Fuzzes the header and the bodies of all messages. The input is a message; its header says which body follows.
#include "smb/wire/cancel.h"
#include "smb/wire/change_notify.h"
#include "smb/wire/close.h"
#include "smb/wire/create.h"
#include "smb/wire/echo.h"
#include "smb/wire/error.h"
#include "smb/wire/flush.h"
#include "smb/wire/header.h"
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
#include "smb/wire/transform.h"
#include "smb/wire/tree.h"
#include "tests/fuzz/wire_fuzz.h"

namespace smb3fuse::wire {
namespace {

template <class Request, class Response>
void check_body(bool is_response, ByteView body) {
  return is_response ? check<Response>(body) : check<Request>(body);
}

void check_break(ByteView body) {
  check<OplockBreak>(body);
  check<LeaseBreakNotification>(body);
  check<LeaseBreakAcknowledgment>(body);
}

void check_body(const Smb2Header& header, ByteView body) {
  const bool response = header.is_response();
  switch (header.command) {
    case Command::negotiate:
      return check_body<NegotiateRequest, NegotiateResponse>(response, body);
    case Command::session_setup:
      return check_body<SessionSetupRequest, SessionSetupResponse>(response, body);
    case Command::logoff:
      return check_body<LogoffRequest, LogoffResponse>(response, body);
    case Command::tree_connect:
      return check_body<TreeConnectRequest, TreeConnectResponse>(response, body);
    case Command::tree_disconnect:
      return check_body<TreeDisconnectRequest, TreeDisconnectResponse>(response, body);
    case Command::create:
      return check_body<CreateRequest, CreateResponse>(response, body);
    case Command::close:
      return check_body<CloseRequest, CloseResponse>(response, body);
    case Command::flush:
      return check_body<FlushRequest, FlushResponse>(response, body);
    case Command::read:
      return check_body<ReadRequest, ReadResponse>(response, body);
    case Command::write:
      return check_body<WriteRequest, WriteResponse>(response, body);
    case Command::lock:
      return check_body<LockRequest, LockResponse>(response, body);
    case Command::ioctl:
      return check_body<IoctlRequest, IoctlResponse>(response, body);
    case Command::cancel:
      return check<CancelRequest>(body);
    case Command::echo:
      return check_body<EchoRequest, EchoResponse>(response, body);
    case Command::query_directory:
      return check_body<QueryDirectoryRequest, QueryDirectoryResponse>(response, body);
    case Command::change_notify:
      return check_body<ChangeNotifyRequest, ChangeNotifyResponse>(response, body);
    case Command::query_info:
      return check_body<QueryInfoRequest, QueryInfoResponse>(response, body);
    case Command::set_info:
      return check_body<SetInfoRequest, SetInfoResponse>(response, body);
    case Command::oplock_break:
      return check_break(body);
  }
}

}  // namespace
}  // namespace smb3fuse::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smb3fuse::wire;
  const smb3fuse::ByteView message(data, size);
  check<TransformHeader>(message);
  check<Smb2Header>(message);
  const auto header = decode<Smb2Header>(message);
  if (!header) return 0;
  const smb3fuse::ByteView body = message.subspan(kSmb2HeaderSize);
  check_body(*header, body);
  check<ErrorResponse>(body);
  if (const auto error = decode<ErrorResponse>(body)) {
    error_contexts(*error);
    symbolic_link_of(*error);
  }
  return 0;
}
