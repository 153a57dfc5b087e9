// SPDX-License-Identifier: Apache-2.0
// Vectors: McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4 and 16; Microsoft's Open
// Specifications blog, "Encryption in SMB 3.0: A protocol perspective" and "SMB 3.1.1 Encryption in Windows 10" (each
// a WRITE and its answer as Windows sealed them); AES-256-CCM from PyCryptodome 3.11, which shares no code with
// OpenSSL.
#include "smb/crypto/sealing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "smb/crypto/error.h"
#include "smb/crypto/keys.h"
#include "tests/unit/crypto/hex.h"

namespace smb3fuse::crypto {
namespace {

using test::array_from_hex;
using test::from_hex;
using test::to_hex;

constexpr Cipher kAll[] = {Cipher::aes_128_ccm, Cipher::aes_128_gcm, Cipher::aes_256_ccm, Cipher::aes_256_gcm};

// A transform header, with the message sealed behind it. [MS-SMB2] 2.2.41
struct Sealed {
  explicit Sealed(std::string_view hex) : packet(from_hex(hex)) {}
  Tag tag() const { return array_from_hex<16>(to_hex(ByteView(packet).subspan(4, 16))); }
  Nonce nonce() const { return array_from_hex<16>(to_hex(ByteView(packet).subspan(20, 16))); }
  ByteView associated() const { return ByteView(packet).subspan(20, 32); }
  ByteView message() const { return ByteView(packet).subspan(52); }

  Bytes packet;
};

void expect_seals(Cipher cipher, ByteView key, std::string_view plain_hex, const Sealed& sealed) {
  Sealer sealer = Sealer::create(cipher, key, Sealer::Direction::seal).value();
  const Bytes plain = from_hex(plain_hex);
  const ByteView all = plain;
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{16}, plain.size()}) {
    const ByteView pieces[] = {all.first(cut), {}, all.subspan(cut)};
    Bytes out(plain.size());
    EXPECT_EQ(sealer.seal(sealed.nonce(), sealed.associated(), pieces, out), sealed.tag());
    EXPECT_EQ(to_hex(out), to_hex(sealed.message()));
  }
}

void expect_opens(Cipher cipher, ByteView key, const Sealed& sealed, std::string_view plain_hex) {
  Sealer opener = Sealer::create(cipher, key, Sealer::Direction::open).value();
  for (int round = 0; round < 2; ++round) {
    Bytes bytes(sealed.message().begin(), sealed.message().end());
    ASSERT_TRUE(opener.open(sealed.nonce(), sealed.associated(), bytes, sealed.tag()));
    EXPECT_EQ(to_hex(bytes), to_hex(from_hex(plain_hex)));
    // One wrong bit, wherever it is, and the next round still finds a working opener.
    bytes.assign(sealed.message().begin(), sealed.message().end());
    bytes[0] ^= 1;
    EXPECT_FALSE(opener.open(sealed.nonce(), sealed.associated(), bytes, sealed.tag()));
    bytes.assign(sealed.message().begin(), sealed.message().end());
    Tag tag = sealed.tag();
    tag[15] ^= 0x80;
    EXPECT_FALSE(opener.open(sealed.nonce(), sealed.associated(), bytes, tag));
    bytes.assign(sealed.message().begin(), sealed.message().end());
    Bytes associated(sealed.associated().begin(), sealed.associated().end());
    associated[31] ^= 1;
    EXPECT_FALSE(opener.open(sealed.nonce(), associated, bytes, sealed.tag()));
  }
}

TEST(Sealer, SealsAndOpensSmb30AsWindowsDoes) {
  const SessionKeys keys = derive_keys_30(from_hex("B4546771B515F766A86735532DD6C4F0"));
  EXPECT_EQ(to_hex(keys.encryption.view()), "261b72350558f2e9dcf613070383edbf");
  const std::string_view write =
      "FE534D4240000100000000000900400008000000000000000400000000000000FFFE0000010000001100001400E40800"
      "000000000000000000000000000000003100700017000000000000000000000015010000390000020100000039020000"
      "00000000000000007000000000000000536D623320656E6372797074696F6E2074657374696E67";
  expect_seals(Cipher::aes_128_ccm, keys.encryption.view(), write,
               Sealed("FD534D4281A286535415445DAE393921E44FA42E66E69A111892584FB5ED524A744DA3EE870000000000010011000014"
                      "00E4080025C8FEE16605A437832D1CD52DA9F4645333482A175FE5384563F45FCDAFAEF38BC62BA4D5C62897996625A4"
                      "4C29BE5658DE2E6117585779E7B59FFD971278D08580D7FA899E410E910EABF5AA1DB43050B33B49182637759AC15D84"
                      "BFCDF5B6B238993C0F4CF4D6012023F6C627297075D84B7803912D0A9639634453595EF3E33FFE4E7AC2AB"));
  expect_opens(
      Cipher::aes_128_ccm, keys.decryption.view(),
      Sealed("FD534D42A6015530A18F6D9AFFE22AFAE8E6648486000000000000001100001400E4080050000000000001001100001400E40800"
             "DBF46435C5F14169293CE079E344479BF670227E49873F458672C3098DAC467DD5809F369D674091665157871483E01F7BECD020"
             "64EAC3E235F913668BBC2F097980D4B378F1993EFF6E60D177309E5B"),
      "FE534D4240000100000000000900210009000000000000000400000000000000FFFE0000010000001100001400E40800"
      "0000000000000000000000000000000011000000170000000000000000000000");
}

TEST(Sealer, SealsAndOpensSmb311AsWindowsDoes) {
  const SessionKeys keys = derive_keys_311(
      from_hex("419FDDF34C1E001909D362AE7FB6AF79"),
      array_from_hex<64>(
          "B23F3CBFD69487D9832B79B1594A367CDD950909B774C3A4C412B4FCEA9EDDDBA7DB256BA2EA30E977F11F9B11324757"
          "8E0E915C6D2A513B8F2FCA5707DC8770"));
  EXPECT_EQ(to_hex(keys.encryption.view()), "a2f5e80e5d59103034f32e52f698e5ec");
  const std::string_view write =
      "FE534D4240000100000000000900010008000000000000000500000000000000FFFE00000100000025000000001000000000000000000000"
      "00000000000000003100700017000000000000000000000006000000040000000100000004000000000000000000000070000000"
      "00000000536D623320656E6372797074696F6E2074657374696E67";
  expect_seals(
      Cipher::aes_128_gcm, keys.encryption.view(), write,
      Sealed("FD534D42BD73D97D2BC9001BCAFAC0FDFF5FEEBCC7D6822D269CAF48904C664C000000008700000000000100250000000010"
             "00006ECDD2A7AFC7B47763057A041B8FD4DAFFE990B70C9E09D36C084E02D14EF247F8BDE38ACF6256F8B1D3B56F77FB"
             "DEB312FEA5E92CBCC1ED8FB2EBBFAA75E49A4A394BB44576545567C24D4C014D47C9FBDFDAFD2C4F9B72F8D256452620"
             "A299F48E29E53D6B61D1C13A19E91AF013F00D17E3ABC2FC3D36C8C1B6B93973253852DBD442E46EE8"));
  expect_opens(
      Cipher::aes_128_gcm, keys.decryption.view(),
      Sealed(
          "FD534D42ACBE1CB7ED343ADF1725EF144D90D4B0E06831DD2E8EB7B400000000000000005000000000000100250000000010000026BB"
          "BF949983A6C1C796559D0F2C510CB651D1F7B6AC8DED32A2A0B8F2D793A815C6F6B848D69767A215841A42D400AE6DDB5F0B44173A01"
          "4973321FDD7950DA6179159B82E03C9E18A050FF0EA1C967"),
      "FE534D4240000100000000000900010001000000000000000500000000000000FFFE00000100000025000000001000000000000000000000"
      "000000000000000011000000170000000000000000000000");
}

TEST(Sealer, MatchesThePublishedGcmCases) {
  const Nonce nonce = array_from_hex<16>("cafebabefacedbaddecaf888");
  const Bytes associated = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const Bytes plain = from_hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  const ByteView pieces[] = {plain};
  Bytes out(plain.size());
  Sealer narrow =
      Sealer::create(Cipher::aes_128_gcm, from_hex("feffe9928665731c6d6a8f9467308308"), Sealer::Direction::seal)
          .value();
  EXPECT_EQ(to_hex(narrow.seal(nonce, associated, pieces, out)), "5bc94fbc3221a5db94fae95ae7121a47");
  EXPECT_EQ(to_hex(out),
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
            "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091");
  Sealer wide =
      Sealer::create(Cipher::aes_256_gcm, from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
                     Sealer::Direction::seal)
          .value();
  EXPECT_EQ(to_hex(wide.seal(nonce, associated, pieces, out)), "76fc6ece0f4e1768cddf8853bb2d551b");
  EXPECT_EQ(to_hex(out),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662");
}

TEST(Sealer, MatchesAnotherImplementationInAes256Ccm) {
  Bytes key(32);
  Bytes associated(32);
  Nonce nonce{};
  for (std::uint8_t i = 0; i < 32; ++i) key[i] = i;
  for (std::uint8_t i = 0; i < 32; ++i) associated[i] = static_cast<std::uint8_t>(0x80 + i);
  for (std::uint8_t i = 0; i < 11; ++i) nonce[i] = static_cast<std::uint8_t>(0x40 + i);
  Sealer sealer = Sealer::create(Cipher::aes_256_ccm, key, Sealer::Direction::seal).value();
  const ByteView pieces[] = {test::bytes_of("Smb3 encryption "), test::bytes_of("testing")};
  Bytes out(23);
  EXPECT_EQ(to_hex(sealer.seal(nonce, associated, pieces, out)), "3a94b2893a6ba0bb9c1ef8949db49946");
  EXPECT_EQ(to_hex(out), "266011992b8fec5718a1b8ffe8cb2410fcfe943e180a31");
}

TEST(Sealer, SealsManyMessagesUnderOneKey) {
  for (const Cipher cipher : kAll) {
    const Bytes key(key_size(cipher), 0x5a);
    Sealer sealer = Sealer::create(cipher, key, Sealer::Direction::seal).value();
    Sealer opener = Sealer::create(cipher, key, Sealer::Direction::open).value();
    NonceCounter nonces;
    std::set<std::string> seen;
    for (std::size_t size = 1; size < 5000; size = size * 3 + 1) {
      Bytes plain(size);
      for (std::size_t i = 0; i < size; ++i) plain[i] = static_cast<std::uint8_t>(i);
      const Nonce nonce = nonces.next();
      const Bytes associated(32, 7);
      Bytes in_place = plain;
      const ByteView itself[] = {in_place};
      const Tag tag = sealer.seal(nonce, associated, itself, in_place);
      EXPECT_TRUE(seen.insert(to_hex(tag)).second);
      EXPECT_NE(in_place, plain);
      EXPECT_TRUE(opener.open(nonce, associated, in_place, tag));
      EXPECT_EQ(in_place, plain);
    }
  }
}

TEST(Sealer, RefusesAKeyOfTheWrongSize) {
  for (const Cipher cipher : kAll) {
    for (const std::size_t size : {0, 15, 24, 48}) {
      EXPECT_EQ(Sealer::create(cipher, Bytes(size), Sealer::Direction::seal).error(), CryptoError::bad_key_size);
    }
    EXPECT_EQ(Sealer::create(cipher, Bytes(48 - key_size(cipher)), Sealer::Direction::open).error(),
              CryptoError::bad_key_size);
  }
}

TEST(NonceCounter, NeverRepeatsWithinTheBytesACipherUses) {
  NonceCounter counter;
  std::set<std::string> seen;
  for (int i = 0; i < 70000; ++i) {
    const Nonce nonce = counter.next();
    EXPECT_TRUE(std::all_of(nonce.begin() + 11, nonce.end(), [](std::uint8_t byte) { return byte == 0; }));
    seen.insert(to_hex(ByteView(nonce).first(11)));
  }
  EXPECT_EQ(seen.size(), 70000u);
}

}  // namespace
}  // namespace smb3fuse::crypto
