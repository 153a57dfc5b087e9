// SPDX-License-Identifier: Apache-2.0
#include "smb/auth/password_units.h"

#include <string>

#include "smb/auth/error.h"
#include "smb/wire/endian.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::auth {

tl::expected<crypto::Secret, std::error_code> password_units(const crypto::Secret& utf8) {
  tl::expected<std::u16string, wire::Utf16Error> text = wire::to_utf16(utf8.text());
  if (!text) return tl::unexpected(make_error_code(AuthError::bad_credentials));
  std::u16string& units = *text;
  crypto::Secret secret(units.size() * sizeof(char16_t));
  for (std::size_t i = 0; i < units.size(); ++i) {
    wire::store_le(secret.bytes().data() + i * sizeof(char16_t), units[i]);
  }
  crypto::wipe({reinterpret_cast<std::uint8_t*>(units.data()), units.size() * sizeof(char16_t)});
  return secret;
}

}  // namespace smb3fuse::auth
