// SPDX-License-Identifier: Apache-2.0
#include "fuse/short_names.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "fuse/text.h"

namespace smb3fuse::fs {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kOptions = " -o ";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool names_password(std::string_view options) {
  const std::vector<std::string_view> items = split(options, ',');
  return std::any_of(items.begin(), items.end(), [](std::string_view item) {
    return item.starts_with("password=") || item.starts_with("pass=") || item.starts_with("password2=") ||
           item.starts_with("pass2=");
  });
}

struct Row {
  std::string name;
  Expansion expansion;
};

// A row, nothing for an empty line, or what is wrong with it.
Checked<std::optional<Row>> parse_line(std::string_view line) {
  line = trimmed(line);
  if (line.empty() || line.front() == '#') return std::nullopt;
  const std::size_t equals = line.find('=');
  const std::string_view name = trimmed(line.substr(0, std::min(equals, line.size())));
  if (equals == std::string_view::npos || !name.ends_with(':') || !is_word(name.substr(0, name.size() - 1))) {
    return refused("expected NAME: = //server/share [-o OPTIONS]");
  }
  const std::string_view value = line.substr(equals + 1);
  const std::size_t options = value.find(kOptions);
  Row row{lower_case(name), {std::string(trimmed(value.substr(0, options))), {}}};
  if (options != std::string_view::npos) row.expansion.options = trimmed(value.substr(options + kOptions.size()));
  if (row.expansion.source.empty() || is_short_name(row.expansion.source)) {
    return refused("expected a source such as //server/share behind '" + std::string(name) + " ='");
  }
  if (names_password(row.expansion.options)) {
    return refused("a password does not belong here: use credentials=FILE");
  }
  return std::optional(std::move(row));
}

Checked<std::optional<Expansion>> look_up(const std::string& name, const std::string& file) {
  errno = 0;
  std::ifstream stream(file);
  if (!stream) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return refused("the short names in '" + file + "' cannot be read: " + std::strerror(errno));
  }
  std::optional<Expansion> found;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    auto row = parse_line(line);
    if (!row) return refused(file + ", line " + std::to_string(number) + ": " + row.error().sentence);
    if (*row && (*row)->name == name) found = std::move((*row)->expansion);
  }
  return found;
}

}  // namespace

bool is_short_name(std::string_view source) {
  const std::size_t colon = source.find(':');
  if (colon == std::string_view::npos || !is_word(source.substr(0, colon))) return false;
  const std::string_view rest = source.substr(colon + 1);
  return rest.empty() || ((rest.front() == '/' || rest.front() == '\\') && !rest.starts_with("//"));
}

std::vector<std::string> short_name_files() {
  std::vector<std::string> files;
  const char* const config = std::getenv("XDG_CONFIG_HOME");
  const char* const home = std::getenv("HOME");
  // An XDG_CONFIG_HOME that is not absolute is to be ignored, says the XDG Base Directory Specification.
  if (config != nullptr && *config == '/') {
    files.push_back(std::string(config) + "/smb3fuse/names");
  } else if (home != nullptr && *home == '/') {
    files.push_back(std::string(home) + "/.config/smb3fuse/names");
  }
  files.emplace_back("/etc/smb3fuse/names");
  return files;
}

Checked<Expansion> expand_short_name(std::string_view source, const std::vector<std::string>& files) {
  const std::size_t colon = source.find(':');
  const std::string name = lower_case(source.substr(0, colon + 1));
  for (const std::string& file : files) {
    auto found = look_up(name, file);
    if (!found) return tl::make_unexpected(found.error());
    if (!*found) continue;
    Expansion expansion = std::move(**found);
    std::string rest(source.substr(colon + 1));
    if (expansion.source.find('\\') == std::string::npos) std::replace(rest.begin(), rest.end(), '\\', '/');
    expansion.source += rest;
    return expansion;
  }
  std::string places;
  for (const std::string& file : files) places += (places.empty() ? "" : " and ") + file;
  return refused("no short name '" + name + "' is known: a line '" + name + " = //server/share' belongs into " +
                 places);
}

}  // namespace smb3fuse::fs
