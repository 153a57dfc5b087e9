// SPDX-License-Identifier: Apache-2.0
#include "smb/auth/ntlm_account.h"

#include <locale.h>
#include <wctype.h>

#include <utility>

#include "smb/auth/error.h"
#include "smb/auth/password_units.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::auth {
namespace {

constexpr std::size_t kKeySize = 16;

// Longer than any name a directory can hold, and what keeps every part of AUTHENTICATE below its 16-bit length.
constexpr std::size_t kMaxNameUnits = 1024;

// As a server does it, unit by unit, in no language. glibc's simple mapping is close to that of Windows.
std::u16string in_capitals(std::u16string text) {
  static const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  for (char16_t& unit : text) {
    const wint_t upper = unicode != nullptr ? towupper_l(unit, unicode) : towupper(unit);
    if (upper <= 0xffff) unit = static_cast<char16_t>(upper);
  }
  return text;
}

tl::expected<NtlmKey, std::error_code> nt_hash_from(const LegacyAlgorithms& algorithms,
                                                    const Credentials& credentials) {
  if (credentials.kind == Credentials::Kind::nt_hash) {
    if (credentials.secret.size() != kKeySize) return tl::unexpected(make_error_code(AuthError::bad_credentials));
    return credentials.secret.clone();
  }
  // A guest has no password.
  if (credentials.kind == Credentials::Kind::guest) return nt_hash_of(algorithms, ByteView());
  const auto units = password_units(credentials.secret);
  if (!units) return tl::unexpected(units.error());
  return nt_hash_of(algorithms, units->view());
}

}  // namespace

tl::expected<std::u16string, std::error_code> ntlm_name(const std::string& name) {
  tl::expected<std::u16string, wire::Utf16Error> text = wire::to_utf16(name);
  if (!text || text->size() > kMaxNameUnits) return tl::unexpected(make_error_code(AuthError::bad_credentials));
  return *std::move(text);
}

tl::expected<NtlmAccount, std::error_code> NtlmAccount::of(const Credentials& credentials) {
  std::string user = credentials.user;
  std::string domain = credentials.domain;
  const std::size_t backslash = user.find('\\');
  if (domain.empty() && backslash != std::string::npos) {
    domain = user.substr(0, backslash);
    user.erase(0, backslash + 1);
  } else if (user.find('@') != std::string::npos) {
    domain.clear();  // a user principal name says its realm itself
  }
  if (user.empty() && credentials.kind == Credentials::Kind::guest) user = "guest";

  auto user16 = ntlm_name(user);
  auto domain16 = ntlm_name(domain);
  auto workstation16 = ntlm_name(credentials.workstation);
  for (const auto* name : {&user16, &domain16, &workstation16}) {
    if (!*name) return tl::unexpected(name->error());
  }
  return NtlmAccount{*std::move(user16), *std::move(domain16), *std::move(workstation16)};
}

tl::expected<NtlmKey, std::error_code> NtlmAccount::response_key(const LegacyAlgorithms& algorithms,
                                                                 const Credentials& credentials) const {
  const tl::expected<NtlmKey, std::error_code> nt_hash = nt_hash_from(algorithms, credentials);
  if (!nt_hash) return tl::unexpected(nt_hash.error());
  return ntowf_v2(algorithms, nt_hash->view(), in_capitals(user), domain);
}

}  // namespace smb3fuse::auth
