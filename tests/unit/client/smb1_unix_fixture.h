// SPDX-License-Identifier: Apache-2.0
// A share connected to a ScriptedSmb1Server that has the UNIX extensions.
#pragma once

#include <gmock/gmock.h>

#include "tests/unit/client/smb1_fixture.h"

namespace smb3fuse::client {

inline constexpr std::uint32_t kFirstRead = 4096;

inline test::Smb1ServerOptions with_unix_extensions() {
  test::Smb1ServerOptions options;
  options.capabilities |= cifs::CAP_UNIX;
  return options;
}

class Smb1UnixShareTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(room.connect()) << room.error.sentence;
    turns = room.stream->send_calls();
    server.asked();
  }
  std::size_t turns_since() { return room.stream->send_calls() - std::exchange(turns, room.stream->send_calls()); }
  std::unique_ptr<Open> opened(std::string path) {
    auto result = room.finish(room.share->open(Smb1Room::to_read(std::move(path))));
    EXPECT_TRUE(result);
    server.asked();
    turns_since();
    return result ? std::move(result->open) : nullptr;
  }
  template <class T>
  static std::error_code error_of(const Result<T>& result) {
    return result ? std::error_code() : result.error();
  }
  void expect_nothing_open() {
    room.runtime.advance(1s);
    EXPECT_THAT(room.files.opens(), testing::IsEmpty());
  }

  Smb1Room room{with_unix_extensions()};
  test::ScriptedSmb1Unix& server = *room.unix_extensions;
  Share& share() { return *room.share; }
  std::size_t turns = 0;
};

}  // namespace smb3fuse::client
