// SPDX-License-Identifier: Apache-2.0
// Servers that grant few credits: compounds go out in parts, transfers are cut, and nothing waits in vain.
#include <gtest/gtest.h>

#include "smb/client/file.h"
#include "smb/wire/close.h"
#include "smb/wire/query_directory.h"
#include "smb/wire/query_info.h"
#include "tests/unit/client/share_fixture.h"

namespace smb3fuse::client {
namespace {

using test::ServerRequest;
using wire::Command;

test::ServerOptions granting(std::uint32_t credits) {
  test::ServerOptions options;
  options.max_credits = credits;
  return options;
}

class FewCredits : public testing::TestWithParam<std::uint32_t> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(room.connect()) << room.error.sentence;
    room.server.on(Command::write, [this](const ServerRequest& request) {
      const auto write = request.as<wire::WriteRequest>();
      const std::size_t end = static_cast<std::size_t>(write.offset) + write.data.bytes.size();
      if (written.size() < end) written.resize(end);
      std::copy(write.data.bytes.begin(), write.data.bytes.end(),
                written.begin() + static_cast<std::ptrdiff_t>(write.offset));
      return test::reply_with(wire::WriteResponse{write.data.length});
    });
    began = room.runtime.now();
  }
  // Neither a deadline nor a pause between two ECHOs has been waited for.
  void TearDown() override { EXPECT_EQ(room.runtime.now() - began, 0s); }

  static Bytes pattern(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    return bytes;
  }

  Room room{granting(GetParam())};
  Bytes written;
  TimePoint began;
};

INSTANTIATE_TEST_SUITE_P(Granted, FewCredits, testing::Values(1u, 2u, 3u, 8u, 16u, 33u));

TEST_P(FewCredits, AreEnoughToLookAtAFile) {
  const auto attributes = room.finish(room.share->stat("f"));
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->end_of_file, room.files.content.size());
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_P(FewCredits, AreEnoughToList) {
  auto stream = room.finish(room.share->open_directory("some dir"));
  ASSERT_TRUE(stream);
  std::vector<std::string> names;
  for (;;) {
    const auto page = room.finish((*stream)->next());
    ASSERT_TRUE(page);
    if (page->empty()) break;
    for (const DirectoryEntry& entry : *page) names.push_back(entry.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"a.txt", "b.txt", "c.txt"}));
  stream->reset();
  EXPECT_TRUE(room.finish(room.share->stat("f")));  // takes the CLOSE along
  EXPECT_EQ(room.files.opens(), 0u);
}

// It keeps nothing.
struct Owner final : File::Owner {
  void handle_read_right_lost() override {}
  void drop_attributes(std::function<void()> done) override { done(); }
  void drop_data(std::function<void()> done) override { done(); }
  void handle_unwritten(std::error_code) override {}
};

TEST_P(FewCredits, AreEnoughToReadAndWrite) {
  room.files.content = pattern(3'000'000);
  const Bytes data = pattern(2'500'000);
  OpenRequest request = Room::to_write("f");
  request.read = true;
  request.first_read = 1u << 20;
  auto opened = room.finish(room.share->open(std::move(request)));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->first_read_done);

  Owner owner;
  cache::Budget budget(room.pool, std::size_t{64} << 20);
  File file(room.runtime, budget, *room.share, owner);
  Open& open = file.add(std::move(*opened), true, true, true);
  Bytes read;
  while (read.size() < room.files.content.size()) {
    std::optional<File::ReadResult> result;
    file.read(read.size(), 1u << 20, [&](File::ReadResult told) { result = std::move(told); });
    room.runtime.run();
    ASSERT_TRUE(result && !result->error && !result->pieces.empty());
    for (const cache::Buffer& piece : result->pieces) {
      read.insert(read.end(), piece.bytes().begin(), piece.bytes().end());
    }
  }
  EXPECT_EQ(read, room.files.content);

  for (std::size_t at = 0; at < data.size();) {
    const std::size_t size = std::min<std::size_t>(1u << 20, data.size() - at);
    file.write(at, room.pool.copy_of(ByteView(data).subspan(at, size)), false,
               [](std::error_code error) { EXPECT_EQ(error, std::error_code()); });
    at += size;
  }
  EXPECT_EQ(room.finish(file.flush(true)), std::error_code());
  EXPECT_EQ(written, data);
  file.end_use(open);
}

TEST_P(FewCredits, AreEnoughToChangeNames) {
  EXPECT_TRUE(room.finish(room.share->make_directory("new dir", 0755)));
  EXPECT_EQ(room.finish(room.share->rename("a", "b", true, nullptr)), std::error_code());
  Share::RemoveHint hint;
  hint.file_attributes = file_attribute::readonly;
  hint.keep_for_opens = true;
  EXPECT_EQ(room.finish(room.share->remove_file("b", hint)), std::error_code());
  EXPECT_TRUE(room.finish(room.share->make_symlink("l", "target")));
  EXPECT_EQ(written.size(), 1067u);
  EXPECT_TRUE(room.finish(room.share->file_system_info()));
  EXPECT_EQ(room.files.opens(), 0u);
}

// ---- compounds in parts

class OneCredit : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(room.connect()) << room.error.sentence; }
  Room room{granting(1)};
};

TEST_F(OneCredit, AnswersWhatIsBehindACreateThatFailedWithItsError) {
  room.server.once(Command::create, test::refuse(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND));
  const std::size_t asked = room.server.requests.size();
  const auto attributes = room.finish(room.share->stat("f"));
  ASSERT_FALSE(attributes);
  EXPECT_EQ(attributes.error(), NtStatus::STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(room.server.requests.size(), asked + 1);
}

TEST_F(OneCredit, StillClosesWhatItOpenedWhenAPartBetweenFails) {
  room.server.once(Command::query_info, test::refuse(NtStatus::STATUS_ACCESS_DENIED));
  const auto attributes = room.finish(room.share->stat("f"));
  ASSERT_FALSE(attributes);
  EXPECT_EQ(attributes.error(), NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_F(OneCredit, DoesNotLetAPendingOpenHoldUpTheOthers) {
  std::optional<ServerRequest> kept;
  room.server.once(Command::create, [&](const ServerRequest& request) {
    kept = request;
    room.server.pend(request);
    return std::nullopt;
  });
  std::optional<Result<Attributes>> slow;
  spawn([](Share& share, std::optional<Result<Attributes>>& told) -> Task<void> {
    auto attributes = co_await share.stat("slow");
    told = std::move(attributes);
  }(*room.share, slow));
  room.runtime.run();
  ASSERT_TRUE(kept);
  EXPECT_TRUE(room.finish(room.share->stat("quick")));
  EXPECT_FALSE(slow);
  room.server.answer(*kept, room.files.create(*kept));
  room.runtime.run();
  ASSERT_TRUE(slow && *slow);
  EXPECT_EQ(room.files.opens(), 0u);
}

TEST_F(OneCredit, EndsAChainWhoseFirstPartIsNeverAnswered) {
  room.server.once(Command::create, [](const ServerRequest&) { return std::nullopt; });
  const auto attributes = room.finish(room.share->stat("f"));
  ASSERT_FALSE(attributes);
  EXPECT_EQ(attributes.error(), NtStatus::STATUS_IO_TIMEOUT);
}

TEST_F(OneCredit, EndsAChainWhoseRestIsWaitingWhenTheConnectionIsLost) {
  room.server.once(Command::create, [&](const ServerRequest&) {
    room.stream->lose(make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED));
    return std::nullopt;
  });
  const auto attributes = room.finish(room.share->stat("f"));
  ASSERT_FALSE(attributes);
  EXPECT_EQ(attributes.error(), NtStatus::STATUS_CONNECTION_DISCONNECTED);
}

TEST(WindowThatGrows, SendsWholeCompoundsAgain) {
  Room room(granting(1));
  ASSERT_TRUE(room.connect());
  room.server.options.max_credits = 64;
  EXPECT_TRUE(room.finish(room.share->stat("f")));
  const std::size_t sent = room.stream->sent();
  EXPECT_TRUE(room.finish(room.share->stat("f")));
  EXPECT_EQ(room.stream->sent(), sent + 1);
  auto stream = room.finish(room.share->open_directory("dir"));
  ASSERT_TRUE(stream);
  EXPECT_EQ(room.stream->sent(), sent + 2);
  EXPECT_EQ(room.server.requests.back().as<wire::QueryDirectoryRequest>().output_buffer_length, 1u << 20);
}

}  // namespace
}  // namespace smb3fuse::client
