// SPDX-License-Identifier: Apache-2.0
#include "smb/auth/ntlm_plain.h"

#include <algorithm>
#include <utility>

#include "smb/auth/error.h"
#include "smb/auth/ntlm_account.h"

namespace smb3fuse::auth {

tl::expected<NtlmPlainResponse, std::error_code> ntlm_plain_response(const Credentials& credentials, ByteView challenge,
                                                                     const FileTimeClock& clock,
                                                                     const RandomSource& random) {
  NtlmPlainResponse response;
  if (credentials.kind == Credentials::Kind::anonymous) return response;
  const auto algorithms = LegacyAlgorithms::load();
  if (!algorithms) return tl::unexpected(algorithms.error());
  auto account = NtlmAccount::of(credentials);
  if (!account) return tl::unexpected(account.error());
  const auto response_key = account->response_key(**algorithms, credentials);
  if (!response_key) return tl::unexpected(response_key.error());

  ResponseInput input;
  if (challenge.size() != input.server_challenge.size()) {
    return tl::unexpected(make_error_code(AuthError::ntlmv2_not_offered));
  }
  std::ranges::copy(challenge, input.server_challenge.begin());
  random(input.client_challenge);
  if (input.server_challenge == NtlmChallenge{} || input.server_challenge == input.client_challenge) {
    return tl::unexpected(make_error_code(AuthError::weak_challenge));
  }
  input.time = clock();
  const Bytes no_names = encode_av_pairs({});  // the server has told none
  input.target_info = no_names;
  response.lm_response = lm_v2_response(**algorithms, response_key->view(), input);
  NtlmV2Response answer = ntlm_v2_response(**algorithms, response_key->view(), input);
  response.nt_response = std::move(answer.nt_challenge_response);
  response.session_key = std::move(answer.session_base_key);
  response.user = std::move(account->user);
  response.domain = std::move(account->domain);
  return response;
}

}  // namespace smb3fuse::auth
