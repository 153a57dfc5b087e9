// SPDX-License-Identifier: Apache-2.0
#include "fuse/kernel_read_ahead.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace smb3fuse::fs {

namespace {

constexpr int kReadAheadKib = 4096;

// Spaces and the like stand in the table as \040, in three octal digits.
std::string unescaped(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

}  // namespace

std::optional<std::string> find_device(std::istream& mountinfo, const std::string& mountpoint) {
  std::optional<std::string> found;
  std::string line;
  while (std::getline(mountinfo, line)) {
    std::istringstream fields(line);
    std::string id;
    std::string parent;
    std::string device;
    std::string root;
    std::string path;
    if (fields >> id >> parent >> device >> root >> path && unescaped(path) == mountpoint) found = device;
  }
  return found;
}

void raise_read_ahead(const std::string& mountpoint) {
  std::ifstream mountinfo("/proc/self/mountinfo");
  const std::optional<std::string> device = find_device(mountinfo, mountpoint);
  if (!device) {
    spdlog::debug("the mount is not in the mount table: its read-ahead stays as it is");
    return;
  }
  const std::string path = "/sys/class/bdi/" + *device + "/read_ahead_kb";
  std::ofstream file(path);
  file << kReadAheadKib << std::flush;
  if (!file) spdlog::debug("{}: {}", path, std::strerror(errno));
}

}  // namespace smb3fuse::fs
