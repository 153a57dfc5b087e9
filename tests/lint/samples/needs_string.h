// SPDX-License-Identifier: Apache-2.0
// A header that does not compile alone: what lint/headers_alone must find.
#pragma once

struct NeedsString {
  std::string missing_include;
};
