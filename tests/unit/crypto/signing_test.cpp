// SPDX-License-Identifier: Apache-2.0
// Vectors: RFC 4493 section 4 (AES-CMAC); a signed message of windows_session.h; AES-GMAC with [MS-SMB2] 3.1.4.1's
// nonce from PyCryptodome 3.11's AES-GCM, an implementation that shares no code with OpenSSL.
#include "smb/crypto/signing.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "smb/crypto/error.h"
#include "smb/crypto/hash.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/windows_session.h"

namespace smb3fuse::crypto {
namespace {

using test::array_from_hex;
using test::from_hex;
using test::to_hex;
namespace session = test::windows_session;

constexpr SigningAlgorithm kAll[] = {SigningAlgorithm::hmac_sha256, SigningAlgorithm::aes_cmac,
                                     SigningAlgorithm::aes_gmac};

Bytes counting(std::size_t size, std::uint8_t first) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), first);
  return bytes;
}

Signature sign_whole(Signer& signer, ByteView message, const SignedMessage& about = {}) {
  const ByteView pieces[] = {message};
  return signer.sign(about, pieces);
}

TEST(Signer, MakesTheCmacsOfRfc4493) {
  Signer signer = Signer::create(SigningAlgorithm::aes_cmac, from_hex("2b7e151628aed2a6abf7158809cf4f3c")).value();
  const Bytes message = from_hex(
      "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
      "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
  const ByteView all = message;
  EXPECT_EQ(to_hex(sign_whole(signer, {})), "bb1d6929e95937287fa37d129b756746");
  EXPECT_EQ(to_hex(sign_whole(signer, all.first(16))), "070a16b46b4d4144f79bdd9dd04a287c");
  EXPECT_EQ(to_hex(sign_whole(signer, all.first(40))), "dfa66747de9ae63030ca32611497c827");
  EXPECT_EQ(to_hex(sign_whole(signer, all)), "51f0bebf7e3b9d92fc49741779363cfe");
}

TEST(Signer, MakesTheCmacsOfOpensslAtEveryLengthAndCut) {
  const Bytes key = counting(16, 5);
  Signer signer = Signer::create(SigningAlgorithm::aes_cmac, key).value();
  const OpensslPtr<EVP_MAC> mac(EVP_MAC_fetch(nullptr, "CMAC", nullptr));
  const OpensslPtr<EVP_MAC_CTX> context(EVP_MAC_CTX_new(mac.get()));
  char cipher[] = "AES-128-CBC";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("cipher", cipher, 0), OSSL_PARAM_construct_end()};
  for (const std::size_t size : {0, 1, 15, 16, 17, 31, 32, 33, 48, 65, 4095, 4096, 4097, 4112, 9000}) {
    const Bytes message = counting(size, 3);
    Signature expected;
    std::size_t written = 0;
    ASSERT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), params), 1);
    ASSERT_EQ(EVP_MAC_update(context.get(), message.data(), message.size()), 1);
    ASSERT_EQ(EVP_MAC_final(context.get(), expected.data(), &written, expected.size()), 1);
    const ByteView all = message;
    for (std::size_t first = 0; first <= std::min<std::size_t>(size, 40); ++first) {
      for (const std::size_t second : {0, 1, 15, 16, 17, 32}) {
        const std::size_t middle = std::min(size, first + second);
        const ByteView pieces[] = {all.first(first), all.subspan(first, middle - first), {}, all.subspan(middle)};
        ASSERT_EQ(signer.sign({}, pieces), expected) << size << " cut at " << first << " and " << middle;
      }
    }
  }
}

TEST(Signer, MakesTheFirstHalfOfHmacSha256) {
  const Bytes key = counting(16, 1);
  Signer signer = Signer::create(SigningAlgorithm::hmac_sha256, key).value();
  const Bytes message = counting(100, 7);
  const ByteView pieces[] = {message};
  const Sha256Digest whole = hmac_sha256(key, pieces);
  EXPECT_EQ(to_hex(sign_whole(signer, message)), to_hex(ByteView(whole).first(16)));
}

TEST(Signer, MakesGmacsWhoseNonceTellsRoleAndCancel) {
  Signer signer = Signer::create(SigningAlgorithm::aes_gmac, counting(16, 0)).value();
  const Bytes message = counting(100, 0x20);
  SignedMessage about{.message_id = 0x1122334455667788};
  EXPECT_EQ(to_hex(sign_whole(signer, message, about)), "e72593f1f400269ad1205d32032ec598");
  about.from_server = true;
  EXPECT_EQ(to_hex(sign_whole(signer, message, about)), "4f3ff228c50e2b86445a627b5d1949b2");
  about = {.message_id = 0x1122334455667788, .cancel = true};
  EXPECT_EQ(to_hex(sign_whole(signer, message, about)), "553c87464f46005bc0eca3cb655c58b3");
}

TEST(Signer, VerifiesAMessageOfWindowsWhereItLies) {
  Signer signer = Signer::create(SigningAlgorithm::aes_cmac, from_hex(session::kSigningKey)).value();
  Bytes message = from_hex(session::kSetupResponse2);
  const ByteView all = message;
  const ByteView pieces[] = {all.first(48), kZeroSignature, all.subspan(64)};
  Signature signature = array_from_hex<16>("EBE146DA120BA25FC3376A49DFE31BC1");
  EXPECT_TRUE(signer.verify({}, pieces, signature));
  signature[15] ^= 1;
  EXPECT_FALSE(signer.verify({}, pieces, signature));
  signature[15] ^= 1;
  message.back() ^= 1;
  EXPECT_FALSE(signer.verify({}, pieces, signature));
}

TEST(Signer, SignsPiecesAsIfTheyWereOne) {
  const Bytes message = counting(4097, 3);
  const ByteView all = message;
  for (const SigningAlgorithm algorithm : kAll) {
    Signer signer = Signer::create(algorithm, counting(16, 9)).value();
    EXPECT_EQ(signer.algorithm(), algorithm);
    const SignedMessage about{.message_id = 5};
    const Signature whole = sign_whole(signer, message, about);
    for (const std::size_t cut : {0, 1, 15, 16, 17, 64, 4096, 4097}) {
      const ByteView pieces[] = {all.first(cut), {}, all.subspan(cut)};
      EXPECT_EQ(signer.sign(about, pieces), whole) << cut;
    }
  }
}

TEST(Signer, RefusesAKeyOfTheWrongSize) {
  for (const SigningAlgorithm algorithm : kAll) {
    for (const std::size_t size : {0, 15, 17, 32}) {
      EXPECT_EQ(Signer::create(algorithm, Bytes(size)).error(), CryptoError::bad_key_size);
    }
  }
}

TEST(CryptoError, EachHasItsSentence) {
  for (const CryptoError error :
       {CryptoError::no_legacy_provider, CryptoError::no_algorithm, CryptoError::bad_key_size}) {
    EXPECT_NE(make_error_code(error).message().find(' '), std::string::npos);
  }
}

}  // namespace
}  // namespace smb3fuse::crypto
