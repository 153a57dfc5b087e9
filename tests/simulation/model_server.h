// SPDX-License-Identifier: Apache-2.0
// An SMB2 server that several clients share: files with their data, times and names, opens, and leases, which it
// grants, takes back and waits for as Samba 4.17 does, and as [MS-SMB2] and [MS-FSA] let others do. Each client speaks
// to a ScriptedServer of its own, which judges the protocol; the files behind them are one set. READs, WRITEs and
// FLUSHes are carried out after a time of their own, the rest in order.
//
// One folder, no other directories. What a client must never do stands in `complaints`.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smb/client/attributes.h"
#include "smb/wire/create.h"
#include "tests/simulation/agenda.h"
#include "tests/support/scripted_server.h"

namespace smb3fuse::simulation {

// A message of a client, on its way through the server.
struct Job;

// How servers differ.
struct ServerKind {
  wire::Dialect dialect = wire::Dialect::smb_3_1_1;
  bool leases = true;  // else oplocks
  std::uint32_t largest_lease =
      wire::SMB2_LEASE_READ_CACHING | wire::SMB2_LEASE_HANDLE_CACHING | wire::SMB2_LEASE_WRITE_CACHING;
  bool answers_late = false;              // so that a break may overtake the answer that it belongs to
  bool guards_all_targets = false;        // no rename over a file that any client has open; else over the renamer's own
  bool breaks_handles_on_delete = false;  // Samba 4.17 does not
  bool refuses_writes = false;            // now and then, as where the disk is full; but not those to the log
};

inline constexpr const char* kLog = "log";

class ModelServer {
 public:
  using FileNumber = std::uint64_t;  // the file's id on disk

  ModelServer(client::Runtime& runtime, Agenda& agenda, ServerKind kind);
  ModelServer(const ModelServer&) = delete;
  ModelServer& operator=(const ModelServer&) = delete;

  // A connection. `send`: what goes to the client.
  std::size_t add_client(std::function<void(Bytes)> send);
  void receive(std::size_t client, Bytes message) { sessions_[client]->server.receive(std::move(message)); }

  // What an oracle may know.
  struct Binding {
    TimePoint since;
    FileNumber file;  // 0: none
  };
  const std::vector<Binding>& bindings(const std::string& name) const;
  const std::string* content(FileNumber file) const;
  client::FileTime last_write_time(FileNumber file) const;
  // The client holds the right to write, and nobody is asking for it.
  bool holds_write(std::size_t client, FileNumber file) const;
  // When the client was last told that it loses the right to read the file.
  std::optional<TimePoint> last_loss(std::size_t client, FileNumber file) const;
  client::FileTime clock() const;
  std::size_t opens() const { return opens_.size(); }
  // A write that the server carries out: where its bytes came to lie.
  std::function<void(FileNumber file, std::uint64_t offset, const std::string& bytes)> on_write;
  // A client's open that empties a file.
  std::function<void(std::size_t client, FileNumber file)> on_emptied;
  // A write that it refuses.
  std::function<void(std::size_t client, FileNumber file, std::uint64_t offset, std::size_t length)> on_refused;
  std::vector<std::string> complaints() const;

  bool trace = false;

 private:
  struct File {
    FileNumber number = 0;
    std::string data;
    std::string name;  // empty: it has none any more
    bool is_directory = false;
    bool delete_pending = false;
    std::uint32_t attributes = wire::FILE_ATTRIBUTE_NORMAL;
    client::FileTime created = 0;
    client::FileTime written = 0;
    client::FileTime changed = 0;
  };
  using FileRef = std::shared_ptr<File>;

  // Keys are random; what goes through the leases in their order must not be. An oplock is the lease of one open, with
  // the open's id for a key: level II is R, exclusive RW, batch RWH.
  struct LeaseId {
    std::size_t client;
    std::size_t number;  // of the key, as they came
    wire::LeaseKey key;
    friend auto operator<=>(const LeaseId&, const LeaseId&) = default;
  };
  struct Grant {
    FileRef file;
    std::uint32_t state = wire::SMB2_LEASE_NONE;
    std::uint16_t epoch = 0;
    std::optional<wire::FileId> oplock_of;
    bool breaking = false;
    std::uint32_t breaking_to = 0;
    std::uint32_t required = 0;  // what it has to come down to in the end
    TimePoint since;             // breaking
    std::size_t opens = 0;
  };
  struct Opening {
    FileRef file;
    std::size_t client = 0;
    std::optional<LeaseId> lease;
    bool for_attributes = false;  // takes no part in who may keep what
    bool delete_on_close = false;
    bool keeps_time = false;  // a time was set through it
    std::size_t busy = 0;     // READs and WRITEs that are not carried out
  };
  struct Session {
    explicit Session(test::ServerOptions options) : server(std::move(options)) {}
    test::ScriptedServer server;
    std::shared_ptr<Job> collecting;
  };
  using JobRef = std::shared_ptr<Job>;
  using Reply = std::optional<test::ServerReply>;  // nothing: it waits

  Reply take(std::size_t client, const test::ServerRequest& request);
  void run(const JobRef& job);
  Reply step(const JobRef& job, const test::ServerRequest& part);
  void answer(const JobRef& job, const test::ServerRequest& part, test::ServerReply reply);
  Reply wait_for_change(const JobRef& job, const test::ServerRequest& part);
  void wake();

  Reply create(const JobRef& job, const test::ServerRequest& part);
  bool ask_writers(const File& file, std::optional<LeaseId> own, bool overwrites);
  std::vector<wire::CreateContext> grant_lease(std::size_t client, const FileRef& file,
                                               const wire::CreateRequest& asked, Opening& opening);
  wire::OplockLevel grant_oplock(std::size_t client, const FileRef& file, wire::OplockLevel asked, Opening& opening);
  bool is_shared(const FileRef& file, std::optional<LeaseId> own) const;
  Reply close(const JobRef& job, const test::ServerRequest& part, wire::FileId id);
  Reply read(Opening& open, const test::ServerRequest& part);
  Reply write(Opening& open, const test::ServerRequest& part);
  Reply query(Opening& open, const test::ServerRequest& part);
  Reply set(const JobRef& job, Opening& open, const test::ServerRequest& part);
  Reply rename(const JobRef& job, Opening& open, const test::ServerRequest& part, const std::string& to, bool replace);
  LeaseId lease_of(std::size_t client, const wire::LeaseKey& key);
  Reply acknowledge(std::size_t client, const test::ServerRequest& part);
  // False: the answer to an acknowledgment that is none.
  bool end_break(const LeaseId& id, std::uint32_t left);

  void begin_break(const LeaseId& id, Grant& grant, std::uint32_t to);
  void take_from_readers(const Opening& by);
  void change_size(const Opening& by, std::uint64_t size);
  void note_written(const Opening& by);
  void remove_name(File& file);
  void bind(const std::string& name, FileNumber file) { bindings_[name].push_back({runtime_.now(), file}); }
  FileRef find(const std::string& name) const;
  void complain(std::string what) { complaints_.push_back(std::move(what)); }
  void say(const std::string& what) const;

  client::Runtime& runtime_;
  Agenda& agenda_;
  const ServerKind kind_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::map<FileNumber, FileRef> files_;
  std::map<wire::LeaseKey, std::size_t> keys_;
  std::map<LeaseId, Grant> grants_;
  std::map<wire::FileId, Opening> opens_;
  std::map<std::pair<std::size_t, FileNumber>, TimePoint> losses_;
  std::map<std::string, std::vector<Binding>> bindings_;
  std::vector<JobRef> waiting_;
  FileNumber next_file_ = 100;
  std::uint64_t next_open_ = 1;
  std::vector<std::string> complaints_;
};

}  // namespace smb3fuse::simulation
