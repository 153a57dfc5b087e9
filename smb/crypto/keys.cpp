// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/keys.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <string_view>

namespace smb3fuse::crypto {
namespace {

constexpr std::size_t kSessionKeySize = 16;

// The specification's strings count their terminating zero: [MS-SMB2] 3.1.4.2.
template <std::size_t Size>
ByteView with_zero(const char (&text)[Size]) {
  return {reinterpret_cast<const std::uint8_t*>(text), Size};
}

// [MS-SMB2] 3.2.5.3.1: Session.SessionKey.
Secret session_key_of(ByteView authentication_key) {
  Secret key(kSessionKeySize);
  std::copy_n(authentication_key.begin(), std::min(authentication_key.size(), kSessionKeySize), key.bytes().begin());
  return key;
}

}  // namespace

SessionKeys SessionKeys::clone() const {
  return {signing.clone(), encryption.clone(), decryption.clone(), application.clone()};
}

SessionKeys derive_keys_2x(ByteView authentication_key) {
  return {session_key_of(authentication_key), Secret(), Secret(), session_key_of(authentication_key)};
}

SessionKeys derive_keys_30(ByteView authentication_key) {
  const Secret key = session_key_of(authentication_key);
  const auto derive = [&](ByteView label, ByteView context) {
    return derive_key(key.view(), label, context, kSessionKeySize);
  };
  return {
      .signing = derive(with_zero("SMB2AESCMAC"), with_zero("SmbSign")),
      .encryption = derive(with_zero("SMB2AESCCM"), with_zero("ServerIn ")),  // the blank is the specification's
      .decryption = derive(with_zero("SMB2AESCCM"), with_zero("ServerOut")),
      .application = derive(with_zero("SMB2APP"), with_zero("SmbRpc")),
  };
}

SessionKeys derive_keys_311(ByteView authentication_key, const Sha512Digest& preauth, Cipher cipher) {
  const Secret key = session_key_of(authentication_key);
  const ByteView cipher_base = key_size(cipher) > kSessionKeySize ? authentication_key : key.view();
  return {
      .signing = derive_key(key.view(), with_zero("SMBSigningKey"), preauth, kSessionKeySize),
      .encryption = derive_key(cipher_base, with_zero("SMBC2SCipherKey"), preauth, key_size(cipher)),
      .decryption = derive_key(cipher_base, with_zero("SMBS2CCipherKey"), preauth, key_size(cipher)),
      .application = derive_key(key.view(), with_zero("SMBAppKey"), preauth, kSessionKeySize),
  };
}

Secret derive_key(ByteView key, ByteView label, ByteView context, std::size_t size) {
  assert(size <= sizeof(Sha256Digest));  // one round of the counter
  const std::array<std::uint8_t, 4> counter = {0, 0, 0, 1};
  const std::array<std::uint8_t, 1> separator = {0};
  const std::size_t bits = size * 8;
  const std::array<std::uint8_t, 4> length = {0, 0, static_cast<std::uint8_t>(bits >> 8),
                                              static_cast<std::uint8_t>(bits)};
  const ByteView pieces[] = {counter, label, separator, context, length};
  Sha256Digest output = hmac_sha256(key, pieces);
  Secret derived(ByteView(output).first(size));
  wipe(output);
  return derived;
}

}  // namespace smb3fuse::crypto
