// SPDX-License-Identifier: Apache-2.0
// Reference-counted slices of pooled memory: what a frame is received into, what the cache keeps, what is handed to
// the kernel and what is sent. Copying a Buffer shares the bytes; slicing shares them too.
//
// One thread (the loop) makes, copies and drops Buffers: the count is not atomic. The pool outlives its Buffers.
// Blocks are reused last-in first-out, so that the next frame lands in memory that is still in the CPU's cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace smb3fuse::cache {

class BufferPool;

namespace detail {
struct Block {
  BufferPool* pool;
  std::size_t references;
  std::size_t size_class;
  std::size_t capacity;
  std::unique_ptr<std::uint8_t[]> bytes;
};
}  // namespace detail

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer& other) noexcept : block_(other.block_), view_(other.view_) {
    if (block_ != nullptr) ++block_->references;
  }
  Buffer(Buffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), view_(std::exchange(other.view_, {})) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    std::swap(view_, other.view_);
    return *this;
  }
  ~Buffer() { release(); }

  std::uint8_t* data() const noexcept { return view_.data(); }
  std::size_t size() const noexcept { return view_.size(); }
  bool empty() const noexcept { return view_.empty(); }
  std::span<std::uint8_t> bytes() const noexcept { return view_; }
  operator std::span<const std::uint8_t>() const noexcept { return view_; }

  // The bytes [offset, offset + length) of this one, which must hold them.
  Buffer slice(std::size_t offset, std::size_t length) const {
    Buffer part(*this);
    part.view_ = view_.subspan(offset, length);
    return part;
  }
  // The Buffer that covers `part`, a span that lies inside this one's bytes.
  Buffer slice(std::span<const std::uint8_t> part) const {
    return slice(static_cast<std::size_t>(part.data() - view_.data()), part.size());
  }

 private:
  friend class BufferPool;
  explicit Buffer(detail::Block* block, std::size_t size) noexcept : block_(block), view_(block->bytes.get(), size) {}
  void release() noexcept;

  detail::Block* block_ = nullptr;
  std::span<std::uint8_t> view_;
};

class BufferPool {
 public:
  BufferPool();
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A Buffer of `size` bytes, uninitialised.
  Buffer allocate(std::size_t size);
  Buffer copy_of(std::span<const std::uint8_t> bytes);

  std::size_t bytes_in_use() const noexcept { return in_use_; }

 private:
  friend class Buffer;
  void give_back(detail::Block* block) noexcept;

  std::vector<std::vector<detail::Block*>> free_;  // by size class
  std::size_t in_use_ = 0;
  std::size_t kept_ = 0;
};

inline void Buffer::release() noexcept {
  if (block_ != nullptr && --block_->references == 0) block_->pool->give_back(block_);
}

}  // namespace smb3fuse::cache
