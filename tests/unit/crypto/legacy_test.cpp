// SPDX-License-Identifier: Apache-2.0
// Vectors: RFC 1320 (MD4), RFC 1321 (MD5), RFC 2202 (HMAC-MD5), RFC 6229 (RC4).
#include "smb/crypto/legacy.h"

#include <gtest/gtest.h>

#include "smb/crypto/error.h"
#include "tests/unit/crypto/hex.h"

namespace smb3fuse::crypto {
namespace {

using test::bytes_of;
using test::from_hex;
using test::to_hex;

TEST(Legacy, DigestsMatchTheirRfcs) {
  const ByteView pieces[] = {bytes_of("message"), bytes_of(" digest")};
  EXPECT_EQ(to_hex(md4(pieces).value()), "d9130a8164549fe818874806e1c7014b");
  EXPECT_EQ(to_hex(md5(pieces).value()), "f96b697d7cb7938d525a2f31aaf161d0");
  const ByteView what[] = {bytes_of("what do ya want for nothing?")};
  EXPECT_EQ(to_hex(hmac_md5(bytes_of("Jefe"), what).value()), "750c783e6ab0b503eaa86e310a5db738");
}

TEST(Legacy, Rc4GoesOnWhereItEnded) {
  Rc4 stream = Rc4::create(from_hex("0102030405060708090a0b0c0d0e0f10")).value();
  Bytes bytes(32);
  stream.apply(std::span(bytes).first(5));
  stream.apply(std::span(bytes).subspan(5));
  EXPECT_EQ(to_hex(bytes), "9ac7cc9a609d1ef7b2932899cde41b975248c4959014126a6e8a84f11d1a9e1c");
}

TEST(Legacy, Rc4RefusesAKeyOfTheWrongSize) {
  EXPECT_EQ(Rc4::create(from_hex("0102")).error(), CryptoError::bad_key_size);
}

}  // namespace
}  // namespace smb3fuse::crypto
