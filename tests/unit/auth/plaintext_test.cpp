// SPDX-License-Identifier: Apache-2.0
#include "smb/auth/plaintext.h"

#include <gtest/gtest.h>

#include <string>

#include "smb/auth/error.h"

namespace smb3fuse::auth {
namespace {

using namespace std::string_literals;

Credentials with_password(std::string_view password) {
  Credentials credentials;
  credentials.user = "CORP\\alice";
  credentials.secret = crypto::Secret(password);
  return credentials;
}

TEST(Plaintext, IsInUnicodeWithANullBehindIt) {
  const auto logon = plaintext_logon(with_password("a\u00e4\u20ac"), nullptr);
  ASSERT_TRUE(logon);
  EXPECT_EQ(logon->password.text(), "a\0\xe4\0\xac\x20\0\0"s);
  EXPECT_EQ(logon->user, u"alice");
  EXPECT_EQ(logon->domain, u"CORP");
}

TEST(Plaintext, IsInTheCodePageWithoutIt) {
  const auto western = wire::CodePage::find("850");
  const auto logon = plaintext_logon(with_password("a\u00e4\u00d8"), western.get());
  ASSERT_TRUE(logon);
  EXPECT_EQ(logon->password.text(), "a\x84\x9d\0"s);
}

TEST(Plaintext, IsRefusedWhereTheCodePageLacksACharacter) {
  const auto western = wire::CodePage::find("850");
  const auto japanese = wire::CodePage::find("932");
  const auto refused = make_error_code(AuthError::not_in_code_page);
  EXPECT_EQ(plaintext_logon(with_password("a\u20ac"), western.get()).error(), refused);
  EXPECT_EQ(plaintext_logon(with_password("\U0001f511"), western.get()).error(), refused);
  EXPECT_EQ(plaintext_logon(with_password("\u8868"), japanese.get()).error(), refused) << "two bytes";
  EXPECT_EQ(plaintext_logon(with_password("a\0b"s), western.get()).error(), refused);
}

TEST(Plaintext, IsEmptyForAGuest) {
  Credentials guest = with_password("not for them");
  guest.kind = Credentials::Kind::guest;
  guest.user.clear();
  const auto western = wire::CodePage::find("850");
  EXPECT_EQ(plaintext_logon(guest, nullptr)->password.text(), "\0\0"s);
  EXPECT_EQ(plaintext_logon(guest, western.get())->password.text(), "\0"s);
  EXPECT_EQ(plaintext_logon(guest, nullptr)->user, u"guest");
}

TEST(Plaintext, NeedsThePasswordItself) {
  Credentials hashed = with_password("0123456789abcdef");
  hashed.kind = Credentials::Kind::nt_hash;
  EXPECT_EQ(plaintext_logon(hashed, nullptr).error(), AuthError::bad_credentials);
  EXPECT_EQ(plaintext_logon(with_password("\xff"), nullptr).error(), AuthError::bad_credentials);
}

}  // namespace
}  // namespace smb3fuse::auth
