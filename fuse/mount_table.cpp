// SPDX-License-Identifier: Apache-2.0
#include "fuse/mount_table.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>

#include "fuse/text.h"

namespace smb3fuse::fs {

namespace {

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// The kernel writes blanks, tabs, newlines and backslashes as "\040".
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
                         is_octal(text[i + 3]);
    if (!escaped) {
      plain += text[i];
      continue;
    }
    plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return plain;
}

uid_t owner_of(std::string_view options) {
  constexpr std::string_view kOwner = "user_id=";
  for (const std::string_view option : split(options, ',')) {
    if (!option.starts_with(kOwner)) continue;
    const auto number = number_between<uid_t>(option.substr(kOwner.size()), 0, std::numeric_limits<uid_t>::max());
    return number.value_or(0);
  }
  return 0;
}

// "36 35 0:47 / /mnt rw,noatime shared:1 - fuse.smb3fuse //nas/media rw,user_id=1000": the fields before the dash vary
// in number.
std::optional<MountEntry> entry_of(std::string_view line) {
  const std::vector<std::string_view> fields = split(line, ' ');
  const auto dash = std::find(fields.begin(), fields.end(), "-");
  if (dash - fields.begin() < 6 || fields.end() - dash < 4) return std::nullopt;
  return MountEntry{.device = std::string(fields[2]),
                    .mountpoint = unescaped(fields[4]),
                    .type = unescaped(dash[1]),
                    .source = unescaped(dash[2]),
                    .owner = owner_of(dash[3])};
}

}  // namespace

std::vector<MountEntry> parse_mount_table(std::string_view text) {
  std::vector<MountEntry> table;
  for (const std::string_view line : split(text, '\n')) {
    if (auto entry = entry_of(line)) table.push_back(std::move(*entry));
  }
  return table;
}

std::vector<MountEntry> read_mount_table() {
  std::ifstream file("/proc/self/mountinfo");
  return parse_mount_table(std::string(std::istreambuf_iterator<char>(file), {}));
}

const MountEntry* find_mount(const std::vector<MountEntry>& table, std::string_view mountpoint) {
  const auto found = std::find_if(table.rbegin(), table.rend(),
                                  [mountpoint](const MountEntry& each) { return each.mountpoint == mountpoint; });
  return found == table.rend() ? nullptr : &*found;
}

}  // namespace smb3fuse::fs
