// SPDX-License-Identifier: Apache-2.0
// cache=loose and close=lazy: what a mount may show late, and what it may not wait for.
#include <fcntl.h>
#include <gtest/gtest.h>

#include "fake_kernel.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs::test {
namespace {

constexpr std::uint32_t kDirect = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;

VfsConfig loose() {
  VfsConfig config;
  config.loose = true;
  return config;
}
VfsConfig lazy() {
  VfsConfig config;
  config.lazy_close = true;
  return config;
}

class LooseCache : public testing::Test {
 protected:
  LooseCache() {
    kernel.init();
    kernel.share.put("a", "hello");
    node = kernel.lookup(kRootId, "a").nodeid;
  }
  fuse_open_out open(std::uint32_t flags) { return kernel.open(node, flags).as<fuse_open_out>(); }
  fuse_attr_out getattr() { return kernel.ask(FUSE_GETATTR, node, raw(fuse_getattr_in{})).as<fuse_attr_out>(); }

  FakeKernel kernel{loose()};
  NodeId node = 0;
};

TEST_F(LooseCache, ReadsThroughThePageCacheWithoutARight) {
  EXPECT_EQ(open(O_RDONLY).open_flags, 0U);
  EXPECT_EQ(open(O_WRONLY).open_flags, kDirect);
}

TEST_F(LooseCache, KeepsThePagesOfAFileThatIsAsItWasWhenItWasOpenedLast) {
  kernel.close_file(node, open(O_RDONLY).fh);
  EXPECT_EQ(open(O_RDONLY).open_flags, std::uint32_t{FOPEN_KEEP_CACHE});
  kernel.share.tree["a"]->attributes.last_write_time += 10'000'000;
  EXPECT_EQ(open(O_RDONLY).open_flags, 0U);
}

TEST_F(LooseCache, TrustsAttributesForAsLongAsWithoutAnOpen) {
  open(O_RDONLY);
  const fuse_attr_out told = getattr();
  EXPECT_EQ(told.attr_valid, 0U);
  EXPECT_GT(told.attr_valid_nsec, 500'000'000U);
  EXPECT_EQ(told.attr.mtimensec, getattr().attr.mtimensec) << "the same time keeps the kernel's pages";
}

class LazyClose : public testing::Test {
 protected:
  explicit LazyClose(client::Rights rights = {.read = true, .write = true, .handle = true}) {
    kernel.share.rights = rights;
    kernel.init();
    const Reply made = kernel.create(kRootId, "new", O_WRONLY);
    node = made.as<fuse_entry_out>().nodeid;
    handle = made.as<fuse_open_out>(sizeof(fuse_entry_out)).fh;
    kernel.share.hold();
    kernel.write(node, handle, 0, "hello");
  }
  // Does close(2) return although the server does not answer?
  bool returns() {
    fuse_flush_in in{};
    in.fh = handle;
    return kernel.answer(kernel.send(FUSE_FLUSH, node, raw(in))).has_value();
  }

  FakeKernel kernel{lazy()};
  NodeId node = 0;
  std::uint64_t handle = 0;
};

TEST_F(LazyClose, DoesNotWaitForWhatNobodyElseCanAskFor) {
  EXPECT_TRUE(returns());
  kernel.close_file(node, handle);
  kernel.share.release();
  kernel.settle();
  EXPECT_EQ(kernel.share.tree["new"]->data, "hello");
}

class LazyCloseBesideOthers : public LazyClose {
 protected:
  LazyCloseBesideOthers() : LazyClose({.read = true, .handle = true}) {}
};

TEST_F(LazyCloseBesideOthers, WaitsSoThatTheNextToOpenFindsIt) { EXPECT_FALSE(returns()); }

}  // namespace
}  // namespace smb3fuse::fs::test
