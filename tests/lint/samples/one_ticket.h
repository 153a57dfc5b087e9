// SPDX-License-Identifier: Apache-2.0
// A sample for headers_together: another header has a struct of this name too.
#pragma once

namespace smb3fuse::lint_sample {
struct Ticket {
  int number;
};
}  // namespace smb3fuse::lint_sample
