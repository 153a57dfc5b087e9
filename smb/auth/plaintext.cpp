// SPDX-License-Identifier: Apache-2.0
#include "smb/auth/plaintext.h"

#include <algorithm>
#include <array>
#include <utility>

#include "smb/auth/error.h"
#include "smb/auth/ntlm_account.h"
#include "smb/auth/password_units.h"
#include "smb/wire/endian.h"

namespace smb3fuse::auth {
namespace {

// The character of each byte, 0 where it has none of its own. The password is looked up here, because iconv(3) would
// keep a copy of it.
using Table = std::array<char16_t, 256>;
Table table_of(const wire::CodePage& code_page) {
  Table table{};
  for (std::size_t i = 1; i < table.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(i);
    const auto text = code_page.decode({&byte, 1});
    if (text && text->size() == 1) table[i] = text->front();
  }
  return table;
}

tl::expected<crypto::Secret, std::error_code> in_code_page(const crypto::Secret& units,
                                                           const wire::CodePage& code_page) {
  const Table table = table_of(code_page);
  crypto::Secret bytes(units.size() / sizeof(char16_t) + 1);
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    const auto unit = wire::load_le<std::uint16_t>(units.view().data() + i * sizeof(char16_t));
    const auto found = std::find(table.begin() + 1, table.end(), static_cast<char16_t>(unit));
    if (unit == 0 || found == table.end()) return tl::unexpected(make_error_code(AuthError::not_in_code_page));
    bytes.bytes()[i] = static_cast<std::uint8_t>(found - table.begin());
  }
  return bytes;
}

tl::expected<crypto::Secret, std::error_code> password_of(const Credentials& credentials,
                                                          const wire::CodePage* code_page) {
  if (credentials.kind == Credentials::Kind::nt_hash) {
    return tl::unexpected(make_error_code(AuthError::bad_credentials));
  }
  crypto::Secret units;
  if (credentials.kind == Credentials::Kind::password) {
    auto given = password_units(credentials.secret);
    if (!given) return given;
    units = std::move(*given);
  }
  if (code_page != nullptr) return in_code_page(units, *code_page);
  crypto::Secret terminated(units.size() + sizeof(char16_t));
  std::copy(units.view().begin(), units.view().end(), terminated.bytes().begin());
  return terminated;
}

}  // namespace

tl::expected<PlaintextLogon, std::error_code> plaintext_logon(const Credentials& credentials,
                                                              const wire::CodePage* code_page) {
  auto account = NtlmAccount::of(credentials);
  if (!account) return tl::unexpected(account.error());
  auto password = password_of(credentials, code_page);
  if (!password) return tl::unexpected(password.error());
  PlaintextLogon logon{std::move(account->user), std::move(account->domain), std::move(*password)};
  return logon;
}

}  // namespace smb3fuse::auth
