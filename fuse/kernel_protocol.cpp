// SPDX-License-Identifier: Apache-2.0
#include "fuse/kernel_protocol.h"

#include <linux/fuse.h>

#include <cmath>
#include <cstring>

namespace smb3fuse::fs {

namespace {

// Bits of fuse_init_in and fuse_init_out, flags2 being the upper half. Younger than Debian 12's <linux/fuse.h>.
constexpr std::uint64_t kHandleKillprivV2 = std::uint64_t{1} << 28;
constexpr std::uint64_t kInitExt = std::uint64_t{1} << 30;            // flags2 is valid
constexpr std::uint64_t kDirectIoAllowMmap = std::uint64_t{1} << 36;  // Linux 6.6
constexpr std::uint64_t kHasExpireOnly = std::uint64_t{1} << 35;      // Linux 6.2
constexpr std::uint32_t kExpireOnly = 1U << 0;                        // of fuse_notify_inval_entry_out
constexpr std::uint32_t kParallelDirectWrites = 1U << 6;              // Linux 6.2; older kernels ignore it

template <class T>
T read_at(std::span<const std::uint8_t> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

fuse_open_out open_out(std::uint64_t handle, OpenMode mode) {
  fuse_open_out out{};
  out.fh = handle;
  switch (mode) {
    case OpenMode::direct:
      out.open_flags = FOPEN_DIRECT_IO | kParallelDirectWrites;
      break;
    case OpenMode::cached:
      break;
    case OpenMode::cached_keep:
      out.open_flags = FOPEN_KEEP_CACHE;
      break;
    case OpenMode::cached_directory:
      out.open_flags = FOPEN_CACHE_DIR;
      break;
    case OpenMode::cached_directory_keep:
      out.open_flags = FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE;
      break;
  }
  return out;
}

void split_timeout(double timeout, std::uint64_t& seconds, std::uint32_t& nanoseconds) {
  const double whole = std::floor(timeout);
  seconds = static_cast<std::uint64_t>(whole);
  nanoseconds = static_cast<std::uint32_t>((timeout - whole) * 1e9);
}

fuse_entry_out entry_out(const fuse_entry_param& entry) {
  fuse_entry_out out{};
  out.nodeid = entry.ino;
  out.generation = entry.generation;
  split_timeout(entry.entry_timeout, out.entry_valid, out.entry_valid_nsec);
  split_timeout(entry.attr_timeout, out.attr_valid, out.attr_valid_nsec);
  const struct stat& from = entry.attr;
  fuse_attr& to = out.attr;
  to.ino = from.st_ino;
  to.size = static_cast<std::uint64_t>(from.st_size);
  to.blocks = static_cast<std::uint64_t>(from.st_blocks);
  to.atime = static_cast<std::uint64_t>(from.st_atim.tv_sec);
  to.atimensec = static_cast<std::uint32_t>(from.st_atim.tv_nsec);
  to.mtime = static_cast<std::uint64_t>(from.st_mtim.tv_sec);
  to.mtimensec = static_cast<std::uint32_t>(from.st_mtim.tv_nsec);
  to.ctime = static_cast<std::uint64_t>(from.st_ctim.tv_sec);
  to.ctimensec = static_cast<std::uint32_t>(from.st_ctim.tv_nsec);
  to.mode = from.st_mode;
  to.nlink = static_cast<std::uint32_t>(from.st_nlink);
  to.uid = from.st_uid;
  to.gid = from.st_gid;
  to.blksize = static_cast<std::uint32_t>(from.st_blksize);
  return out;
}

}  // namespace

void InitExtension::handle_request(std::span<const std::uint8_t> message) {
  if (message.size() < sizeof(fuse_in_header)) return;
  const auto header = read_at<fuse_in_header>(message, 0);
  if (header.opcode != FUSE_INIT) return;
  init_unique_ = header.unique;
  offered_ = 0;
  // Kernels before 5.17 send the structure without flags2.
  constexpr std::size_t kFlags = sizeof(fuse_in_header) + offsetof(fuse_init_in, flags);
  constexpr std::size_t kFlags2 = sizeof(fuse_in_header) + offsetof(fuse_init_in, flags2);
  if (message.size() >= kFlags + sizeof(std::uint32_t)) offered_ = read_at<std::uint32_t>(message, kFlags);
  if ((offered_ & kInitExt) != 0 && message.size() >= kFlags2 + sizeof(std::uint32_t)) {
    offered_ |= std::uint64_t{read_at<std::uint32_t>(message, kFlags2)} << 32;
  }
}

void InitExtension::handle_reply(std::span<const iovec> reply) {
  if (init_unique_ == 0 || reply.empty() || reply[0].iov_len < sizeof(fuse_out_header)) return;
  fuse_out_header header;
  std::memcpy(&header, reply[0].iov_base, sizeof header);
  if (header.unique != init_unique_) return;
  init_unique_ = 0;
  if (header.error != 0 || reply.size() < 2 || reply[1].iov_len < sizeof(fuse_init_out)) return;
  fuse_init_out out;
  std::memcpy(&out, reply[1].iov_base, sizeof out);
  can_expire_entries_ = (offered_ & kHasExpireOnly) != 0;
  out.flags |= static_cast<std::uint32_t>(offered_ & (kHandleKillprivV2 | FUSE_PARALLEL_DIROPS));
  if ((offered_ & kDirectIoAllowMmap) != 0) {
    out.flags |= static_cast<std::uint32_t>(kInitExt);
    out.flags2 |= static_cast<std::uint32_t>(kDirectIoAllowMmap >> 32);
    shared_mmap_ = true;
  }
  std::memcpy(reply[1].iov_base, &out, sizeof out);
}

std::string encode(const Notification& notification) {
  using Kind = Notification::Kind;
  const bool of_entry = notification.kind == Kind::invalidate_entry || notification.kind == Kind::expire_entry;
  std::string body;
  if (of_entry) {
    fuse_notify_inval_entry_out out{};
    out.parent = notification.node;
    out.namelen = static_cast<std::uint32_t>(notification.name.size());
    if (notification.kind == Kind::expire_entry) out.flags = kExpireOnly;
    body.append(reinterpret_cast<const char*>(&out), sizeof out).append(notification.name).push_back('\0');
  } else {
    fuse_notify_inval_inode_out out{};
    out.ino = notification.node;
    out.off = notification.kind == Kind::invalidate_attributes ? -1 : 0;  // 0, 0: all of it
    body.append(reinterpret_cast<const char*>(&out), sizeof out);
  }
  fuse_out_header header{};
  header.len = static_cast<std::uint32_t>(sizeof header + body.size());
  header.error = of_entry ? FUSE_NOTIFY_INVAL_ENTRY : FUSE_NOTIFY_INVAL_INODE;
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + body;
}

int reply_open(fuse_req_t request, std::uint64_t handle, OpenMode mode) {
  const fuse_open_out out = open_out(handle, mode);
  return fuse_reply_buf(request, reinterpret_cast<const char*>(&out), sizeof out);
}

int reply_create(fuse_req_t request, const fuse_entry_param& entry, std::uint64_t handle, OpenMode mode) {
  struct {
    fuse_entry_out entry;
    fuse_open_out open;
  } const out{entry_out(entry), open_out(handle, mode)};
  static_assert(sizeof out == sizeof(fuse_entry_out) + sizeof(fuse_open_out));
  return fuse_reply_buf(request, reinterpret_cast<const char*>(&out), sizeof out);
}

}  // namespace smb3fuse::fs
