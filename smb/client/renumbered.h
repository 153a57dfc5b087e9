// SPDX-License-Identifier: Apache-2.0
// Shares beside each other in one mount: the file ids of each are told with a number of its own mixed in, so that files
// of two shares are never taken for one. Loop thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "smb/client/share.h"

namespace smb3fuse::client {

class FileIds {
 public:
  explicit FileIds(std::uint64_t number) : number_(number) {}

  Attributes renumbered(Attributes attributes) const {
    if (attributes.file_id != 0) attributes.file_id ^= number_;
    return attributes;
  }
  std::unique_ptr<Open> renumbered(std::unique_ptr<Open> open) const;
  // `own`: the directory's attributes, if they are not those that the stream tells.
  std::unique_ptr<DirectoryStream> renumbered(std::unique_ptr<DirectoryStream> stream,
                                              std::optional<Attributes> own) const;

 private:
  std::uint64_t number_;
};

}  // namespace smb3fuse::client
