// SPDX-License-Identifier: Apache-2.0
// NTLM in SPNEGO. We offer NTLM alone, so the server has nothing to choose and our first token is already its;
// the mechListMIC then tells that the lists were not touched on the way.
#include <algorithm>
#include <utility>

#include "smb/auth/authenticator.h"
#include "smb/auth/error.h"
#include "smb/auth/ntlm.h"
#include "smb/auth/spnego.h"

namespace smb3fuse::auth {
namespace {

tl::unexpected<std::error_code> failure(AuthError error) { return tl::unexpected(make_error_code(error)); }

class NtlmAuthenticator final : public Authenticator {
 public:
  explicit NtlmAuthenticator(NtlmClient client) : client_(std::move(client)) {}

  tl::expected<Bytes, std::error_code> step(ByteView server_token) override {
    switch (std::exchange(state_, State::failed)) {
      case State::fresh:
        return begin(server_token);
      case State::negotiating:
        return answer(server_token);
      default:
        return failure(AuthError::unexpected_token);
    }
  }

  std::error_code finish(ByteView last_token) override {
    if (std::exchange(state_, State::failed) != State::complete) return AuthError::unexpected_token;
    if (const std::error_code error = check_last(last_token)) return error;
    state_ = State::complete;
    return {};
  }

  bool complete() const override { return state_ == State::complete; }

  ByteView session_key() const override { return complete() ? client_.session_key() : ByteView(); }

 private:
  enum class State { fresh, negotiating, complete, failed };

  tl::expected<Bytes, std::error_code> begin(ByteView offer) {
    bare_ = is_ntlmssp(offer);
    if (!offer.empty() && !bare_) {
      const auto init = parse_neg_token_init(offer);
      if (!init) return tl::unexpected(init.error());
      // A list that is left out, or empty, leaves the choice to us.
      if (!init->mech_types.empty() && !init->offers(kOidNtlmssp)) return failure(AuthError::no_common_mechanism);
    }
    state_ = State::negotiating;
    if (bare_) return client_.negotiate_message();
    return encode_neg_token_init({.mech_types = {kOidNtlmssp}, .mech_token = client_.negotiate_message()});
  }

  tl::expected<Bytes, std::error_code> answer(ByteView token) {
    // Old servers answer a wrapped token with a bare one.
    bare_ = is_ntlmssp(token);
    ByteView challenge = token;
    if (!bare_) {
      const auto resp = parse_neg_token_resp(token);
      if (!resp) return tl::unexpected(resp.error());
      if (const std::error_code error = check(*resp)) return tl::unexpected(error);
      challenge = resp->response_token;
    }
    const auto message = client_.authenticate(challenge);
    if (!message) return tl::unexpected(message.error());
    state_ = State::complete;
    if (bare_) return message;
    NtlmSignature mic;
    NegTokenResp resp{.neg_state = NegState::accept_incomplete, .response_token = *message};
    if (client_.can_sign()) {
      mic = client_.sign(mech_type_list());
      resp.mech_list_mic = mic;
    }
    return encode_neg_token_resp(resp);
  }

  std::error_code check_last(ByteView token) {
    if (token.empty()) return {};
    if (bare_) return AuthError::unexpected_token;
    const auto resp = parse_neg_token_resp(token);
    if (!resp) return resp.error();
    if (const std::error_code error = check(*resp)) return error;
    if (resp->neg_state.value_or(NegState::accept_completed) != NegState::accept_completed) return AuthError::rejected;
    if (!resp->response_token.empty()) return AuthError::unexpected_token;
    if (resp->mech_list_mic.empty()) return {};
    if (!client_.can_sign()) return AuthError::bad_mechanism_list_mic;
    if (!client_.verify(mech_type_list(), resp->mech_list_mic)) return AuthError::bad_mechanism_list_mic;
    return {};
  }

  static std::error_code check(const NegTokenResp& resp) {
    if (resp.neg_state == NegState::reject) return AuthError::rejected;
    if (!resp.supported_mech.empty() && !std::ranges::equal(resp.supported_mech, kOidNtlmssp)) {
      return AuthError::no_common_mechanism;
    }
    return {};
  }

  static Bytes mech_type_list() {
    const ByteView types[] = {kOidNtlmssp};
    return encode_mech_type_list(types);
  }

  NtlmClient client_;
  State state_ = State::fresh;
  bool bare_ = false;
};

}  // namespace

std::unique_ptr<Authenticator> make_ntlm_authenticator(Credentials credentials, std::string server_name,
                                                       FileTimeClock clock, RandomSource random) {
  return std::make_unique<NtlmAuthenticator>(
      NtlmClient(std::move(credentials), std::move(server_name), std::move(clock), std::move(random)));
}

}  // namespace smb3fuse::auth
