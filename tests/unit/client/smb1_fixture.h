// SPDX-License-Identifier: Apache-2.0
// A share connected to a ScriptedSmb1Server through memory, at a time that the test moves.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smb/client/connect.h"
#include "smb/client/smb1_connect.h"
#include "tests/support/manual_runtime.h"
#include "tests/support/memory_transport.h"
#include "tests/support/scripted_smb1_server.h"
#include "tests/support/scripted_smb1_share.h"
#include "tests/support/scripted_smb1_unix.h"

namespace smb3fuse::client {

using namespace std::chrono_literals;

class Smb1Room {
 public:
  using Connected = tl::expected<std::unique_ptr<Share>, ConnectError>;

  explicit Smb1Room(test::Smb1ServerOptions options = {}) : server(std::move(options)), files(server) {
    if ((server.options.capabilities & cifs::CAP_UNIX) != 0) unix_extensions.emplace(server, files);
    dialer.accept = [this](const std::shared_ptr<test::MemoryStream>& opened) -> std::optional<DialError> {
      stream = opened;
      stream->to_server = [this](Bytes message) { server.receive(std::move(message)); };
      server.send = [opened](Bytes message) { opened->deliver(std::move(message)); };
      if (on_accept) on_accept(*stream);
      return std::nullopt;
    };
    config.server = "nas";
    config.share = "media";
    config.min_dialect = config.max_dialect = kSmb1Dialect;
    config.credentials.user = "alice";
    config.credentials.secret = crypto::Secret(std::string_view("open sesame"));
  }
  Smb1Room(const Smb1Room&) = delete;
  Smb1Room& operator=(const Smb1Room&) = delete;
  ~Smb1Room() {
    share.reset();
    runtime.advance(1s);  // the CLOSEs that nobody waits for
    for (const std::string& complaint : server.complaints) ADD_FAILURE() << "the server complains: " << complaint;
  }

  // True: `share` is there. False: `error` says why not.
  bool connect() {
    const std::shared_ptr<const ConnectConfig> ours(std::shared_ptr<void>(), &config);
    auto outcome = runtime.finish(client::connect(runtime, dialer, ours));
    EXPECT_TRUE(outcome) << "connect() never ends";
    if (!outcome) return false;
    if (*outcome) {
      share = std::move(**outcome);
      connecting = stream->send_calls();
      server.requests.clear();
    } else {
      error = std::move(outcome->error());
    }
    return share != nullptr;
  }

  // What a task of the share comes to; it always ends.
  template <class T>
  T finish(Task<T> task) {
    auto outcome = runtime.finish(std::move(task));
    if (!outcome) {
      ADD_FAILURE() << "a task never ends";
      std::abort();
    }
    return std::move(*outcome);
  }

  static OpenRequest to_read(std::string path, std::uint32_t first_read = 0) {
    OpenRequest request;
    request.path = std::move(path);
    request.first_read = first_read;
    return request;
  }

  test::ManualRuntime runtime;
  cache::BufferPool pool;
  test::MemoryDialer dialer{runtime, pool};
  test::ScriptedSmb1Server server;
  test::ScriptedSmb1Share files;
  std::optional<test::ScriptedSmb1Unix> unix_extensions;
  std::shared_ptr<test::MemoryStream> stream;
  std::function<void(test::MemoryStream&)> on_accept;
  ConnectConfig config;
  std::unique_ptr<Share> share;
  ConnectError error{};
  std::size_t connecting = 0;  // turns with something to send until the share was there
};

}  // namespace smb3fuse::client
