// SPDX-License-Identifier: Apache-2.0
// The kernel's side of a mount: system calls of its programs, raw FUSE messages to libfuse and the Vfs below, and what
// Linux 6.1 keeps meanwhile, by its own rules: names and attributes for as long as they were said to be valid, pages
// over opens with KEEP_CACHE, dropped when size or mtime change (AUTO_INVAL_DATA), at a notification, or by an open
// without KEEP_CACHE. What it does only for speed (read-ahead, locks of single pages) it leaves out.
//
// One folder. Each call is a Task; it ends when the system call would return.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fuse/kernel_caches.h"
#include "fuse/ops.h"
#include "fuse/vfs.h"
#include "smb/client/task.h"
#include "tests/simulation/agenda.h"

namespace smb3fuse::simulation {

class ModelKernel final : public fs::KernelCaches {
 public:
  static constexpr std::uint64_t kPage = 16;  // bytes: small files have several

  ModelKernel(client::Runtime& runtime, Agenda& agenda, cache::BufferPool& pool);
  ~ModelKernel();
  ModelKernel(const ModelKernel&) = delete;
  ModelKernel& operator=(const ModelKernel&) = delete;

  // The Vfs that answers; before anything else. It outlives the kernel's calls.
  void attach(fs::Vfs& vfs);

  struct Inode {
    fs::NodeId id = 0;
    std::uint64_t number = 0;  // st_ino
    std::uint64_t size = 0;
    timespec mtime{};
    TimePoint valid_until{};
    std::uint64_t version = 0;  // of the attributes
    std::uint64_t lookups = 0;
    std::size_t uses = 0;                          // by calls and open files
    std::map<std::uint64_t, std::string> pages{};  // by the first byte
    bool locked = false;                           // pages are being filled or written
    bool drops = false;                            // what is in them then, too
    std::vector<std::function<void(bool)>> waiting{};
  };
  using InodeRef = std::shared_ptr<Inode>;

  // An open file of a program.
  struct Descriptor {
    InodeRef inode;
    std::uint64_t handle = 0;
    int flags = 0;
    bool direct = false;
    TimePoint opened;  // when the call began
  };
  using File = std::shared_ptr<Descriptor>;

  template <class T>
  struct Outcome {
    int error = 0;
    T value{};
  };
  struct Status {
    std::uint64_t number = 0;
    std::uint64_t size = 0;
    timespec mtime{};
  };

  client::Task<Outcome<File>> open(std::string name, int flags);
  client::Task<Outcome<std::string>> read(File file, std::uint64_t offset, std::size_t length);
  // With O_APPEND in the flags of the open `offset` does not count.
  client::Task<int> write(File file, std::uint64_t offset, std::string bytes);
  client::Task<int> truncate(File file, std::uint64_t size);
  client::Task<int> set_time(File file, timespec mtime);
  client::Task<int> sync(File file);
  client::Task<int> close(File file);
  client::Task<Outcome<Status>> status(File file);
  client::Task<Outcome<Status>> status(std::string name);
  client::Task<int> remove(std::string name);
  client::Task<int> rename(std::string from, std::string to);
  // As memory pressure does: names and files that nobody uses are forgotten, pages of others dropped.
  void shrink();

  // KernelCaches
  void invalidate_data(fs::NodeId id, Done done) override;
  void invalidate_attributes(fs::NodeId id, Done done) override;
  void invalidate_entry(fs::NodeId, std::string_view name, Done done) override { drop_name(name, done); }
  void expire_entry(fs::NodeId, std::string_view name, Done done) override { drop_name(name, done); }
  bool can_expire() const override { return true; }

 private:
  struct Reply {
    int error = 0;  // an errno
    std::string body;
    template <class T>
    T as(std::size_t offset = 0) const;
  };
  struct Context final : fs::OperationContext {
    Context(fs::OperationContext base, ModelKernel& its_kernel)
        : fs::OperationContext(std::move(base)), kernel(its_kernel) {}
    ModelKernel& kernel;
  };
  struct Name {
    InodeRef inode;
    TimePoint valid_until;
  };
  class Use;

  static ssize_t take_reply(int descriptor, iovec* parts, int count, void* user_data);
  static ssize_t no_request(int, void*, std::size_t, void*) { return 0; }
  void process(const std::string& message);
  std::string message_of(std::uint32_t opcode, fs::NodeId node, const std::string& body);
  client::Task<Reply> ask(std::uint32_t opcode, fs::NodeId node, std::string body);

  client::Task<Outcome<InodeRef>> look_up(std::string name);
  client::Task<Outcome<File>> create(std::string name, int flags);
  InodeRef adopt(const std::string& name, const Reply& reply, std::uint64_t version);
  File opened(const InodeRef& inode, std::uint64_t handle, std::uint32_t open_flags, int flags, TimePoint since);
  client::Task<Outcome<Status>> refresh(InodeRef inode);
  client::Task<int> refresh_for_read(InodeRef inode);
  client::Task<int> set_attributes(InodeRef inode, std::string body);
  void learn(Inode& inode, const std::string& attributes, TimePoint valid_until, std::uint64_t version);
  void note_write(Inode& inode, std::uint64_t end);
  TimePoint valid_until(std::uint64_t seconds, std::uint32_t nanoseconds) const;
  client::Task<void> lock(InodeRef inode);
  void unlock(Inode& inode);
  static void drop_pages(Inode& inode);
  client::Task<void> drop_data(fs::NodeId id, Done done);
  void drop_attributes(Inode& inode);
  void drop_name(std::string_view name, const Done& done);
  void drop_unused(const InodeRef& inode);

  client::Runtime& runtime_;
  Agenda& agenda_;
  cache::BufferPool& pool_;
  const Channel notifications_;
  std::unique_ptr<Context> context_;
  fuse_session* session_ = nullptr;
  std::uint64_t next_unique_ = 0;
  std::uint64_t version_ = 1;  // of attributes, of all files
  std::map<std::uint64_t, std::function<void(Reply)>> waiting_;
  std::map<fs::NodeId, InodeRef> inodes_;
  std::map<std::string, Name> names_;
};

}  // namespace smb3fuse::simulation
