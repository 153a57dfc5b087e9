// SPDX-License-Identifier: Apache-2.0
// The NEGOTIATE exchange of SMB1 as two pure functions. [MS-CIFS] 3.2.4.2.2, 3.2.5.2
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "smb/cifs/session.h"
#include "smb/smb1/negotiated.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::smb1 {

// The dialects that there are, oldest first. Only the last one is spoken: the others are offered for the server to name
// what it does speak.
cifs::NegotiateRequest make_negotiate_request();

// What the server's answer settles, and what it brings for the authentication: a token where security is extended,
// else a challenge of eight bytes.
struct Accepted {
  Negotiated negotiated;
  wire::FileTime system_time;
  ByteView token;
  ByteView challenge;
};

struct NegotiateRefusal {
  std::string sentence;
};

// `message`: the answer from its header on.
tl::expected<Accepted, NegotiateRefusal> accept_negotiate_response(ByteView message);

}  // namespace smb3fuse::smb1
