// SPDX-License-Identifier: Apache-2.0
// What stands behind the kernel's file handles. Whoever has work in flight on a handle shares it, so a handle that the
// kernel has released ends with the last of that work. Loop thread.
#pragma once

#include <coroutine>
#include <deque>
#include <memory>
#include <utility>

#include "fuse/nodes.h"
#include "fuse/open_file.h"
#include "smb/client/share.h"

namespace smb3fuse::fs {

struct FileHandle : std::enable_shared_from_this<FileHandle> {
  // `its_open` is one of the file's, used by this handle from now on until its end.
  FileHandle(std::shared_ptr<OpenFile> its_file, client::Open& its_open, IdleFiles& idle, int flags, bool cached);
  ~FileHandle();
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;

  const std::shared_ptr<OpenFile> shared;
  client::Open& open;
  const bool writable;
  const bool write_through;
  const bool cached;  // the kernel reads and writes through its page cache

  Node& node() const { return *shared->node; }

 private:
  IdleFiles& idle_;
};

// Lets one coroutine at a time pass. take() suspends until it is the caller's turn; the guard passes the turn on.
class Turn {
 public:
  class Guard {
   public:
    explicit Guard(Turn& turn) : turn_(&turn) {}
    Guard(Guard&& other) noexcept : turn_(std::exchange(other.turn_, nullptr)) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (turn_ != nullptr) turn_->pass();
    }

   private:
    Turn* turn_;
  };

  auto take() {
    struct Awaiter {
      Turn& turn;
      bool await_ready() const noexcept { return !std::exchange(turn.taken_, true); }
      void await_suspend(std::coroutine_handle<> waiting) { turn.waiting_.push_back(waiting); }
      Guard await_resume() noexcept { return Guard(turn); }
    };
    return Awaiter{*this};
  }

 private:
  void pass() {
    if (waiting_.empty()) {
      taken_ = false;
      return;
    }
    const std::coroutine_handle<> next = waiting_.front();
    waiting_.pop_front();
    next.resume();
  }

  bool taken_ = false;
  std::deque<std::coroutine_handle<>> waiting_;
};

// One opendir(3). The entries are kept as long as it is open, so that every offset ever told stays right; reading from
// the start again lists the directory anew.
struct DirectoryHandle {
  NodeRef node;
  std::unique_ptr<client::DirectoryStream> stream;
  std::shared_ptr<Listing> listing;
  bool complete = false;  // the stream has ended
  bool begun = false;     // something has been read
  Turn turn;              // of who reads from the stream: a read may overtake an interrupted one
};

}  // namespace smb3fuse::fs
