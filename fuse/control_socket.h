// SPDX-License-Identifier: Apache-2.0
// The daemon's end of a mount's control socket: whoever connects is told one text and hung up on. Nothing is read, so
// there is nothing to be misunderstood; who takes the text slowly, or not at all, is given up after a while; and only
// few are served at once. Served are the user whose process this is, and root. Loop thread.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace smb3fuse::fs {

class ControlSocket {
 public:
  // `context` outlives it. `tell` is asked for each client.
  ControlSocket(boost::asio::io_context& context, std::function<std::string()> tell);
  // The socket goes, and who is being served.
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  // Listens in the first of the folders in which that can be done, in place of what a dead daemon has left there. The
  // error is the end of a sentence.
  tl::expected<void, std::string> open(const std::vector<std::string>& folders, std::string_view device);

 private:
  class Server;
  std::shared_ptr<Server> server_;  // operations in flight share it
};

}  // namespace smb3fuse::fs
