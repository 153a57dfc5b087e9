// SPDX-License-Identifier: Apache-2.0
// Each scenario is run again and again, failing at one step after the other: the stream is cut at the nth message sent
// or to be received, the nth request is refused, the nth response is cut short at each length. Whatever happens, every
// task ends, once, with an error where it could not do its work; nothing leaks, no open is left on a server that is
// still there.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "tests/unit/client/share_fixture.h"

namespace smb3fuse::client {
namespace {

using test::ServerReply;
using test::ServerRequest;
using wire::Command;

struct Scenario {
  const char* name;
  std::error_code (*run)(Room&);  // after connect()
  // Refused, these requests do not fail it: nobody waits for them, or there is another way.
  std::vector<Command> may_fail;
};

std::error_code open_and_read(Room& room) {
  auto opened = room.finish(room.share->open(Room::to_read("f")));
  if (!opened) return opened.error();
  return room.finish([&](Open::Done done) {
    opened->open->read(0, 11, [done](std::error_code error, const cache::Buffer& data) {
      EXPECT_EQ(data.size(), error ? 0u : 11u);
      done(error);
    });
  });
}

std::error_code write_and_flush(Room& room) {
  auto opened = room.finish(room.share->open(Room::to_write("f")));
  if (!opened) return opened.error();
  const auto written = room.finish([&](Open::Done done) {
    opened->open->write(0, {room.pool.copy_of(Bytes(100, 'x')), room.pool.copy_of(Bytes(3, 'y'))}, {}, false,
                        [done](std::error_code error, std::error_code) { done(error); });
  });
  if (written) return written;
  return room.finish([&](Open::Done done) { opened->open->flush(done); });
}

std::error_code read_directory(Room& room) {
  room.files.pages = {{u".", u"..", u"a"}, {u"b"}, {u"c"}, {u"d"}, {u"e"}};
  auto stream = room.finish(room.share->open_directory("dir"));
  if (!stream) return stream.error();
  std::size_t entries = 0;
  for (;;) {
    const auto page = room.finish((*stream)->next());
    if (!page) return page.error();
    if (page->empty()) break;
    entries += page->size();
  }
  EXPECT_EQ(entries, 5u);
  return {};
}

std::error_code stat(Room& room) {
  const auto attributes = room.finish(room.share->stat("f"));
  return attributes ? std::error_code() : attributes.error();
}

std::error_code rename(Room& room) { return room.finish(room.share->rename("a", "b", true, nullptr)); }

std::error_code remove_readonly(Room& room) {
  Share::RemoveHint hint;
  hint.file_attributes = file_attribute::readonly;
  return room.finish(room.share->remove_file("f", hint));
}

std::error_code nothing(Room&) { return {}; }

class FailEveryStep : public testing::TestWithParam<Scenario> {
 protected:
  // The whole of it: connect, then the scenario.
  static std::error_code run(Room& room) {
    if (!room.connect()) {
      EXPECT_FALSE(room.error.sentence.empty());
      EXPECT_TRUE(room.error.error);
      return room.error.error;
    }
    return GetParam().run(room);
  }
  // The steps of the scenario, from the first one behind connect(); of connect() itself in the scenario that is no
  // more.
  struct Range {
    std::size_t first = 1;
    std::size_t last = 0;
  };
  struct Steps {
    Range sent;
    Range received;
    Range requests;
    std::vector<std::size_t> sizes{0};  // of what was received, counted from 1
  };
  static Steps count() {
    Room room;
    Steps steps;
    room.on_accept = [&](test::MemoryStream& stream) {
      stream.edit_to_client = [&](Bytes& message) { steps.sizes.push_back(message.size()); };
    };
    EXPECT_TRUE(room.connect());
    if (GetParam().run != nothing) {
      steps.sent.first = room.stream->sent() + 1;
      steps.received.first = room.stream->received() + 1;
      steps.requests.first = room.server.requests.size() + 1;
    }
    EXPECT_EQ(GetParam().run(room), std::error_code());
    steps.sent.last = room.stream->sent();
    steps.received.last = room.stream->received();
    steps.requests.last = room.server.requests.size();
    room.stream->edit_to_client = nullptr;
    EXPECT_GE(steps.received.last, steps.received.first);
    return steps;
  }
  // After a scenario, when what nobody waits for has been done too.
  static void expect_nothing_open(Room& room) {
    room.runtime.advance(1s);
    EXPECT_EQ(room.files.opens(), 0u);
  }
};

TEST_P(FailEveryStep, CutWhileSending) {
  const Steps steps = count();
  for (std::size_t n = steps.sent.first; n <= steps.sent.last; ++n) {
    SCOPED_TRACE("at message " + std::to_string(n) + " sent");
    Room room;
    room.on_accept = [&](test::MemoryStream& stream) { stream.lose_at_send = n; };
    EXPECT_TRUE(run(room));
  }
}

TEST_P(FailEveryStep, CutWhileReceiving) {
  const Steps steps = count();
  for (std::size_t n = steps.received.first; n <= steps.received.last; ++n) {
    SCOPED_TRACE("at message " + std::to_string(n) + " received");
    Room room;
    room.on_accept = [&](test::MemoryStream& stream) { stream.lose_at_frame = n; };
    EXPECT_TRUE(run(room));
  }
}

TEST_P(FailEveryStep, Silent) {
  const Steps steps = count();
  for (std::size_t n = steps.received.first; n <= steps.received.last; ++n) {
    SCOPED_TRACE("from message " + std::to_string(n) + " received on");
    Room room;
    room.expect_complaints = true;
    room.on_accept = [&](test::MemoryStream& stream) {
      stream.edit_to_client = [n, seen = std::size_t{0}](Bytes& message) mutable {
        if (++seen >= n) message.clear();
      };
    };
    EXPECT_TRUE(run(room));
  }
}

TEST_P(FailEveryStep, Refused) {
  const Steps steps = count();
  for (const bool whole_compounds : {false, true}) {
    for (std::size_t n = steps.requests.first; n <= steps.requests.last; ++n) {
      Room room;
      room.server.fail_whole_compounds = whole_compounds;
      std::size_t seen = 0;
      Command refused{};
      bool connecting = false;
      room.server.before = [&](const ServerRequest& request) -> std::optional<ServerReply> {
        if (++seen != n) return std::nullopt;
        refused = request.header.command;
        connecting = room.share == nullptr;
        return test::refuse(NtStatus::STATUS_INSUFFICIENT_RESOURCES);
      };
      const std::error_code error = run(room);
      SCOPED_TRACE("request " + std::to_string(n) + ", " + std::string(wire::name_of(refused)));
      const auto& may_fail = GetParam().may_fail;
      const bool tolerated = connecting ? refused == Command::close || refused == Command::query_info
                                        : std::find(may_fail.begin(), may_fail.end(), refused) != may_fail.end();
      EXPECT_TRUE(tolerated || error == NtStatus::STATUS_INSUFFICIENT_RESOURCES) << error.message();
      if (room.share == nullptr) continue;      // the connection is gone, and with it what was open
      if (refused == Command::close) continue;  // it was the server that did not close
      room.server.before = nullptr;
      expect_nothing_open(room);
    }
  }
}

// The structures themselves are cut at every length in the tests of smb/wire and smb/auth; here it is about what the
// engine makes of it. Within the first header, each length is tried on the bare connection.
TEST_P(FailEveryStep, CutShort) {
  const Steps steps = count();
  const bool connecting = GetParam().run == nothing;
  const std::size_t stride = connecting ? 11 : 3;  // most of them end the connection: an authentication each
  std::unique_ptr<Room> room;
  for (std::size_t n = steps.received.first; n <= steps.received.last; ++n) {
    for (std::size_t length = 0; length < steps.sizes[n]; length += stride) {
      if (length > 4 && length + 1 < wire::kSmb2HeaderSize) continue;
      SCOPED_TRACE("message " + std::to_string(n) + " at length " + std::to_string(length));
      const auto cut = [n, length, seen = connecting ? 0 : steps.received.first - 1](Bytes& message) mutable {
        if (++seen != n) return;
        message.resize(length);
        if (length == 0) message = {0};  // an empty message would not arrive
      };
      // A share serves until its connection is given up.
      if (connecting || room == nullptr || !room->stream->is_open()) {
        room = std::make_unique<Room>();
        if (connecting) room->on_accept = [&](test::MemoryStream& stream) { stream.edit_to_client = cut; };
        const bool connected = room->connect();
        ASSERT_TRUE(connected || connecting);
      }
      if (!connecting) room->stream->edit_to_client = cut;
      if (room->share) GetParam().run(*room);  // an error, but where what was cut off was not needed
      EXPECT_TRUE(length >= wire::kSmb2HeaderSize || !room->stream->is_open());
      room->stream->edit_to_client = nullptr;
      room->runtime.advance(std::chrono::seconds(1));  // the CLOSEs, in messages of their own
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FailEveryStep,
                         testing::Values(Scenario{"Connect", nothing, {}},
                                         Scenario{"OpenAndRead", open_and_read, {Command::close}},
                                         Scenario{"WriteAndFlush", write_and_flush, {Command::close}},
                                         Scenario{"ReadDirectory", read_directory, {Command::close}},
                                         Scenario{"Stat", stat, {Command::close}}, Scenario{"Rename", rename, {}},
                                         Scenario{"RemoveReadonly", remove_readonly, {}}),
                         [](const auto& scenario) { return scenario.param.name; });

}  // namespace
}  // namespace smb3fuse::client
