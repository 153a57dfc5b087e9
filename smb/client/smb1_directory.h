// SPDX-License-Identifier: Apache-2.0
// One enumeration over SMB1: pages of FIND_FIRST2 and FIND_NEXT2, one always on its way.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "smb/client/share.h"
#include "smb/client/smb1_link.h"

namespace smb3fuse::client {

class Smb1Directory final : public DirectoryStream {
 public:
  // `prefix`: the path of the directory with a separator behind it, or nothing for the root, under which its entries
  // are opened when they turn out to be links. `first`: the answer to FIND_FIRST2.
  Smb1Directory(std::shared_ptr<Smb1Link> link, std::u16string prefix, Attributes attributes, const Smb1Answer& first);
  ~Smb1Directory() override;

  const Attributes& attributes() const override { return attributes_; }
  Task<Result<std::vector<DirectoryEntry>>> next() override;

 private:
  // Shared with the request in flight, which may outlast the stream.
  struct State {
    std::shared_ptr<Smb1Link> link;
    std::deque<Result<std::vector<DirectoryEntry>>> pages;
    std::uint16_t sid = 0;
    cifs::Text last_name;  // as the server told it, whatever it is
    bool ended = false;    // and the server has closed the enumeration
    bool asking = false;
    bool abandoned = false;
    std::function<void(bool)> waiting;

    void take_first(const Smb1Answer& answer);
    void take_next(const Smb1Answer& answer);
    void take_entries(const Smb1Answer& answer, std::size_t count, bool is_last);
    std::optional<std::string> take_name(ByteView name);
    void fail(std::error_code error);
    void close();
  };

  void ask();

  std::u16string prefix_;
  Attributes attributes_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace smb3fuse::client
