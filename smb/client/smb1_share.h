// SPDX-License-Identifier: Apache-2.0
// Share over SMB1: operations by path are one message each; where two things are to be known, two messages go out
// together.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "smb/client/share.h"
#include "smb/client/share_status.h"
#include "smb/client/smb1_link.h"

namespace smb3fuse::client {

// What it was asked for as, and what the tree connect and the look at the root told.
struct Smb1Traits {
  std::string server;
  std::uint16_t port = 0;
  std::string name;
  std::u16string prefix;  // the mounted folder within the share; no separator at either end
  Attributes root;
  bool read_only = false;
};

class Smb1Share : public Share {
 public:
  Smb1Share(std::shared_ptr<Smb1Link> link, Smb1Traits traits) : link_(std::move(link)), traits_(std::move(traits)) {}

  bool is_lost() const override { return link_->channel->connection().is_lost(); }
  std::unique_ptr<Lease> make_lease(Lease::Holder& holder) override { return link_->leases.make(holder); }
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
  Task<Result<FileSystemInfo>> file_system_info() override;
  Task<Result<PosixAcls>> posix_acls(std::string path) override;

  FileTime now() const override { return local_time_now() + link_->clock_offset; }
  bool is_hidden_name(const std::string& name) const override;
  std::uint32_t maximum_read() const override { return link_->read_size; }
  std::uint32_t maximum_write() const override { return link_->write_size; }
  // It would take a question of its own, and nobody asks.
  bool case_sensitive() const override { return false; }
  bool has_posix_attributes() const override { return false; }
  bool has_posix_acls() const override { return false; }
  bool is_read_only() const override { return traits_.read_only; }
  const Attributes& root_attributes() const override { return traits_.root; }
  ShareStatus status() const override;

 protected:
  Smb1Link& wire() const { return *link_; }
  // The path on the wire, below the mounted folder.
  Result<std::u16string> wire_path(const std::string& path) const;
  // How much to read in one message with the open: no more comes in a chain than our buffer was said to hold.
  std::uint32_t first_read_of(const OpenRequest& request) const;
  // The open that `fid` names.
  std::unique_ptr<Open> adopt(std::uint16_t fid, const Attributes& known, bool write_through) const;
  // Sends what makes something at `path`, and asks what has come of it: 1, rarely 2.
  Task<Result<Attributes>> make(std::u16string path, smb1::Outgoing request);
  Task<std::error_code> remove_open(std::u16string path);
  Task<std::error_code> rename_within(std::u16string from, std::u16string to);

 private:
  Task<std::error_code> remove(std::u16string path);
  // By path it is one message, and two for the end of the file. A server without pass-through levels may set only what
  // is open.
  Task<std::error_code> set(std::u16string path, AttributeChanges changes);
  Task<std::error_code> set_by_path(std::u16string path, AttributeChanges changes);
  Task<std::error_code> set_by_open(std::u16string path, AttributeChanges changes);
  virtual Task<std::error_code> rename_over(std::u16string from, std::u16string to);

  std::shared_ptr<Smb1Link> link_;
  Smb1Traits traits_;
};

}  // namespace smb3fuse::client
