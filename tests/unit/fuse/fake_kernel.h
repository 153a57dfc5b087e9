// SPDX-License-Identifier: Apache-2.0
// The kernel's side of a mount for the tests of fuse/: raw FUSE messages over a socket pair, in place of /dev/fuse.
// Test and loop run in one thread; waiting for an answer runs the loop.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include <array>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cache/buffer.h"
#include "fake_share.h"
#include "fuse/kernel_notifier.h"
#include "fuse/session_loop.h"
#include "fuse/vfs.h"
#include "smb/client/asio_runtime.h"

namespace smb3fuse::fs::test {

struct Reply {
  int error = 0;  // an errno
  std::string body;

  template <class T>
  T as(std::size_t offset = 0) const {
    T value{};
    EXPECT_GE(body.size(), offset + sizeof(T));
    if (body.size() >= offset + sizeof(T)) std::memcpy(&value, body.data() + offset, sizeof(T));
    return value;
  }
};

template <class T>
std::string raw(const T& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}
inline std::string named(const std::string& name) { return name + '\0'; }

// Structures younger than Debian 12's <linux/fuse.h>.
inline constexpr std::uint32_t kDirectIoAllowMmap2 = 1U << 4;  // in flags2
inline constexpr std::uint32_t kHasExpireOnly2 = 1U << 3;      // in flags2
inline constexpr std::uint32_t kExpireOnly = 1U << 0;          // of fuse_notify_inval_entry_out

// What a message of the notifier says; the inverse of encode().
inline Notification notification_of(const std::string& message) {
  const auto read = [&message](auto& value, std::size_t offset) {
    ASSERT_GE(message.size(), offset + sizeof value);
    std::memcpy(&value, message.data() + offset, sizeof value);
  };
  fuse_out_header header{};
  read(header, 0);
  EXPECT_EQ(header.unique, 0U);
  EXPECT_EQ(header.len, message.size());
  if (header.error == FUSE_NOTIFY_INVAL_INODE) {
    fuse_notify_inval_inode_out out{};
    read(out, sizeof header);
    EXPECT_EQ(out.len, 0);
    const bool with_data = out.off >= 0;
    return {with_data ? Notification::Kind::invalidate_data : Notification::Kind::invalidate_attributes, out.ino, {}};
  }
  EXPECT_EQ(header.error, FUSE_NOTIFY_INVAL_ENTRY);
  fuse_notify_inval_entry_out out{};
  read(out, sizeof header);
  EXPECT_EQ(message.size(), sizeof header + sizeof out + out.namelen + 1) << "a name and its end";
  return {out.flags == kExpireOnly ? Notification::Kind::expire_entry : Notification::Kind::invalidate_entry,
          out.parent, message.substr(sizeof header + sizeof out, out.namelen)};
}

class FakeKernel {
 public:
  explicit FakeKernel(VfsConfig config = {})
      : runtime(context),
        share(runtime, pool),
        notifier(runtime, kNotificationPatience,
                 [this](int descriptor, std::span<const char> message) { return take(descriptor, message); }),
        vfs(runtime, budget, share, notifier, config),
        session(context, runtime, pool, notifier, vfs, {}) {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    socket_ = ends[0];
    session.attach(ends[1]);
    session.start([this] { ended = true; });
  }
  ~FakeKernel() {
    hang_up();
    release_notifications();
    share.release();
    run_until([this] { return ended; });
  }

  std::uint64_t send(std::uint32_t opcode, NodeId node, const std::string& body) {
    fuse_in_header header{};
    header.len = static_cast<std::uint32_t>(sizeof header + body.size());
    header.opcode = opcode;
    header.unique = next_unique_ += 2;
    header.nodeid = node;
    const std::string message = raw(header) + body;
    EXPECT_EQ(::send(socket_, message.data(), message.size(), 0), static_cast<ssize_t>(message.size()));
    return header.unique;
  }
  // Nothing if there is no answer although the loop has nothing more to do, or within `patience` if one is given.
  std::optional<Reply> answer(std::uint64_t unique, std::chrono::milliseconds patience = {}) {
    run_until([&] { return receive(unique); }, patience);
    const auto found = replies_.find(unique);
    if (found == replies_.end()) return std::nullopt;
    Reply reply = std::move(found->second);
    replies_.erase(found);
    return reply;
  }
  Reply ask(std::uint32_t opcode, NodeId node, const std::string& body) {
    const std::uint64_t unique = send(opcode, node, body);
    std::optional<Reply> reply = answer(unique, std::chrono::seconds(5));
    EXPECT_TRUE(reply.has_value()) << "no answer to opcode " << opcode;
    return reply ? *reply : Reply{};
  }
  void settle() {
    run_until([] { return false; });
  }
  void hang_up() {
    if (socket_ >= 0) close(std::exchange(socket_, -1));
  }

  // As the kernel does while requests are in flight that a notification must wait for: its writer waits.
  void hold_notifications() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
  }
  void release_notifications() {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    released_.notify_all();
  }
  // One is being held.
  bool holds_a_notification() {
    run_until([this] { return held() != 0; }, std::chrono::seconds(5));
    return held() != 0;
  }
  // The oldest one that has come and was not shown yet.
  std::optional<Notification> notification(std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    run_until([this] { return receive(0), !notifications_.empty(); }, patience);
    if (notifications_.empty()) return std::nullopt;
    Notification oldest = std::move(notifications_.front());
    notifications_.pop_front();
    return oldest;
  }
  // Runs the loop until `done`; false if it takes too long.
  template <class Done>
  bool wait_for(Done done) {
    run_until(done, std::chrono::seconds(5));
    return done();
  }

  fuse_init_out init(std::uint32_t flags2 = kDirectIoAllowMmap2 | kHasExpireOnly2) {
    fuse_init_in in{};
    in.major = FUSE_KERNEL_VERSION;
    in.minor = FUSE_KERNEL_MINOR_VERSION;
    in.max_readahead = 128 * 1024;
    in.flags = ~0U;
    in.flags2 = flags2;
    return ask(FUSE_INIT, 0, raw(in)).as<fuse_init_out>();
  }
  fuse_entry_out lookup(NodeId parent, const std::string& name) {
    return ask(FUSE_LOOKUP, parent, named(name)).as<fuse_entry_out>();
  }
  fuse_attr getattr(NodeId node) { return ask(FUSE_GETATTR, node, raw(fuse_getattr_in{})).as<fuse_attr_out>().attr; }
  Reply open(NodeId node, std::uint32_t flags) {
    fuse_open_in in{};
    in.flags = flags;
    return ask(FUSE_OPEN, node, raw(in));
  }
  fuse_open_out open_directory(NodeId node, std::uint32_t flags = O_DIRECTORY) {
    fuse_open_in in{};
    in.flags = flags;
    return ask(FUSE_OPENDIR, node, raw(in)).as<fuse_open_out>();
  }
  // The entry, and the open behind it.
  Reply create(NodeId parent, const std::string& name, std::uint32_t flags, std::uint32_t mode = 0644) {
    fuse_create_in in{};
    in.flags = flags | O_CREAT;
    in.mode = S_IFREG | mode;
    return ask(FUSE_CREATE, parent, raw(in) + named(name));
  }
  Reply read(NodeId node, std::uint64_t handle, std::uint64_t offset, std::uint32_t size) {
    fuse_read_in in{};
    in.fh = handle;
    in.offset = offset;
    in.size = size;
    return ask(FUSE_READ, node, raw(in));
  }
  Reply write(NodeId node, std::uint64_t handle, std::uint64_t offset, const std::string& data,
              std::uint32_t flags = O_WRONLY) {
    fuse_write_in in{};
    in.fh = handle;
    in.offset = offset;
    in.size = static_cast<std::uint32_t>(data.size());
    in.flags = flags;
    return ask(FUSE_WRITE, node, raw(in) + data);
  }
  Reply flush(NodeId node, std::uint64_t handle) {
    fuse_flush_in in{};
    in.fh = handle;
    return ask(FUSE_FLUSH, node, raw(in));
  }
  Reply close_file(NodeId node, std::uint64_t handle, std::uint32_t opcode = FUSE_RELEASE) {
    fuse_release_in in{};
    in.fh = handle;
    const Reply reply = ask(opcode, node, raw(in));
    settle();
    return reply;
  }
  void forget(NodeId node, std::uint64_t lookups) {
    fuse_forget_in in{};
    in.nlookup = lookups;
    send(FUSE_FORGET, node, raw(in));
    settle();
  }
  Reply rename(NodeId from, const std::string& from_name, NodeId to, const std::string& to_name,
               std::uint32_t flags = 0) {
    fuse_rename2_in in{};
    in.newdir = to;
    in.flags = flags;
    return ask(FUSE_RENAME2, from, raw(in) + named(from_name) + named(to_name));
  }

  int socket() const { return socket_; }

  boost::asio::io_context context{1};
  client::AsioRuntime runtime;
  cache::BufferPool pool;
  cache::Budget budget{pool, std::size_t{512} << 20};
  FakeShare share;
  KernelNotifier notifier;
  Vfs vfs;
  SessionLoop session;
  bool ended = false;

 private:
  template <class Done>
  void run_until(Done done, std::chrono::milliseconds patience = {}) {
    const auto until = client::Clock::now() + patience;
    int idle = 0;
    while (!done()) {
      context.restart();
      if (context.poll() != 0) {
        idle = 0;
      } else if (++idle > 3 && client::Clock::now() >= until) {
        return;
      } else {
        usleep(200);
      }
    }
  }
  bool receive(std::uint64_t wanted) {
    std::array<char, 256 * 1024> bytes{};
    ssize_t size = 0;
    while (socket_ >= 0 && (size = recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0) {
      fuse_out_header header{};
      std::memcpy(&header, bytes.data(), sizeof header);
      if (header.unique == 0) {
        notifications_.push_back(notification_of(std::string(bytes.data(), static_cast<std::size_t>(size))));
        continue;
      }
      EXPECT_EQ(header.len, size);
      EXPECT_EQ(replies_.count(header.unique), 0U) << "answered twice";
      replies_[header.unique] = {
          -header.error, std::string(bytes.data() + sizeof header, static_cast<std::size_t>(size) - sizeof header)};
    }
    return replies_.count(wanted) != 0;
  }
  // On the notifier's thread.
  ssize_t take(int descriptor, std::span<const char> message) {
    std::unique_lock lock(mutex_);
    ++held_;
    released_.wait(lock, [this] { return !holding_; });
    --held_;
    return ::send(descriptor, message.data(), message.size(), MSG_NOSIGNAL);
  }
  int held() {
    const std::lock_guard lock(mutex_);
    return held_;
  }

  std::mutex mutex_;
  std::condition_variable released_;
  bool holding_ = false;
  int held_ = 0;

  int socket_ = -1;
  std::uint64_t next_unique_ = 0;
  std::map<std::uint64_t, Reply> replies_;
  std::deque<Notification> notifications_;
};

}  // namespace smb3fuse::fs::test
