// SPDX-License-Identifier: Apache-2.0
// The form of a Minshall+French link as the documentation of mount.cifs has it: "XSym", four digits of length, the MD5
// of the target in hexadecimal, the target, each with a newline behind it, filled up with blanks to 1067 bytes. The
// digests here were made by Python's hashlib.
#include <gtest/gtest.h>

#include <string>

#include "smb/client/mfsymlink.h"

namespace smb3fuse::client {
namespace {

Bytes form_of(const std::string& head) {
  Bytes bytes(head.begin(), head.end());
  bytes.resize(1067, ' ');
  return bytes;
}

const Bytes kGolden = form_of("XSym\n0010\n4d6f333d2bc24ffddcca34414a0cb12d\ntarget.txt\n");

TEST(MfSymlink, HasTheseBytes) { EXPECT_EQ(encode_mfsymlink("target.txt"), kGolden); }

TEST(MfSymlink, CountsAndHashesBytesNotCharacters) {
  EXPECT_EQ(encode_mfsymlink("../größe/x"), form_of("XSym\n0012\ncd5d926be5aa74726e483af1f8a3f342\n../größe/x\n"));
}

TEST(MfSymlink, IsReadBack) {
  EXPECT_EQ(decode_mfsymlink(kGolden), "target.txt");
  for (const std::size_t length : {std::size_t{1}, std::size_t{1023}, kMfSymlinkMaximumTarget}) {
    const std::string target(length, 'x');
    const auto form = encode_mfsymlink(target);
    ASSERT_TRUE(form);
    EXPECT_EQ(form->size(), kMfSymlinkSize);
    EXPECT_EQ(decode_mfsymlink(*form), target);
  }
}

TEST(MfSymlink, IsNotMadeOfAnEmptyOrTooLongTarget) {
  EXPECT_FALSE(encode_mfsymlink(""));
  EXPECT_FALSE(encode_mfsymlink(std::string(kMfSymlinkMaximumTarget + 1, 'x')));
}

TEST(MfSymlink, IsNotSeenInAFileThatOnlyHasTheSize) {
  EXPECT_FALSE(decode_mfsymlink(Bytes(1067)));
  EXPECT_FALSE(decode_mfsymlink(Bytes(1067, ' ')));
  EXPECT_FALSE(decode_mfsymlink(ByteView(kGolden).first(1066)));
  EXPECT_FALSE(decode_mfsymlink({}));
  // One byte of the head or the target changed is another file.
  for (std::size_t at = 0; at < 53; ++at) {
    Bytes edited = kGolden;
    edited[at] ^= 0x40;
    EXPECT_FALSE(decode_mfsymlink(edited)) << at;
  }
}

TEST(MfSymlink, WithALengthThatLiesIsNone) {
  for (const char* digits : {"0000", "1025", "9999", "-001", "+010", " 010", "0x0a", "10\n0"}) {
    Bytes edited = kGolden;
    std::copy(digits, digits + 4, edited.begin() + 5);
    EXPECT_FALSE(decode_mfsymlink(edited)) << digits;
  }
}

}  // namespace
}  // namespace smb3fuse::client
