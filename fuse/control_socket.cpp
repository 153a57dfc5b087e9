// SPDX-License-Identifier: Apache-2.0
#include "fuse/control_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "fuse/control_folder.h"

namespace smb3fuse::fs {

namespace {

using boost::asio::local::stream_protocol;

constexpr std::size_t kMostClients = 4;
constexpr std::chrono::seconds kClientPatience{2};
constexpr std::chrono::seconds kPauseAfterError{1};  // in accepting, e.g. while there are no descriptors left

bool may_ask(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

}  // namespace

class ControlSocket::Server : public std::enable_shared_from_this<Server> {
 public:
  Server(boost::asio::io_context& context, std::function<std::string()> tell)
      : acceptor_(context), pause_(context), tell_(std::move(tell)) {}

  // Complete before it has its name: who finds it there can connect.
  std::optional<std::string> listen(const std::string& folder, const std::string& name) {
    if (!make_control_folder(folder)) return folder + " cannot be made, or is not this user's alone";
    remove_stale_sockets(folder);
    const std::string path = folder + "/" + name;
    const std::string nascent = fmt::format("{}/.{}", folder, getpid());
    boost::system::error_code error;
    try {
      acceptor_.open(stream_protocol(), error);
      unlink(nascent.c_str());
      if (!error) acceptor_.bind(stream_protocol::endpoint(nascent), error);
    } catch (const boost::system::system_error& too_long) {
      error = too_long.code();
    }
    if (!error) acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
    struct stat made {};
    const auto call = [&error](int result) {
      if (!error && result != 0) error.assign(errno, boost::system::system_category());
    };
    if (!error) call(chmod(nascent.c_str(), 0600));
    if (!error) call(stat(nascent.c_str(), &made));
    if (!error) call(std::rename(nascent.c_str(), path.c_str()));
    if (error) {
      boost::system::error_code ignored;
      acceptor_.close(ignored);
      unlink(nascent.c_str());
      return path + ": " + error.message();
    }
    path_ = path;
    inode_ = made.st_ino;
    accept();
    return std::nullopt;
  }

  void stop() {
    // The device number may have been given to another mount already, and the name to its socket.
    struct stat found {};
    if (!path_.empty() && stat(path_.c_str(), &found) == 0 && found.st_ino == inode_) unlink(path_.c_str());
    tell_ = nullptr;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel(ignored);
    for (auto& client : clients_) {
      if (const auto served = client.lock()) served->hang_up();
    }
  }

 private:
  struct Client {
    Client(stream_protocol::socket connected, std::string to_tell)
        : socket(std::move(connected)), patience(socket.get_executor()), text(std::move(to_tell)) {}

    void hang_up() {
      boost::system::error_code ignored;
      socket.close(ignored);
      patience.cancel(ignored);
    }

    stream_protocol::socket socket;
    boost::asio::steady_timer patience;
    const std::string text;
  };

  void accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const boost::system::error_code& error, stream_protocol::socket client) {
          if (self->tell_ == nullptr) return;
          if (error) return self->accept_later();
          self->serve(std::move(client));
          self->accept();
        });
  }

  void accept_later() {
    pause_.expires_after(kPauseAfterError);
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code&) {
      if (self->tell_ != nullptr) self->accept();
    });
  }

  void serve(stream_protocol::socket socket) {
    const auto place =
        std::find_if(clients_.begin(), clients_.end(), [](const auto& client) { return client.expired(); });
    if (place == clients_.end() || !may_ask(socket.native_handle())) return;
    const auto client = std::make_shared<Client>(std::move(socket), tell_());
    *place = client;
    client->patience.expires_after(kClientPatience);
    client->patience.async_wait([client](const boost::system::error_code& error) {
      if (!error) client->hang_up();
    });
    boost::asio::async_write(client->socket, boost::asio::buffer(client->text),
                             [client](const boost::system::error_code&, std::size_t) { client->hang_up(); });
  }

  stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::function<std::string()> tell_;  // null: stopped
  std::array<std::weak_ptr<Client>, kMostClients> clients_;
  std::string path_;
  ino_t inode_ = 0;
};

ControlSocket::ControlSocket(boost::asio::io_context& context, std::function<std::string()> tell)
    : server_(std::make_shared<Server>(context, std::move(tell))) {}

ControlSocket::~ControlSocket() { server_->stop(); }

tl::expected<void, std::string> ControlSocket::open(const std::vector<std::string>& folders, std::string_view device) {
  std::string failures;
  for (const std::string& folder : folders) {
    const auto failed = server_->listen(folder, control_socket_name(device));
    if (!failed) return {};
    failures += (failures.empty() ? "" : "; ") + *failed;
  }
  return tl::unexpected(std::move(failures));
}

}  // namespace smb3fuse::fs
