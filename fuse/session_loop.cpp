// SPDX-License-Identifier: Apache-2.0
#include "fuse/session_loop.h"

#include <fcntl.h>
#include <fuse_log.h>
#include <spdlog/spdlog.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "fuse/kernel_read_ahead.h"

namespace smb3fuse::fs {

namespace {

constexpr std::size_t kMessageSize = kMaximumRequest + 1024;  // a full WRITE and its headers
constexpr int kRequestsPerTurn = 32;
constexpr std::chrono::milliseconds kNotifierPause{20};

// What libfuse said last: why a mount failed.
std::string& last_words() {
  static std::string words;
  return words;
}

void log_for_libfuse(fuse_log_level level, const char* format, va_list arguments) {
  std::array<char, 1024> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  std::string line(text.data());
  while (!line.empty() && line.back() == '\n') line.pop_back();
  if (level <= FUSE_LOG_ERR) last_words() = line;
  spdlog::log(level <= FUSE_LOG_WARNING ? spdlog::level::warn : spdlog::level::debug, "{}", line);
}

// libfuse's arguments, which it copies.
class Arguments {
 public:
  explicit Arguments(const SessionLoop::Options& options) {
    add("smb3fuse");
    add("-omax_read=" + std::to_string(kMaximumRequest));
    if (!options.mount_options.empty()) add("-o" + options.mount_options);
    if (options.debug) add("-d");
  }
  ~Arguments() { fuse_opt_free_args(&arguments_); }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;
  fuse_args* pointer() { return &arguments_; }

 private:
  void add(const std::string& text) { fuse_opt_add_arg(&arguments_, text.c_str()); }
  fuse_args arguments_ = FUSE_ARGS_INIT(0, nullptr);
};

}  // namespace

SessionLoop::SessionLoop(boost::asio::io_context& context, client::Runtime& runtime, cache::BufferPool& pool,
                         KernelNotifier& notifier, Vfs& vfs, Options options)
    : context_(context),
      pool_(pool),
      notifier_(notifier),
      operation_context_{vfs, runtime, pool, {}, {}, {}},
      device_(context),
      signals_(context) {
  fuse_set_log_func(log_for_libfuse);
  Arguments arguments(options);
  session_.reset(fuse_session_new(arguments.pointer(), &operations(), sizeof(fuse_lowlevel_ops), &operation_context_));
}

SessionLoop::~SessionLoop() {
  end_notifier();
  if (device_.is_open()) device_.release();  // libfuse closes it
  if (mounted_) fuse_session_unmount(session_.get());
}

tl::expected<void, std::string> SessionLoop::mount(const std::string& mountpoint) {
  std::error_code ignored;
  mountpoint_ = std::filesystem::canonical(mountpoint, ignored);  // now: afterwards it would be a question to us
  last_words().clear();
  errno = 0;
  if (session_ == nullptr) return tl::unexpected("libfuse does not take the mount options: " + last_words());
  if (fuse_session_mount(session_.get(), mountpoint.c_str()) != 0) {
    std::string reason = last_words();
    if (reason.starts_with("fuse: ")) reason.erase(0, 6);
    return tl::unexpected(reason.empty() ? std::string("fusermount3 refused it") : reason);
  }
  mounted_ = true;
  attach(fuse_session_fd(session_.get()));
  return {};
}

void SessionLoop::attach(int descriptor) {
  // With its own I/O functions libfuse lets us see, and add to, the answer to INIT.
  const fuse_custom_io io{
      .writev = write_reply, .read = read_request, .splice_receive = nullptr, .splice_send = nullptr};
  fuse_session_custom_io(session_.get(), &io, descriptor);
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  device_.assign(descriptor);
}

ssize_t SessionLoop::write_reply(int descriptor, iovec* parts, int count, void* user_data) {
  auto& context = *static_cast<OperationContext*>(user_data);
  const std::span reply(parts, static_cast<std::size_t>(count));
  context.init.handle_reply(reply);
  context.in_flight.handle_reply(reply);
  return writev(descriptor, parts, count);
}

ssize_t SessionLoop::read_request(int descriptor, void* bytes, std::size_t size, void*) {
  return read(descriptor, bytes, size);
}

void SessionLoop::start(std::function<void()> ended) {
  ended_ = std::move(ended);
  wait_for_requests();
  wait_for_signals();
}

void SessionLoop::stop() {
  if (std::exchange(stopping_, true)) return;
  client::spawn(shut_down());
}

void SessionLoop::wait_for_requests() {
  device_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (!error && !stopping_) handle_requests();
  });
}

void SessionLoop::handle_requests() {
  for (int i = 0; i < kRequestsPerTurn; ++i) {
    if (handle_one()) continue;
    if (!stopping_) wait_for_requests();
    return;
  }
  boost::asio::post(context_, [this] {
    if (!stopping_) handle_requests();
  });
}

bool SessionLoop::handle_one() {
  // The last message's memory, unless a WRITE has kept it: the pool hands out what came back last.
  const cache::Buffer received = pool_.allocate(kMessageSize);
  const ssize_t size = read(device_.native_handle(), received.data(), received.size());
  if (size <= 0) {
    // ENOENT: the caller was killed before we came to read its request.
    if (size < 0 && (errno == EINTR || errno == ENOENT)) return true;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (size < 0 && errno != ENODEV) spdlog::error("reading the kernel's requests failed: {}", std::strerror(errno));
    stop();
    return false;
  }
  operation_context_.message = received.slice(0, static_cast<std::size_t>(size));
  operation_context_.in_flight.handle_request(operation_context_.message);
  const bool was_initialised = operation_context_.initialised;
  if (!was_initialised) operation_context_.init.handle_request(operation_context_.message);
  fuse_buf message{};
  message.mem = operation_context_.message.data();
  message.size = operation_context_.message.size();
  fuse_session_process_buf(session_.get(), &message);
  operation_context_.message = {};
  if (operation_context_.initialised && !was_initialised) handle_initialised();
  if (fuse_session_exited(session_.get()) != 0) stop();
  return !stopping_;
}

void SessionLoop::handle_initialised() {
  notifier_.start(device_.native_handle(), operation_context_.init.can_expire_entries());
  if (mounted_) raise_read_ahead(mountpoint_);
}

void SessionLoop::wait_for_signals() {
  if (!mounted_) return;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) signals_.add(signal);
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    spdlog::info("ending on {}", strsignal(signal));
    stop();
    signals_.async_wait([this](const boost::system::error_code& again, int) {
      if (!again) context_.stop();
    });
  });
}

client::Task<void> SessionLoop::shut_down() {
  co_await operation_context_.vfs.shut_down();
  end_notifier();
  fuse_session_exit(session_.get());  // answers that come now have no reader, which is no error
  signals_.cancel();
  device_.release();
  if (std::exchange(mounted_, false)) fuse_session_unmount(session_.get());
  if (ended_) std::exchange(ended_, nullptr)();
}

// What the kernel makes a notification wait for is a request that we have read and not answered, or one that we have
// not read. The wait cannot be interrupted; a device closed, or a process killed, while somebody waits stays open.
void SessionLoop::end_notifier() {
  notifier_.stop();
  if (notifier_.join(kNotifierPause)) return;
  const cache::Buffer received = pool_.allocate(kMessageSize);
  do {
    ssize_t size = 0;
    while ((size = read(device_.native_handle(), received.data(), received.size())) > 0) {
      operation_context_.in_flight.handle_request({received.data(), static_cast<std::size_t>(size)});
    }
    operation_context_.in_flight.fail_all(device_.native_handle(), ECONNABORTED);
  } while (!notifier_.join(kNotifierPause));
}

}  // namespace smb3fuse::fs
