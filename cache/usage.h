// SPDX-License-Identifier: Apache-2.0
// What the caches hold at the moment and have done so far. Plain numbers, for people to look at; nothing is decided by
// them.
#pragma once

#include <cstdint>

namespace smb3fuse::cache {

// Of all files. They only grow.
struct Counts {
  std::uint64_t reads = 0;
  std::uint64_t reads_from_memory = 0;  // of these, answered without waiting for the server
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_from_memory = 0;  // of these, here when they were asked for
  std::uint64_t bytes_ahead = 0;        // fetched before anybody asked for them
  std::uint64_t bytes_ahead_used = 0;   // of these, in pieces of which something was read; also while on their way
  std::uint64_t writes = 0;
  std::uint64_t bytes_written = 0;
};

// Bytes, of one file or of several.
struct Usage {
  std::uint64_t clean = 0;      // as the server has them
  std::uint64_t unread = 0;     // of these, fetched ahead and not read yet
  std::uint64_t dirty = 0;      // written here, not sent; or refused by the server, until that is told
  std::uint64_t in_flight = 0;  // in a WRITE under way
  std::uint64_t fetching = 0;   // a READ under way brings them

  Usage& operator+=(const Usage& more) {
    clean += more.clean;
    unread += more.unread;
    dirty += more.dirty;
    in_flight += more.in_flight;
    fetching += more.fetching;
    return *this;
  }
};

}  // namespace smb3fuse::cache
