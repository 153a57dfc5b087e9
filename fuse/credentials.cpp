// SPDX-License-Identifier: Apache-2.0
#include "fuse/credentials.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "fuse/passwords.h"
#include "fuse/suggest.h"
#include "fuse/text.h"

namespace smb3fuse::fs {
namespace {

using Kind = auth::Credentials::Kind;

// A credentials file has three lines. What is larger is another file.
constexpr std::size_t kLargestFile = 64 * 1024;

std::string quoted_file(const std::string& path) { return "the credentials file '" + path + "'"; }

enum class Key : std::uint8_t { username, password, domain, ignored };

struct KeyName {
  std::string_view name;
  Key key;
};

constexpr std::array kKeys{
    KeyName{"username", Key::username}, KeyName{"user", Key::username},     KeyName{"password", Key::password},
    KeyName{"pass", Key::password},     KeyName{"domain", Key::domain},     KeyName{"dom", Key::domain},
    KeyName{"workgroup", Key::domain},  KeyName{"password2", Key::ignored}, KeyName{"pass2", Key::ignored},
};

std::optional<Key> key_named(std::string_view name) {
  for (const KeyName& known : kKeys) {
    if (known.name == name) return known.key;
  }
  return std::nullopt;
}

// Repeats no more of the line than a name: the rest may be a password.
std::string not_understood(std::string_view name, bool has_value, std::size_t number, const std::string& path) {
  const std::string line = "line " + std::to_string(number) + " of " + quoted_file(path);
  if (!has_value) return line + " has no '=': expected username=, password= or domain=";
  std::vector<std::string_view> names;
  for (const KeyName& known : kKeys) names.push_back(known.name);
  std::string sentence = line + " sets '" + std::string(name) + "', which is unknown";
  if (const auto nearest = nearest_word(name, names)) {
    return sentence + "; did you mean '" + std::string(*nearest) + "'?";
  }
  return sentence + ": expected username=, password= or domain=";
}

void take(Key key, std::string_view value, CredentialFile& file) {
  switch (key) {
    case Key::username:
      file.username = value;
      break;
    case Key::password:
      file.password = crypto::Secret(value);
      break;
    case Key::domain:
      file.domain = value;
      break;
    case Key::ignored:
      break;
  }
}

std::optional<std::string> parse_lines(std::string_view text, const std::string& path, CredentialFile& file) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
    return quoted_file(path) + " is not a text in UTF-8";
  }
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t equals = line.find('=');
    const std::string_view before = line.substr(0, equals);
    const std::string_view name = before.substr(0, before.find_last_not_of(" \t") + 1);
    const bool has_value = equals != std::string_view::npos;
    const auto key = has_value ? key_named(name) : std::nullopt;
    if (!key) return not_understood(name, has_value, number, path);
    take(*key, line.substr(equals + 1), file);
  }
  return std::nullopt;
}

// "DOMAIN\name" or "DOMAIN/name", in two; a domain given apart from the name is kept.
void split_username(auth::Credentials& credentials) {
  const std::size_t separator = credentials.user.find_first_of("\\/");
  if (separator == std::string::npos) return;
  if (credentials.domain.empty()) credentials.domain = credentials.user.substr(0, separator);
  credentials.user.erase(0, separator + 1);
}

std::string account_name() {
  if (const char* user = std::getenv("USER"); user != nullptr && *user != '\0') return user;
  const passwd* account = getpwuid(getuid());  // no other thread runs yet
  return account != nullptr ? account->pw_name : "";
}

std::optional<std::string> wrong_with(const auth::Credentials& credentials) {
  if (credentials.user.empty()) return "no user name is given: use -o username=NAME, or -o guest";
  if (!is_utf8(credentials.user)) return "the user name is not valid UTF-8";
  if (!is_utf8(credentials.domain)) return "the domain is not valid UTF-8";
  if (!is_utf8(credentials.secret.text())) return "the password is not valid UTF-8";
  return std::nullopt;
}

}  // namespace

Checked<CredentialFile> read_credential_file(const std::string& path) {
  const auto failed = [&path](int error) {
    return refused("cannot read " + quoted_file(path) + ": " + std::generic_category().message(error));
  };
  const Descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (opened.number() < 0) return failed(errno);
  struct stat status {};
  if (::fstat(opened.number(), &status) != 0) return failed(errno);
  if (S_ISDIR(status.st_mode)) return refused(quoted_file(path) + " is a folder");
  const auto content = read_all(opened.number(), kLargestFile);
  if (!content && content.error() == EFBIG) {
    return refused(quoted_file(path) + " is larger than " + std::to_string(kLargestFile) + " bytes");
  }
  if (!content) return failed(content.error());
  CredentialFile file;
  file.readable_by_others = S_ISREG(status.st_mode) && (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
  if (auto wrong = parse_lines(content->text, path, file)) return refused(std::move(*wrong));
  return file;
}

Checked<auth::Credentials> complete_credentials(CredentialOptions options, std::string_view server,
                                                std::vector<std::string>& warnings, const char* terminal) {
  auto environment = take_password_from_environment();
  auth::Credentials credentials;
  credentials.kind = options.kind;
  if (options.kind == Kind::anonymous) return credentials;

  CredentialFile file;
  if (options.file) {
    auto read = read_credential_file(*options.file);
    if (!read) return tl::make_unexpected(std::move(read.error()));
    file = std::move(*read);
    if (file.readable_by_others) {
      warnings.push_back(quoted_file(*options.file) + " can be read by other users: chmod 600 keeps it to you");
    }
  }

  const std::string standard = options.kind == Kind::guest ? "guest" : account_name();
  credentials.user = options.username.value_or(file.username.value_or(standard));
  credentials.domain = options.domain.value_or("");
  split_username(credentials);
  if (credentials.domain.empty()) credentials.domain = file.domain.value_or("");

  if (options.kind == Kind::guest) {
    // the empty password
  } else if (options.password) {
    credentials.secret = std::move(*options.password);
  } else if (file.password) {
    credentials.secret = std::move(*file.password);
  } else if (!environment) {
    return tl::make_unexpected(std::move(environment.error()));
  } else if (*environment) {
    credentials.secret = std::move(**environment);
  } else if (!credentials.user.empty()) {
    auto typed =
        prompt_for_password("Password for " + credentials.user + " on " + std::string(server) + ": ", terminal);
    if (!typed) return tl::make_unexpected(std::move(typed.error()));
    credentials.secret = std::move(*typed);
  }
  if (auto wrong = wrong_with(credentials)) return refused(std::move(*wrong));
  return credentials;
}

}  // namespace smb3fuse::fs
