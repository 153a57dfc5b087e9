// SPDX-License-Identifier: Apache-2.0
// From the key that authentication agreed on to the keys of a session. [MS-SMB2] 3.1.4.2, 3.2.5.3.1, 3.2.5.3.3
//
// `authentication_key` is the key as GSS or NTLM gave it, of any length. Session.SessionKey is its first 16 bytes,
// padded with zeros; Session.FullSessionKey, which keys the 256-bit ciphers, is all of it.
#pragma once

#include "smb/crypto/algorithms.h"
#include "smb/crypto/hash.h"
#include "smb/crypto/secret.h"
#include "smb/wire/bytes.h"

namespace smb3fuse::crypto {

struct SessionKeys {
  Secret signing;      // 16 bytes
  Secret encryption;   // client to server; empty in SMB 2.x
  Secret decryption;   // server to client; empty in SMB 2.x
  Secret application;  // for what runs over the session (remote procedure calls)

  SessionKeys clone() const;
};

// SMB 2.0.2 and 2.1: the session key itself signs; nothing is sealed.
SessionKeys derive_keys_2x(ByteView authentication_key);

// SMB 3.0 and 3.0.2: AES-128-CMAC and AES-128-CCM.
SessionKeys derive_keys_30(ByteView authentication_key);

// SMB 3.1.1: `preauth` is the session's value after the last SESSION_SETUP request. A connection without encryption
// passes the default cipher.
SessionKeys derive_keys_311(ByteView authentication_key, const Sha512Digest& preauth,
                            Cipher cipher = Cipher::aes_128_gcm);

// SP800-108 in counter mode over HMAC-SHA256, 32-bit counter and length; `size` is at most 32 bytes. `label` and
// `context` are used as they are: the terminating zero of the specification's strings is the caller's.
Secret derive_key(ByteView key, ByteView label, ByteView context, std::size_t size);

}  // namespace smb3fuse::crypto
