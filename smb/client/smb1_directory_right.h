// SPDX-License-Identifier: Apache-2.0
// DirectoryRight over SMB1: an NT_TRANSACT_NOTIFY_CHANGE that stands on the directory. [MS-CIFS] 2.2.7.4 Loop thread.
//
// No answer tells that it stands. A question about the directory goes out behind it: when that is answered, the server
// has had the other one, too, or is about to. The server keeps what happens between an answer and the next request.
// Each watch holds a place of MaxMpxCount for as long as it stands, so there are few of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "smb/client/share.h"
#include "smb/client/smb1_link.h"

namespace smb3fuse::client {

class Smb1DirectoryRight final : public DirectoryRight, public std::enable_shared_from_this<Smb1DirectoryRight> {
 public:
  // Null where the server has nothing of the kind or no room for another, or nothing is to be kept.
  static std::shared_ptr<DirectoryRight> ask(std::shared_ptr<Smb1Link> link, std::u16string path,
                                             DirectoryRight::Holder& holder);
  ~Smb1DirectoryRight() override;
  Smb1DirectoryRight(const Smb1DirectoryRight&) = delete;
  Smb1DirectoryRight& operator=(const Smb1DirectoryRight&) = delete;

 private:
  Smb1DirectoryRight(std::shared_ptr<Smb1Link> link, DirectoryRight::Holder& holder);

  void open(std::u16string path);
  void handle_opened(std::uint16_t fid);
  void watch();
  void look();
  void handle_look(const Smb1Answer& answer);
  void handle_notified(const Smb1Answer& answer);
  void close();
  void lose();

  const std::shared_ptr<Smb1Link> link_;
  DirectoryRight::Holder& holder_;
  std::optional<std::uint16_t> fid_;
  std::optional<smb1::RequestId> standing_;  // the watch, once it is sent
  bool granted_ = false;
};

}  // namespace smb3fuse::client
