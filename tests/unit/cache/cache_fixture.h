// SPDX-License-Identifier: Apache-2.0
// A FileCache over a gated file, in a small world: pieces of 16 bytes, time moved by hand, audit() after every step.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cache/file_cache.h"
#include "tests/unit/cache/gated_remote_file.h"

namespace smb3fuse::cache {

inline Limits small_limits() {
  Limits limits;
  limits.piece = 16;
  limits.minimum_read_window = 64;
  limits.maximum_read_window = 256;
  limits.minimum_write_window = 64;
  limits.maximum_write_window = 64;
  limits.writes_in_flight = 4;
  limits.buffers_per_write = 4;
  limits.extents_waiting = 6;
  limits.copy_below = 8;
  limits.copy_room = 32;
  return limits;
}

class CacheTest : public testing::Test {
 public:
  struct Answer {
    bool answered = false;
    std::error_code error;
    std::string bytes;
  };
  using Pending = std::shared_ptr<Answer>;

  static std::string text_of(const ReadResult& result) {
    std::string text;
    for (const Buffer& piece : result.pieces) text.append(piece.bytes().begin(), piece.bytes().end());
    return text;
  }
  static std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
    return text;
  }

  void serve(std::string content) {
    remote.content = std::move(content);
    cache->learn_size(remote.content.size());
  }
  Buffer buffer_of(std::string_view text) {
    return pool.copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }

  Pending read(std::uint64_t offset, std::uint32_t length) {
    const auto answer = std::make_shared<Answer>();
    cache->read(offset, length, [answer](ReadResult result) {
      EXPECT_FALSE(answer->answered);
      *answer = {true, result.error, text_of(result)};
    });
    EXPECT_FALSE(answer->answered) << "a completion ran inside the call";
    check();
    return answer;
  }
  std::optional<std::string> try_read(std::uint64_t offset, std::uint32_t length) {
    ReadResult result;
    const bool answered = cache->try_read(offset, length, result);
    check();
    if (!answered) return std::nullopt;
    return text_of(result);
  }
  Pending write(std::uint64_t offset, std::string_view text) {
    return started([&](auto done) { cache->write(offset, buffer_of(text), done); });
  }
  Pending flush(bool to_disk = false) {
    return started([&](auto done) { cache->flush(to_disk, done); });
  }
  Pending truncate(std::uint64_t size) {
    return started([&](auto done) { cache->truncate(size, done); });
  }
  Pending change_access(Access to) {
    return started([&](auto done) { cache->change_access(to, done); });
  }

  void release(std::size_t index = 0) {
    remote.release(index);
    check();
  }
  void release_all() {
    while (!remote.waiting.empty()) release();
    turn();
  }
  void fail(std::size_t index = 0, std::errc error = std::errc::no_space_on_device) {
    remote.fail(index, error);
    check();
  }
  // What is due at once.
  void turn() {
    if (const auto next = cache->next_timeout(); next && *next <= now) cache->handle_timeout();
    check();
  }
  void pass(Duration time) {
    now += time;
    turn();
  }
  void check() { ASSERT_TRUE(cache->audit()); }

  BufferPool pool;
  Budget budget{pool, std::size_t{1} << 30};
  GatedRemoteFile remote{pool};
  TimePoint now{std::chrono::hours(1)};
  std::unique_ptr<FileCache> cache =
      std::make_unique<FileCache>(remote, budget, small_limits(), [this] { return now; });

 private:
  template <class Start>
  Pending started(Start start) {
    const auto answer = std::make_shared<Answer>();
    start([answer](std::error_code error) {
      EXPECT_FALSE(answer->answered);
      *answer = {true, error, {}};
    });
    EXPECT_FALSE(answer->answered) << "a completion ran inside the call";
    check();
    return answer;
  }
};

}  // namespace smb3fuse::cache
