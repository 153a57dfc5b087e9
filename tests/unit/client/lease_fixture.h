// SPDX-License-Identifier: Apache-2.0
// A file with a lease on a server that grants what the test says and writes down what is acknowledged.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smb/client/share_status.h"
#include "smb/wire/close.h"
#include "smb/wire/create.h"
#include "smb/wire/create_contexts.h"
#include "smb/wire/oplock_break.h"
#include "smb/wire/session_setup.h"
#include "tests/unit/client/share_fixture.h"

namespace smb3fuse::client {

using wire::Command;
using wire::OplockLevel;
using namespace std::chrono_literals;

inline constexpr std::uint32_t kNone = wire::SMB2_LEASE_NONE;
inline constexpr std::uint32_t kR = wire::SMB2_LEASE_READ_CACHING;
inline constexpr std::uint32_t kRH = kR | wire::SMB2_LEASE_HANDLE_CACHING;
inline constexpr std::uint32_t kRW = kR | wire::SMB2_LEASE_WRITE_CACHING;
inline constexpr std::uint32_t kRWH = kRH | kRW;

inline constexpr Rights kAll{.read = true, .write = true, .handle = true};
inline constexpr Rights kReadAndHandle{.read = true, .handle = true};
inline constexpr Rights kRead{.read = true};

inline constexpr bool kAnswered = true;
inline constexpr bool kUnanswered = false;

inline test::ServerOptions server_of(wire::Dialect dialect, bool leases) {
  test::ServerOptions options;
  options.dialect = dialect;
  options.capabilities = wire::SMB2_GLOBAL_CAP_LARGE_MTU | wire::SMB2_GLOBAL_CAP_ENCRYPTION;
  if (dialect == wire::Dialect::smb_2_0_2) options.capabilities = 0;
  if (leases) options.capabilities |= wire::SMB2_GLOBAL_CAP_LEASING;
  return options;
}

// A file above its lease: gives things up when the test says so.
class FakeHolder final : public Lease::Holder {
 public:
  void handle_break(Rights left, std::function<void()> done) override {
    told.push_back(left);
    if (gives_up_at_once) return done();
    waiting.push_back(std::move(done));
  }
  void give_up() {
    for (const auto& done : std::exchange(waiting, {})) done();
  }

  std::vector<Rights> told;
  bool gives_up_at_once = true;
  std::vector<std::function<void()>> waiting;
};

// A server that grants what the test says, and writes down what is acknowledged.
class LeasingRoom : public Room {
 public:
  explicit LeasingRoom(test::ServerOptions options) : Room(std::move(options)) {
    server.on(Command::create, [this](const test::ServerRequest& request) { return granted(request); });
    server.on(Command::oplock_break, [this](const test::ServerRequest& request) { return acknowledged(request); });
  }

  // The answer to a CREATE, with the rights that `grant` and so on say.
  test::ServerReply granted(const test::ServerRequest& request) {
    test::ServerReply reply = files.create(request);
    const auto asked = request.as<wire::CreateRequest>();
    auto response = wire::decode<wire::CreateResponse>(reply.body).value_or(wire::CreateResponse{});
    const auto v1 = wire::find_context<wire::CreateLease>(asked.create_contexts);
    const auto v2 = wire::find_context<wire::CreateLeaseV2>(asked.create_contexts);
    if (v1 && *v1) {
      wire::CreateLease lease{other_key.value_or((*v1)->lease_key), grant & (*v1)->lease_state, flags};
      response.create_contexts.push_back(wire::make_create_context(lease));
    } else if (v2 && *v2) {
      wire::CreateLeaseV2 lease{other_key.value_or((*v2)->lease_key), grant & (*v2)->lease_state, flags, {}, epoch};
      response.create_contexts.push_back(wire::make_create_context(lease));
    }
    response.oplock_level = asked.requested_oplock_level == OplockLevel::batch ? level : asked.requested_oplock_level;
    reply.body = wire::encode(response);
    return reply;
  }

  Result<OpenResult> open(Lease* lease, std::string path = "f") {
    OpenRequest request = to_read(std::move(path));
    request.lease = lease;
    return finish(share->open(std::move(request)));
  }
  // The CREATE waits for its answer until answer_create().
  void start_open(Lease* lease) {
    server.once(Command::create, [this](const test::ServerRequest& request) {
      kept = request;
      return std::nullopt;
    });
    OpenRequest request = to_read("f");
    request.lease = lease;
    spawn([](Room& where, OpenRequest wanted, std::optional<Result<OpenResult>>& told) -> Task<void> {
      Result<OpenResult> result = co_await where.share->open(std::move(wanted));
      told.emplace(std::move(result));
    }(*this, std::move(request), opened));
    runtime.run();
  }
  void answer_create() {
    server.answer(kept, granted(kept));
    runtime.run();
  }

  void send_break(ByteView body, bool sealed = false) {
    wire::Smb2Header header;
    header.command = Command::oplock_break;
    header.flags = wire::SMB2_FLAGS_SERVER_TO_REDIR;
    header.message_id = wire::kUnsolicitedMessageId;
    const Bytes message = server.message_of(header, body);
    server.send(sealed ? server.seal(message) : message);
    runtime.run();
  }
  void break_lease(wire::LeaseKey key, std::uint32_t from, std::uint32_t to, bool answer, std::uint16_t new_epoch = 0) {
    const std::uint32_t how = answer ? wire::SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED : 0u;
    send_break(wire::encode(wire::LeaseBreakNotification{new_epoch, how, key, from, to}));
  }
  void break_oplock(wire::FileId file, OplockLevel to) { send_break(wire::encode(wire::OplockBreak{to, file})); }

  wire::CreateRequest last_create() const {
    const auto found =
        std::find_if(server.requests.rbegin(), server.requests.rend(),
                     [](const test::ServerRequest& request) { return request.header.command == Command::create; });
    return found == server.requests.rend() ? wire::CreateRequest{} : found->as<wire::CreateRequest>();
  }
  // Of the CREATE that was sent last; without a lease all zeros.
  wire::LeaseKey last_key() const {
    const auto contexts = last_create().create_contexts;
    const auto v2 = wire::find_context<wire::CreateLeaseV2>(contexts);
    if (v2 && *v2) return (*v2)->lease_key;
    const auto v1 = wire::find_context<wire::CreateLease>(contexts);
    return v1 && *v1 ? (*v1)->lease_key : wire::LeaseKey{};
  }

  // The last one that was opened, and the one that will be opened next.
  wire::FileId last_file() const { return {files.created.size(), 0xF000 + files.created.size()}; }
  wire::FileId next_file() const { return {files.created.size() + 1, 0xF000 + files.created.size() + 1}; }

  std::uint32_t grant = kRWH;
  std::uint32_t flags = 0;
  std::uint16_t epoch = 1;
  std::optional<wire::LeaseKey> other_key;
  OplockLevel level = OplockLevel::batch;

  std::vector<std::uint32_t> lease_states;  // acknowledged
  std::vector<wire::LeaseKey> lease_keys;
  std::vector<OplockLevel> oplock_levels;  // acknowledged
  std::vector<wire::FileId> oplock_files;

  test::ServerRequest kept;
  std::optional<Result<OpenResult>> opened;

 private:
  test::ServerReply acknowledged(const test::ServerRequest& request) {
    if (wire::structure_size_of(request.body()) == wire::LeaseBreakAcknowledgment::kStructureSize) {
      const auto told = request.as<wire::LeaseBreakAcknowledgment>();
      lease_states.push_back(told.lease_state);
      lease_keys.push_back(told.lease_key);
      return test::reply_with(told);
    }
    const auto told = request.as<wire::OplockBreak>();
    oplock_levels.push_back(told.oplock_level);
    oplock_files.push_back(told.file_id);
    return test::reply_with(told);
  }
};

// A file's lease, and opens with it.
class LeasedFile {
 public:
  LeasedFile(wire::Dialect dialect, bool leases) : room(server_of(dialect, leases)) {
    EXPECT_TRUE(room.connect()) << room.error.sentence;
    lease = room.share->make_lease(holder);
  }

  wire::FileId open() {
    Result<OpenResult> result = room.open(lease.get());
    EXPECT_TRUE(result);
    if (!result) return {};
    opens.push_back(std::move(result->open));
    if (const wire::LeaseKey used = room.last_key(); used != wire::LeaseKey{}) key = used;
    return room.last_file();
  }
  void take_opened() {
    ASSERT_TRUE(room.opened && *room.opened);
    opens.push_back(std::move((*room.opened)->open));
    room.opened.reset();
  }
  void close_all() {
    opens.clear();
    room.runtime.advance(10ms);
  }

  LeasingRoom room;
  FakeHolder holder;
  std::unique_ptr<Lease> lease;
  wire::LeaseKey key;  // as the server saw it
  std::vector<std::unique_ptr<Open>> opens;
};

inline std::string name_of_dialect(const testing::TestParamInfo<wire::Dialect>& told) {
  switch (told.param) {
    case wire::Dialect::smb_2_0_2:
      return "Smb202";
    case wire::Dialect::smb_2_1:
      return "Smb21";
    case wire::Dialect::smb_3_0:
      return "Smb30";
    default:
      return "Smb311";
  }
}

}  // namespace smb3fuse::client
