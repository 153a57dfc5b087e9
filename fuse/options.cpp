// SPDX-License-Identifier: Apache-2.0
#include "fuse/options.h"

#include <unistd.h>

#include <cstring>
#include <utility>

#include "fuse/option_draft.h"
#include "fuse/passwords.h"
#include "fuse/suggest.h"
#include "fuse/text.h"

namespace smb3fuse::fs {
namespace {

// Where the item that begins at `list` ends: at a comma without a backslash before it, or at the end of the list.
std::size_t item_length(std::string_view list) {
  std::size_t i = 0;
  while (i < list.size() && list[i] != ',') i += list[i] == '\\' && i + 1 < list.size() ? 2 : 1;
  return i;
}

// `\,` is a comma and `\\` a backslash; every other backslash stands for itself.
void unescape(std::string_view text, std::string& plain) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == ',' || text[i + 1] == '\\')) ++i;
    plain += text[i];
  }
}

std::string_view name_of_item(std::string_view item) { return item.substr(0, item.find('=')); }

bool holds_password(std::string_view name) {
  return name == "password" || name == "pass" || name == "password2" || name == "pass2";
}

// Takes the last password out of the list and overwrites every one of them. Items that are no options behind a
// password are taken for the rest of one with commas in it.
std::optional<crypto::Secret> take_password(char* list) {
  std::optional<crypto::Secret> password;
  bool behind_password = false;
  const std::size_t size = std::strlen(list);
  for (std::size_t start = 0; start <= size;) {
    const std::string_view item(list + start, item_length({list + start, size - start}));
    const std::string_view name = name_of_item(item);
    std::size_t secret = item.size();  // where the secret begins within the item
    if (holds_password(name)) {
      behind_password = true;
      secret = std::min(name.size() + 1, item.size());
      if (name.size() < item.size() && name.find('2') == std::string_view::npos) {
        WipedText plain(item.size());
        unescape(item.substr(secret), plain.text);
        password = crypto::Secret(plain.text);
      }
    } else if (behind_password && !item.empty()) {
      behind_password = find_option(name) == nullptr;
      if (behind_password) secret = 0;
    }
    std::memset(list + start + secret, 'x', item.size() - secret);
    start += item.size() + 1;
  }
  return password;
}

std::string unknown_option(std::string_view name) {
  std::vector<std::string_view> known;
  for (const OptionRow& row : option_table()) {
    if (row.group != OptionGroup::unsupported) known.insert(known.end(), row.names.begin(), row.names.end());
  }
  std::string sentence = "unknown mount option '" + std::string(name) + "'";
  if (const auto nearest = nearest_word(name, known)) sentence += "; did you mean '" + std::string(*nearest) + "'?";
  return sentence;
}

std::string quoted(std::string_view item) { return "option '" + std::string(item) + "'"; }

// One item of a list, passwords already taken out of it.
std::optional<std::string> apply_item(std::string_view item, OptionDraft& draft) {
  const std::string_view name = name_of_item(item);
  const bool has_value = name.size() < item.size();
  const OptionRow* row = find_option(name);
  if (row == nullptr) return unknown_option(name);
  if (row->group == OptionGroup::unsupported) return quoted(name) + ": " + std::string(row->meaning);
  if (row->apply == nullptr) return std::nullopt;
  if (row->argument.empty() && has_value) return quoted(name) + " takes no value";
  if (!row->argument.empty() && row->argument.front() != '[' && !has_value) {
    return quoted(name) + " needs a value: " + std::string(name) + "=" + std::string(row->argument);
  }
  std::string value;
  if (has_value) unescape(item.substr(name.size() + 1), value);
  if (auto wrong = row->apply(draft, value)) return quoted(item) + ": " + *wrong;
  return std::nullopt;
}

// All items of one list. A piece of a password with a comma in it must not be printed as an unknown option.
std::optional<std::string> apply_list(std::string_view list, bool sloppy, OptionDraft& draft) {
  bool behind_password = false;
  for (std::size_t start = 0; start <= list.size();) {
    const std::string_view item = list.substr(start, item_length(list.substr(start)));
    start += item.size() + 1;
    if (item.empty()) continue;
    const std::string_view name = name_of_item(item);
    const bool unknown = find_option(name) == nullptr;
    if (unknown && behind_password) {
      return "what follows the password in the options is no option; write a comma within a password as '\\,', or use "
             "a credentials file";
    }
    behind_password = holds_password(name);
    if (unknown && sloppy) {
      draft.warnings.push_back(unknown_option(name));
    } else if (auto wrong = apply_item(item, draft)) {
      return wrong;
    }
  }
  return std::nullopt;
}

std::optional<std::string> settle_logon(OptionDraft& draft) {
  CredentialOptions& credentials = draft.options.credentials;
  if (!draft.null_session && !draft.guest) return std::nullopt;
  credentials.kind = draft.null_session ? auth::Credentials::Kind::anonymous : auth::Credentials::Kind::guest;
  const std::string asked = draft.null_session ? "sec=none" : "guest";
  if (credentials.password && !credentials.password->empty()) {
    return "options '" + asked + "' and 'password' contradict each other: leave one of them out";
  }
  if (credentials.file) {
    return "options '" + asked + "' and 'credentials' contradict each other: leave one of them out";
  }
  if (!draft.null_session) return std::nullopt;
  if (draft.options.require_sealing)
    return std::string("option 'seal' needs a user: a session of sec=none has no keys");
  if (draft.options.require_signing)
    return std::string("option 'sign' needs a user: a session of sec=none has no keys");
  if (credentials.username) draft.warnings.push_back("sec=none logs on without a name: 'username' is not used");
  return std::nullopt;
}

// A password that is not even hidden from who listens.
std::optional<std::string> settle_plaintext(OptionDraft& draft) {
  const MountOptions& options = draft.options;
  if (!options.plaintext_password) return std::nullopt;
  if (options.max_dialect != Dialect::smb1) {
    return std::string("option 'sec=plaintext' needs 'vers=1.0': what is newer never sends a password as it is");
  }
  if (options.require_signing || options.require_sealing) {
    return std::string("option 'sec=plaintext' excludes 'sign' and 'seal': no key can be made from such a logon");
  }
  draft.warnings.push_back(
      "sec=plaintext sends the password for everybody on the way to read, if the server takes it in no other form");
  return std::nullopt;
}

// What depends on several options.
std::optional<std::string> settle(OptionDraft& draft) {
  if (auto wrong = settle_logon(draft)) return wrong;
  if (auto wrong = settle_plaintext(draft)) return wrong;
  MountOptions& options = draft.options;
  options.require_signing = options.require_signing || draft.security_signs;
  if (options.require_sealing && options.max_dialect < Dialect::smb300) {
    return std::string("option 'seal' needs SMB 3, which 'vers' rules out");
  }
  options.force_uid = draft.force_uid.value_or(draft.uid_given);
  options.force_gid = draft.force_gid.value_or(draft.gid_given);
  return std::nullopt;
}

std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == ',' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

}  // namespace

// A mount by root is for everybody, as one of mount.cifs is; the modes shown then say who may do what.
MountOptions::MountOptions() : uid(getuid()), gid(getgid()) { kernel.allow_other = uid == 0; }

Checked<ParsedOptions> parse_options(std::span<char* const> lists, bool sloppy) {
  OptionDraft draft;
  for (char* list : lists) {
    if (auto password = take_password(list)) draft.options.credentials.password = std::move(*password);
  }
  if (draft.options.credentials.password && !draft.options.credentials.password->empty()) {
    draft.warnings.push_back(
        "a password among the options is visible to other users for a moment; a credentials file keeps it to you");
  }
  for (const char* list : lists) {
    if (auto wrong = apply_list(list, sloppy, draft)) return refused(std::move(*wrong));
  }
  if (auto wrong = settle(draft)) return refused(std::move(*wrong));
  return ParsedOptions{std::move(draft.options), std::move(draft.warnings)};
}

std::string kernel_option_list(const KernelFlags& flags) {
  std::string list = flags.read_only ? "ro" : "rw";
  list += ",nosuid,nodev";
  if (!flags.execute) list += ",noexec";
  if (flags.synchronous) list += ",sync";
  if (flags.synchronous_directories) list += ",dirsync";
  if (!flags.update_atime) list += ",noatime";
  if (flags.allow_other) list += ",allow_other";
  if (flags.allow_root) list += ",allow_root";
  if (flags.check_permissions) list += ",default_permissions";
  if (flags.auto_unmount) list += ",auto_unmount";
  if (flags.fsname) list += ",fsname=" + escaped(*flags.fsname);
  return list + ",subtype=" + escaped(flags.subtype);
}

}  // namespace smb3fuse::fs
