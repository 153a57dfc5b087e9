// SPDX-License-Identifier: Apache-2.0
// A RemoteFile that does nothing until the test says so: each operation waits to be carried out on `content`, and
// then to be answered, in whatever order the test likes; or to fail.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "cache/remote_file.h"

namespace smb3fuse::cache {

class GatedRemoteFile final : public RemoteFile {
 public:
  enum class Kind { read, write, truncate, flush };
  struct Operation {
    Kind kind;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::vector<Buffer> data = {};
    ReadDone read_done = {};
    Done done = {};
    bool carried_out = false;
    Buffer answer = {};
  };

  explicit GatedRemoteFile(BufferPool& pool) : pool_(pool) {}

  void read(std::uint64_t offset, std::uint32_t length, ReadDone done) override {
    ++reads;
    waiting.push_back({.kind = Kind::read, .offset = offset, .length = length, .read_done = std::move(done)});
  }
  void write(std::uint64_t offset, std::vector<Buffer> data, Done done) override {
    ++writes;
    std::uint64_t length = 0;
    for (const Buffer& each : data) length += each.size();
    waiting.push_back({Kind::write, offset, length, std::move(data), {}, std::move(done)});
  }
  void truncate(std::uint64_t size, Done done) override {
    waiting.push_back({.kind = Kind::truncate, .length = size, .done = std::move(done)});
  }
  void flush(Done done) override { waiting.push_back({.kind = Kind::flush, .done = std::move(done)}); }
  void handle_unwritten(std::error_code) override { ++unwritten; }
  std::uint32_t read_size() const override { return largest; }
  std::uint32_t write_size() const override { return largest; }

  // The server carries operation `index` out; nobody hears of it yet.
  void carry_out(std::size_t index) {
    Operation& operation = waiting.at(index);
    if (std::exchange(operation.carried_out, true)) return;
    switch (operation.kind) {
      case Kind::read: {
        const std::uint64_t end = std::min<std::uint64_t>(operation.offset + operation.length, content.size());
        if (operation.offset < end) {
          operation.answer = pool_.allocate(end - operation.offset);
          std::memcpy(operation.answer.data(), content.data() + operation.offset, operation.answer.size());
        }
        break;
      }
      case Kind::write: {
        content.resize(std::max<std::size_t>(content.size(), operation.offset + operation.length), '\0');
        std::size_t at = operation.offset;
        for (const Buffer& each : operation.data) {
          std::memcpy(content.data() + at, each.data(), each.size());
          at += each.size();
        }
        break;
      }
      case Kind::truncate:
        content.resize(operation.length, '\0');
        break;
      case Kind::flush:
        break;
    }
  }
  // Carried out if it has not been, and answered.
  void release(std::size_t index) {
    carry_out(index);
    finish(index, {});
  }
  void fail(std::size_t index, std::errc error) { finish(index, std::make_error_code(error)); }

  std::vector<Operation> waiting;
  std::string content;
  std::uint32_t largest = 1 << 20;
  int reads = 0;
  int writes = 0;
  int unwritten = 0;

 private:
  void finish(std::size_t index, std::error_code error) {
    Operation operation = std::move(waiting.at(index));
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(index));
    if (operation.kind == Kind::read) {
      operation.read_done(error, error ? Buffer() : std::move(operation.answer));
    } else {
      operation.done(error);
    }
  }

  BufferPool& pool_;
};

}  // namespace smb3fuse::cache
