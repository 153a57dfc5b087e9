// SPDX-License-Identifier: Apache-2.0
// Access control lists as the kernel has them: the values of system.posix_acl_access and system.posix_acl_default
// (linux/posix_acl_xattr.h, version 2). Pure.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "smb/client/posix_acl.h"

namespace smb3fuse::fs {

inline constexpr std::string_view kAccessAclName = "system.posix_acl_access";
inline constexpr std::string_view kDefaultAclName = "system.posix_acl_default";

std::string xattr_of(const client::PosixAcl& acl);
// Nothing for what is none. An empty list says that there is to be none.
std::optional<client::PosixAcl> acl_of_xattr(std::string_view value);

// It says more than a mode can.
bool is_extended(const client::PosixAcl& access);
// The permissions that a mode has with it.
mode_t mode_with(const client::PosixAcl& access);
// What is left of it when it is removed: the mode stays, whose group bits are the mask.
client::PosixAcl without_extension(const client::PosixAcl& access);

}  // namespace smb3fuse::fs
