// SPDX-License-Identifier: Apache-2.0
// Share over SMB2: each operation of the engine's face as one compound. [MS-SMB2] 3.2.4.1.4
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "smb/client/share.h"
#include "smb/client/share_status.h"
#include "smb/client/smb2_link.h"

namespace smb3fuse::client {

// What it was asked for as, and what the tree connect and the first look at the root told.
struct ShareTraits {
  std::string server;
  std::uint16_t port = 0;
  std::string name;
  std::u16string prefix;  // the mounted folder within the share; no '\' at either end
  Attributes root;
  bool case_sensitive = false;
  bool read_only = false;
  bool encrypted = false;  // by itself, if not by its session
};

class Smb2Share final : public Share {
 public:
  Smb2Share(std::shared_ptr<Smb2Link> link, ShareTraits traits) : link_(std::move(link)), traits_(std::move(traits)) {}

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
  std::uint32_t maximum_read() const override { return link_->affordable(link_->read_size); }
  std::uint32_t maximum_write() const override { return link_->affordable(link_->write_size); }
  bool case_sensitive() const override { return traits_.case_sensitive; }
  bool has_posix_attributes() const override { return false; }
  bool has_posix_acls() const override { return false; }
  bool is_read_only() const override { return traits_.read_only; }
  const Attributes& root_attributes() const override { return traits_.root; }
  ShareStatus status() const override;

 private:
  // The path on the wire, below the mounted folder.
  Result<std::u16string> wire_path(const std::string& path) const;
  Task<std::error_code> remove(std::u16string path, bool clear_readonly, bool keep_for_opens);

  std::shared_ptr<Smb2Link> link_;
  ShareTraits traits_;
};

}  // namespace smb3fuse::client
