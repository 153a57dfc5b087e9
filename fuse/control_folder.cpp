// SPDX-License-Identifier: Apache-2.0
#include "fuse/control_folder.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace smb3fuse::fs {

namespace {

constexpr std::string_view kSuffix = ".socket";

bool is_ours_alone(const std::string& folder) {
  struct stat found {};
  return lstat(folder.c_str(), &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == geteuid() &&
         (found.st_mode & 077) == 0;
}

bool is_stale(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  path.copy(address.sun_path, path.size());
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return false;
  const bool refused =
      connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  close(descriptor);
  return refused;
}

}  // namespace

std::vector<std::string> control_folders(uid_t owner) {
  std::vector<std::string> folders;
  if (owner == 0) {
    folders.emplace_back("/run/smb3fuse");
  } else {
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
    if (owner == geteuid() && runtime != nullptr && runtime[0] == '/' && is_ours_alone(runtime)) {
      folders.push_back(std::string(runtime) + "/smb3fuse");
    }
    std::string usual = "/run/user/" + std::to_string(owner) + "/smb3fuse";
    if (std::find(folders.begin(), folders.end(), usual) == folders.end()) folders.push_back(std::move(usual));
  }
  folders.push_back("/tmp/smb3fuse-" + std::to_string(owner));
  return folders;
}

std::string control_socket_name(std::string_view device) {
  std::string name(device);
  std::replace(name.begin(), name.end(), ':', '-');
  return name.append(kSuffix);
}

// Nobody else can put another one in its place: what it lies in is root's, ours, or sticky.
bool make_control_folder(const std::string& folder) {
  return (mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) && is_ours_alone(folder);
}

void remove_stale_sockets(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string path = entry.path();
    if (path.ends_with(kSuffix) && is_stale(path)) unlink(path.c_str());
  }
}

}  // namespace smb3fuse::fs
