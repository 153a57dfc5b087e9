// SPDX-License-Identifier: Apache-2.0
#include "smb/client/refusals.h"

#include <utility>

namespace smb3fuse::client {

std::string with_status(std::string sentence, NtStatus status) {
  return std::move(sentence) + " (" + name_of(status) + ")";
}

std::string logon_refusal(NtStatus status, const ConnectConfig& config) {
  const std::string user =
      config.credentials.user.empty() ? "the anonymous user" : "user '" + config.credentials.user + "'";
  switch (status) {
    case NtStatus::STATUS_LOGON_FAILURE:
    case NtStatus::STATUS_WRONG_PASSWORD:
    case NtStatus::STATUS_NO_SUCH_USER:
      return with_status(
          "the server does not accept the password of " + user + ": check user name, domain and password", status);
    case NtStatus::STATUS_ACCOUNT_LOCKED_OUT:
      return with_status("the account of " + user + " is locked: wait, or ask the administrator", status);
    case NtStatus::STATUS_ACCOUNT_DISABLED:
      return with_status("the account of " + user + " is disabled: ask the administrator", status);
    case NtStatus::STATUS_PASSWORD_EXPIRED:
    case NtStatus::STATUS_PASSWORD_MUST_CHANGE:
      return with_status("the password of " + user + " has expired: change it on the server", status);
    case NtStatus::STATUS_ACCESS_DENIED:
      return with_status("the server denies " + user + " access", status);
    default:
      return with_status("the server refused to log on " + user, status);
  }
}

std::optional<std::string> share_refusal(NtStatus status, const ConnectConfig& config) {
  const std::string share = "share '" + config.share + "'";
  switch (status) {
    case NtStatus::STATUS_BAD_NETWORK_NAME:
    case NtStatus::STATUS_OBJECT_NAME_NOT_FOUND:
      return with_status("the server has no " + share + ": check its name", status);
    case NtStatus::STATUS_ACCESS_DENIED:
      return with_status("the server denies this user access to " + share, status);
    case NtStatus::STATUS_PATH_NOT_COVERED:
      return with_status(share + " is a link of a DFS namespace, which is not supported yet: mount its target", status);
    default:
      return std::nullopt;
  }
}

}  // namespace smb3fuse::client
