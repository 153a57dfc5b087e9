// SPDX-License-Identifier: Apache-2.0
#include "fuse/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace smb3fuse::fs {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

// Until there is something to read, or the end.
bool wait_readable(int descriptor, Clock::time_point until) {
  pollfd waited{.fd = descriptor, .events = POLLIN, .revents = 0};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    const int ready = poll(&waited, 1, static_cast<int>(std::max<decltype(left)>(left, 0)));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace

tl::expected<std::string, ControlError> ask_control_socket(const std::string& path, uid_t owner,
                                                           std::chrono::milliseconds patience) {
  const Clock::time_point until = Clock::now() + patience;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return tl::unexpected(ControlError::missing);
  path.copy(address.sun_path, path.size());
  const Descriptor asking(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connect(asking.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EAGAIN) return tl::unexpected(ControlError::silent);  // many wait already
    const bool forbidden = errno == EACCES || errno == EPERM;
    return tl::unexpected(forbidden ? ControlError::forbidden : ControlError::missing);
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(asking.number(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != owner) {
    return tl::unexpected(ControlError::stranger);
  }
  std::string told;
  std::array<char, 16384> part;
  while (true) {
    if (!wait_readable(asking.number(), until)) return tl::unexpected(ControlError::silent);
    const ssize_t got = read(asking.number(), part.data(), part.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return tl::unexpected(ControlError::missing);
    if (got == 0) break;
    told.append(part.data(), static_cast<std::size_t>(got));
    if (told.size() > kMostBytes) return tl::unexpected(ControlError::unreadable);
  }
  if (told.empty()) return tl::unexpected(ControlError::busy);
  return told;
}

}  // namespace smb3fuse::fs
