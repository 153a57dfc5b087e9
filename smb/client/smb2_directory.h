// SPDX-License-Identifier: Apache-2.0
// One enumeration over SMB2: pages of QUERY_DIRECTORY, one always on its way.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "smb/client/share.h"
#include "smb/client/smb2_link.h"

namespace smb3fuse::client {

class Smb2Directory final : public DirectoryStream {
 public:
  // Takes over the open that `file_id` names. `prefix`: the path of the directory with '\' behind it, or nothing for
  // the root, under which its entries are opened when they turn out to be links.
  Smb2Directory(std::shared_ptr<Smb2Link> link, wire::FileId file_id, std::u16string prefix, Attributes attributes);
  ~Smb2Directory() override;

  // The answer to a QUERY_DIRECTORY that was sent together with the CREATE.
  void take(const Answer& answer) { state_->take(answer); }

  const Attributes& attributes() const override { return attributes_; }
  Task<Result<std::vector<DirectoryEntry>>> next() override;

  // Bytes of one page: ever, and now.
  static std::uint32_t largest_page(const Smb2Link& link);
  static std::uint32_t page_size(const Smb2Link& link);

 private:
  // Shared with the query in flight, which may outlast the stream.
  struct State {
    std::deque<Result<std::vector<DirectoryEntry>>> pages;
    bool ended = false;
    bool querying = false;
    std::function<void(bool)> waiting;
    NameMapping name_mapping = NameMapping::sfm;

    void take(const Answer& answer);
  };

  void query();

  std::shared_ptr<Smb2Link> link_;
  wire::FileId file_id_;
  std::u16string prefix_;
  Attributes attributes_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// How many requests a CREATE is followed by at once: a second page, so that the end of a short listing is known in the
// same round trip.
inline constexpr std::uint32_t kFirstPages = 2;

}  // namespace smb3fuse::client
