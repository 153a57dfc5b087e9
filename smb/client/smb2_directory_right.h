// SPDX-License-Identifier: Apache-2.0
// DirectoryRight over SMB2: a directory's lease where the server has them ([MS-SMB2] 3.2.4.3.8), else a CHANGE_NOTIFY
// that stands on it ([MS-SMB2] 3.2.4.20). Loop thread.
//
// A lease is lost with its first break, whatever would be left of it: what others do breaks it once, and what we do
// names its key. What a watch tells comes a little after the change; the server keeps what happens between an answer
// and the next request, and says STATUS_NOTIFY_ENUM_DIR when that was too much.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "smb/client/share.h"
#include "smb/client/smb2_leases.h"
#include "smb/client/smb2_link.h"

namespace smb3fuse::client {

class Smb2DirectoryRight final : public DirectoryRight,
                                 private Lease::Holder,
                                 public std::enable_shared_from_this<Smb2DirectoryRight> {
 public:
  // Null where the server has nothing of the kind, or nothing is to be kept.
  static std::shared_ptr<DirectoryRight> ask(std::shared_ptr<Smb2Link> link, std::u16string path,
                                             DirectoryRight::Holder& holder);
  ~Smb2DirectoryRight() override;
  Smb2DirectoryRight(const Smb2DirectoryRight&) = delete;
  Smb2DirectoryRight& operator=(const Smb2DirectoryRight&) = delete;

 private:
  Smb2DirectoryRight(std::shared_ptr<Smb2Link> link, std::u16string path, DirectoryRight::Holder& holder);

  void ask_lease();
  void handle_leased(const Answer& created);
  void handle_break(Rights left, std::function<void()> done) override;

  void ask_watch();
  void handle_seen(std::size_t index, const Answer& answer);
  void watch_on(bool may_be_removed);
  void handle_notified(const Answer& answer);

  CreateParameters parameters() const;
  void close();
  void lose();

  const std::shared_ptr<Smb2Link> link_;
  const std::u16string path_;
  DirectoryRight::Holder& holder_;
  std::optional<Smb2Lease> lease_;
  std::optional<wire::FileId> file_;
};

}  // namespace smb3fuse::client
