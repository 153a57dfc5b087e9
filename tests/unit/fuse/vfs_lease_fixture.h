// SPDX-License-Identifier: Apache-2.0
// A mount over raw FUSE messages, in front of a server in memory that grants rights and takes them back.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "fake_kernel.h"

namespace smb3fuse::fs::test {

class VfsLease : public testing::Test {
 protected:
  static constexpr client::Rights kAll{.read = true, .write = true, .handle = true};
  static constexpr client::Rights kReadAndHandle{.read = true, .handle = true};
  static constexpr client::Rights kNothing{};
  static constexpr std::uint32_t kDirect = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;

  VfsLease() {
    share.rights = kAll;
    kernel.init();
    share.asked();
  }

  // A file that the kernel knows.
  NodeId known(const std::string& name, const std::string& data) {
    share.put(name, data);
    const NodeId node = kernel.lookup(kRootId, name).nodeid;
    share.asked();
    return node;
  }
  fuse_open_out open(NodeId node, std::uint32_t flags) { return kernel.open(node, flags).as<fuse_open_out>(); }
  // Opened and closed again: its open is kept.
  NodeId idle(const std::string& name, const std::string& data, std::uint32_t flags = O_RDWR) {
    const NodeId node = known(name, data);
    kernel.close_file(node, open(node, flags).fh);
    EXPECT_EQ(share.opens, ++idle_opens_);
    share.asked();
    return node;
  }
  fuse_attr_out getattr(NodeId node) {
    return kernel.ask(FUSE_GETATTR, node, raw(fuse_getattr_in{})).as<fuse_attr_out>();
  }
  Reply set_size(NodeId node, std::uint64_t size) {
    fuse_setattr_in in{};
    in.valid = FATTR_SIZE;
    in.size = size;
    return kernel.ask(FUSE_SETATTR, node, raw(in));
  }
  Reply unlink(const std::string& name) { return kernel.ask(FUSE_UNLINK, kRootId, named(name)); }
  // The server takes rights back from the file whose lease was made last.
  std::shared_ptr<bool> take_back(client::Rights left) {
    auto done = std::make_shared<bool>(false);
    share.leases.back()->take_back(left, [done] { *done = true; });
    return done;
  }
  void expect_given_up(const std::shared_ptr<bool>& done) {
    EXPECT_TRUE(kernel.wait_for([&] { return *done; }));
  }
  // The next notification is about that file.
  void expect_told(Notification::Kind kind, NodeId node) {
    const std::optional<Notification> told = kernel.notification();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->kind, kind);
    EXPECT_EQ(told->node, node);
  }
  void expect_nothing_told() { EXPECT_FALSE(kernel.notification(std::chrono::milliseconds(50))); }
  static std::uint64_t unix_time_of(client::FileTime time) {
    return static_cast<std::uint64_t>(time / 10'000'000) - 11'644'473'600;
  }
  // As another client would.
  void change(const std::string& name, const std::string& data) {
    FakeShare::File& file = *share.tree[name];
    file.data = data;
    file.attributes.end_of_file = data.size();
    file.attributes.last_write_time += 10'000'000;
  }

  FakeKernel kernel;
  FakeShare& share = kernel.share;

 private:
  int idle_opens_ = 0;
};

}  // namespace smb3fuse::fs::test
