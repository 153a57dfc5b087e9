// SPDX-License-Identifier: Apache-2.0
// NTSTATUS values and their std::error_code category. [MS-ERREF] 2.3.1
//
// Every failure below fuse/ is a std::error_code. What a server said travels unchanged as an NTSTATUS in
// nt_status_category(); what we found ourselves (a lost connection, a malformed answer, a deadline) is given the
// NTSTATUS a Windows redirector would give it. fuse/errno_map.cpp alone turns one into an errno.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace smb3fuse {

enum class NtStatus : std::uint32_t {
#define SMB3FUSE_NTSTATUS(name, value, text) name = value,
#include "smb/ntstatus.def"
#undef SMB3FUSE_NTSTATUS
};

// "STATUS_ACCESS_DENIED"; "NTSTATUS 0xC0001234" for one we have no row for.
std::string name_of(NtStatus status);

// The short text of the row in ntstatus.def; empty for an unknown one.
std::string_view text_of(NtStatus status);

const std::error_category& nt_status_category() noexcept;

// Success (0) becomes an empty error_code.
inline std::error_code make_error_code(NtStatus status) noexcept {
  return {static_cast<int>(status), nt_status_category()};
}

// The NTSTATUS in an error_code of ours; STATUS_UNSUCCESSFUL for a foreign category.
NtStatus nt_status_of(const std::error_code& error) noexcept;

// [MS-ERREF] 2.3: the two top bits are the severity: 0 success, 1 information, 2 warning, 3 error.
constexpr bool is_error(NtStatus status) { return (static_cast<std::uint32_t>(status) >> 30) == 3; }

}  // namespace smb3fuse

template <>
struct std::is_error_code_enum<smb3fuse::NtStatus> : std::true_type {};
