// SPDX-License-Identifier: Apache-2.0
// SPNEGO tokens from a server: whatever is accepted must come out the same after being written and read again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "smb/auth/spnego.h"

namespace {

using namespace smb3fuse;

void expect(bool holds) {
  if (!holds) std::abort();
}

bool same(ByteView a, ByteView b) { return std::ranges::equal(a, b); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  if (const auto init = auth::parse_neg_token_init(input)) {
    const Bytes written = auth::encode_neg_token_init(*init);
    const auto again = auth::parse_neg_token_init(written);
    expect(again && same(again->mech_token, init->mech_token) && same(again->mech_list_mic, init->mech_list_mic));
    expect(std::ranges::equal(again->mech_types, init->mech_types, same));
  }
  if (const auto resp = auth::parse_neg_token_resp(input)) {
    const Bytes written = auth::encode_neg_token_resp(*resp);
    const auto again = auth::parse_neg_token_resp(written);
    expect(again && again->neg_state == resp->neg_state && same(again->supported_mech, resp->supported_mech));
    expect(same(again->response_token, resp->response_token) && same(again->mech_list_mic, resp->mech_list_mic));
  }
  return 0;
}
