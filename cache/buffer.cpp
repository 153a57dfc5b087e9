// SPDX-License-Identifier: Apache-2.0
#include "cache/buffer.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace smb3fuse::cache {

namespace {
// Classes are powers of two from 512 bytes. A frame that carries a whole 2^n bytes of payload has a header before it:
// the slack keeps it in the class of its payload instead of the next one.
constexpr std::size_t kSmallest = 512;
constexpr std::size_t kHeaderSlack = 1024;
constexpr std::size_t kClasses = 18;
constexpr std::size_t kKeepFree = std::size_t{64} << 20;  // free memory beyond this goes back to the allocator

std::size_t class_of(std::size_t size) {
  const std::size_t payload = size > kHeaderSlack ? size - kHeaderSlack : size;
  return static_cast<std::size_t>(std::bit_width((std::max(payload, kSmallest) - 1) / kSmallest));
}
std::size_t capacity_of(std::size_t size_class) { return (kSmallest << size_class) + kHeaderSlack; }
}  // namespace

BufferPool::BufferPool() : free_(kClasses) {}

BufferPool::~BufferPool() {
  for (const auto& blocks : free_) {
    for (detail::Block* block : blocks) delete block;
  }
}

Buffer BufferPool::allocate(std::size_t size) {
  const std::size_t size_class = class_of(size);
  detail::Block* block = nullptr;
  if (size_class < kClasses && !free_[size_class].empty()) {
    block = free_[size_class].back();
    free_[size_class].pop_back();
    kept_ -= block->capacity;
  } else {
    const std::size_t capacity = size_class < kClasses ? capacity_of(size_class) : size;
    block =
        new detail::Block{this, 0, size_class, capacity, std::unique_ptr<std::uint8_t[]>(new std::uint8_t[capacity])};
  }
  block->references = 1;
  in_use_ += block->capacity;
  return Buffer(block, size);
}

Buffer BufferPool::copy_of(std::span<const std::uint8_t> bytes) {
  Buffer copy = allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.data(), bytes.data(), bytes.size());
  return copy;
}

void BufferPool::give_back(detail::Block* block) noexcept {
  in_use_ -= block->capacity;
  if (block->size_class >= kClasses || kept_ + block->capacity > kKeepFree) {
    delete block;
    return;
  }
  kept_ += block->capacity;
  free_[block->size_class].push_back(block);
}

}  // namespace smb3fuse::cache
