// SPDX-License-Identifier: Apache-2.0
// How long opens are kept that nobody uses.
#include <gtest/gtest.h>

#include "fuse/kernel_notifier.h"
#include "fuse/open_file.h"
#include "tests/unit/client/file_fixture.h"

namespace smb3fuse::fs::test {
namespace {

using namespace std::chrono_literals;

constexpr client::Rights kAll{.read = true, .write = true, .handle = true};
constexpr client::Rights kReadAndHandle{.read = true, .handle = true};

class IdleFilesTest : public testing::Test {
 protected:
  // A file with an open that nobody uses, in the hands of `idle`.
  void keep(client::Rights rights) {
    client::Attributes attributes;
    attributes.file_id = ++last_id_;
    share.grants_rights = true;
    auto file = std::make_shared<OpenFile>(nodes.adopt(nodes.root(), std::to_string(last_id_), attributes, true),
                                           notifier, runtime, budget, share, census);
    share.lease->held = rights;
    client::OpenResult result;
    result.open = std::make_unique<client::test::FakeOpen>(server, pool);
    file->file.end_use(file->file.add(std::move(result), true, true, true));
    idle.keep(std::move(file));
  }

  client::test::HandRuntime runtime;
  cache::BufferPool pool;
  cache::Budget budget{pool, std::size_t{512} << 20};
  client::test::Server server;
  client::test::FakeShare share{server};
  KernelNotifier notifier{runtime};
  Nodes nodes{root(), false};
  FileCensus census;
  IdleFiles idle{runtime};

 private:
  static client::Attributes root() {
    client::Attributes attributes;
    attributes.file_attributes = client::file_attribute::directory;
    return attributes;
  }
  std::uint64_t last_id_ = 0;
};

TEST_F(IdleFilesTest, GoAfterHalfAMinute) {
  keep(kAll);
  runtime.pass(15s);
  keep(kAll);
  runtime.pass(14s);
  EXPECT_EQ(server.opens, 2);
  runtime.pass(1s);
  EXPECT_EQ(server.opens, 1);
  runtime.pass(15s);
  EXPECT_EQ(server.opens, 0);
  EXPECT_EQ(idle.size(), 0U);
  keep(kAll);
  runtime.pass(30s);
  EXPECT_EQ(server.opens, 0) << "the clock is wound up again";
}

TEST_F(IdleFilesTest, AreNotKeptWhereOthersHaveThemToo) {
  keep(kAll);
  keep(kReadAndHandle);
  EXPECT_EQ(server.opens, 1);
  EXPECT_EQ(idle.size(), 1U);
}

TEST_F(IdleFilesTest, GoWithTheFiveHundredAndThirteenth) {
  for (int i = 0; i < 512; ++i) keep(kAll);
  EXPECT_EQ(server.opens, 512);
  keep(kAll);
  EXPECT_EQ(server.opens, 512);
  EXPECT_EQ(idle.size(), 512U);
}

}  // namespace
}  // namespace smb3fuse::fs::test
