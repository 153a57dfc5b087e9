// SPDX-License-Identifier: Apache-2.0
// Byte-range locks over raw FUSE messages: whose they are, what ends them, and what the kernel is told.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_kernel.h"
#include "fuse/vfs.h"

namespace smb3fuse::fs::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kToTheEnd = INT64_MAX;

class VfsLocks : public testing::Test {
 protected:
  VfsLocks() {
    share.rights = client::Rights{.read = true, .write = true, .handle = true};
    kernel.init();
    share.put("a", "hello");
    node = kernel.lookup(kRootId, "a").nodeid;
    handle = open();
    share.asked();
  }

  std::uint64_t open() { return kernel.open(node, O_RDWR).as<fuse_open_out>().fh; }
  static fuse_lk_in request(std::uint64_t through, std::uint64_t owner, std::uint32_t type, std::uint64_t start,
                            std::uint64_t end) {
    fuse_lk_in in{};
    in.fh = through;
    in.owner = owner;
    in.lk = {.start = start, .end = end, .type = type, .pid = 7};
    return in;
  }
  int set(std::uint64_t owner, std::uint32_t type, std::uint64_t start, std::uint64_t end) {
    return kernel.ask(FUSE_SETLK, node, raw(request(handle, owner, type, start, end))).error;
  }
  int flock(std::uint64_t through, std::uint64_t owner, std::uint32_t type) {
    fuse_lk_in in = request(through, owner, type, 0, kToTheEnd);
    in.lk_flags = FUSE_LK_FLOCK;
    return kernel.ask(FUSE_SETLK, node, raw(in)).error;
  }
  fuse_file_lock in_the_way(std::uint64_t owner, std::uint32_t type, std::uint64_t start, std::uint64_t end) {
    return kernel.ask(FUSE_GETLK, node, raw(request(handle, owner, type, start, end))).as<fuse_lk_out>().lk;
  }
  void flush(std::uint64_t owner) {
    fuse_flush_in in{};
    in.fh = handle;
    in.lock_owner = owner;
    EXPECT_EQ(kernel.ask(FUSE_FLUSH, node, raw(in)).error, 0);
  }

  FakeKernel kernel;
  FakeShare& share = kernel.share;
  NodeId node = 0;
  std::uint64_t handle = 0;
};

TEST(Session, LeavesLocksToTheKernelIfToldSo) {
  constexpr std::uint32_t kLocks = FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS;
  FakeKernel with;
  EXPECT_EQ(with.init().flags & kLocks, kLocks);
  VfsConfig config;
  config.locks = false;
  FakeKernel without(config);
  EXPECT_EQ(without.init().flags & kLocks, 0U);
}

TEST_F(VfsLocks, KeepOwnersApartByRange) {
  EXPECT_EQ(set(1, F_WRLCK, 10, 19), 0);
  EXPECT_EQ(set(2, F_RDLCK, 19, 30), EAGAIN);
  EXPECT_EQ(set(2, F_RDLCK, 20, kToTheEnd), 0);
  const fuse_file_lock found = in_the_way(2, F_RDLCK, 0, kToTheEnd);
  EXPECT_EQ(found.type, std::uint32_t{F_WRLCK});
  EXPECT_EQ(found.start, 10U);
  EXPECT_EQ(found.end, 19U);
  EXPECT_EQ(found.pid, 7U);
  EXPECT_EQ(in_the_way(1, F_WRLCK, 30, 30).end, kToTheEnd);
  EXPECT_EQ(in_the_way(1, F_WRLCK, 0, 19).type, std::uint32_t{F_UNLCK});
  EXPECT_EQ(set(1, F_UNLCK, 0, kToTheEnd), 0);
  EXPECT_EQ(set(2, F_WRLCK, 0, kToTheEnd), 0);
  EXPECT_THAT(share.asked(), IsEmpty());
}

TEST_F(VfsLocks, EndWithTheFirstCloseOfTheirOwner) {
  EXPECT_EQ(set(1, F_WRLCK, 0, 9), 0);
  flush(2);
  EXPECT_EQ(set(2, F_WRLCK, 0, 9), EAGAIN);
  flush(1);
  EXPECT_EQ(set(2, F_WRLCK, 0, 9), 0);
}

TEST_F(VfsLocks, OfFlockEndWithTheirHandleAndDoNotSeeThoseOfFcntl) {
  const std::uint64_t other = open();
  EXPECT_EQ(flock(other, 5, F_WRLCK), 0);
  EXPECT_EQ(set(1, F_WRLCK, 0, 9), 0);
  EXPECT_EQ(flock(handle, 6, F_RDLCK), EAGAIN);
  flush(5);
  EXPECT_EQ(flock(handle, 6, F_RDLCK), EAGAIN);
  kernel.close_file(node, other);
  EXPECT_EQ(flock(handle, 6, F_RDLCK), 0);
}

TEST_F(VfsLocks, OfOpenFileDescriptionsEndWithTheirHandle) {
  const std::uint64_t other = open();
  EXPECT_EQ(kernel.ask(FUSE_SETLK, node, raw(request(other, 5, F_WRLCK, 0, 9))).error, 0);
  flush(1);
  EXPECT_EQ(set(1, F_WRLCK, 0, 9), EAGAIN);
  kernel.close_file(node, other);
  EXPECT_EQ(set(1, F_WRLCK, 0, 9), 0);
}

TEST_F(VfsLocks, ThatAProcessHasTakenAgainOutliveTheHandleItClosed) {
  const std::uint64_t other = open();
  EXPECT_EQ(set(1, F_WRLCK, 0, 9), 0);
  flush(1);
  EXPECT_EQ(kernel.ask(FUSE_SETLK, node, raw(request(other, 1, F_WRLCK, 0, 9))).error, 0);
  kernel.close_file(node, handle);  // comes when the kernel likes
  handle = other;
  EXPECT_EQ(set(2, F_WRLCK, 0, 9), EAGAIN);
}

TEST_F(VfsLocks, AreWaitedFor) {
  EXPECT_EQ(set(1, F_WRLCK, 0, 9), 0);
  const std::uint64_t waiting = kernel.send(FUSE_SETLKW, node, raw(request(handle, 2, F_WRLCK, 0, 9)));
  EXPECT_FALSE(kernel.answer(waiting));
  flush(1);
  const std::optional<Reply> reply = kernel.answer(waiting);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, 0);
  EXPECT_EQ(set(1, F_WRLCK, 0, 9), EAGAIN);
}

TEST_F(VfsLocks, KeepNobodyWaitingWhenTheMountEnds) {
  EXPECT_EQ(set(1, F_WRLCK, 0, 9), 0);
  kernel.send(FUSE_SETLKW, node, raw(request(handle, 2, F_WRLCK, 0, 9)));
  kernel.settle();
  kernel.hang_up();
  EXPECT_TRUE(kernel.wait_for([this] { return kernel.ended; }));
  EXPECT_EQ(share.opens, 0);
}

TEST_F(VfsLocks, ComeWithNewAttributesWhereOthersUseTheFile) {
  share.rights = client::Rights{};
  share.put("b", "hello");
  node = kernel.lookup(kRootId, "b").nodeid;
  handle = open();
  share.asked();
  share.tree["b"]->data = "longer than before";
  share.tree["b"]->attributes.end_of_file = 18;
  EXPECT_EQ(set(1, F_WRLCK, 0, 9), 0);
  EXPECT_EQ(kernel.getattr(node).size, 18U);
  EXPECT_THAT(share.asked(), ElementsAre("lock"));
  share.lock_refused = make_error_code(NtStatus::STATUS_LOCK_NOT_GRANTED);
  EXPECT_EQ(set(1, F_WRLCK, 20, 29), EAGAIN);
  EXPECT_EQ(in_the_way(1, F_RDLCK, 20, 29).type, std::uint32_t{F_WRLCK});
  share.lock_refused = {};
  share.asked();
  flush(1);
  EXPECT_THAT(share.asked(), Contains("lock"));
}

}  // namespace
}  // namespace smb3fuse::fs::test
