// SPDX-License-Identifier: Apache-2.0
// The kernel's end of a mount, as a descriptor of the loop: requests are read, worked on and answered in the loop
// thread, and none is handed to another one.
//
// - A turn reads a bounded number of requests, so that neither sockets nor timers starve.
// - A message is received into a pooled Buffer, of which a WRITE may keep a slice.
// - It ends with the kernel's connection (umount) or with SIGINT, SIGTERM or SIGHUP: Vfs writes what is unwritten and
//   closes its opens, then the mount goes. A second signal does not wait for that.
// - The notifier runs from the answer to INIT until the end. There it may be waiting in the kernel for requests that
//   nobody is going to answer: those, and all that are still to come, are then answered with an error.
// - /dev/fuse (or a test's socket in its place) and the fuse_session are owned here. Loop thread.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "cache/buffer.h"
#include "fuse/kernel_notifier.h"
#include "fuse/ops.h"
#include "fuse/vfs.h"
#include "smb/client/runtime.h"

namespace smb3fuse::fs {

class SessionLoop {
 public:
  struct Options {
    std::string mount_options;  // as after -o
    bool debug = false;         // libfuse logs every request
  };

  // All but `options` outlive it.
  SessionLoop(boost::asio::io_context& context, client::Runtime& runtime, cache::BufferPool& pool,
              KernelNotifier& notifier, Vfs& vfs, Options options);
  ~SessionLoop();
  SessionLoop(const SessionLoop&) = delete;
  SessionLoop& operator=(const SessionLoop&) = delete;

  // Puts the file system there. From here on the kernel keeps requests until start(). The error is the end of a
  // sentence.
  tl::expected<void, std::string> mount(const std::string& mountpoint);
  // In place of mount(): the kernel is whoever holds the other end. Takes `descriptor` over.
  void attach(int descriptor);

  // Serves requests, and calls `ended` once, when all is written and the mount is gone.
  void start(std::function<void()> ended);
  // As on SIGTERM.
  void stop();

  // As the mount table names it, after mount().
  const std::string& mountpoint() const { return mountpoint_; }
  KernelStatus status() const {
    return {operation_context_.in_flight.counts(), operation_context_.in_flight.size(), notifier_.counts()};
  }

 private:
  struct SessionDeleter {
    void operator()(fuse_session* session) const { fuse_session_destroy(session); }
  };

  static ssize_t write_reply(int descriptor, iovec* parts, int count, void* user_data);
  static ssize_t read_request(int descriptor, void* bytes, std::size_t size, void* user_data);

  void wait_for_requests();
  void handle_requests();
  // False: there is none, or no more will come.
  bool handle_one();
  void handle_initialised();
  void wait_for_signals();
  client::Task<void> shut_down();
  void end_notifier();

  boost::asio::io_context& context_;
  cache::BufferPool& pool_;
  KernelNotifier& notifier_;
  OperationContext operation_context_;
  std::unique_ptr<fuse_session, SessionDeleter> session_;
  boost::asio::posix::stream_descriptor device_;
  boost::asio::signal_set signals_;
  std::function<void()> ended_;
  std::string mountpoint_;
  bool mounted_ = false;
  bool stopping_ = false;
};

}  // namespace smb3fuse::fs
