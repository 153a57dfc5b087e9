// SPDX-License-Identifier: Apache-2.0
// Vectors: RFC 4231; FIPS 180-4's SHA-512 example; Microsoft's Open Specifications blog (see windows_session.h), the
// appendix' SMB 3.0 example, and "Encryption in SMB 3.0: A protocol perspective".
#include "smb/crypto/keys.h"

#include <gtest/gtest.h>

#include "smb/crypto/hash.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/windows_session.h"

namespace smb3fuse::crypto {
namespace {

using test::array_from_hex;
using test::bytes_of;
using test::from_hex;
using test::to_hex;
namespace session = test::windows_session;

TEST(Hash, Sha512OfPiecesIsThatOfTheWhole) {
  const ByteView pieces[] = {bytes_of("a"), {}, bytes_of("bc")};
  EXPECT_EQ(to_hex(sha512(pieces)),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Hash, HmacSha256IsThatOfRfc4231) {
  const ByteView pieces[] = {bytes_of("what do ya want "), bytes_of("for nothing?")};
  EXPECT_EQ(to_hex(hmac_sha256(bytes_of("Jefe"), pieces)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(PreauthHash, ChainsTheMessagesOfASessionSetUp) {
  PreauthHash connection;
  connection.update(from_hex(session::kNegotiateRequest));
  connection.update(from_hex(session::kNegotiateResponse));
  EXPECT_EQ(to_hex(connection.value()), session::kPreauthAfterNegotiate);
  PreauthHash forked = connection;
  forked.update(from_hex(session::kSetupRequest1));
  forked.update(from_hex(session::kSetupResponse1));
  forked.update(from_hex(session::kSetupRequest2));
  EXPECT_EQ(to_hex(forked.value()), session::kPreauth);
  EXPECT_EQ(to_hex(connection.value()), session::kPreauthAfterNegotiate);
}

TEST(SessionKeys, OfSmb311AreThoseOfWindows) {
  const SessionKeys keys = derive_keys_311(from_hex(session::kSessionKey), array_from_hex<64>(session::kPreauth));
  EXPECT_EQ(to_hex(keys.signing.view()), session::kSigningKey);
  EXPECT_EQ(to_hex(keys.encryption.view()), session::kEncryptionKey);
  EXPECT_EQ(to_hex(keys.decryption.view()), session::kDecryptionKey);
  EXPECT_EQ(to_hex(keys.application.view()), session::kApplicationKey);
}

TEST(SessionKeys, OfSmb30AreThoseOfWindows) {
  const SessionKeys keys = derive_keys_30(from_hex("7CD451825D0450D235424E44BA6E78CC"));
  EXPECT_EQ(to_hex(keys.signing.view()), "0b7e9c5cac36c0f6ea9ab275298cedce");
  EXPECT_EQ(to_hex(keys.encryption.view()), "fad27796665b313ebb578f388632b4f7");
  EXPECT_EQ(to_hex(keys.decryption.view()), "b0f0427f7ceb416d1d9dcc0cd4f99447");
  EXPECT_EQ(to_hex(keys.application.view()), "bb23a4575aa26c721af525af15a87b4f");
}

TEST(SessionKeys, OfSmb2xAreTheSessionKeyItself) {
  const SessionKeys keys = derive_keys_2x(from_hex("000102030405060708090a0b0c0d0e0f1011"));
  EXPECT_EQ(to_hex(keys.signing.view()), "000102030405060708090a0b0c0d0e0f");
  EXPECT_TRUE(keys.encryption.empty());
  EXPECT_TRUE(keys.decryption.empty());
}

TEST(SessionKeys, PadAShortAuthenticationKeyWithZeros) {
  EXPECT_EQ(to_hex(derive_keys_2x(from_hex("0102")).signing.view()), "01020000000000000000000000000000");
}

TEST(SessionKeys, Of256BitCiphersComeFromTheWholeAuthenticationKey) {
  const Bytes long_key = from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const Sha512Digest preauth{};
  const SessionKeys keys = derive_keys_311(long_key, preauth, Cipher::aes_256_gcm);
  EXPECT_EQ(keys.encryption.size(), 32u);
  EXPECT_EQ(keys.decryption.size(), 32u);
  EXPECT_EQ(keys.signing.size(), 16u);
  const SessionKeys first_half = derive_keys_311(ByteView(long_key).first(16), preauth, Cipher::aes_256_gcm);
  EXPECT_NE(to_hex(keys.encryption.view()), to_hex(first_half.encryption.view()));
  EXPECT_EQ(to_hex(keys.signing.view()), to_hex(first_half.signing.view()));
  const SessionKeys narrow = derive_keys_311(long_key, preauth, Cipher::aes_128_gcm);
  const SessionKeys narrow_half = derive_keys_311(ByteView(long_key).first(16), preauth, Cipher::aes_128_gcm);
  EXPECT_EQ(to_hex(narrow.encryption.view()), to_hex(narrow_half.encryption.view()));
}

}  // namespace
}  // namespace smb3fuse::crypto
