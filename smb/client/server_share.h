// SPDX-License-Identifier: Apache-2.0
// A whole server as one Share: a folder that nobody can write, and in it a folder for each of its disk shares, which is
// connected when somebody first needs what is in it. Shares that are hidden (C$, or left out by the server) are there
// for who knows their name.
//
// A share's own folder is told from its name alone, so that looking at it costs nothing; everything below is the
// share's. What would go from one share to another is STATUS_NOT_SAME_DEVICE. Loop thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "smb/client/connect.h"
#include "smb/client/list_shares.h"
#include "smb/client/renumbered.h"
#include "smb/client/share.h"

namespace smb3fuse::client {

class ServerShare final : public Share {
 public:
  using Listed = tl::expected<std::vector<ListedShare>, ConnectError>;
  using Connected = tl::expected<std::unique_ptr<Share>, ConnectError>;
  // How the server is asked, each time by a connection of its own. They are called as long as this lives, and what they
  // return ends before it does.
  struct Access {
    std::function<Task<Listed>()> list;
    std::function<Task<Connected>(std::string share)> connect;
  };

  // `shares`: as they were listed just now. `runtime` outlives it.
  ServerShare(Runtime& runtime, std::string server, Access access, const std::vector<ListedShare>& shares);
  ~ServerShare() override;

  // Each share takes care of its own connection.
  bool is_lost() const override { return false; }
  std::unique_ptr<Lease> make_lease(Lease::Holder& holder) override;
  std::shared_ptr<DirectoryRight> ask_directory_right(std::string path, DirectoryRight::Holder& holder) override;
  Task<Result<Attributes>> stat(std::string path) override;
  Task<Result<OpenResult>> open(OpenRequest request) override;
  Task<Result<std::unique_ptr<DirectoryStream>>> open_directory(std::string path) override;
  Task<Result<Attributes>> make_directory(std::string path, std::uint32_t mode) override;
  Task<Result<Attributes>> make_special(std::string path, PosixAttributes what) override;
  Task<std::error_code> remove_file(std::string path, RemoveHint hint) override;
  Task<std::error_code> remove_directory(std::string path) override;
  Task<std::error_code> rename(std::string from, std::string to, bool replace, Lease* lease) override;
  Task<std::error_code> link(std::string existing, std::string new_path) override;
  Task<std::error_code> set_attributes(std::string path, AttributeChanges changes) override;
  Task<Result<Attributes>> make_symlink(std::string path, std::string target) override;
  // All shares that are connected, together.
  Task<Result<FileSystemInfo>> file_system_info() override;
  Task<Result<PosixAcls>> posix_acls(std::string path) override;

  FileTime now() const override;
  bool is_hidden_name(const std::string& name) const override;
  std::uint32_t maximum_read() const override;
  std::uint32_t maximum_write() const override;
  bool case_sensitive() const override { return false; }
  bool has_posix_attributes() const override;
  bool has_posix_acls() const override;
  bool is_read_only() const override { return false; }
  const Attributes& root_attributes() const override { return root_; }
  // The numbers of all connections together, the rest of one that is lost, if there is one.
  ShareStatus status() const override;

 private:
  // A share that is connected, or about to be.
  struct Member {
    explicit Member(const std::string& key);
    FileIds ids;
    std::unique_ptr<Share> share;
    std::error_code error;  // why there is none
    std::vector<std::function<void(bool)>> waiting;
  };
  // A name that the server knows no share of, or none with files.
  struct Missing {
    std::error_code error;
    TimePoint until;
  };

  void take_list(const std::vector<ListedShare>& shares);
  Attributes folder_attributes(const std::string& share) const;
  Task<Result<std::shared_ptr<Member>>> enter(std::string share);
  template <class Get>
  std::uint32_t least(Get get) const;

  Runtime& runtime_;
  const std::string server_;
  const Access access_;
  const TimePoint since_;
  Attributes root_;
  std::vector<std::string> shown_;
  TimePoint listed_at_;
  // By their names in small letters: share names have no case.
  std::map<std::string, std::shared_ptr<Member>> members_;
  std::map<std::string, Missing> missing_;
};

// Lists the shares of a server and makes a ServerShare of them. `config_of` is asked for each connection anew, and with
// "" for that which lists.
Task<tl::expected<std::unique_ptr<Share>, ConnectError>> connect_server(
    Runtime& runtime, Dialer& dialer, std::function<ConnectConfig(std::string share)> config_of);

}  // namespace smb3fuse::client
