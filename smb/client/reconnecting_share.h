// SPDX-License-Identifier: Apache-2.0
// A share that outlives its connections: when one is lost, whatever is asked next makes another, with all the steps of
// connect(). So a mount lives on after a server has dropped an idle connection ([MS-CIFS] 3.3.2.2) or was started anew,
// and after a laptop has slept.
//
// What was open on the lost connection stays lost (Open::is_lost), and with it all rights. A question that the loss has
// left unanswered is asked again, unless somebody has waited for the answer long enough; a change is not, for it may
// have been made: its caller is told STATUS_CONNECTION_DISCONNECTED, as are all while there is no way to the server. An
// attempt that fails is followed by a pause, in which everything fails at once with the same error: a second at first,
// up to half a minute, and longer where the server refuses the credentials, so that no account is locked. Loop thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "smb/client/connect.h"
#include "smb/client/runtime.h"
#include "smb/client/share.h"
#include "smb/client/share_status.h"
#include "smb/client/task.h"

namespace smb3fuse::client {

class ReconnectingShare final : public Share {
 public:
  using Connect = std::function<Task<tl::expected<std::unique_ptr<Share>, ConnectError>>()>;

  // `runtime`, and what `connect` uses, outlive it.
  ReconnectingShare(Runtime& runtime, std::unique_ptr<Share> connected, Connect connect)
      : runtime_(runtime),
        connect_(std::move(connect)),
        current_(std::move(connected)),
        root_attributes_(current_->root_attributes()) {}

  bool is_lost() const override { return current_->is_lost(); }
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
  Task<Result<FileSystemInfo>> file_system_info() override;
  Task<Result<PosixAcls>> posix_acls(std::string path) override;

  FileTime now() const override { return current_->now(); }
  bool is_hidden_name(const std::string& name) const override { return current_->is_hidden_name(name); }
  std::uint32_t maximum_read() const override { return current_->maximum_read(); }
  std::uint32_t maximum_write() const override { return current_->maximum_write(); }
  bool case_sensitive() const override { return current_->case_sensitive(); }
  bool has_posix_attributes() const override { return current_->has_posix_attributes(); }
  bool has_posix_acls() const override { return current_->has_posix_acls(); }
  bool is_read_only() const override { return current_->is_read_only(); }
  // As they were when it was connected first.
  const Attributes& root_attributes() const override { return root_attributes_; }
  ShareStatus status() const override;

 private:
  using Connection = std::shared_ptr<Share>;
  class LeaseOverConnections;

  // May it be asked again if the connection was lost before the answer came?
  enum class Again : std::uint8_t { yes, no };
  template <class Answer, class Ask>
  Task<Answer> run(Again again, Ask ask);
  Task<std::error_code> connect_anew();
  Task<void> attempt();
  static Lease* lease_under(Lease* lease, const Connection& connection);

  Runtime& runtime_;
  const Connect connect_;
  Connection current_;
  const Attributes root_attributes_;
  std::uint64_t connections_ = 1;

  bool connecting_ = false;
  std::map<std::uint64_t, std::function<void(std::error_code)>> waiting_;  // for that
  std::uint64_t last_waiting_ = 0;
  std::error_code failure_;  // of the last attempt
  Duration pause_{};         // after it
  TimePoint not_before_{};
};

// As connect(), by which it is connected again each time.
Task<tl::expected<std::unique_ptr<Share>, ConnectError>> connect_lasting(Runtime& runtime, Dialer& dialer,
                                                                         std::shared_ptr<const ConnectConfig> config);

}  // namespace smb3fuse::client
