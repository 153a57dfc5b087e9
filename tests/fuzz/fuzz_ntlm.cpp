// SPDX-License-Identifier: Apache-2.0
// An NTLM challenge from a server, answered by the client; and the same bytes as the three tokens of a conversation.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "smb/auth/authenticator.h"
#include "smb/auth/ntlm.h"
#include "smb/auth/ntlm_messages.h"

namespace {

using namespace smb3fuse;

auth::Credentials credentials(auth::Credentials::Kind kind) {
  auth::Credentials made;
  made.kind = kind;
  made.user = "user";
  made.domain = "DOMAIN";
  made.secret = crypto::Secret(std::string_view("password"));
  return made;
}

std::uint64_t no_time() { return 0; }

void no_randomness(std::span<std::uint8_t> out) { std::ranges::fill(out, std::uint8_t{0x5a}); }

void answer(ByteView challenge) {
  auth::NtlmClient client(credentials(auth::Credentials::Kind::password), "server", no_time, no_randomness);
  const auto message = client.authenticate(challenge);
  // An answer is given to a sound challenge alone, and always with a key.
  if (message && (!auth::parse_challenge(challenge) || client.session_key().size() != 16)) std::abort();
}

// The first two bytes say where the second and third token begin.
void converse(ByteView input) {
  if (input.size() < 2) return;
  const std::size_t offer = std::min<std::size_t>(input[0], input.size() - 2);
  const std::size_t last = std::min<std::size_t>(input[1], input.size() - 2 - offer);
  const auto kind = input[0] % 2 == 0 ? auth::Credentials::Kind::password : auth::Credentials::Kind::anonymous;
  const auto client = auth::make_ntlm_authenticator(credentials(kind), "server", no_time, no_randomness);
  const ByteView tokens = input.subspan(2);
  if (!client->step(tokens.first(offer))) return;
  if (!client->step(tokens.subspan(offer, tokens.size() - offer - last))) return;
  const std::error_code refused = client->finish(tokens.last(last));
  if (refused && !client->session_key().empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  answer(input);
  converse(input);
  return 0;
}
