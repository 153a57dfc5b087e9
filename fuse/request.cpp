// SPDX-License-Identifier: Apache-2.0
#include "fuse/request.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <climits>
#include <utility>

namespace smb3fuse::fs {

// At a fixed address, because libfuse and the timer point to it.
struct Request::Pending : std::enable_shared_from_this<Pending> {
  fuse_req_t raw;  // null once answered: libfuse has freed it
  client::Runtime& runtime;
  std::unique_ptr<client::Timer> grace = nullptr;
  client::Interrupt interrupt{};

  Pending(fuse_req_t request, client::Runtime& loop) : raw(request), runtime(loop) {}

  static void handle_interrupt(fuse_req_t, void* data) {
    auto& pending = *static_cast<Pending*>(data);
    if (pending.grace != nullptr) return;
    pending.grace = pending.runtime.make_timer();
    pending.grace->expire_at(pending.runtime.now() + kInterruptGrace, [&pending] { pending.give_up(); });
  }

  void give_up() {
    if (raw == nullptr) return;
    fuse_reply_err(std::exchange(raw, nullptr), EINTR);
    const auto kept = shared_from_this();  // the task may end now
    interrupt.fire();
  }
};

Request::Request(fuse_req_t raw, client::Runtime& runtime) : pending_(std::make_shared<Pending>(raw, runtime)) {
  fuse_req_interrupt_func(raw, &Pending::handle_interrupt, pending_.get());
}

Request::Request(Request&& other) noexcept = default;

Request::~Request() {
  if (pending_ == nullptr || pending_->raw == nullptr) return;
  assert(false && "a request was dropped unanswered");
  reply_error(EIO);
}

std::shared_ptr<client::Interrupt> Request::interrupt() const { return {pending_, &pending_->interrupt}; }

fuse_req_t Request::take() {
  const fuse_req_t raw = std::exchange(pending_->raw, nullptr);
  if (raw != nullptr) pending_->grace.reset();
  return raw;
}

bool Request::reply_error(int error) {
  const fuse_req_t raw = take();
  return raw != nullptr && fuse_reply_err(raw, error) == 0;
}

bool Request::reply_entry(const fuse_entry_param& entry) {
  const fuse_req_t raw = take();
  return raw != nullptr && fuse_reply_entry(raw, &entry) == 0;
}

bool Request::reply_create(const fuse_entry_param& entry, std::uint64_t handle, OpenMode mode) {
  const fuse_req_t raw = take();
  return raw != nullptr && fs::reply_create(raw, entry, handle, mode) == 0;
}

bool Request::reply_open(std::uint64_t handle, OpenMode mode) {
  const fuse_req_t raw = take();
  return raw != nullptr && fs::reply_open(raw, handle, mode) == 0;
}

bool Request::reply_attributes(const struct stat& attributes, double timeout) {
  const fuse_req_t raw = take();
  return raw != nullptr && fuse_reply_attr(raw, &attributes, timeout) == 0;
}

bool Request::reply_link(const std::string& target) {
  const fuse_req_t raw = take();
  return raw != nullptr && fuse_reply_readlink(raw, target.c_str()) == 0;
}

bool Request::reply_written(std::size_t count) {
  const fuse_req_t raw = take();
  return raw != nullptr && fuse_reply_write(raw, count) == 0;
}

bool Request::reply_bytes(std::span<const char> bytes) {
  const fuse_req_t raw = take();
  return raw != nullptr && fuse_reply_buf(raw, bytes.data(), bytes.size()) == 0;
}

bool Request::reply_pieces(std::span<const cache::Buffer> pieces) {
  const fuse_req_t raw = take();
  if (raw == nullptr) return false;
  std::vector<iovec> parts;
  std::vector<std::uint8_t> rest;  // what does not fit into one writev, libfuse's header counted, is joined
  constexpr std::size_t kMaxParts = IOV_MAX - 2;
  parts.reserve(std::min(pieces.size(), kMaxParts) + 1);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i < kMaxParts) {
      parts.push_back({pieces[i].data(), pieces[i].size()});
    } else {
      rest.insert(rest.end(), pieces[i].data(), pieces[i].data() + pieces[i].size());
    }
  }
  if (!rest.empty()) parts.push_back({rest.data(), rest.size()});
  return fuse_reply_iov(raw, parts.data(), static_cast<int>(parts.size())) == 0;
}

bool Request::reply_statfs(const struct statvfs& statistics) {
  const fuse_req_t raw = take();
  return raw != nullptr && fuse_reply_statfs(raw, &statistics) == 0;
}

bool Request::reply_size(std::size_t size) {
  const fuse_req_t raw = take();
  return raw != nullptr && fuse_reply_xattr(raw, size) == 0;
}

bool Request::reply_position(off_t position) {
  const fuse_req_t raw = take();
  return raw != nullptr && fuse_reply_lseek(raw, position) == 0;
}

bool Request::reply_lock(const struct flock& lock) {
  const fuse_req_t raw = take();
  return raw != nullptr && fuse_reply_lock(raw, &lock) == 0;
}

}  // namespace smb3fuse::fs
