// SPDX-License-Identifier: Apache-2.0
// Vectors: RFC 1320 (MD4), RFC 1321 (MD5), RFC 2202 (HMAC-MD5), RFC 6229 (RC4).
#include "smb/crypto/legacy.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/unit/crypto/hex.h"

namespace smb3fuse::crypto {
namespace {

using test::array_from_hex;
using test::bytes_of;
using test::to_hex;

TEST(LegacyAlgorithms, DigestAsTheirRfcsSay) {
  const LegacyAlgorithms& algorithms = **LegacyAlgorithms::load();
  const ByteView pieces[] = {bytes_of("message"), bytes_of(" digest")};
  EXPECT_EQ(to_hex(algorithms.md4(pieces)), "d9130a8164549fe818874806e1c7014b");
  EXPECT_EQ(to_hex(algorithms.md5(pieces)), "f96b697d7cb7938d525a2f31aaf161d0");
  const ByteView what[] = {bytes_of("what do ya want for nothing?")};
  EXPECT_EQ(to_hex(algorithms.hmac_md5(bytes_of("Jefe"), what)), "750c783e6ab0b503eaa86e310a5db738");
}

TEST(LegacyAlgorithms, Rc4GoesOnWhereItEnded) {
  Rc4 stream = (*LegacyAlgorithms::load())->rc4(array_from_hex<16>("0102030405060708090a0b0c0d0e0f10"));
  Bytes bytes(32);
  stream.apply(std::span(bytes).first(5));
  stream.apply(std::span(bytes).subspan(5));
  EXPECT_EQ(to_hex(bytes), "9ac7cc9a609d1ef7b2932899cde41b975248c4959014126a6e8a84f11d1a9e1c");
}

// In a process of its own: the providers are loaded once.
TEST(LegacyAlgorithmsDeathTest, SayWhatIsMissingWhereTheProviderIs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("OPENSSL_MODULES", "/nonexistent", 1);
        const auto algorithms = LegacyAlgorithms::load();
        std::fputs(algorithms ? "loaded" : algorithms.error().message().c_str(), stderr);
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "legacy provider");
}

}  // namespace
}  // namespace smb3fuse::crypto
