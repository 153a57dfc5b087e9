// SPDX-License-Identifier: Apache-2.0
// The window of message ids that the server has granted us. [MS-SMB2] 3.2.4.1.2, 3.2.4.1.5, 3.2.4.1.6, 3.2.5.1.4
//
// A credit is the right to use one message id; a request of many 64 KiB units uses that many ids in a row. Ids are
// used strictly in order, so the window is a next id and a number of credits.
#pragma once

#include <algorithm>
#include <cstdint>

namespace smb3fuse::smb2 {

// [MS-SMB2] 3.2.4.1.5: one credit for each 64 KiB, or part of it, of the larger of what is sent and what may come back.
inline constexpr std::uint32_t kBytesPerCredit = 65536;

constexpr std::uint16_t credit_charge(std::uint32_t send_bytes, std::uint32_t response_bytes) {
  const std::uint32_t larger = std::max({send_bytes, response_bytes, std::uint32_t{1}});
  return static_cast<std::uint16_t>((larger - 1) / kBytesPerCredit + 1);
}

class CreditWindow {
 public:
  // `target`: as many credits as we try to own, in hand and in flight together.
  explicit CreditWindow(std::uint16_t target) : target_(target) {}

  std::uint32_t available() const { return available_; }
  // What was paid for requests that no answer has come to yet: while it is 0, no credits are on their way.
  std::uint32_t in_flight() const { return in_flight_; }
  std::uint32_t owned() const { return available_ + in_flight_; }
  bool can_take(std::uint32_t charge) const { return charge <= available_; }

  // The first of `charge` message ids in a row.
  std::uint64_t take(std::uint32_t charge) {
    const std::uint64_t first = next_message_id_;
    next_message_id_ += charge;
    available_ -= charge;
    in_flight_ += charge;
    return first;
  }

  // What a request that costs `charge` asks for: its own back, and as many more as we are short of the target. The
  // answer to a request grants at most what it asked for, so growth takes as many requests as the server likes.
  std::uint16_t request_for(std::uint32_t charge) const {
    const std::uint32_t missing = owned() < target_ ? target_ - owned() : 0;
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(charge + missing, 0xFFFF));
  }

  // An answer to a request that cost `charge` brought `granted`.
  void settle(std::uint32_t charge, std::uint32_t granted) {
    in_flight_ -= std::min(charge, in_flight_);
    available_ = std::min(available_ + granted, kMaximumCredits);
  }

  // A server that grants without end must not make the counters wrap.
  static constexpr std::uint32_t kMaximumCredits = 65535;

 private:
  std::uint16_t target_;
  std::uint64_t next_message_id_ = 0;
  std::uint32_t available_ = 1;  // [MS-SMB2] 3.2.1.2: a connection starts with one, id 0
  std::uint32_t in_flight_ = 0;
};

}  // namespace smb3fuse::smb2
