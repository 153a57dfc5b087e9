// SPDX-License-Identifier: Apache-2.0
// A share connected to a ScriptedServer through memory, at a time that the test moves.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smb/client/connect.h"
#include "tests/support/manual_runtime.h"
#include "tests/support/memory_transport.h"
#include "tests/support/scripted_server.h"
#include "tests/support/scripted_share.h"

namespace smb3fuse::client {

using namespace std::chrono_literals;

using Connected = tl::expected<std::unique_ptr<Share>, ConnectError>;

class Room {
 public:
  explicit Room(test::ServerOptions options = {}) : server(std::move(options)), files(server) {
    dialer.accept = [this](const std::shared_ptr<test::MemoryStream>& opened) -> std::optional<DialError> {
      stream = opened;
      // A second connection is the question whether the server speaks SMB1, which it does not answer.
      if (dialer.dialled.size() == 1) {
        stream->to_server = [this](Bytes message) { server.receive(std::move(message)); };
        server.send = [first = opened](Bytes message) { first->deliver(std::move(message)); };
      }
      if (on_accept) on_accept(*stream);
      return std::nullopt;
    };
    config.server = "nas";
    config.share = "media";
    config.credentials.user = "alice";
    config.credentials.secret = crypto::Secret(std::string_view("open sesame"));
  }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() {
    share.reset();
    runtime.advance(1s);  // the CLOSEs that nobody waits for
    if (expect_complaints) return;
    for (const std::string& complaint : server.complaints) ADD_FAILURE() << "the server complains: " << complaint;
  }

  // True: `share` is there. False: `error` says why not.
  bool connect() {
    dialer.dialled.clear();
    const std::shared_ptr<const ConnectConfig> ours(std::shared_ptr<void>(), &config);
    auto outcome = runtime.finish(client::connect(runtime, dialer, ours));
    EXPECT_TRUE(outcome) << "connect() never ends";
    if (!outcome) return false;
    if (*outcome) {
      share = std::move(**outcome);
    } else {
      error = std::move(outcome->error());
    }
    return share != nullptr;
  }
  // Expects that connect() fails at `step` with a sentence that has `words` in it.
  void expect_refusal(ConnectStep step, const std::string& words) {
    ASSERT_FALSE(connect());
    EXPECT_EQ(error.step, step) << error.sentence;
    EXPECT_NE(error.sentence.find(words), std::string::npos) << error.sentence;
    EXPECT_FALSE(stream != nullptr && stream->is_open());
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
  // Of a callback of Open.
  std::error_code finish(const std::function<void(Open::Done)>& start) { return finish(awaited(start)); }

  static OpenRequest to_read(std::string path, std::uint32_t first_read = 0) {
    OpenRequest request;
    request.path = std::move(path);
    request.first_read = first_read;
    return request;
  }
  static OpenRequest to_write(std::string path) {
    OpenRequest request;
    request.path = std::move(path);
    request.disposition = Disposition::open_or_create;
    request.write = true;
    return request;
  }

  test::ManualRuntime runtime;
  cache::BufferPool pool;
  test::MemoryDialer dialer{runtime, pool};
  test::ScriptedServer server;
  test::ScriptedShare files;
  std::shared_ptr<test::MemoryStream> stream;
  std::function<void(test::MemoryStream&)> on_accept;
  ConnectConfig config;
  std::unique_ptr<Share> share;
  ConnectError error{};
  bool expect_complaints = false;

 private:
  static Task<std::error_code> awaited(const std::function<void(Open::Done)>& start) {
    auto begin = [&](auto done) { start(std::move(done)); };
    const std::error_code error = co_await callback<std::error_code>(begin);
    co_return error;
  }
};

}  // namespace smb3fuse::client
